package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/internal/worker"
	"github.com/ksrelease/ksrelease/pipeline"
)

// selection are the flags that say which extensions, and how the run is reported.
type selection struct {
	place
	deadline
	Only        []string          `placeholder:"NAME" help:"Only the extensions of these names."`
	Parallelism commandline.Count `placeholder:"N" help:"Extensions at work at once; default: parallelism of the config, or 8."`
	Output      string            `enum:"text,json" default:"text" help:"text, or json: one event a line on standard output."`
	Report      []string          `placeholder:"FILE" help:"Also write a report: ${reports}. The ending chooses the form, or FORMAT=FILE. May be repeated."`
}

// localFlags are for commands that may work on a local marketplace.
type localFlags struct {
	Local    bool   `help:"Use the local marketplace of this project, in .ksrelease/marketplace."`
	LocalDir string `placeholder:"DIR" help:"Use the local marketplace in this folder."`
}

// isLocal says whether either flag was given.
func (f localFlags) isLocal() bool { return f.Local || f.LocalDir != "" }

// dir is the folder of the local marketplace of a project.
func (f localFlags) dir(p *project) string { return cmp.Or(f.LocalDir, localDir(p.root)) }

// words are the flags as they were given.
func (f localFlags) words() (words []string) {
	if f.Local {
		words = append(words, "--local")
	}
	if f.LocalDir != "" {
		words = append(words, "--local-dir", shellword.Quote(f.LocalDir))
	}
	return words
}

type runCommand struct {
	selection
	localFlags
	Paths []string `arg:"" optional:"" name:"path" help:"Only the extensions in these paths. Without a config, they are released with the defaults."`

	DryRun       bool     `help:"Plan only: print what would be done and send nothing."`
	Skip         []string `enum:"${stages}" placeholder:"STAGE" help:"Leave these stages out: ${stages}."`
	AllOrNothing bool     `help:"Send nothing unless the whole plan is clean."`

	AllowMissingDependencies bool `help:"Release also what requires an extension that is neither in this run nor in the Helm repository."`
}

// Run plans and releases.
func (c *runCommand) Run(a *app) error {
	ctx, cancel := c.begin(a.stop)
	defer cancel()
	p, options, err := c.read(ctx, a, c.Paths)
	if err != nil {
		return err
	}
	if c.isLocal() {
		if err := mayKeepMarketplace(a.stop, c.dir(p)); err != nil {
			return err
		}
	}
	links, err := a.dial(ctx, p, c.local(), c.dir(p), c.parallelism(p))
	if err != nil {
		return err
	}
	defer links.close()
	options.Command, options.Only, options.Target = "run", c.Only, links.Target
	options.DryRun, options.Skip, options.AllOrNothing, options.AllowMissing = c.DryRun, c.Skip, c.AllOrNothing, c.AllowMissingDependencies
	options.Message, options.Withdraw = "submitted by ksrelease "+programVersion(), c.withdraw
	return c.perform(ctx, a, p, options, report.TextOptions{
		Target:  links.name,
		Again:   func(names []string) string { return c.again(names, false) },
		Release: func() string { return c.again(nil, true) },
	})
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
	return usage(fmt.Errorf("no local marketplace can be kept in %s: %w", display(dir), err), "name another folder with --local-dir DIR")
}

// placeOf is display, but for the current directory and those above it, whose names say
// more than dots.
func placeOf(path string) string {
	if shown := display(path); strings.Trim(filepath.ToSlash(shown), "./") != "" {
		return shown
	}
	return path
}

// local says which marketplace the flags ask for. A dry run leaves nothing
// behind, not even an empty local marketplace.
func (c *runCommand) local() where {
	switch {
	case c.isLocal() && c.DryRun:
		return localForReading
	case c.isLocal():
		return local
	}
	return configured
}

// again is the command line that goes on with the extensions named, or with
// all of this run.
func (c *runCommand) again(names []string, forReal bool) string {
	words := []string{"ksrelease", "run"}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, shellword.Quote(value))
		}
	}
	add("-C", c.Dir)
	add("-f", c.Config)
	words = append(words, c.words()...)
	if c.DryRun && !forReal {
		words = append(words, "--dry-run")
	}
	if c.AllOrNothing {
		words = append(words, "--all-or-nothing")
	}
	if c.AllowMissingDependencies {
		words = append(words, "--allow-missing-dependencies")
	}
	for _, s := range c.Skip {
		add("--skip", s)
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
	if names == nil {
		names = c.Only
	}
	add("--only", strings.Join(names, ","))
	for _, path := range c.Paths {
		words = append(words, shellword.Quote(path))
	}
	return strings.Join(words, " ")
}

// withdraw is the command line that takes a version back from where this run
// releases to.
func (c *runCommand) withdraw(name, version string) string {
	words := []string{"ksrelease", "withdraw"}
	if c.Dir != "" {
		words = append(words, "-C", shellword.Quote(c.Dir))
	}
	if c.Config != "" {
		words = append(words, "-f", shellword.Quote(c.Config))
	}
	return strings.Join(append(append(words, c.words()...), shellword.Quote(name+"@"+version)), " ")
}

