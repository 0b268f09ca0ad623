package main

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

type checkCommand struct {
	app.Place
	app.Deadline
	app.HookFlags
}

// Run reads the config and every extension.yaml, and reports every problem of
// all of them. A broken config does not hide what is wrong with the
// extensions: those below its folder are read all the same.
func (c *checkCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	if !c.Hooks { // whose last ones are run after an interrupt, too
		defer a.Reads.Begin()() // to the end
	}
	var wrong diagnostic.List
	a.WarnOnStderr()
	p, err := c.Open(ctx, a)
	if err := gather(&wrong, err); err != nil {
		return err
	}
	if p != nil {
		if err := p.BeginHooks(ctx, app.HookRun{Run: c.Hooks, Command: "check", DryRun: true}); err != nil {
			return err
		}
	}
	var sources []config.Source
	known := &baseline.Baseline{}
	if p == nil {
		sources, err = graceful.Read(ctx, &a.Reads, "looking for the extensions", func() ([]config.Source, error) { return c.salvage(ctx, &wrong) })
	} else {
		found, unread := p.Baseline(ctx)
		if err := gather(&wrong, unread); err != nil {
			return err
		}
		known = cmp.Or(found, known)
		_, untrusted := p.Servers()
		if err := gather(&wrong, untrusted); err != nil {
			return err
		}
		sources, err = p.Sources(ctx, nil)
	}
	if err := gather(&wrong, err); err != nil {
		return err
	}
	configProblems := len(wrong)
	options := p.Options(sources, known)
	options.Parallelism = 1
	defer a.ExamineInWorkers(&options)()
	extensions, cycles, err := pipeline.New(options).Check(ctx)
	if err != nil && ctx.Err() != nil {
		return &graceful.CutError{Err: err}
	}
	if err != nil {
		return err
	}
	errorCount, warningCount := 0, 0
	note := func(all diagnostic.List) {
		for _, d := range all {
			switch d.Severity {
			case diagnostic.Error:
				errorCount++
			case diagnostic.Warning:
				warningCount++
			}
			d.Message = string(d.Severity) + ": " + d.Message
			wrong = append(wrong, d)
		}
	}
	for _, x := range extensions {
		note(x.Problems)
		if x.Twice != nil {
			errorCount++
			wrong = append(wrong, *x.Twice)
		}
	}
	note(cycles)
	if p != nil {
		undeclared := discover.Undeclared(ctx, p.Config, sources)
		for i := range undeclared {
			undeclared[i].File = app.Display(undeclared[i].File)
		}
		note(undeclared)
	}
	for _, p := range wrong {
		a.Stdout.Print("%s", report.Problem(a.Redact.Diagnostic(p), a.Stdout.Columns()))
	}
	summary := fmt.Sprintf("%s checked", app.Plural(len(extensions), "extension"))
	if p == nil {
		summary = fmt.Sprintf("the config is broken; %s found below its folder and checked", app.Plural(len(extensions), "extension"))
	}
	switch {
	case configProblems+errorCount > 0:
		summary += ": " + app.Plural(configProblems+errorCount, "problem")
	default:
		summary += ": no problems"
	}
	if warningCount > 0 {
		summary += ", " + app.Plural(warningCount, "warning")
	}
	a.Stdout.Print("%s", summary)
	switch {
	case configProblems > 0:
		return &app.OutcomeError{Code: app.ExitUsage}
	case errorCount > 0:
		return &app.OutcomeError{Code: app.ExitNotReleased}
	}
	return nil
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
func (c *checkCommand) salvage(ctx context.Context, wrong *diagnostic.List) ([]config.Source, error) {
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
