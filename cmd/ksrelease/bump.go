package main

import (
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bump"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
)

type bumpCommand struct {
	app.Place
	app.Deadline
	app.CacheFlag
	Names      []string `arg:"" optional:"" name:"name" help:"These extensions, by name or path. May be left out where one is declared."`
	Major      bool     `help:"The next MAJOR version, for what breaks: 2.0.0 after 1.2.3."`
	Minor      bool     `help:"The next MINOR version, for what is new: 1.3.0 after 1.2.3."`
	Patch      bool     `help:"The next PATCH version, for corrections: 1.2.4 after 1.2.3, and 1.2.3 after 1.2.3-rc.1."`
	Pre        string   `placeholder:"WORD" help:"A pre-release: with rc, 1.2.4-rc.1 after 1.2.3, and 1.2.4-rc.2 after that; with --minor, 1.3.0-rc.1."`
	Set        string   `placeholder:"VERSION" help:"This version."`
	Lower      bool     `help:"Let --set go back, to take a version back that nobody has seen."`
	Changed    bool     `help:"Of these, or of all, those whose content changed and whose version did not (see ksrelease changes)."`
	Since      string   `placeholder:"REF" help:"The commit that --changed compares with, since which commits are listed in the CHANGELOG; default: as changes has it, and since the tag of the version, or the commit that set it."`
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
		return app.Usage(err, "")
	}
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	a.WarnOnStderr()
	request := bump.Request{Names: c.Names, Step: step, Dependents: c.Dependents, Subcharts: c.Subcharts}
	plan, err := p.Bump(ctx, request, c.Changed, c.Since)
	if err != nil {
		return err
	}
	if len(plan.Changes) == 0 && c.Output == "text" {
		a.Stdout.Print("no extension changed under the version that it has")
		return nil
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

// show prints what was done, or would be.
func (c *bumpCommand) show(a *app.App, plan *bump.Plan) {
	if c.DryRun {
		for _, line := range plan.DiffLines() {
			a.Stdout.Print("%s", output.Name(line))
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
		a.Stdout.Print("%s %s → %s", output.Name(change.Name), output.Name(change.Before), output.Name(change.Version))
		for _, f := range change.Files {
			a.Stdout.Print("  %s: %s", output.Name(f.Path), output.Name(language.List(f.What)))
		}
	}
	if c.DryRun {
		a.Stdout.Print("%s would have a new version; nothing is written", app.Plural(len(plan.Changes), "extension"))
		return
	}
	a.Stdout.Print("→ next: edit what is new in the CHANGELOG, and commit it")
}
