package main

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/projectimages"
	"github.com/ksrelease/ksrelease/internal/report"
)

type imagesCommand struct {
	List imagesListCommand `cmd:"" help:"List the container images that the extensions need, each once, with who needs it and where."`
}

// imagesFlags are those of all commands on images.
type imagesFlags struct {
	app.Place
	app.Deadline
	app.HookFlags
	Names []string `arg:"" optional:"" name:"name" help:"Only the images of these extensions."`
}

// gather finds the images. Texts that are no image are reported; incomplete is set where not all
// is known. Both are nil where nothing is.
func (c *imagesFlags) gather(ctx context.Context, a *app.App) (p *app.Project, found *projectimages.Found, incomplete, err error) {
	if p, err = c.Open(ctx, a); err != nil {
		return nil, nil, nil, err
	}
	if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "images", DryRun: true}); err != nil {
		return nil, nil, nil, err
	}
	a.WarnOnStderr()
	if found, incomplete = projectimages.Gather(ctx, p, c.Names); found == nil {
		return nil, nil, nil, incomplete
	}
	for _, warning := range found.Warnings {
		a.Warnings.Add(warning)
	}
	for _, problem := range found.Unreadable {
		a.Stderr.Print("%s", report.Problem(a.Redact.Diagnostic(problem), a.Stderr.Columns()))
	}
	if len(found.Unreadable) > 0 && incomplete == nil {
		incomplete = &app.OutcomeError{Code: app.ExitNotReleased}
	}
	return p, found, incomplete, nil
}

type imagesListCommand struct {
	imagesFlags
	Output string `enum:"text,json,names" default:"text" help:"text, json, or names: the images, one a line."`
}

// Run lists the images. No registry is asked.
func (c *imagesListCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	_, found, incomplete, err := c.gather(ctx, a)
	if err != nil {
		return err
	}
	switch c.Output {
	case "json":
		found.ListJSON(a.Stdout)
	case "names":
		found.ListNames(a.Stdout)
	default:
		found.ListText(a.Stdout)
	}
	return incomplete
}
