package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/pipeline"
)

// place are the flags that say where the project is.
type place struct {
	Dir    string `short:"C" placeholder:"DIR" help:"Go to this directory first."`
	Config string `short:"f" placeholder:"FILE" help:"The config; default: .ksrelease.yaml here or in the nearest directory above."`
}

// project is what a command works on.
type project struct {
	config *config.Config
	root   string // absolute: the folder of the config, or the current one
	warn   func(string)
	above  *config.AboveTopError // the config that would be read if it did not lie so high
	app    *app
}

// enter goes to -C.
func (p place) enter() error {
	if p.Dir == "" {
		return nil
	}
	if err := os.Chdir(p.Dir); err != nil {
		return usage(fmt.Errorf("-C %s: %w", p.Dir, errors.Unwrap(err)), "")
	}
	return nil
}

// file is the config to read, absolute. The error is a config.ErrNotFound where there
// is none.
func (p place) file() (string, error) {
	if p.Config != "" {
		return filepath.Abs(p.Config)
	}
	return config.Find(".")
}

// open reads the config, or takes the defaults where there is none.
func (p place) open(ctx context.Context, a *app) (*project, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	a.entered = true
	file, err := graceful.Read(ctx, &a.reads, "looking for the config", p.file)
	var early *graceful.CutError
	if errors.Is(err, config.ErrNotFound) {
		here, failed := os.Getwd()
		if failed != nil {
			return nil, failed
		}
		without := &project{config: config.Default(here), root: here, warn: a.warnings.Add, app: a}
		errors.As(err, &without.above)
		return without, nil
	}
	if err != nil && !errors.As(err, &early) {
		return nil, usage(err, "")
	}
	if err != nil {
		return nil, err
	}
	loaded, err := graceful.Read(ctx, &a.reads, "reading the config", func() (*config.Config, error) { return config.Load(display(file), a.env) })
	var problems diagnostic.List
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, usage(fmt.Errorf("there is no config %s", p.Config), "ksrelease init writes one")
	case errors.As(err, &problems), errors.As(err, &early):
		return nil, err
	case err != nil:
		return nil, usage(err, "name a file that can be read with -f FILE")
	}
	a.redact.Expansions(loaded.Expansions())
	return &project{config: loaded, root: filepath.Dir(file), warn: a.warnings.Add, app: a}, nil
}

// warnAbove warns of a config that was not read, for who goes on without one.
func (p *project) warnAbove() {
	if p.above != nil {
		p.warn(p.above.Error() + ": " + p.above.Hint())
	}
}

// baselineFile is the file with the findings that are known.
func (p *project) baselineFile() string { return display(filepath.Join(p.root, baseline.Name)) }

// baseline reads the findings that are known.
func (p *project) baseline(ctx context.Context) (*baseline.Baseline, error) {
	known, err := graceful.Read(ctx, &p.app.reads, "reading "+baseline.Name, func() (*baseline.Baseline, error) {
		return baseline.Load(config.Project(filepath.Dir(p.baselineFile())), p.baselineFile())
	})
	var (
		problems diagnostic.List
		early    *graceful.CutError
	)
	if err != nil && !errors.As(err, &problems) && !errors.As(err, &early) {
		return nil, usage(err, "")
	}
	return known, err
}

// options are what every command starts from that looks at extensions: run, lint, package,
// status and check. A nil project is one whose config is broken.
func (p *project) options(sources []config.Source, known pipeline.Baseline) pipeline.Options {
	options := pipeline.Options{
		Sources: sources, Baseline: known, Display: display,
		Tool: results.Tool{Name: "ksrelease", Version: programVersion()},
	}
	if p != nil {
		options.Parallelism = p.config.Parallelism
	}
	return options
}

// start reads what options are made of, for a command that ends at the first mistake: the
// extensions, narrowed to paths, and the findings that are known.
func (p *project) start(ctx context.Context, paths []string) (pipeline.Options, error) {
	sources, err := p.sources(ctx, paths)
	if err != nil {
		return pipeline.Options{}, err
	}
	known, err := p.baseline(ctx)
	if err != nil {
		return pipeline.Options{}, err
	}
	return p.options(sources, known), nil
}

// equip gives a run what it works with: workers that look at extensions, connections for
// their dependencies, and the retries of all connections. All is given back by close.
func (p *project) equip(options *pipeline.Options) (close func(), err error) {
	dependencies, err := p.app.dependencies(p)
	if err != nil {
		return nil, err
	}
	options.Resolver = dependencies
	options.Noting = func(ctx context.Context, report func(string)) context.Context {
		return transport.WithNotify(ctx, func(r transport.Retry) { report(r.String()) })
	}
	over := p.app.examineInWorkers(options)
	return func() { over(); dependencies.close() }, nil
}

// sources are the extensions of the project, narrowed to paths where there
// are any. Without a config, the paths alone are the extensions.
func (p *project) sources(ctx context.Context, paths []string) ([]config.Source, error) {
	return graceful.Read(ctx, &p.app.reads, "looking for the extensions", func() ([]config.Source, error) { return p.find(paths) })
}

func (p *project) find(paths []string) ([]config.Source, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if p.config.File == "" {
		if len(paths) == 0 {
			if p.above != nil {
				return nil, usage(p.above, "")
			}
			return nil, usage(errors.New("there is no .ksrelease.yaml here or in a directory above"),
				"ksrelease init writes one; or name the extensions: ksrelease run DIR…")
		}
		p.warnAbove()
		sources, err := discover.Named(paths, p.config.Defaults)
		return sources, usageIf(err)
	}
	declared, err := p.config.Sources(here, p.warn)
	if err != nil {
		return nil, err
	}
	sources, err := discover.Narrow(declared, paths)
	return sources, usageIf(err)
}

// display is a path as the user would type it from here.
func display(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	relative, err := filepath.Rel(here, path)
	if err != nil || len(relative) > len(path) {
		return path
	}
	return relative
}