// read reads the project: its config, its extensions, and the findings that are known.
func (c *selection) read(ctx context.Context, a *app, paths []string) (*project, pipeline.Options, error) {
	p, err := c.open(ctx, a)
	if err != nil {
		return nil, pipeline.Options{}, err
	}
	options, err := p.start(ctx, paths)
	return p, options, err
}

// perform runs the pipeline and reports as the flags ask.
func (c *selection) perform(ctx context.Context, a *app, p *project, options pipeline.Options, text report.TextOptions) error {
	options.Parallelism = c.parallelism(p)
	options.Revision = git.Commit(graceful.Finish(ctx), p.root)
	giveBack, err := p.equip(&options)
	if err != nil {
		return err
	}
	defer giveBack()

	destinations, err := report.ParseDestinations(c.Report)
	if err != nil {
		return usage(err, "")
	}
	c.removeLeftovers(destinations, options)
	files, err := report.Open(destinations, tool())
	if err != nil {
		return usage(err, "name a file in a folder that can be written to")
	}
	defer files.Close()
	for _, d := range destinations {
		if absolute, err := filepath.Abs(d.Path); err == nil {
			options.Ignore = append(options.Ignore, absolute)
		}
	}
	options.Observer = a.redact.Observer(report.All(append(files.Observers(), c.printer(a, text))...))
	options.Kept = func(ctx context.Context) {
		files.Wait(ctx)
		if c.Output == "json" {
			a.stdout.Keep(ctx)
		}
	}
	run := pipeline.New(options)
	a.warnings.To(run.Warn)
	for _, warning := range packedLater(destinations, options.Sources) {
		run.Warn(warning)
	}
	// Who interrupts a run should see at once that it has understood.
	defer context.AfterFunc(a.stop, func() {
		run.Note("interrupted: nothing new is begun, and what is in flight is brought to its end; once more ends it at once")
	})()
	result, err := run.Do(ctx)
	if err != nil {
		return usage(err, failure.Hint(err))
	}
	a.reported = true
	switch unwritten := files.Close(); {
	case unwritten != nil:
		return unwritten
	case result.AsAsked():
		return nil
	case run.AuthRefused() != nil:
		return &outcomeError{exitAuth, result}
	default:
		return &outcomeError{exitNotReleased, result}
	}
}

// examineInWorkers has the extensions of a run looked at in processes of their own,
// until over is called.
func (a *app) examineInWorkers(options *pipeline.Options) (over func()) {
	if a.inProcess {
		return func() {}
	}
	workers := worker.New(options.Parallelism)
	workers.Warm()
	options.Examiner = workers
	return workers.Close
}

// removeLeftovers removes what runs that were killed left in the folders that this one
// writes to. What cannot be removed is no reason not to run.
func (c *selection) removeLeftovers(reports []report.Destination, options pipeline.Options) {
	folders := map[string]bool{}
	for _, d := range reports {
		folders[filepath.Dir(d.Path)] = true
	}
	if !options.DryRun && options.Through != results.StageLint {
		for _, s := range options.Sources {
			folders[s.Settings.Package.Output] = true
		}
	}
	for folder := range folders {
		_ = atomicfile.RemoveLeftovers(folder)
	}
}

// packedLater warns of reports that lie in an extension: this run does not pack them,
// but one that does not know of them would, and report drift.
func packedLater(reports []report.Destination, sources []config.Source) []string {
	var warnings []string
	for _, d := range reports {
		file := d.Path
		for _, s := range sources {
			if extension.WouldPack(s.Path, file, extension.Options{Ignore: []string{s.Settings.Package.Output}}) {
				warnings = append(warnings, fmt.Sprintf("the report %s lies in the extension %s and would be packed by a run without it: write it elsewhere, such as %s, or leave it out with .helmignore",
					file, s.Display, display(filepath.Join(filepath.Dir(s.Path), filepath.Base(file)))))
			}
		}
	}
	return warnings
}

// parallelism is that of the flag, else that of the config.
func (c *selection) parallelism(p *project) int {
	if c.Parallelism > 0 {
		return int(c.Parallelism)
	}
	return p.config.Parallelism
}

// printer prints the run to the standard streams.
func (c *selection) printer(a *app, options report.TextOptions) results.Observer {
	if c.Output == "json" {
		return report.Events(a.stdout)
	}
	options.Live = a.stderr.Columns()
	options.Color = a.color(a.stdout)
	options.Width = a.stdout.Columns()
	return report.NewText(a.stdout, a.stderr, options)
}

// color says whether a stream may be coloured: a terminal, unless NO_COLOR or
// a dumb terminal says otherwise (no-color.org).
func (a *app) color(s *output.Stream) bool {
	if _, off := a.env("NO_COLOR"); off {
		return false
	}
	kind, _ := a.env("TERM")
	return kind != "dumb" && s.IsTerminal()
}
