// Package projectimages finds the images that the extensions of a project need, and prints what
// is known of them.
package projectimages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Examiner finds the images of an extension, within limits.
type Examiner interface {
	Images(ctx context.Context, ext *extension.Extension, limits lint.Limits) (*images.Needed, error)
}

// Found are the images of some extensions.
type Found struct {
	Extensions []Extension
	// Unreadable are texts in the place of an image that are none, with files as users type them.
	Unreadable []diagnostic.Diagnostic
	// Warnings say of what nothing is known.
	Warnings []string
}

// Extension is one with its settings and its images.
type Extension struct {
	images.Extension
	Settings config.Settings
}

// Images lists the images of all extensions, each once.
func (f *Found) Images() []images.Image {
	all := make([]images.Extension, len(f.Extensions))
	for i, x := range f.Extensions {
		all[i] = x.Extension
	}
	return images.Together(all)
}

// Gather finds the images of the extensions of these names, or of all. What could be found is
// returned with the errors of the others. An error that is an app.UsageError is of a name that
// no extension has.
func Gather(ctx context.Context, p *app.Project, names []string) (*Found, error) {
	options, err := p.Start(ctx, nil)
	if err != nil {
		return nil, err
	}
	giveBack, err := p.Equip(&options)
	if err != nil {
		return nil, err
	}
	defer giveBack()
	g := gathering{options: options, names: names, examiner: options.Examiner.(Examiner)} // package worker has no other
	return g.all(ctx)
}

type gathering struct {
	options  pipeline.Options
	names    []string
	examiner Examiner
}

// one is what is found of a source.
type one struct {
	name       string // as it is declared; empty where the extension cannot be read
	found      *Extension
	unreadable []diagnostic.Diagnostic
	warnings   []string
	err        error
}

func (g gathering) all(ctx context.Context) (*Found, error) {
	each := make([]one, len(g.options.Sources))
	var group errgroup.Group
	group.SetLimit(max(1, g.options.Parallelism))
	for i, source := range g.options.Sources {
		group.Go(func() error {
			each[i] = g.one(ctx, source)
			return nil // the others are looked at, too
		})
	}
	_ = group.Wait() // the errors are in each
	if err := ctx.Err(); err != nil {
		return nil, &graceful.CutError{Err: fmt.Errorf("%w before all extensions were looked at", context.Cause(ctx))}
	}
	var known []string
	unread := false
	for _, o := range each {
		known = append(known, o.name)
		unread = unread || o.name == ""
	}
	missing := slices.DeleteFunc(slices.Clone(g.names), func(name string) bool { return slices.Contains(known, name) })
	if len(missing) > 0 && !unread { // else it may be the one that cannot be read
		return nil, app.Usage(request.Unknown(missing, slices.DeleteFunc(known, func(name string) bool { return name == "" })), "")
	}
	found := &Found{}
	var failed []error
	for _, o := range each {
		if o.err != nil && (len(g.names) == 0 || o.name != "" || len(missing) > 0) { // else of others, whose names nobody asks for
			failed = append(failed, o.err)
		}
		if o.found != nil {
			found.Extensions = append(found.Extensions, *o.found)
		}
		found.Unreadable = append(found.Unreadable, o.unreadable...)
		found.Warnings = append(found.Warnings, o.warnings...)
	}
	return found, errors.Join(failed...)
}

// one looks at one extension.
func (g gathering) one(ctx context.Context, source config.Source) one {
	ext, err := graceful.Await(ctx, func() (*extension.Extension, error) {
		return extension.Load(source.Path, extension.Options{Display: source.Display, Ignore: []string{source.Settings.Package.Output}})
	})
	if err != nil {
		return one{err: err}
	}
	o := one{name: ext.Metadata.Name}
	if len(g.names) > 0 && !slices.Contains(g.names, o.name) {
		return o
	}
	complete, err := g.options.Resolver.Resolve(ctx, source.Path, ext)
	if err != nil {
		o.err = because(source, fmt.Errorf("bringing in its dependencies: %w", err))
		return o
	}
	limits := lint.Limits{Time: source.Settings.Lint.Timeout, Memory: source.Settings.Lint.Memory}
	needed, err := g.examiner.Images(ctx, complete, limits)
	if err != nil {
		o.err = because(source, fmt.Errorf("finding the images of its chart: %w", err))
	}
	o.found = &Extension{Extension: images.Extension{Name: o.name, Version: ext.Metadata.Version, Path: source.Display, Needed: *needed}, Settings: source.Settings}
	for _, u := range needed.Unreadable {
		o.unreadable = append(o.unreadable, u.Diagnostic().In(source.Display))
	}
	if len(needed.Unknown) > 0 {
		o.warnings = append(o.warnings, fmt.Sprintf("%s: what does not render is not known to need any image: %s", source.Display, strings.Join(needed.Unknown, ", ")))
	}
	return o
}

// because says of which extension an error is.
func because(source config.Source, err error) error {
	return failure.WithHint(fmt.Errorf("%s: %w", source.Display, err), "%s", failure.Hint(err))
}
