package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/comparing"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/places"
	"github.com/ksrelease/ksrelease/internal/previewing"
	"github.com/ksrelease/ksrelease/internal/projectimages"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/pipeline"
)

type runCommand struct {
	app.Selection
	app.LocalFlags
	app.TargetFlags
	app.HookFlags
	Paths []string `arg:"" optional:"" name:"path" help:"Only the extensions in these paths. Without a config, they are released with the defaults."`

	DryRun       bool     `help:"Plan only: print what would be done and send nothing."`
	Plan         string   `placeholder:"FILE" help:"With --dry-run, write the plan to a file; without, do exactly what the plan in that file says, or nothing."`
	Skip         []string `enum:"${stages}" placeholder:"STAGE" help:"Leave these stages out: ${stages}."`
	AllOrNothing bool     `help:"Send nothing unless the whole plan is clean."`

	exitFlags

	AllowMissingDependencies bool `help:"Release also what requires an extension that is neither in this run nor in the Helm repository."`
}

// Run plans and releases.
func (c *runCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	if err := c.mayPlan(); err != nil {
		return err
	}
	p, err := c.Open(ctx, a)
	if err != nil {
		return err
	}
	if err := a.CheckTargets(p, c.LocalFlags, c.TargetFlags); err != nil {
		return err
	}
	options, err := c.ReadIn(ctx, p, c.Paths, app.HookRun{Run: c.Hooks || !c.DryRun, Command: "run", DryRun: c.DryRun})
	if err != nil {
		return err
	}
	approved, err := c.approved(a, &options)
	if err != nil {
		return err
	}
	if approved != nil {
		c.Target = approved.Targets
	}
	if c.IsLocal() {
		if err := mayKeepMarketplace(a.Stop, c.Folder(p)); err != nil {
			return err
		}
	}
	keys, err := p.SignWith(ctx, &options, c.DryRun || c.IsLocal())
	if err != nil {
		return err
	}
	links, err := a.Dial(ctx, p, app.DialOptions{At: c.local(), Dir: c.Folder(p), Targets: c.Target, Others: true, Parallelism: c.ParallelismOf(p), Keys: keys, Releases: true})
	if err != nil {
		return err
	}
	defer links.Close()
	options.Command, options.Only = "run", c.Only
	options.Shown = places.Shown(links.Targets(), localFolder(c.LocalFlags, p))
	c.Page = func(ctx context.Context, o *pipeline.Options) func(*results.Document) ([]byte, error) {
		return previewing.RunPage{App: a, Published: links.Target, With: comparing.Of(o)}.Page(ctx)
	}
	options.Targets, options.Others, options.NamesTargets = links.Targets(), links.Others(), p.Config.NamesTargets && !c.IsLocal()
	options.DryRun, options.Skip, options.AllOrNothing, options.AllowMissing = c.DryRun, c.Skip, c.AllOrNothing, c.AllowMissingDependencies
	options.Message, options.Withdraw = "submitted by ksrelease "+app.Version(), c.withdraw
	text := report.TextOptions{
		Target:  links.Name,
		Again:   func(names []string) string { return c.again(names, false) },
		Release: func() string { return c.again(nil, true) },
		Bump:    func(names []string) string { return c.of("bump", names, c.Place.Words()) + " --patch" },
		Follow:  c.follow,
	}
	if !c.IsLocal() { // that is a rehearsal, which sends nothing to others
		end, err := projectimages.Equip(a, &options, c.ParallelismOf(p))
		if err != nil {
			return err
		}
		defer end()
	}
	switch {
	case approved != nil:
		return c.keepTo(ctx, a, p, approved, options, text)
	case c.Plan != "":
		return c.writePlan(ctx, a, p, options, text)
	}
	return c.ended(c.Perform(ctx, a, p, options, text))
}

