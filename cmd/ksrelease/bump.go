package main

import (
	"context"
	"errors"
	"time"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bump"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/history"
)

type bumpCommand struct {
	app.Place
	app.Deadline
	Names      []string `arg:"" optional:"" name:"name" help:"These extensions, by name or path. May be left out where one is declared."`
	Major      bool     `help:"The next MAJOR version, for what breaks: 2.0.0 after 1.2.3."`
	Minor      bool     `help:"The next MINOR version, for what is new: 1.3.0 after 1.2.3."`
	Patch      bool     `help:"The next PATCH version, for corrections: 1.2.4 after 1.2.3, and 1.2.3 after 1.2.3-rc.1."`
	Pre        string   `placeholder:"WORD" help:"A pre-release: with rc, 1.2.4-rc.1 after 1.2.3, and 1.2.4-rc.2 after that; with --minor, 1.3.0-rc.1."`
	Set        string   `placeholder:"VERSION" help:"This version."`
	Lower      bool     `help:"Let --set go back, to take a version back that nobody has seen."`
	Since      string   `placeholder:"REF" help:"List the commits since this one in the CHANGELOG; default: since the tag of the version, or the commit that set it."`
	Dependents bool     `help:"Also change the constraints of extensions that do not admit the new version, and give these the next PATCH version."`
	Subcharts  bool     `help:"Also change subcharts that have the extension's version and that no dependency names by it."`
	DryRun     bool     `help:"Show the changes as a diff, and write nothing."`
	Output     string   `enum:"text,json" default:"text" help:"text or json."`
}

// bumpDocument is what bump reports as JSON.
type bumpDocument struct {
	DryRun     bool          `json:"dry_run"`
	Extensions []bump.Change `json:"extensions"`
	Diff       string        `json:"diff,omitempty"`
}

// Run plans the new versions, and writes them or shows them.
func (c *bumpCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	step := bump.Step{Major: c.Major, Minor: c.Minor, Patch: c.Patch, Pre: c.Pre, Set: c.Set, Lower: c.Lower}
	if err := step.Check(); err != nil {
		return app.Usage(err, failure.Hint(err))
	}
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	plan, err := c.plan(ctx, p, step)
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := plan.Write(); err != nil {
			return err
		}
	}
	if c.Output == "json" {
		document := bumpDocument{DryRun: c.DryRun, Extensions: plan.Changes}
		if c.DryRun {
			document.Diff = plan.Diff()
		}
		a.Stdout.JSON(document, "  ")
		return nil
	}
	c.show(a, plan)
	return nil
}

func (c *bumpCommand) plan(ctx context.Context, p *app.Project, step bump.Step) (*bump.Plan, error) {
	sources, err := p.Sources(ctx, nil)
	if err != nil {
		return nil, err
	}
	request := bump.Request{Names: c.Names, Step: step, Dependents: c.Dependents, Subcharts: c.Subcharts, Day: time.Now()}
	var names []string
	for _, source := range sources {
		request.Sources = append(request.Sources, bump.Source{Path: source.Path, Display: source.Display})
	}
	all := bump.Read(request.Sources)
	for _, e := range all {
		names = append(names, e.Name)
	}
	if len(c.Names) == 0 {
		if len(all) != 1 {
			return nil, app.Usage(errors.New("which of the extensions get a new version?"), "name them")
		}
		request.Names = []string{all[0].Display}
	}
	reader, err := history.Open(ctx, p.Root, c.Since, p.Config.Tags, names)
	if err != nil {
		return nil, app.Usage(err, failure.Hint(err))
	}
	defer reader.Close()
	past := func(e bump.Extension) history.Extension {
		return history.Extension{Name: e.Name, Version: e.Version, Path: e.Path, Display: e.Display}
	}
	request.History = func(e bump.Extension) history.Done { return reader.Done(ctx, past(e)) }
	request.Bumped = func(e bump.Extension) bool { return reader.IsBumped(past(e)) }
	plan, err := bump.Make(request)
	if err != nil && ctx.Err() == nil && errors.Is(err, bump.ErrSelection) {
		return nil, app.Usage(err, failure.Hint(err))
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return plan, err
}

// show prints what was done, or would be.
func (c *bumpCommand) show(a *app.App, plan *bump.Plan) {
	if c.DryRun {
		for _, line := range plan.DiffLines() {
			a.Stdout.Print("%s", line)
		}
	}
	missing := map[string]bool{}
	for _, change := range plan.Changes {
		if !missing[change.Missing] && change.Missing != "" {
			missing[change.Missing] = true
			a.Warnings.Add(change.Missing)
		}
		for _, note := range change.Notes {
			a.Warnings.Add(change.Path + ": " + note)
		}
		a.Stdout.Print("%s %s → %s", change.Name, change.Before, change.Version)
		for _, f := range change.Files {
			a.Stdout.Print("  %s: %s", f.Path, f.What)
		}
	}
	if c.DryRun {
		a.Stdout.Print("%s would have a new version; nothing is written", app.Plural(len(plan.Changes), "extension"))
		return
	}
	a.Stdout.Print("→ next: edit what is new in the CHANGELOG, and commit it")
}
