// Package comparing compares the extensions of a project with other versions of them, several
// at once.
package comparing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/bases"
	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/request"
)

// Examiner finds the footprint of an extension, within limits.
type Examiner interface {
	Footprint(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*footprint.Footprint, error)
}

// Comparison compares extensions.
type Comparison struct {
	Sources     []config.Source
	Names       []string // of those to compare; empty is all
	Parallelism int
	Examiner    Examiner
	// Resolve brings in the dependencies of an extension of the work tree.
	Resolve bases.Resolver
	Base    BaseOf
	// Picture fetches an icon or screenshot of what is compared with, by its address; nil where
	// that is no target.
	Picture func(ctx context.Context, address string) ([]byte, error)
}

// BaseOf finds what an extension is compared with. Its error is bases.ErrNone where there is
// nothing; both are nil for an extension that nobody wants compared.
type BaseOf func(ctx context.Context, source config.Source, ext *extension.Extension) (*bases.Base, error)

// unknownNames is the error of names that no extension has.
type unknownNames struct{ error }

func (e *unknownNames) Unwrap() error { return e.error }

// IsUnknownName reports whether an error is that of a name that no extension has.
func IsUnknownName(err error) bool {
	var unknown *unknownNames
	return errors.As(err, &unknown)
}

// All compares all that are asked for. What could be compared is returned, sorted by name,
// together with the errors of the others.
func (c Comparison) All(ctx context.Context) ([]chartdiff.Diff, error) {
	extensions, failed := c.load(ctx)
	var declared []string
	for _, ext := range extensions {
		if ext != nil {
			declared = append(declared, ext.Metadata.Name)
		}
	}
	unknown := request.Unknown(c.Names, declared)
	switch {
	case unknown != nil && len(failed) == 0:
		return nil, &unknownNames{unknown}
	case len(c.Names) > 0 && unknown == nil:
		failed = nil // of others, whose names nobody asks for
	}
	diffs, errs := make([]*chartdiff.Diff, len(extensions)), make([]error, len(extensions))
	var group errgroup.Group
	group.SetLimit(max(1, c.Parallelism))
	for i, ext := range extensions {
		if ext == nil || len(c.Names) > 0 && !slices.Contains(c.Names, ext.Metadata.Name) {
			continue
		}
		group.Go(func() error {
			diffs[i], errs[i] = c.one(ctx, c.Sources[i], ext)
			return nil // the others are compared, too
		})
	}
	_ = group.Wait() // the errors are in errs
	all := []chartdiff.Diff{}
	for i, d := range diffs {
		if errs[i] != nil {
			errs[i] = failure.WithHint(fmt.Errorf("%s: %w", c.Sources[i].Display, errs[i]), "%s", failure.Hint(errs[i]))
		}
		if d != nil {
			all = append(all, *d)
		}
	}
	slices.SortStableFunc(all, func(a, b chartdiff.Diff) int { return strings.Compare(a.Name+"\x00"+a.Path, b.Name+"\x00"+b.Path) })
	return all, errors.Join(append(failed, errs...)...)
}

// load reads the extensions; those that cannot be read are nil.
func (c Comparison) load(ctx context.Context) (extensions []*extension.Extension, failed []error) {
	extensions = make([]*extension.Extension, len(c.Sources))
	for i, source := range c.Sources {
		ext, err := graceful.Await(ctx, func() (*extension.Extension, error) {
			return extension.Load(source.Path, extension.Options{Display: source.Display, Ignore: []string{source.Settings.Package.Output}})
		})
		if err != nil {
			failed = append(failed, err)
			continue
		}
		extensions[i] = ext
	}
	return extensions, failed
}

// one compares one extension; nil where nobody asks for it.
func (c Comparison) one(ctx context.Context, source config.Source, ext *extension.Extension) (*chartdiff.Diff, error) {
	ext, err := c.Resolve(ctx, source.Path, ext)
	if err != nil {
		return nil, err
	}
	d := &chartdiff.Diff{Name: ext.Metadata.Name, Path: source.Display, Version: ext.Metadata.Version, Changes: []chartdiff.Change{}}
	base, err := c.Base(ctx, source, ext)
	switch {
	case errors.Is(err, bases.ErrNone):
		d.Against, d.IsNew = "nothing", true
		return d, nil
	case err != nil || base == nil:
		return nil, err
	}
	d.Against, d.BaseVersion = base.Label, base.Extension.Metadata.Version
	if d.Files, err = base.Differ(ctx, ext); err != nil {
		return nil, err
	}
	if d.Equal = len(d.Files) == 0; d.Equal {
		return d, nil
	}
	before, now, err := footprints(ctx, c.Examiner, base, ext, limitsOf(source))
	if err != nil {
		return nil, err
	}
	d.Changes = append(d.Changes, chartdiff.Of(before, now)...)
	d.Notes = chartdiff.Notes(before, now)
	return d, nil
}

// limitsOf are those within which an extension is looked at.
func limitsOf(source config.Source) lint.Limits {
	return lint.Limits{Time: source.Settings.Lint.Timeout, Memory: source.Settings.Lint.Memory}
}

// footprints are those of another version and of an extension.
func footprints(ctx context.Context, by Examiner, base *bases.Base, ext *extension.Extension, limits lint.Limits) (before, now *footprint.Footprint, err error) {
	if before, err = by.Footprint(ctx, base.Extension, limits); err != nil {
		return nil, nil, fmt.Errorf("looking at %s: %w", base.Label, err)
	}
	if now, err = by.Footprint(ctx, ext, limits); err != nil {
		return nil, nil, fmt.Errorf("looking at this version: %w", err)
	}
	return before, now, nil
}