// mayKeepMarketplace finds out, for a run as for a dry run, whether a local
// marketplace can be kept in dir. Where another process serves it, that one writes.
func mayKeepMarketplace(ctx context.Context, dir string) error {
	if _, err := marketplace.ConnectLocal(ctx, dir); err == nil {
		return nil
	}
	err := atomicfile.ProbeBelow(dir, placeOf)
	if err == nil {
		return nil
	}
	return app.Usage(fmt.Errorf("no local marketplace can be kept in %s: %w", app.Display(dir), err), "name another folder with --local-dir DIR")
}

// placeOf is display, but for the current directory and those above it, whose names say
// more than dots.
func placeOf(path string) string {
	if shown := app.Display(path); strings.Trim(filepath.ToSlash(shown), "./") != "" {
		return shown
	}
	return path
}

// local says which marketplace the flags ask for. A dry run leaves nothing
// behind, not even an empty local marketplace.
func (c *runCommand) local() app.Where {
	if c.IsLocal() && !c.DryRun {
		return app.Local
	}
	return c.ForReading()
}

// localFolder is the folder of the local marketplace that flags ask for, as it is shown; empty where
// they ask for none.
func localFolder(f app.LocalFlags, p *app.Project) string {
	if !f.IsLocal() {
		return ""
	}
	return app.Display(f.Folder(p))
}

// again is the command line that goes on with the extensions named, or with
// all of this run.
func (c *runCommand) again(names []string, forReal bool) string {
	words := slices.Concat([]string{"ksrelease", "run"}, c.Place.Words(), c.LocalFlags.Words())
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, shellword.Quote(value))
		}
	}
	if c.DryRun && !forReal {
		words = append(words, "--dry-run")
		if c.Hooks {
			words = append(words, "--hooks")
		}
	}
	if c.Timeout > 0 {
		add("--timeout", c.Timeout.String())
	}
	if c.Parallelism > 0 {
		add("--parallelism", strconv.Itoa(int(c.Parallelism)))
	}
	for _, r := range c.Report {
		add("--report", r)
	}
	if c.Plan != "" && (names == nil || !c.DryRun) {
		add("--plan", c.Plan) // which says itself what is left to do
		names = nil
	} else {
		words = append(words, c.TargetFlags.Words()...)
		if c.AllOrNothing {
			words = append(words, "--all-or-nothing")
		}
		if c.AllowMissingDependencies {
			words = append(words, "--allow-missing-dependencies")
		}
		for _, s := range c.Skip {
			add("--skip", s)
		}
	}
	if !c.Shard.IsWhole() && names == nil {
		add("--shard", c.Shard.String())
	}
	if names == nil {
		names = c.Only
		words = append(words, c.Given()...)
		add("--since", c.Ref)
	}
	add("--only", strings.Join(names, ","))
	for _, path := range c.Paths {
		words = append(words, shellword.Quote(path))
	}
	return strings.Join(words, " ")
}

// follow is the command line that shows how far the review of extensions is.
func (c *runCommand) follow(names []string, all bool) string {
	narrowed := len(c.Paths) > 0 || len(c.Only) > 0 || c.Any() || !c.Shard.IsWhole() || c.Ref != "" || c.Plan != ""
	if all && !narrowed || len(names) > mostNamed {
		names = nil
	}
	return c.of("status", names, slices.Concat(c.Place.Words(), c.LocalFlags.Words()))
}

// mostNamed are how many extensions a command line names at most that shows all of them without.
const mostNamed = 8

// of is the command line of another command for some extensions.
func (c *runCommand) of(command string, names, flags []string) string {
	words := slices.Concat([]string{"ksrelease", command}, flags)
	for _, name := range names {
		words = append(words, shellword.Quote(name))
	}
	return strings.Join(words, " ")
}

// withdraw is the command line that takes a version back from where this run
// releases to.
func (c *runCommand) withdraw(name, version string) string {
	return strings.Join(slices.Concat([]string{"ksrelease", "withdraw"}, c.Place.Words(), c.LocalFlags.Words(), []string{shellword.Quote(name + "@" + version)}), " ")
}
