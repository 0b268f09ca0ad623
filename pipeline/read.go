package pipeline

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/request"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/seat"
)

// load reads all sources at once and keeps those that were asked for. Errors are those of usage.
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
	seat.InTurn(all, func(rel *release) bool {
		admitted := seat.Claim(ctx, r.slots)
		if !admitted {
			rel.end(results.NotReached, graceful.Interruption(ctx)+" before it was read")
		}
		return admitted
	}, func(rel *release) {
		defer r.slots.Release(1)
		known, err := recall(graceful.Finish(ctx), rel)
		if err == nil && !known {
			err = rel.load(graceful.Finish(ctx))
		}
		if err != nil {
			rel.end(results.NotReached, graceful.Interruption(graceful.Finish(ctx))+" before it was read")
			return
		}
		if rel.hasHooks() {
			rel.parcel.Ext = nil // it is read again
			know(rel, nil)
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

// load reads the extension, which goes by the name and version that it has now. That it cannot be read
// is kept for the plan; the error is that of ctx.
func (rel *release) load(ctx context.Context) error {
	err := loadContent(ctx, rel)
	switch ext := rel.parcel.Ext; {
	case ext != nil:
		rel.identify(ext.Metadata, ext.ContentSize())
	case rel.read.err != nil: // what depends on it has to wait until it can be read
		rel.change(func() { rel.result.Name = cmp.Or(naming.GuessName(rel.source.Path), rel.result.Name) })
	}
	return err
}

// loadContent is load for an extension whose name and version are known, which others go by by now.
func loadContent(ctx context.Context, rel *release) error {
	if w, ok := rel.run.Examiner.(interface{ Warm(among int) }); ok { // what is read anew is looked at, mostly
		rel.run.warm.Do(func() { w.Warm(len(rel.run.Sources)) })
	}
	source, out := rel.source, ignored(rel)
	ext, err := graceful.Await(ctx, func() (*extension.Extension, error) {
		return rel.run.Read.Load(source.Path, extension.Options{Display: source.Display, Ignore: out})
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	rel.parcel.Ext, rel.read.err = ext, err
	return nil
}

// ignored are the paths that a run writes to, which are part of no extension.
func ignored(rel *release) []string {
	return append([]string{rel.source.Settings.Package.Output}, rel.run.Ignore...)
}

// recall has what is known of the extension from a run before stand for its content. It says whether
// there is anything, and nothing of the extension has changed. The error is that of ctx.
func recall(ctx context.Context, rel *release) (bool, error) {
	path, out := rel.source.Path, ignored(rel)
	known, err := graceful.Await(ctx, func() (*extension.Summary, error) { return rel.run.Read.Recall(path, out), nil })
	if err != nil || known == nil {
		return false, err
	}
	know(rel, known)
	rel.identify(known.Metadata, known.Size)
	rel.run.setAside(rel, summaryTakes)
	return true, nil
}

// know keeps what is known of the extension, for when its content is not at hand.
func know(rel *release, known *extension.Summary) {
	rel.read.known, rel.parcel.Known, rel.read.packed = known, known, nil
}

// setAside keeps what is known of the extension in few bytes until it is planned, if there is no memory
// for the so many that it takes.
func (r *Run) setAside(rel *release, takes int64) {
	if r.held.Add(takes) <= r.heldAtMost || rel.read.known == nil {
		return
	}
	if packed := r.Read.Pack(rel.source.Path, rel.read.known); packed != nil {
		know(rel, nil)
		rel.read.packed = packed
	}
}

// takeUp has at hand what was set aside.
func takeUp(rel *release) {
	if packed := rel.read.packed; packed != nil {
		know(rel, packed.Unpack())
	}
}

// learn remembers what is known of the extension by now.
func learn(rel *release) {
	if ext := rel.parcel.Ext; ext != nil && rel.read.err == nil && len(ext.Resolved) == 0 {
		know(rel, extension.Summarize(ext))
		rel.run.Read.Learn(rel.source.Path, rel.read.known)
	}
}

// identify takes the name and version for those of the extension.
func (rel *release) identify(metadata extension.Metadata, size int64) {
	// No more of it is needed of all extensions at once, and each text may be a part of a larger one.
	m := &extension.Metadata{Name: strings.Clone(metadata.Name), Version: strings.Clone(metadata.Version)}
	for _, d := range metadata.ExternalDependencies {
		d.Name, d.Type, d.Version = strings.Clone(d.Name), strings.Clone(d.Type), strings.Clone(d.Version)
		m.ExternalDependencies = append(m.ExternalDependencies, d)
	}
	rel.read.metadata, rel.read.size = m, size
	rel.change(func() {
		rel.result.Name, rel.result.Version = cmp.Or(m.Name, rel.result.Name), m.Version
	})
	rel.parcel.Name, rel.parcel.Version = rel.result.Name, rel.result.Version
}

// heldAtMost is how much memory, in bytes, a run takes for content and what is known of it from reading
// the names of all extensions until each is planned. A thousand of them have more than a
// machine has memory, and most are let go as soon as they are seen to exist.
const heldAtMost = 16 << 20

// What an extension takes besides the bytes of its files, and what its summary takes, about.
const contentTakes, summaryTakes = 24 << 10, 4 << 10

// letGo drops the content of an extension that is not wanted, or that there is no memory
// for until it is planned. Of the latter enough is known afterwards to see whether it exists.
func (r *Run) letGo(rel *release) {
	switch {
	case rel.parcel.Ext == nil:
	case !r.wants(rel):
		learn(rel)
		rel.parcel.Ext = nil
		r.setAside(rel, summaryTakes)
	case r.held.Add(rel.parcel.Ext.ContentSize()+contentTakes) > r.heldAtMost:
		if r.decides() {
			rel.parcel.Ext.ContentDigest()
		}
		learn(rel)
		rel.parcel.Ext = nil
		r.setAside(rel, 0)
	}
}

// knownStep fails an extension that could not be read, and reads one of which too little is known to
// decide on it: charts that it depends on have to be brought in first.
func knownStep(ctx context.Context, env *planning, rel *release) error {
	takeUp(rel)
	if known := rel.read.known; known != nil && (known.Whole || rel.run.Resolver == nil) {
		return rel.unread()
	}
	return readStep(ctx, env, rel)
}

// readStep reads the content of an extension that was let go, or that was known without it. It is
// planned under the name and with the dependencies that were known first. One that cannot be read
// fails here.
func readStep[E any](ctx context.Context, _ E, rel *release) error {
	takeUp(rel)
	if rel.parcel.Ext == nil && rel.read.err == nil {
		if err := loadContent(ctx, rel); err != nil {
			return err
		}
		if rel.read.err == nil && rel.read.known != nil && !reflect.DeepEqual(rel.read.known.Metadata, rel.parcel.Ext.Metadata) {
			rel.run.Read.Forget(rel.source.Path)
			return &failure.Staged{Stage: stagePlan, Err: failure.WithHint(errors.New("its extension.yaml was changed while the run read it"), "run again")}
		}
	}
	if rel.read.byTree && rel.parcel.Ext != nil && extension.TreeDigest(rel.parcel.Ext) != rel.read.known.Tree {
		rel.run.Read.Forget(rel.source.Path)
		return &failure.Staged{Stage: stagePlan, Err: failure.WithHint(errors.New("its files were changed while the run read them"), "run again")}
	}
	return rel.unread()
}

// readContent is readStep where another stage needs the content.
func readContent(ctx context.Context, rel *release) error {
	if rel.parcel.Ext != nil {
		return nil
	}
	return failure.InStage(results.StageLint, readStep(ctx, struct{}{}, rel))
}

// contentStep reads the content of an extension where a target has something that it has to be
// compared with.
func contentStep(ctx context.Context, env *planning, rel *release) error {
	if rel.parcel.Ext != nil || !rel.run.decides() {
		return nil
	}
	for _, rt := range rel.open() {
		if listed, err := rt.IsListed(ctx, env.to[rt.at]); err != nil {
			return err
		} else if listed && rt.takes() {
			return readContent(ctx, rel)
		}
	}
	return nil
}

// unread is why the extension cannot be read; nil where it can.
func (rel *release) unread() error {
	// Mistakes with a place are findings, so that every report shows where they are.
	var problems diagnostic.List
	if errors.As(rel.read.err, &problems) {
		for _, p := range problems {
			p.Code, p.File = results.CodeUnreadable, extension.MetadataFile // that is what cannot be read
			rel.add(results.FindingOf(p, rel.source.Display))
		}
	}
	return rel.read.err
}

// resolveStep completes the extension with its dependencies, before anything looks
// at it: rules, digests and packages are those of the whole.
func resolveStep(ctx context.Context, _ *planning, rel *release) error {
	if rel.run.Resolver == nil || rel.parcel.Ext == nil { // nothing is missing
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
	for rel, first := range inRun(all).Twice() {
		problems[rel] = config.VersionTwice(rel.result.Name, rel.result.Version, rel.source.Display, first.source.Display)
	}
	return problems
}
