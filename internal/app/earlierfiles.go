package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ksrelease/ksrelease/internal/bases"
	"github.com/ksrelease/ksrelease/internal/changes"
	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/target"
)

// earlierFiles adds what the extensions held before, for rules that compare content. What
// cannot be read is warned of: the rules are not run then.
func (p *Project) earlierFiles(ctx context.Context, found *changes.Changes, known map[string]*lint.Earlier, released *published) error {
	byCommit := map[string][]changes.Extension{}
	for _, e := range found.Extensions {
		was := known[e.SourcePath()]
		if was == nil || !e.Content {
			continue
		}
		if e.Base.Commit != "" {
			byCommit[e.Base.Commit] = append(byCommit[e.Base.Commit], e)
			continue
		}
		base, err := released.base(ctx, e.Name, e.BaseVersion)
		if err := p.addFiles(ctx, was, e, base, err); err != nil {
			return err
		}
	}
	if len(byCommit) == 0 {
		return nil
	}
	repository, err := commits.Open(ctx, found.Repository())
	if err != nil {
		return err
	}
	defer repository.Close()
	for _, commit := range slices.Sorted(maps.Keys(byCommit)) {
		if err := p.filesOf(ctx, repository, commit, byCommit[commit], known); err != nil {
			return err
		}
	}
	return nil
}

// filesOf adds what some extensions held in one commit.
func (p *Project) filesOf(ctx context.Context, repository *commits.Repository, hash string, some []changes.Extension, known map[string]*lint.Earlier) error {
	commit, err := bases.InCommit(repository, hash, hash)
	if err != nil {
		return err
	}
	defer commit.Close()
	there := *p // dependencies in folders are those of the commit, too
	there.Root = commit.Root(p.Root)
	dependencies, err := p.app.dependencies(&there)
	if err != nil {
		return err
	}
	defer dependencies.close()
	for _, e := range some {
		at := e.SourcePath()
		var base *bases.Base
		if e.BasePath != "" { // it lay elsewhere
			base, err = commit.Below(ctx, p.Root, e.BasePath, e.Path, dependencies.Resolve)
		} else {
			base, err = commit.Of(ctx, at, e.Path, dependencies.Resolve)
		}
		if err := p.addFiles(ctx, known[at], e, base, err); err != nil {
			return err
		}
	}
	return nil
}

// addFiles adds the files of a base, or warns that there are none.
func (p *Project) addFiles(ctx context.Context, was *lint.Earlier, e changes.Extension, base *bases.Base, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, bases.ErrNone):
	case err != nil:
		p.app.Warnings.Add(fmt.Sprintf("%s: whether clusters can upgrade to it is not known: %v", e.Name, err))
	default:
		was.Files = base.Earlier().Files
	}
	return nil
}

// base is a version that is published.
func (o *published) base(ctx context.Context, name, version string) (*bases.Base, error) {
	if _, err := o.connect(ctx); err != nil {
		return nil, err
	}
	index, err := o.indexOf(ctx)
	if err != nil {
		return nil, err
	}
	return bases.OfTarget(ctx, o.target, index, name, version)
}

// indexOf is the index, read once.
func (o *published) indexOf(ctx context.Context) (target.Index, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.index == nil {
		index, err := o.target.Index(ctx)
		if err != nil {
			return nil, err
		}
		o.index = index
	}
	return o.index, nil
}
