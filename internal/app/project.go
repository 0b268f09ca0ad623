package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/discover"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/packagecache"
	"github.com/ksrelease/ksrelease/internal/places"
	"github.com/ksrelease/ksrelease/internal/progress"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
	"github.com/ksrelease/ksrelease/internal/sourceindex"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/internal/worktree"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Place are the flags that say where the project is.
type Place struct {
	Dir    string `short:"C" placeholder:"DIR" help:"Go to this directory first."`
	Config string `short:"f" placeholder:"FILE" help:"The config; default: .ksrelease.yaml here or in the nearest directory above."`
}

// Project is what a command works on.
type Project struct {
	Config *config.Config
	Root   string // absolute: the folder of the config, or the current one
	warn   func(string)
	above  *config.AboveTopError // the config that would be read if it did not lie so high
	app    *App

	mayRunHooks bool           // the command does if it is asked to
	runs        bool           // commands of the config, which others may have written
	tree        *worktree.Tree // as it was before hooks; nil where there are none
}

// Words are the flags as they were given, quoted for a shell.
func (p Place) Words() (words []string) {
	if p.Dir != "" {
		words = append(words, "-C", shellword.Quote(p.Dir))
	}
	if p.Config != "" {
		words = append(words, "-f", shellword.Quote(p.Config))
	}
	return words
}

// Enter goes to -C.
func (p Place) Enter() error {
	if p.Dir == "" {
		return nil
	}
	if err := os.Chdir(p.Dir); err != nil {
		return Usage(fmt.Errorf("-C %s: %w", p.Dir, errors.Unwrap(err)), "")
	}
	return nil
}

// File is the config to read, absolute. The error is a config.ErrNotFound where there
// is none.
func (p Place) File() (string, error) {
	if p.Config != "" {
		return filepath.Abs(p.Config)
	}
	return config.Find(".")
}

// Open reads the config, or takes the defaults where there is none.
func (p Place) Open(ctx context.Context, a *App) (*Project, error) {
	if err := p.Enter(); err != nil {
		return nil, err
	}
	a.entered = true
	file, err := graceful.Read(ctx, &a.Reads, "looking for the config", p.File)
	var early *graceful.CutError
	if errors.Is(err, config.ErrNotFound) {
		here, failed := os.Getwd()
		if failed != nil {
			return nil, failed
		}
		if err := a.readCacheSettings(config.Default(here).Cache); err != nil {
			return nil, err
		}
		without := &Project{Config: config.Default(here), Root: here, warn: a.Warnings.Add, app: a}
		errors.As(err, &without.above)
		return without, nil
	}
	if err != nil && !errors.As(err, &early) {
		return nil, Usage(err, "")
	}
	if err != nil {
		return nil, err
	}
	loaded, err := graceful.Read(ctx, &a.Reads, "reading the config", func() (*config.Config, error) { return config.Load(Display(file), a.Env) })
	var problems diagnostic.List
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, Usage(fmt.Errorf("there is no config %s", p.Config), "ksrelease init writes one")
	case errors.As(err, &problems), errors.As(err, &early):
		return nil, err
	case err != nil:
		return nil, Usage(err, "name a file that can be read with -f FILE")
	}
	if err := a.readCacheSettings(loaded.Cache); err != nil {
		return nil, err
	}
	a.Redact.Expansions(loaded.Expansions())
	for _, t := range loaded.Targets {
		a.Redact.FromEnvironment(a.Env, t.Variable(config.VariablePassword), t.Variable(config.VariableToken))
		if t.Webhook != nil {
			a.Redact.Add(t.Webhook.Secret)
		}
	}
	return &Project{Config: loaded, Root: filepath.Dir(file), warn: a.Warnings.Add, app: a}, nil
}

// WarnAbove warns of a config that was not read, for who goes on without one.
func (p *Project) WarnAbove() {
	if p.above != nil {
		p.warn(p.above.Error() + ": " + p.above.Hint())
	}
}

// BaselineFile is the file with the findings that are known.
func (p *Project) BaselineFile() string { return Display(filepath.Join(p.Root, baseline.Name)) }

// Baseline reads the findings that are known.
func (p *Project) Baseline(ctx context.Context) (*baseline.Baseline, error) {
	known, err := graceful.Read(ctx, &p.app.Reads, "reading "+baseline.Name, func() (*baseline.Baseline, error) {
		return baseline.Load(config.Project(filepath.Dir(p.BaselineFile())), p.BaselineFile())
	})
	var (
		problems diagnostic.List
		early    *graceful.CutError
	)
	if err != nil && !errors.As(err, &problems) && !errors.As(err, &early) {
		return nil, Usage(err, "")
	}
	return known, err
}

