package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/places"
	"github.com/ksrelease/ksrelease/internal/status"
	"github.com/ksrelease/ksrelease/internal/target"
)

type statusCommand struct {
	app.Place
	app.Deadline
	app.CacheFlag
	app.LocalFlags
	app.Since
	app.HookFlags
	Names  []string `arg:"" optional:"" name:"name" help:"Only these extensions, with all versions of each that the marketplace has, and what reviewers said."`
	Target []string `placeholder:"TARGET" help:"Only these targets: names of the config, oci://HOST/PATH, https://HOST of a ChartMuseum, or folders."`
	Wait   bool     `help:"Wait until all that is submitted has been reviewed."`
	Output string   `enum:"text,json" default:"text" help:"text or json."`

	noKey bool // the marketplace was not asked for want of one, and no error says so
}

// Run prints the status of each extension.
func (c *statusCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "status", DryRun: true}); err != nil {
		return err
	}
	links, err := c.DialRefs(ctx, a, p, c.Target...)
	if err != nil {
		return err
	}
	defer links.Close()
	a.WarnOnStderr()
	seen, err := c.look(ctx, a, p, links)
	if seen == nil {
		return err
	}
	all := seen.Extensions
	market := links.Marketplace()
	switch {
	case err != nil && ctx.Err() != nil && !failure.Unauthorized(err):
		err = &graceful.CutError{Err: fmt.Errorf("%w before all was looked at", context.Cause(ctx))}
	case err != nil || !c.Wait || market == nil: // nothing else has reviews
	case !app.HasKey(market):
		err = target.ErrNoToken
	default:
		err = status.Wait(ctx, market, all, status.Waiting{First: a.ReviewWait, To: a.Stderr, Redact: a.Redact.Text})
	}
	if len(c.Names) > 0 && market != nil && app.HasKey(market) && !failure.Unauthorized(err) && ctx.Err() == nil {
		err = cmp.Or(err, status.AskHistory(ctx, market, all))
	}
	c.noKey = err == nil && market != nil && !app.HasKey(market) && len(all) > 0
	// What is known is shown, whatever ended the command.
	c.show(a, seen, err)
	return err
}

// show prints what is known. What is printed as the error of the command is not repeated.
func (c *statusCommand) show(a *app.App, seen *status.Document, printed error) {
	seen.Finished, seen.Warnings = time.Now().UTC(), a.Warnings.All()
	if printed != nil {
		seen.Error = a.CommandError(printed)
	}
	seen.Redact(&a.Redact)
	if c.Output == "json" {
		a.Stdout.JSON(seen, "  ")
		return
	}
	all := seen.Extensions
	if len(all) == 0 && c.Ref != "" {
		a.Stderr.Print("nothing changed since %s", c.Ref)
		return
	}
	a.Stdout.Print("%s", status.Table(all, a.Stdout.Columns(), printed))
	if c.noKey {
		a.Stderr.Print("the marketplace was not asked: no API key\n  → run ksrelease login, or set KSRELEASE_TOKEN")
	}
	for _, s := range all {
		if len(s.History) > 0 {
			a.Stdout.Print("\n%s in the marketplace:\n%s", s.Name, status.HistoryTable(s, a.Stdout.Columns()))
		}
	}
}

// look plans a run, and asks for what a plan does not need to know. Where something
// could not be asked it returns what is known with the first error; nothing where
// there is no project.
func (c *statusCommand) look(ctx context.Context, a *app.App, p *app.Project, links *app.Clients) (*status.Document, error) {
	options, err := p.Start(ctx, nil)
	if err != nil {
		return nil, err
	}
	options.Only, options.Targets, options.NamesTargets = c.Names, links.Targets(), (p.Config.NamesTargets || len(c.Target) > 0) && !c.IsLocal()
	run, result, err := p.DryRun(ctx, options, c.Since)
	if err != nil {
		return nil, err
	}
	refused := run.AuthRefused()
	for _, warning := range result.Warnings {
		a.Warnings.Add(warning)
	}
	seen := status.New(result, places.Shown(links.Targets(), localFolder(c.LocalFlags, p)))
	all := seen.Extensions
	if options.NamesTargets {
		return seen, cmp.Or(refused, status.AskTargets(ctx, links.Targets(), all, p.Config.Parallelism))
	}
	index, unread := links.Index(ctx)
	for i, x := range result.Extensions {
		if unread == nil {
			all[i].Repository, unread = index.Versions(ctx, x.Name)
		}
	}
	if refused != nil {
		return seen, refused
	}
	if !links.HasKey() {
		return seen, unread
	}
	return seen, cmp.Or(status.AskAll(ctx, links, all, p.Config.Parallelism), unread)
}
