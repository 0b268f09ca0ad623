// Package lintcache keeps what lint has found in an extension, and where the bytes of its package
// go, by all that this depends on: the content of the extension, the options of lint, its limits, and
// the program (internal/cache).
//
// What was ended at a limit is not kept, since it may end elsewhere the next time, and neither is
// what comes of a fault of a rule.
package lintcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// Inner looks at extensions: see services.Examiner.
type Inner interface {
	Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error)
	ExamineMetadata(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error)
	Sizes(ctx context.Context, ext *extension.Extension, urls extension.URLs, size int64, limits lint.Limits) (*weight.Report, error)
	Images(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*images.Needed, error)
	Footprint(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*footprint.Footprint, error)
}

// Examiner looks at extensions by another one, and keeps what that finds. Its methods may be called
// by several goroutines at once, where those of the other one may.
type Examiner struct {
	Inner
	cache *cache.Cache
}

// New makes one. Without a cache it is the other one.
func New(inner Inner, c *cache.Cache) *Examiner { return &Examiner{inner, c} }

// The kinds of what is kept.
const (
	kindExamine  = "lint/1"
	kindMetadata = "lint-metadata/1"
	kindSizes    = "sizes/1"
)

// Warm has the other one get ready, if it has to.
func (x *Examiner) Warm(among int) {
	if w, ok := x.Inner.(interface{ Warm(among int) }); ok {
		w.Warm(among)
	}
}

// Recall is what Examine said of an extension with this tree digest, if that was kept.
func (x *Examiner) Recall(ctx context.Context, tree string, opts lint.Options, limits lint.Limits) (lint.Report, bool) {
	if x.cache == nil || tree == "" {
		return lint.Report{}, false
	}
	return get[lint.Report](ctx, x.cache, x.key(kindExamine, tree, opts, limits))
}

// Examine is that of the other one.
func (x *Examiner) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	return x.report(ctx, kindExamine, x.Inner.Examine, ext, opts, limits)
}

// ExamineMetadata is that of the other one.
func (x *Examiner) ExamineMetadata(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	return x.report(ctx, kindMetadata, x.Inner.ExamineMetadata, ext, opts, limits)
}

func (x *Examiner) report(ctx context.Context, kind string, examine func(context.Context, *extension.Extension, lint.Options, lint.Limits) (lint.Report, error),
	ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	if x.cache == nil {
		return examine(ctx, ext, opts, limits)
	}
	key := x.key(kind, extension.TreeDigest(ext), opts, limits)
	if report, ok := get[lint.Report](ctx, x.cache, key); ok {
		return report, nil
	}
	report, err := examine(ctx, ext, opts, limits)
	if err == nil && ctx.Err() == nil && isSettled(report) {
		put(ctx, x.cache, key, report)
	}
	return report, err
}

// isSettled reports whether another look would find the same.
func isSettled(report lint.Report) bool {
	return report.Ended == nil && !slices.ContainsFunc(report.Findings, func(f lint.Finding) bool {
		return strings.HasSuffix(f.Code, "/"+rule.InternalError)
	})
}

// Sizes is that of the other one.
func (x *Examiner) Sizes(ctx context.Context, ext *extension.Extension, urls extension.URLs, size int64, limits lint.Limits) (*weight.Report, error) {
	if x.cache == nil {
		return x.Inner.Sizes(ctx, ext, urls, size, limits)
	}
	key := x.cache.Key(kindSizes, extension.TreeDigest(ext), Origin(ext), Addresses(urls), strconv.FormatInt(size, 10), limitsText(limits))
	if report, ok := get[weight.Report](ctx, x.cache, key); ok {
		return &report, nil
	}
	report, err := x.Inner.Sizes(ctx, ext, urls, size, limits)
	if err == nil && report != nil && ctx.Err() == nil {
		put(ctx, x.cache, key, *report)
	}
	return report, err
}

// Origin is of which commit an extension says to be packed, as a part of a key.
func Origin(ext *extension.Extension) string {
	if ext.Origin == nil {
		return ""
	}
	return fmt.Sprintf("%#v", *ext.Origin)
}

// Addresses are those of the assets of a package, as a part of a key.
func Addresses(urls extension.URLs) string {
	if urls == nil {
		return "local"
	}
	var b strings.Builder
	for _, file := range slices.Sorted(maps.Keys(urls)) {
		fmt.Fprintf(&b, "%q %q\n", file, urls[file])
	}
	return b.String()
}

func limitsText(limits lint.Limits) string { return fmt.Sprintf("%#v", limits) }

// key is that of a report. Each field of the options has a part in it but Progress, which finds
// nothing.
func (x *Examiner) key(kind, tree string, opts lint.Options, limits lint.Limits) cache.Key {
	parts := []string{tree, limitsText(limits)}
	var severities, siblings strings.Builder
	for _, name := range slices.Sorted(maps.Keys(opts.Severities)) {
		fmt.Fprintf(&severities, "%q %q\n", name, opts.Severities[name])
	}
	for _, name := range slices.Sorted(maps.Keys(opts.Siblings)) {
		fmt.Fprintf(&siblings, "%q %q\n", name, opts.Siblings[name])
	}
	parts = append(parts, severities.String(), siblings.String(), "", "", "")
	if opts.Earlier != nil {
		earlier, files := *opts.Earlier, sha256.New()
		for _, f := range earlier.Files {
			fmt.Fprintf(files, "%q %d\n", f.Name, len(f.Data))
			files.Write(f.Data)
		}
		hasFiles := earlier.Files != nil
		earlier.Files = nil
		parts[4], parts[5] = fmt.Sprintf("%#v %t", earlier, hasFiles), hex.EncodeToString(files.Sum(nil))
	}
	if opts.Registries != nil {
		parts[6] = fmt.Sprintf("%#v", *opts.Registries)
	}
	return x.cache.Key(kind, parts...)
}

// get is what was kept under a key. What cannot be read is not there.
func get[T any](ctx context.Context, c *cache.Cache, key cache.Key) (value T, ok bool) {
	data, ok := c.Get(ctx, key)
	if !ok || gob.NewDecoder(bytes.NewReader(data)).Decode(&value) != nil {
		return *new(T), false
	}
	return value, true
}

func put[T any](ctx context.Context, c *cache.Cache, key cache.Key, value T) {
	var b bytes.Buffer
	if gob.NewEncoder(&b).Encode(value) == nil {
		c.Put(ctx, key, b.Bytes())
	}
}
