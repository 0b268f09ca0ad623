package bases

import (
	"context"
	"fmt"
	"slices"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Earlier is another version for rules that compare content. It has no version of its own for
// those that compare versions.
func (b *Base) Earlier() *lint.Earlier {
	return &lint.Earlier{Of: b.Label, Files: b.Extension.Files}
}

// Index is what is asked of an index.
type Index interface {
	Lookup(ctx context.Context, name, version string) (target.Entry, bool, error)
	Versions(ctx context.Context, name string) ([]string, error)
}

// Examine holds an extension to rules.
type Examine func(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error)

// Upgrade holds an extension to the rule upgrade alone, against the highest version below its
// own that a target shows. Where there is none it finds nothing. What cannot be fetched is said
// by warn, and keeps nothing from being released.
func Upgrade(examine Examine, from target.Reader, index Index, warn func(string)) Examine {
	return func(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
		if opts.Severities[lint.RuleUpgrade] == lint.Off {
			return lint.Report{}, nil
		}
		name, version := ext.Metadata.Name, ext.Metadata.Version
		base, err := below(ctx, from, index, name, version)
		switch {
		case ctx.Err() != nil:
			return lint.Report{}, ctx.Err()
		case err != nil:
			warn(fmt.Sprintf("%s %s: whether clusters can upgrade to it is not known: %v", name, version, err))
			return lint.Report{}, nil
		case base == nil:
			return lint.Report{}, nil
		}
		opts.Severities, opts.Earlier = lint.Only(lint.RuleUpgrade, opts.Severities), base.Earlier()
		return examine(ctx, ext, opts, limits)
	}
}

// Below names the package of the highest version below another one, by its digest; it is empty where
// there is none, or it has no digest.
func Below(ctx context.Context, index Index, name, version string) (string, error) {
	highest, err := highestBelow(ctx, index, name, version)
	if err != nil || highest == "" {
		return "", err
	}
	entry, _, err := index.Lookup(ctx, name, highest)
	return entry.Digest, err
}

// below is the highest version below another one; nil where there is none.
func below(ctx context.Context, from target.Reader, index Index, name, version string) (*Base, error) {
	highest, err := highestBelow(ctx, index, name, version)
	if err != nil || highest == "" {
		return nil, err
	}
	return OfTarget(ctx, from, index, name, highest)
}

// highestBelow is the highest version below another one; empty where there is none.
func highestBelow(ctx context.Context, index Index, name, version string) (string, error) {
	there, err := index.Versions(ctx, name)
	if err != nil {
		return "", err
	}
	there = slices.DeleteFunc(slices.Clone(there), func(other string) bool { return versions.Compare(other, version) >= 0 })
	if len(there) == 0 {
		return "", nil
	}
	return slices.MaxFunc(there, versions.Compare), nil
}
