package pipeline

import (
	"context"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
)

// release is one extension on its way. It belongs to one goroutine at a time:
// to that of the plan, then to that of the release.
type release struct {
	run    *Run
	source config.Source
	state  lifecycle.State // see move
	done   chan struct{}   // closed when the goroutine of the release is through

	begun bool // its hooks have

	read   contents
	order  order
	packed archive
	sent   delivery

	result results.Extension // what is known of it, for events and reports
}

// contents is an extension as it was read.
type contents struct {
	ext      *extension.Extension // nil when it cannot be read, or was let go
	metadata *extension.Metadata  // nil when it cannot be read
	err      error                // why it cannot be read
	size     int64                // of its content, in bytes; kept when that is let go
	loads    bool                 // lint has loaded it with Helm
}

// order is what an extension waits for.
type order struct {
	// needs are the releases that it waits for; firmly are those of them without
	// which it cannot be released.
	needs        []*release
	firmly       map[*release]bool
	dependencies []dependency
	// cycle is the error of the cycle that it is part of by its externalDependencies, and
	// next the extension that it needs next on the way round.
	cycle error
	next  string
	place diagnostic.Diagnostic // where extension.yaml names next, for a check
	// together are the versions of the same extension that this run releases.
	together []string
}

// archive is the package of an extension, as far as it is made.
type archive struct {
	pkg    *extension.Package
	urls   extension.URLs // the addresses of assets in it; nil is the local form
	within int64          // by how many bytes it may come out other, because these are an estimate
}

// delivery is what is known of a version in the target, and what was sent there.
type delivery struct {
	looked time.Time // when the plan asked the target for it
	waited bool      // for others, since the plan
	at     time.Time // when this run submitted the package; zero until then
}

// done says that this run has submitted the package.
func (d delivery) done() bool { return !d.at.IsZero() }

// through says that the goroutine of the release is through: others may look at it.
func (r *release) through() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func newRelease(run *Run, source config.Source) *release {
	r := &release{run: run, source: source, state: lifecycle.Pending{}, done: make(chan struct{})}
	r.result = results.Extension{
		Name: nameFromPath(source.Path), Path: source.Display, Outcome: results.NotReached,
		Assets: []results.Asset{}, Findings: []results.Finding{},
	}
	for _, name := range StageNames() {
		r.result.Stages = append(r.result.Stages, results.Stage{Name: name, Status: results.StageSkipped})
	}
	return r
}

// fail ends the extension with an error of a stage.
func (r *release) fail(stage string, err error) {
	r.blame(stage, err)
	r.end(results.Failed, stage+": "+err.Error())
}

// blame records what went wrong in a stage.
func (r *release) blame(stage string, err error) {
	r.run.noteAuth(err)
	r.result.Error = &results.Error{Stage: stage, Message: err.Error(), Hint: failure.Hint(err)}
}

// end gives the extension its one outcome.
func (r *release) end(outcome results.Outcome, reason string) {
	if !r.move(lifecycle.Ended{Outcome: outcome}) {
		return
	}
	r.result.Outcome, r.result.Reason = outcome, reason
	push := r.source.Settings.Push
	switch outcome {
	case results.Released, results.Planned, results.Linted, results.Packed:
		r.result.AsAsked = true
	case results.Exists:
		r.result.AsAsked = push.Existing != config.FailExisting
		if push.Existing == config.FailExisting && reason == "" {
			r.result.Reason = "it is there already, and push.existing is fail: bump version in extension.yaml"
		}
	case results.Drift:
		r.result.AsAsked = push.Drift == config.WarnDrift
	}
	r.run.emit(results.Event{Kind: results.EventEnded, Message: reason}, r)
	r.drop()
}

// drop lets go of the content, of which a thousand extensions have a lot.
func (r *release) drop() { r.read.ext, r.packed.pkg = nil, nil }

// noting makes requests under ctx report their retries in the name of the
// extension.
func (r *release) noting(ctx context.Context) context.Context {
	if r.run.Noting == nil {
		return ctx
	}
	return r.run.Noting(ctx, r.notify)
}

// forgetEstimates takes back what the plan has only estimated.
func (r *release) forgetEstimates() {
	for i, s := range r.result.Stages {
		if s.Status == results.StagePlanned {
			r.result.Stages[i].Status, r.result.Stages[i].Milliseconds = results.StageSkipped, 0
		}
	}
	r.result.Assets = []results.Asset{}
}

// notify says something that the user should know while it goes on.
func (r *release) notify(message string) {
	r.run.emit(results.Event{Kind: results.EventNote, Message: message}, r)
}

// pack makes the archive with the asset URLs given; nil is the local form.
func (r *release) pack(ctx context.Context, urls extension.URLs) error {
	pkg, err := r.packWith(ctx, urls)
	if err != nil {
		return err
	}
	r.packed.pkg, r.packed.urls = pkg, urls
	r.result.Package = &results.Package{
		Size: pkg.Size, Limit: r.source.Settings.Size.Limit,
		Digest: pkg.Digest, ContentDigest: pkg.ContentDigest,
	}
	return nil
}

// packWith is the archive with the asset URLs given.
func (r *release) packWith(ctx context.Context, urls extension.URLs) (*extension.Package, error) {
	ext := r.read.ext
	return graceful.Await(ctx, func() (*extension.Package, error) { return ext.Pack(urls) })
}
