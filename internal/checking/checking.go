// Package checking is the command check: all that can be said of a project offline, at once.
package checking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Command is the command check.
type Command struct {
	app.Place
	app.Deadline
	app.HookFlags
}

// Run reads the config and every extension.yaml, and reports every problem of
// all of them. A broken config does not hide what is wrong with the
// extensions: those below its folder are read all the same.
func (c *Command) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	if !c.Hooks { // whose last ones are run after an interrupt, too
		defer a.Reads.Begin()() // to the end
	}
	a.WarnOnStderr()
	var found checked
	if err := c.read(ctx, a, &found); err != nil {
		return err
	}
	found.ofConfig = len(found.wrong)
	if err := found.examine(ctx, a); err != nil {
		return err
	}
	found.print(a)
	switch {
	case found.ofConfig > 0:
		return &app.OutcomeError{Code: app.ExitUsage}
	case found.errors > 0:
		return &app.OutcomeError{Code: app.ExitNotReleased}
	}
	return nil
}

// checked is what a check has found.
type checked struct {
	project *app.Project // nil where the config is broken
	sources []config.Source
	known   *baseline.Baseline

	wrong      diagnostic.List // in the order in which it is printed
	ofConfig   int             // so many of these, the first ones, are of the config
	errors     int             // of extensions, and so are warnings
	warnings   int
	extensions int
}

// read reads the config, and finds the extensions.
func (c *Command) read(ctx context.Context, a *app.App, into *checked) (err error) {
	into.known = &baseline.Baseline{}
	into.project, err = c.Open(ctx, a)
	if err := gather(&into.wrong, err); err != nil {
		return err
	}
	p := into.project
	if p == nil {
		into.sources, err = graceful.Read(ctx, &a.Reads, "looking for the extensions", func() ([]config.Source, error) { return c.salvage(ctx, &into.wrong) })
		return gather(&into.wrong, err)
	}
	if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "check", DryRun: true}); err != nil {
		return err
	}
	known, unread := p.Baseline(ctx)
	if err := gather(&into.wrong, unread); err != nil {
		return err
	}
	into.known = cmp.Or(known, into.known)
	_, untrusted := p.Servers()
	if err := gather(&into.wrong, untrusted); err != nil {
		return err
	}
	into.sources, err = p.Sources(ctx, nil)
	return gather(&into.wrong, err)
}

// examine looks at the extensions.
func (c *checked) examine(ctx context.Context, a *app.App) error {
	options := c.project.Options(c.sources, c.known)
	options.Parallelism = 1
	defer a.ExamineInWorkers(&options)()
	extensions, cycles, err := pipeline.New(options).Check(ctx)
	if err != nil && ctx.Err() != nil {
		return &graceful.CutError{Err: err}
	}
	if err != nil {
		return err
	}
	c.extensions = len(extensions)
	for _, x := range extensions {
		c.note(x.Problems)
		if x.Twice != nil {
			c.errors++
			c.wrong = append(c.wrong, *x.Twice)
		}
	}
	c.note(cycles)
	if c.project != nil {
		undeclared := discover.Undeclared(ctx, c.project.Config, c.sources)
		for i := range undeclared {
			undeclared[i].File = app.Display(undeclared[i].File)
		}
		c.note(undeclared)
	}
	return nil
}

// note counts and keeps what was found of extensions.
func (c *checked) note(all diagnostic.List) {
	for _, d := range all {
		switch d.Severity {
		case diagnostic.Error:
			c.errors++
		case diagnostic.Warning:
			c.warnings++
		}
		d.Message = string(d.Severity) + ": " + d.Message
		c.wrong = append(c.wrong, d)
	}
}

// print prints what was found, and a summary.
func (c *checked) print(a *app.App) {
	for _, d := range c.wrong {
		a.Stdout.Print("%s", report.Problem(a.Redact.Diagnostic(d), a.Stdout.Columns()))
	}
	summary := fmt.Sprintf("%s checked", app.Plural(c.extensions, "extension"))
	if c.project == nil {
		summary = fmt.Sprintf("the config is broken; %s found below its folder and checked", app.Plural(c.extensions, "extension"))
	}
	if count := c.ofConfig + c.errors; count > 0 {
		summary += ": " + app.Plural(count, "problem")
	} else {
		summary += ": no problems"
	}
	if c.warnings > 0 {
		summary += ", " + app.Plural(c.warnings, "warning")
	}
	a.Stdout.Print("%s", summary)
}

// gather adds what an error says of files to all that is wrong. Any other error
// it hands back.
func gather(wrong *diagnostic.List, err error) error {
	var problems diagnostic.List
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	*wrong = append(*wrong, problems...)
	return nil
}

// salvage finds the extensions below the folder of a config that cannot be
// used. What it cannot look into is added to all that is wrong: it must not hide
// what is wrong with the config.
func (c *Command) salvage(ctx context.Context, wrong *diagnostic.List) ([]config.Source, error) {
	file, err := c.File()
	if err != nil {
		return nil, err
	}
	root := filepath.Dir(file)
	found := discover.Extensions(ctx, root)
	for _, d := range found.Odd {
		d.File = app.Display(d.File)
		*wrong = append(*wrong, d)
	}
	var sources []config.Source
	for _, dir := range found.Extensions {
		path := filepath.Join(root, dir)
		sources = append(sources, config.Source{Path: path, Display: app.Display(path), Settings: config.Default(root).Defaults})
	}
	return sources, nil
}
