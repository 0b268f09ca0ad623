package pipeline

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/results"
)

// load reads all sources at once and keeps those that were asked for. Errors are those of
// usage.
func (r *Run) load(ctx context.Context) ([]*release, error) {
	all := r.readAll(ctx)
	if err := distinct(all); err != nil {
		return nil, err
	}
	if err := r.choose(all); err != nil && ctx.Err() == nil { // else not all names were read
		return nil, err
	}
	return slices.DeleteFunc(all, func(rel *release) bool { return !r.wants(rel) }), nil
}

// choose holds Options.Only to all that was read, and has Options.Choose pick from it. What a
// plan that was approved names and nothing has is for Agreed to say.
func (r *Run) choose(all []*release) (err error) {
	declared := map[string][]string{}
	for _, rel := range all {
		declared[rel.result.Name] = append(declared[rel.result.Name], rel.result.Version)
	}
	if r.Agreed == nil {
		err = request.Unknown(r.Only, slices.Collect(maps.Keys(declared)))
	}
	if err != nil || r.Choose == nil {
		return err
	}
	r.chosen, err = r.Choose(declared)
	return err
}

// distinct is the error of extensions of one name and version.
func distinct(all []*release) error {
	twice := duplicates(all)
	var problems diagnostic.List
	for _, rel := range all {
		if p, ok := twice[rel]; ok {
			problems = append(problems, p)
		}
	}
	return problems.Err()
}

// readAll reads all sources at once, and what versions they declare.
func (r *Run) readAll(ctx context.Context) []*release {
	all := make([]*release, 0, len(r.Sources))
	for _, s := range r.Sources {
		all = append(all, newRelease(r, s))
	}
	r.each(ctx, all, func(ctx context.Context, rel *release) {
		if !r.takeSlot(ctx) {
			rel.end(results.NotReached, graceful.Interruption(ctx)+" before it was read")
			return
		}
		defer r.slots.Release(1)
		if err := rel.load(graceful.Finish(ctx)); err != nil {
			rel.end(results.NotReached, graceful.Interruption(graceful.Finish(ctx))+" before it was read")
			return
		}
		if rel.hasHooks() {
			rel.parcel.Ext = nil // it is read again
			return
		}
		r.letGo(rel)
	})
	r.all = slices.Clone(all)
	r.declare()
	return all
}

// declare notes what versions all extensions have.
func (r *Run) declare() {
	r.declared = map[string][]string{}
	for _, rel := range r.all {
		if m := rel.read.metadata; m != nil {
			r.declared[m.Name] = append(r.declared[m.Name], m.Version)
		}
	}
}

// load reads the extension. That it cannot be read is kept for the plan; the error is that of
// ctx.
func (rel *release) load(ctx context.Context) error {
	source, ignored := rel.source, append([]string{rel.source.Settings.Package.Output}, rel.run.Ignore...)
	ext, err := graceful.Await(ctx, func() (*extension.Extension, error) {
		return extension.Load(source.Path, extension.Options{Display: source.Display, Ignore: ignored})
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		rel.read.err = err
		// What depends on it has to wait until it can be read.
		rel.result.Name = cmp.Or(naming.GuessName(rel.source.Path), rel.result.Name)
		return nil
	}
	metadata := ext.Metadata
	rel.parcel.Ext, rel.read.metadata, rel.read.size = ext, &metadata, ext.ContentSize()
	rel.result.Version = metadata.Version
	if metadata.Name != "" {
		rel.result.Name = metadata.Name
	}
	rel.parcel.Name, rel.parcel.Version = rel.result.Name, rel.result.Version
	return nil
}

// heldAtMost is how much content, in bytes, a run keeps from reading the names of
// all extensions until each is planned. A thousand of them have more than a
// machine has memory, and most are let go as soon as they are seen to exist.
const heldAtMost = 16 << 20

// letGo drops the content of an extension that is not wanted, or that there is no memory
// for until it is planned.
func (r *Run) letGo(rel *release) {
	switch {
	case rel.parcel.Ext == nil:
	case !r.wants(rel), r.held.Add(rel.parcel.Ext.ContentSize()) > r.heldAtMost:
		rel.parcel.Ext = nil
	}
}

// readStep reads an extension that was let go. It is planned under the name and
// with the dependencies that were read first. One that cannot be read fails here.
func readStep[E any](ctx context.Context, _ E, rel *release) error {
	if rel.parcel.Ext == nil && rel.read.err == nil {
		before := rel.read.metadata
		if err := rel.load(ctx); err != nil {
			return err
		}
		if rel.read.err == nil && !reflect.DeepEqual(before, rel.read.metadata) {
			rel.result.Name, rel.result.Version = before.Name, before.Version
			rel.parcel.Name, rel.parcel.Version = before.Name, before.Version
			return &failure.Staged{Stage: stagePlan, Err: failure.WithHint(errors.New("its extension.yaml was changed while the run read it"), "run again")}
		}
	}
	// Mistakes with a place are findings, so that every report shows where they are.
	var problems diagnostic.List
	if errors.As(rel.read.err, &problems) {
		for _, p := range problems {
			p.Code, p.File = results.CodeUnreadable, extension.MetadataFile // that is what cannot be read
			rel.result.Findings = append(rel.result.Findings, results.FindingOf(p, rel.source.Display))
		}
	}
	return rel.read.err
}

// resolveStep completes the extension with its dependencies, before anything looks
// at it: rules, digests and packages are those of the whole.
func resolveStep(ctx context.Context, _ *planning, rel *release) error {
	if rel.run.Resolver == nil {
		return nil
	}
	path, without := rel.source.Path, rel.parcel.Ext
	ext, err := graceful.Await(ctx, func() (*extension.Extension, error) { return rel.run.Resolver.Resolve(ctx, path, without) })
	if err == nil {
		rel.parcel.Ext = ext
	}
	return err
}

// wants says whether Only, Since and what was chosen let the extension through.
func (r *Run) wants(rel *release) bool {
	if r.Since != nil && !r.Among[rel.source.Path] {
		return false
	}
	if len(r.Only) > 0 && !slices.Contains(r.Only, rel.result.Name) {
		return false
	}
	if r.chosen == nil {
		return true
	}
	version, ok := r.chosen.Extensions[rel.result.Name]
	return ok && (version == "" || version == rel.result.Version)
}

// duplicates are the extensions of a name and version that another one before them has: they
// would release over each other.
func duplicates(all []*release) map[*release]diagnostic.Diagnostic {
	problems := map[*release]diagnostic.Diagnostic{}
	type version struct{ name, version string }
	first := map[version]*release{}
	for _, rel := range all {
		if rel.read.metadata == nil {
			continue // it could not be read
		}
		this := version{rel.result.Name, rel.result.Version}
		other, ok := first[this]
		if !ok {
			first[this] = rel
			continue
		}
		problems[rel] = config.VersionTwice(this.name, this.version, rel.source.Display, other.source.Display)
	}
	return problems
}
