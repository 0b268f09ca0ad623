package projectimages

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/images/mirror"
	"github.com/ksrelease/ksrelease/internal/images/release"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/progress"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/report"
)

// Commands are those of `ksrelease images`. Package main has them in its grammar.
type Commands struct {
	List   ListCommand   `cmd:"" help:"List the container images that the extensions need, each once, with who needs it and where."`
	Check  CheckCommand  `cmd:"" help:"Ask the registries whether all images are there, for the platforms that are asked for."`
	Mirror MirrorCommand `cmd:"" help:"Copy the images that are missing in a mirror registry, with all their platforms."`
}

// Flags are those of all commands on images.
type Flags struct {
	app.Place
	app.Deadline
	app.CacheFlag
	app.HookFlags
	Names []string `arg:"" optional:"" name:"name" help:"Only the images of these extensions."`
}

// gather finds the images. Texts that are no image are reported; incomplete is set where not all
// is known. found is nil where nothing is.
func (c *Flags) gather(ctx context.Context, a *app.App) (found *Found, incomplete, err error) {
	p, err := c.Open(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "images", DryRun: true}); err != nil {
		return nil, nil, err
	}
	a.WarnOnStderr()
	if found, incomplete = Gather(ctx, p, c.Names); found == nil {
		return nil, nil, incomplete
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
	return found, incomplete, nil
}

// ListCommand is `ksrelease images list`.
type ListCommand struct {
	Flags
	Output string `enum:"text,json,names" default:"text" help:"text, json, or names: the images, one a line."`
}

// Run lists the images. No registry is asked.
func (c *ListCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	found, incomplete, err := c.gather(ctx, a)
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

// Asking are the flags of commands that ask registries.
type Asking struct {
	Flags
	Platform    []string          `placeholder:"OS/ARCH" help:"Only these platforms, such as linux/amd64; default: those of the config, or all. May be repeated."`
	Parallelism commandline.Count `placeholder:"N" help:"Images at work at once; default: ${default}." default:"8"`
}

// gather is that of Flags, once the platforms are known to be some.
func (c *Asking) gather(ctx context.Context, a *app.App) (found *Found, incomplete, err error) {
	if err := app.CheckPlatforms(c.Platform); err != nil {
		return nil, nil, err
	}
	return c.Flags.gather(ctx, a)
}

// CheckCommand is `ksrelease images check`.
type CheckCommand struct {
	Asking
	Output string `enum:"text,json,names" default:"text" help:"text, json, or names: the images that are not there, one a line."`
}

// Run says of each image whether it is there. What cannot be asked is not called missing, and no success
// either.
func (c *CheckCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	found, incomplete, err := c.gather(ctx, a)
	if err != nil {
		return err
	}
	reach, err := Dial(a, found.Mirrors(), int(c.Parallelism))
	if err != nil {
		return err
	}
	defer reach.Close()
	meter := progress.New(a.Stderr)
	checked, err := found.Check(ctx, reach, c.Platform, meter)
	meter.Close()
	if err != nil {
		return err
	}
	switch c.Output {
	case "json":
		checked.JSON(a.Stdout, a.Redact.Text)
	case "names":
		checked.Names(a.Stdout)
	default:
		checked.Text(a.Stdout, a.Redact.Text)
	}
	if incomplete == nil && !checked.AllThere() {
		incomplete = &app.OutcomeError{Code: app.ExitNotReleased}
	}
	return incomplete
}

// MirrorCommand is `ksrelease images mirror`.
type MirrorCommand struct {
	Asking
	To        string `placeholder:"PREFIX" help:"The registry, and the path below which images are copied to, such as registry.example.com/mirror; default: images.mirror of the config."`
	Rename    string `placeholder:"FORM" default:"{path}" help:"With --to: what an image is called below it. {host} is its registry, {path} its name there, {name} the last part of that; default: ${default}."`
	CAFile    string `placeholder:"FILE" help:"With --to: certificate authorities of that registry, besides those of the system."`
	PlainHTTP bool   `help:"With --to: ask that registry by http and not by https."`
	Update    bool   `help:"Move tags of the mirror that name another image by now where they come from. Without it, a tag that is there stays."`
	DryRun    bool   `help:"Only say what would be copied, and how much that is."`
	Output    string `enum:"text,json" default:"text" help:"text or json."`
}

// Run copies what is missing.
func (c *MirrorCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	found, incomplete, err := c.gather(ctx, a)
	if err != nil {
		return err
	}
	mirrors, only, err := c.destination(found)
	if err != nil {
		return err
	}
	if len(mirrors) == 0 {
		return app.Usage(errors.New("there is no mirror to copy images to"), "name it with --to REGISTRY/PATH, or as images.mirror in the config")
	}
	tasks, err := found.Tasks(only, c.Platform)
	if err != nil {
		return app.Usage(err, "")
	}
	reach, err := Dial(a, mirrors, int(c.Parallelism))
	if err != nil {
		return err
	}
	defer reach.Close()
	reach.Mirror.Update = c.Update
	meter := progress.New(a.Stderr)
	mirrored := Run(ctx, reach, tasks, c.DryRun, meter, func(r mirror.Result, done, of int) {
		if a.Stderr.Columns() == 0 { // else the line of the meter has the number, and the result follows
			a.Stderr.Print("%s: %s, %d of %d", output.Name(a.Redact.Text(r.From.String())), output.Word(string(r.State)), done, of)
		}
	})
	meter.Close()
	if c.Output == "json" {
		mirrored.JSON(a.Stdout, a.Redact.Text)
	} else {
		mirrored.Text(a.Stdout, a.Redact.Text)
	}
	switch {
	case ctx.Err() != nil:
		return failure.WithHint(fmt.Errorf("%w before all images were copied", context.Cause(ctx)), "what has arrived stays, and the next time goes on from it")
	case incomplete == nil && !mirrored.AllDone():
		return &app.OutcomeError{Code: app.ExitNotReleased}
	}
	return incomplete
}

// destination is the mirror that is named, or those of the config.
func (c *MirrorCommand) destination(found *Found) ([]config.Mirror, *mirror.Destination, error) {
	if c.To == "" {
		return found.Mirrors(), nil, nil
	}
	to := strings.TrimRight(c.To, "/")
	if _, err := registry.ParseLocation(to + "/x"); err != nil || strings.Contains(to, "://") {
		return nil, nil, app.Usage(fmt.Errorf("--to: %q is no registry with a path, such as registry.example.com/mirror", c.To), "")
	}
	if err := config.CheckRename(c.Rename); err != nil {
		return nil, nil, app.Usage(fmt.Errorf("--rename: %w", err), "")
	}
	m := config.Mirror{To: to, Rename: c.Rename, CAFile: c.CAFile, PlainHTTP: c.PlainHTTP}
	d := release.DestinationOf(m, c.Platform)
	return []config.Mirror{m}, &d, nil
}
