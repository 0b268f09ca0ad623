package changes

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/published"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// published compares extensions with what is published of them.
func (f *finder) published(ctx context.Context, some []*today) error {
	found := make([]Extension, len(some))
	var group errgroup.Group
	group.SetLimit(max(1, f.options.Config.Parallelism))
	for i, t := range some {
		group.Go(func() error {
			var err error
			found[i], err = f.comparePublished(ctx, t)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	f.found.Extensions = append(f.found.Extensions, found...)
	return nil
}

func (f *finder) comparePublished(ctx context.Context, t *today) (Extension, error) {
	e := Extension{Name: t.name, Path: shownPath(f.options.Config.Dir, t.source), Version: t.version, Files: []string{}, source: &t.source, needs: t.needs}
	ext, err := f.load(t)
	if err != nil {
		e.Status, e.Content, e.Base = Changed, true, Base{Kind: BaseNone}
		e.Notes = append(e.Notes, "it cannot be read: "+cause(err))
		if e.Name == "" {
			e.Name = e.Path
		}
		return e, ctx.Err()
	}
	version, differences, err := f.options.Published.Compare(ctx, t.source.Path, ext)
	switch {
	case err != nil:
		return e, fmt.Errorf("comparing %s with what is published: %w", t.source.Display, err)
	case version == "":
		e.Status, e.Content, e.Base = Added, true, Base{Kind: BaseNone}
		e.Files = namesIn(ext)
		return e, nil
	}
	e.Base, e.BaseVersion = Base{Kind: BasePublished, Ref: version}, version
	e.differ(differences)
	return e, nil
}

// repository is a target as Published.
type repository struct {
	target  target.Reader
	resolve func(ctx context.Context, dir string, ext *extension.Extension) (*extension.Extension, error)
	once    sync.Mutex
	index   target.Index
}

// FromTarget compares with what a target has. resolve brings in the dependencies of an
// extension that are not in its folder.
func FromTarget(t target.Reader, resolve func(ctx context.Context, dir string, ext *extension.Extension) (*extension.Extension, error)) Published {
	return &repository{target: t, resolve: resolve}
}

// read is the index, read once.
func (r *repository) read(ctx context.Context) (target.Index, error) {
	r.once.Lock()
	defer r.once.Unlock()
	if r.index != nil {
		return r.index, nil
	}
	index, err := r.target.Index(ctx)
	if err != nil {
		return nil, failure.WithHint(err, "name a ref (--since main), which asks git alone; or: %s", failure.Hint(err))
	}
	r.index = index
	return index, nil
}

func (r *repository) Compare(ctx context.Context, path string, ext *extension.Extension) (string, compare.Differences, error) {
	index, err := r.read(ctx)
	if err != nil {
		return "", nil, err
	}
	name, version := ext.Metadata.Name, ext.Metadata.Version
	entry, ok, err := index.Lookup(ctx, name, version)
	if err != nil {
		return "", nil, err
	}
	if !ok {
		all, err := index.Versions(ctx, name)
		if err != nil || len(all) == 0 {
			return "", nil, err
		}
		version = all[0]
		for _, other := range all[1:] {
			if versions.Compare(other, version) > 0 {
				version = other
			}
		}
		if entry, ok, err = index.Lookup(ctx, name, version); err != nil || !ok {
			return "", nil, err
		}
	}
	whole, err := r.resolve(ctx, path, ext)
	if err != nil {
		return "", nil, err
	}
	verdict, err := published.CompareDigest(ctx, whole, entry.ContentDigest)
	if err != nil || verdict == extension.DigestSame {
		return version, nil, err
	}
	archive, err := r.target.Fetch(ctx, entry)
	if err != nil {
		return "", nil, err
	}
	if complaint := published.WrongDigest(entry, archive); complaint != "" {
		return "", nil, failure.WithHint(fmt.Errorf("version %s: %s", version, complaint), "run again later")
	}
	difference, err := published.Differs(ctx, whole, nil, entry, archive, r.target)
	if err != nil {
		return "", nil, err
	}
	if difference.Unread != "" && len(difference.Files) == 0 {
		return version, compare.Differences{{File: extension.MetadataFile, Kind: compare.Changed, Detail: difference.Unread}}, nil
	}
	return version, difference.Files, nil
}
