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
	c, over, err := Alone(ctx, p, names)
	if err != nil {
		return nil, nil, err
	}
	closeBase, err := c.open(ctx, a, p, local, against)
	if err != nil {
		over()
		return nil, nil, err
	}
	return c, func() { closeBase(); over() }, nil
}

// Alone is a comparison with nothing, in which each extension is new. end gives all back.
func Alone(ctx context.Context, p *app.Project, names []string) (c *Comparison, end func(), err error) {
	options, err := p.Start(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	over, err := p.Equip(&options)
	if err != nil {
		return nil, nil, err
	}
	c = Of(&options)
	c.Names = names
	return c, over, nil
}

// Of is a comparison with nothing of the extensions of a run, by what the run works with.
func Of(options *pipeline.Options) *Comparison {
	return &Comparison{
		Sources: options.Sources, Parallelism: options.Parallelism,
		Examiner: options.Examiner.(Examiner), // package worker has no other
		Resolve:  options.Resolver.Resolve,
		Base: func(context.Context, config.Source, *extension.Extension) (*bases.Base, error) {
			return nil, bases.ErrNone
		},
	}
}

// open reaches what is compared with, until end is called. Where extensions were named, each has
// to be compared.
func (c *Comparison) open(ctx context.Context, a *app.App, p *app.Project, local app.LocalFlags, against string) (end func(), err error) {
	kind := bases.KindOf(against)
	switch kind {
	case bases.KindFile:
		file, err := bases.OfFile(against)
		if err != nil {
			return nil, app.Usage(err, "")
		}
		c.Base = func(_ context.Context, _ config.Source, ext *extension.Extension) (*bases.Base, error) {
			if file.Extension.Metadata.Name == ext.Metadata.Name {
				return file, nil
			}
			if len(c.Names) > 0 {
				return nil, fmt.Errorf("%s is a package of %s", against, file.Extension.Metadata.Name)
			}
			return nil, nil
		}
		return func() {}, nil
	case bases.KindCommit:
		c.Base, end, err = openCommit(ctx, p, c.Sources, against)
		return end, err
	}
	links, err := local.Dial(ctx, a, p)
	if err != nil {
		return nil, err
	}
	index, err := links.Index(ctx)
	if err != nil {
		links.Close()
		return nil, failure.WithHint(fmt.Errorf("asking what is published: %w", err), "compare with a commit or a package, such as --against main; or: %s", failure.Hint(err))
	}
	version := against
	if kind == bases.KindPublished {
		version = ""
	}
	c.Base = func(ctx context.Context, _ config.Source, ext *extension.Extension) (*bases.Base, error) {
		return bases.OfTarget(ctx, links.Target, index, ext.Metadata.Name, version)
	}
	c.Picture = links.FetchAsset
	return links.Close, nil
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
