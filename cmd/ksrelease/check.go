package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/pipeline"
)

type checkCommand struct {
	place
	deadline
}

// Run reads the config and every extension.yaml, and reports every problem of
// all of them. A broken config does not hide what is wrong with the
// extensions: those below its folder are read all the same.
func (c *checkCommand) Run(a *app) error {
	ctx, cancel := c.begin(a.stop)
	defer cancel()
	defer a.reads.Begin()() // to the end
	var wrong diagnostic.List
	a.warnOnStderr()
	p, err := c.open(ctx, a)
	if err := gather(&wrong, err); err != nil {
		return err
	}
	var sources []config.Source
	known := &baseline.Baseline{}
	if p == nil {
		sources, err = graceful.Read(ctx, &a.reads, "looking for the extensions", func() ([]config.Source, error) { return c.salvage(ctx, &wrong) })
	} else {
		found, unread := p.baseline(ctx)
		if err := gather(&wrong, unread); err != nil {
			return err
		}
		known = cmp.Or(found, known)
		_, untrusted := p.servers()
		if err := gather(&wrong, untrusted); err != nil {
			return err
		}
		sources, err = p.sources(ctx, nil)
	}
	if err := gather(&wrong, err); err != nil {
		return err
	}
	configProblems := len(wrong)
	options := p.options(sources, known)
	options.Parallelism = 1
	defer a.examineInWorkers(&options)()
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
		undeclared := discover.Undeclared(ctx, p.config, sources)
		for i := range undeclared {
			undeclared[i].File = display(undeclared[i].File)
		}
		note(undeclared)
	}
	for _, p := range wrong {
		a.stdout.Print("%s", report.Problem(a.redact.Diagnostic(p), a.stdout.Columns()))
	}
	summary := fmt.Sprintf("%s checked", plural(len(extensions), "extension"))
	if p == nil {
		summary = fmt.Sprintf("the config is broken; %s found below its folder and checked", plural(len(extensions), "extension"))
	}
	switch {
	case configProblems+errorCount > 0:
		summary += ": " + plural(configProblems+errorCount, "problem")
	default:
		summary += ": no problems"
	}
	if warningCount > 0 {
		summary += ", " + plural(warningCount, "warning")
	}
	a.stdout.Print("%s", summary)
	switch {
	case configProblems > 0:
		return &outcomeError{code: exitUsage}
	case errorCount > 0:
		return &outcomeError{code: exitNotReleased}
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
	file, err := c.file()
	if err != nil {
		return nil, err
	}
	root := filepath.Dir(file)
	found := discover.Extensions(ctx, root)
	for _, d := range found.Odd {
		d.File = display(d.File)
		*wrong = append(*wrong, d)
	}
	var sources []config.Source
	for _, dir := range found.Extensions {
		path := filepath.Join(root, dir)
		sources = append(sources, config.Source{Path: path, Display: display(path), Settings: config.Default(root).Defaults})
	}
	return sources, nil
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
