// Package checking finds all that can be said of a project offline, at once.
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

// Found is what a check has found.
type Found struct {
	OfConfig int // so many mistakes are of the config
	Errors   int // and so many of extensions

	project *app.Project // nil where the config is broken
	sources []config.Source
	known   *baseline.Baseline

	wrong      []mistake // in the order in which it is printed: those of the config come first
	warnings   int       // of extensions
	extensions int
}

// mistake is one that was found; those of extensions have a severity that is shown.
type mistake struct {
	diagnostic.Diagnostic
	rated bool
}

// Of reads the config at a place and every extension.yaml, and finds the mistakes of all of
// them. A broken config does not hide what is wrong with the extensions: those below its folder
// are read all the same. hooks has the hooks of the config run before.
func Of(ctx context.Context, a *app.App, place app.Place, hooks bool) (*Found, error) {
	found := &Found{}
	if err := found.read(ctx, a, place, hooks); err != nil {
		return nil, err
	}
	found.OfConfig = len(found.wrong)
	return found, found.examine(ctx, a)
}

// read reads the config, and finds the extensions.
func (f *Found) read(ctx context.Context, a *app.App, place app.Place, hooks bool) (err error) {
	f.known = &baseline.Baseline{}
	f.project, err = place.Open(ctx, a)
	if err := f.gather(err); err != nil {
		return err
	}
	p := f.project
	if p == nil {
		f.sources, err = graceful.Read(ctx, &a.Reads, "looking for the extensions", func() ([]config.Source, error) { return f.salvage(ctx, place) })
		return f.gather(err)
	}
	if err := p.BeginHooks(ctx, app.HookRun{Run: hooks, Command: "check", DryRun: true}); err != nil {
		return err
	}
	known, unread := p.Baseline(ctx)
	if err := f.gather(unread); err != nil {
		return err
	}
	f.known = cmp.Or(known, f.known)
	_, untrusted := p.Servers()
	if err := f.gather(untrusted); err != nil {
		return err
	}
	f.sources, err = p.Sources(ctx, nil)
	return f.gather(err)
}

// examine looks at the extensions.
func (f *Found) examine(ctx context.Context, a *app.App) error {
	options := f.project.Options(f.sources, f.known)
	options.Parallelism = 1
	defer a.ExamineInWorkers(&options)()
	extensions, cycles, err := pipeline.New(options).Check(ctx)
	if err != nil && ctx.Err() != nil {
		return &graceful.CutError{Err: err}
	}
	if err != nil {
		return err
	}
	f.extensions = len(extensions)
	for _, x := range extensions {
		f.note(x.Problems)
		if x.Twice != nil {
			f.Errors++
			f.wrong = append(f.wrong, mistake{*x.Twice, false})
		}
	}
	f.note(cycles)
	if f.project != nil {
		undeclared := discover.Undeclared(ctx, f.project.Config, f.sources)
		for i := range undeclared {
			undeclared[i].File = app.Display(undeclared[i].File)
		}
		f.note(undeclared)
	}
	return nil
}

// note counts and keeps what was found of extensions.
func (f *Found) note(all diagnostic.List) {
	for _, d := range all {
		switch d.Severity {
		case diagnostic.Error:
			f.Errors++
		case diagnostic.Warning:
			f.warnings++
		}
		f.wrong = append(f.wrong, mistake{d, true})
	}
}

// Print prints what was found, and a summary.
func (f *Found) Print(a *app.App) {
	for _, d := range f.wrong {
		show := report.Problem
		if d.rated {
			show = report.Rated
		}
		a.Stdout.Print("%s", show(a.Redact.Diagnostic(d.Diagnostic), a.Stdout.Columns()))
	}
	summary := fmt.Sprintf("%s checked", app.Plural(f.extensions, "extension"))
	if f.project == nil {
		summary = fmt.Sprintf("the config is broken; %s found below its folder and checked", app.Plural(f.extensions, "extension"))
	}
	if count := f.OfConfig + f.Errors; count > 0 {
		summary += ": " + app.Plural(count, "problem")
	} else {
		summary += ": no problems"
	}
	if f.warnings > 0 {
		summary += ", " + app.Plural(f.warnings, "warning")
	}
	a.Stdout.Print("%s", summary)
}

// gather adds what an error says of files to all that is wrong. Any other error
// it hands back.
func (f *Found) gather(err error) error {
	var problems diagnostic.List
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	for _, p := range problems {
		f.wrong = append(f.wrong, mistake{p, false})
	}
	return nil
}

// salvage finds the extensions below the folder of a config that cannot be
// used. What it cannot look into is added to all that is wrong: it must not hide
// what is wrong with the config.
func (f *Found) salvage(ctx context.Context, place app.Place) ([]config.Source, error) {
	file, err := place.File()
	if err != nil {
		return nil, err
	}
	root := filepath.Dir(file)
	found := discover.Extensions(ctx, root)
	for _, d := range found.Odd {
		d.File = app.Display(d.File)
		f.wrong = append(f.wrong, mistake{d, false})
	}
	var sources []config.Source
	for _, dir := range found.Extensions {
		path := filepath.Join(root, dir)
		sources = append(sources, config.Source{Path: path, Display: app.Display(path), Settings: config.Default(root).Defaults})
	}
	return sources, nil
}