// Options are what every command starts from that looks at extensions: run, lint, package,
// status and check. A nil project is one whose config is broken.
func (p *Project) Options(sources []config.Source, known pipeline.Baseline) pipeline.Options {
	options := pipeline.Options{
		Sources: sources, Baseline: known, Display: Display,
		Tool: MadeBy(),
	}
	if p != nil {
		options.Parallelism = p.Config.Parallelism
		if set := p.app.hooks.Load(); set != nil {
			options.Hooks = set
		}
		p.warnOfHooks(sources)
	}
	return options
}

// Start reads what options are made of, for a command that ends at the first mistake: the
// extensions, narrowed to paths, and the findings that are known.
func (p *Project) Start(ctx context.Context, paths []string) (pipeline.Options, error) {
	sources, err := p.Sources(ctx, paths)
	if err != nil {
		return pipeline.Options{}, err
	}
	known, err := p.Baseline(ctx)
	if err != nil {
		return pipeline.Options{}, err
	}
	return p.Options(sources, known), nil
}

// Equip gives a run what it works with: workers that look at extensions, connections for
// their dependencies, the retries of all connections, and what git knows. All is given back by close.
func (p *Project) Equip(options *pipeline.Options) (close func(), err error) {
	said := p.askGit(p.app.Stop, options.Sources, options.Through != results.StageLint)
	options.Revision = said.Revision
	back, err := p.equip(options, said)
	if err != nil {
		said.Close()
		return nil, err
	}
	return func() { back(); said.Close() }, nil
}

// equip is Equip with what git says.
func (p *Project) equip(options *pipeline.Options, said *gitAnswers) (close func(), err error) {
	dependencies, err := p.app.dependencies(p)
	if err != nil {
		return nil, err
	}
	options.Resolver = dependencies
	options.Noting = progress.Requests
	over := p.app.ExamineInWorkers(options)
	back := func() { over(); dependencies.close() }
	if kept := p.Cache(); kept != nil {
		sources := sourceindex.Open(kept, p.Root)
		options.Read, options.Packages = sources, packagecache.New(kept)
		back = func() { over(); dependencies.close(); sources.Save() }
	}
	if options.Through == results.StageLint { // what it looks at is not packed
		return back, nil
	}
	options.WorkTree, options.Dirty = said.WorkTree, config.WarnDirty
	if ci, _ := p.app.Env("CI"); isYes(ci) {
		options.Dirty = config.FailDirty
	}
	return back, nil
}

// Servers are the two that the config names for its marketplace. A file of authorities that cannot
// be used is reported at its place.
func (p *Project) Servers() ([]transport.Server, error) { return places.Servers(p.Config, Display) }

// isYes reports whether a variable such as CI is switched on.
func isYes(value string) bool {
	on, err := strconv.ParseBool(value)
	return err == nil && on
}

// GitFolder is the folder at which git is asked about some extensions: git.Home.
func (p *Project) GitFolder(ctx context.Context, sources []config.Source) string {
	paths := make([]string, len(sources))
	for i, source := range sources {
		paths[i] = source.Path
	}
	return git.Home(ctx, p.Root, paths...)
}

// Sources are the extensions of the project, narrowed to paths where there
// are any. Without a config, the paths alone are the extensions.
func (p *Project) Sources(ctx context.Context, paths []string) ([]config.Source, error) {
	return graceful.Read(ctx, &p.app.Reads, "looking for the extensions", func() ([]config.Source, error) { return p.find(paths) })
}

func (p *Project) find(paths []string) ([]config.Source, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if p.Config.File == "" {
		if len(paths) == 0 {
			if p.above != nil {
				return nil, Usage(p.above, "")
			}
			return nil, Usage(errors.New("there is no .ksrelease.yaml here or in a directory above"),
				"ksrelease init writes one; or name the extensions: ksrelease run DIR…")
		}
		p.WarnAbove()
		sources, err := discover.Named(paths, p.Config.Defaults)
		return sources, usageIf(err)
	}
	declared, err := p.Config.Sources(here, p.warn)
	if err != nil {
		return nil, err
	}
	sources, err := discover.Narrow(declared, paths)
	return sources, usageIf(err)
}

// Display is a path as the user would type it from here.
func Display(path string) string {
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
