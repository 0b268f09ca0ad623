package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/ksrelease/ksrelease/internal/changes"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Since is the flag that narrows a command to what changed.
type Since struct {
	Ref string `name:"since" placeholder:"REF" help:"Only what changed since this branch, tag or commit, and what needs it; auto: since the base of the pull request, or the newest tag, or what is published."`
}

// Apply narrows a run to what changed and what needs it. Options have the target of the run,
// if it has one, and what brings in dependencies.
func (s Since) Apply(ctx context.Context, a *App, p *Project, options *pipeline.Options) error {
	if s.Ref == "" {
		return nil
	}
	published := &published{app: a, project: p, resolver: options.Resolver}
	if len(options.Targets) > 0 {
		published.target = showingPlace(options.Targets).Target
	}
	defer published.close()
	all := options.Sources
	if p.Config.File != "" { // paths narrow what is looked at, not what is compared
		declared, err := p.Sources(ctx, nil)
		if err != nil {
			return err
		}
		all = declared
	}
	found, err := p.changes(ctx, changes.Options{Sources: all, Ignore: options.Ignore, Since: s.Ref, Published: published})
	if err != nil {
		return err
	}
	narrowed := found.Narrowed()
	options.Among = narrowed.Paths
	options.Since = &results.Since{Ref: s.Ref, Base: found.Base(), Changed: slices.Clip(found.Names()), Dependents: narrowed.Dependents}
	if options.Since.Changed == nil {
		options.Since.Changed = []string{}
	}
	for _, warning := range found.Warnings {
		a.Warnings.Add(warning)
	}
	if options.Earlier, err = p.earlier(ctx, found); err != nil {
		return err
	}
	return p.earlierFiles(ctx, found, options.Earlier, published)
}

// Changes finds out what became of each extension of the project since a ref, or auto.
// Connections are made only if what is published is asked for.
func (p *Project) Changes(ctx context.Context, since string, local LocalFlags) (*changes.Changes, error) {
	sources, err := p.Sources(ctx, nil)
	if err != nil {
		return nil, err
	}
	published := &published{app: p.app, project: p, local: local}
	defer published.close()
	return p.changes(ctx, changes.Options{Sources: sources, Since: since, Published: published})
}

// Places are where the extensions were in a commit, by the paths of their sources: relative to the
// folder of the config, with slashes. Those that the commit has not are left out.
func (p *Project) Places(ctx context.Context, commit string) (map[string]string, error) {
	found, err := p.Changes(ctx, commit, LocalFlags{})
	if err != nil {
		return nil, err
	}
	places := map[string]string{}
	for _, e := range found.Extensions {
		if source := e.SourcePath(); source != "" && e.Status != changes.Added {
			places[source] = cmp.Or(e.BasePath, e.Path)
		}
	}
	return places, nil
}

func (p *Project) changes(ctx context.Context, o changes.Options) (*changes.Changes, error) {
	o.Config, o.Environment = p.Config, p.app.Env
	found, err := changes.Find(ctx, o)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, &graceful.CutError{Err: fmt.Errorf("%w while looking for what changed", context.Cause(ctx))}
	case git.ReasonOf(err) != "":
		return nil, Usage(err, "")
	}
	return found, err
}

// published asks what is published, with connections that are made when it is asked first.
type published struct {
	app      *App
	project  *Project
	local    LocalFlags
	target   target.Reader     // nil: that of local
	resolver pipeline.Resolver // nil: that of the project

	mu    sync.Mutex
	asked changes.Published
	index target.Index
	ends  []func()
}

// Compare is that of changes.Published.
func (o *published) Compare(ctx context.Context, path string, ext *extension.Extension) (string, compare.Differences, error) {
	asked, err := o.connect(ctx)
	if err != nil {
		return "", nil, err
	}
	return asked.Compare(ctx, path, ext)
}

func (o *published) connect(ctx context.Context) (changes.Published, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asked != nil {
		return o.asked, nil
	}
	if o.target == nil {
		links, err := o.local.Dial(ctx, o.app, o.project)
		if err != nil {
			return nil, err
		}
		o.ends = append(o.ends, links.Close)
		o.target = links.Target
	}
	if o.resolver == nil {
		dependencies, err := o.app.dependencies(o.project)
		if err != nil {
			return nil, err
		}
		o.ends = append(o.ends, dependencies.close)
		o.resolver = dependencies
	}
	o.asked = changes.FromTarget(o.target, o.resolver.Resolve)
	return o.asked, nil
}

func (o *published) close() {
	for _, end := range slices.Backward(o.ends) {
		end()
	}
}
