package comparing

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bases"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Open prepares the comparison of the extensions of a project with what a user has named
// (bases.KindOf). end gives all back.
func Open(ctx context.Context, a *app.App, p *app.Project, local app.LocalFlags, against string, names []string) (c *Comparison, end func(), err error) {
	options, err := p.Start(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	over, err := p.Equip(&options)
	if err != nil {
		return nil, nil, err
	}
	base, closeBase, err := open(ctx, a, p, options.Sources, local, against, len(names) > 0)
	if err != nil {
		over()
		return nil, nil, err
	}
	c = &Comparison{
		Sources: options.Sources, Names: names, Parallelism: options.Parallelism,
		Examiner: options.Examiner.(Examiner), // package worker has no other
		Resolve:  options.Resolver.Resolve, Base: base,
	}
	return c, func() { closeBase(); over() }, nil
}

// open reaches what is compared with, until end is called. strict says that extensions were
// named, and each has to be compared.
func open(ctx context.Context, a *app.App, p *app.Project, sources []config.Source, local app.LocalFlags, against string, strict bool) (of BaseOf, end func(), err error) {
	kind := bases.KindOf(against)
	switch kind {
	case bases.KindFile:
		file, err := bases.OfFile(against)
		if err != nil {
			return nil, nil, app.Usage(err, "")
		}
		return func(_ context.Context, _ config.Source, ext *extension.Extension) (*bases.Base, error) {
			if file.Extension.Metadata.Name == ext.Metadata.Name {
				return file, nil
			}
			if strict {
				return nil, fmt.Errorf("%s is a package of %s", against, file.Extension.Metadata.Name)
			}
			return nil, nil
		}, func() {}, nil
	case bases.KindCommit:
		return openCommit(ctx, p, sources, against)
	}
	links, err := local.Dial(ctx, a, p)
	if err != nil {
		return nil, nil, err
	}
	index, err := links.Index(ctx)
	if err != nil {
		links.Close()
		return nil, nil, failure.WithHint(fmt.Errorf("asking what is published: %w", err), "compare with a commit or a package, such as --against main; or: %s", failure.Hint(err))
	}
	version := against
	if kind == bases.KindPublished {
		version = ""
	}
	return func(ctx context.Context, _ config.Source, ext *extension.Extension) (*bases.Base, error) {
		return bases.OfTarget(ctx, links.Target, index, ext.Metadata.Name, version)
	}, links.Close, nil
}

// openCommit opens a commit. Dependencies in folders are those of the commit, too.
func openCommit(ctx context.Context, p *app.Project, sources []config.Source, name string) (BaseOf, func(), error) {
	commit, err := bases.OpenCommit(ctx, p.GitFolder(ctx, sources), name)
	if err != nil {
		return nil, nil, app.Usage(err, "")
	}
	there, options := *p, pipeline.Options{}
	there.Root = commit.Root(p.Root)
	over, err := there.Equip(&options)
	if err != nil {
		commit.Close()
		return nil, nil, err
	}
	var (
		once   sync.Mutex
		places map[string]string
	)
	return func(ctx context.Context, source config.Source, ext *extension.Extension) (*bases.Base, error) {
		base, err := commit.Of(ctx, source.Path, source.Display, options.Resolver.Resolve)
		if err == nil && base.Extension.Metadata.Name == ext.Metadata.Name || err != nil && !errors.Is(err, bases.ErrNone) {
			return base, err
		}
		once.Lock() // it may have lain elsewhere
		defer once.Unlock()
		if places == nil {
			found, err := p.Places(ctx, commit.Hash)
			if err != nil {
				return nil, err
			}
			places = found
		}
		if at, ok := places[source.Path]; ok {
			return commit.Below(ctx, p.Root, at, source.Display, options.Resolver.Resolve)
		}
		return base, err
	}, func() { over(); commit.Close() }, nil
}
