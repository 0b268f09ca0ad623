package pipeline

import (
	"context"
	"slices"
	"sync"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/graceful"
	imagerelease "github.com/ksrelease/ksrelease/internal/images/release"
	"github.com/ksrelease/ksrelease/internal/order"
	"github.com/ksrelease/ksrelease/internal/packagesize"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/seat"
	"github.com/ksrelease/ksrelease/internal/sourceindex"
)

// release is one extension on its way. It belongs to one goroutine at a time:
// to that of the plan, then to that of the release.
type release struct {
	run    *Run
	source config.Source
	routes []*route // to each target of the run, in their order
	// Its goroutine closes these when it has gone through the plan by itself, when it has seen
	// whether what it requires is in the plan, too, and when it is through.
	looked, planned, done chan struct{}

	applying bool // the plan is carried out for it; changes under mu

	begun bool // its hooks have

	read   contents
	order  order.Order[*release]
	place  diagnostic.Diagnostic // where extension.yaml names order.Next, for a check
	parcel delivery.Parcel       // what is brought to all targets
	packed archive
	images *imagerelease.Own // nil where nothing is asked of them
	seat   *seat.Seat
	seated bool // it has its seat

	// mu is held while anything changes of what is known, and while that is reported: the ways of
	// an extension are gone at the same time.
	mu      sync.Mutex
	result  results.Extension // what is known of it, for events and reports
	remarks results.Remarks   // which of its findings are about targets
}

// contents is an extension as it was read.
type contents struct {
	metadata *extension.Metadata // its name, version and externalDependencies; nil when it cannot be read
	known    *extension.Summary  // what is known of it while its content is not at hand; nil before
	packed   sourceindex.Packed  // this, set aside until it is planned; else nil
	byTree   bool                // something that goes by known.Tree was taken for its own
	err      error               // why it cannot be read
	size     int64               // of its content, in bytes; kept when that is let go
}

// archive is how the package of an extension came about.
type archive struct {
	// within is by how many bytes it may come out other, because the addresses of assets are an
	// estimate.
	within int64
	// known says that it is known what it would be, and that it is in order, from a plan before this one.
	known bool
	// from says that a target has had it before, and it was not packed here.
	from    bool
	kept    func() error // what became of leaving it in the output directory
	archive string       // where it is there
}

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
	r := &release{run: run, source: source, looked: make(chan struct{}), planned: make(chan struct{}), done: make(chan struct{}), seat: seat.New(run.slots)}
	r.parcel = delivery.Parcel{Push: source.Settings.Push, Verify: source.Settings.Verify, Withdraw: run.Withdraw}
	r.result = results.Extension{
		Name: naming.InPlaceOfName(source.Path), Path: source.Display, Outcome: results.NotReached,
		Assets: []results.Asset{}, Findings: []results.Finding{},
	}
	r.result.Stages = skipped(run.stages)
	sites := run.sites
	if !run.decides() { // nothing is brought anywhere
		sites = sites[:1]
	}
	for i := range sites {
		r.routes = append(r.routes, newRoute(r, i))
	}
	r.summarize()
	return r
}

// end gives each of some ways its outcome.
func end(routes []*route, outcome results.Outcome, reason string) {
	for _, rt := range routes {
		rt.end(outcome, reason)
	}
}

// end ends the extension on all ways that are open.
func (r *release) end(outcome results.Outcome, reason string) { end(r.open(), outcome, reason) }

// change changes what is known of the extension.
func (r *release) change(what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what()
	r.summarize()
}

// add adds findings, to others than those that events hold.
func (r *release) add(found ...results.Finding) {
	r.change(func() { r.result.Findings = append(slices.Clone(r.result.Findings), found...) })
}

// tell changes what is known of the extension, if there is something to change, and reports what
// happened.
func (r *release) tell(e results.Event, what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if what != nil {
		what()
	}
	r.summarize()
	r.emit(e)
}

// emit reports what happened, under the lock of the release: so events come in the order of what
// they show.
func (r *release) emit(e results.Event) {
	now := r.result.Snapshot()
	e.Extension, e.Planning = &now, !r.applying
	r.run.feed.Emit(e)
}

// summarize brings what is known of the extension in step with its ways.
func (r *release) summarize() {
	targets := make([]results.Target, len(r.routes))
	for i, rt := range r.routes {
		targets[i] = rt.known
	}
	r.result.Summarize(targets)
	if r.run.namesTargets() {
		r.result.Targets = targets
	}
}

// snapshot is what is known of the extension now.
func (r *release) snapshot() results.Extension {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.result.Snapshot()
}

// drop lets go of the content, of which a thousand extensions have a lot. What is known of it by now
// is remembered.
func (r *release) drop() {
	learn(r)
	r.parcel.Ext, r.parcel.Package = nil, nil
	if len(r.order.Dependencies) == 0 { // else there may be something to say of these, at their place
		know(r, nil)
	}
}

// forgetEstimates takes back what the plan has only estimated, as it is carried out.
func (r *release) forgetEstimates() {
	r.change(func() {
		r.applying = true
		for _, rt := range r.routes {
			for i, s := range rt.known.Stages {
				if s.Status == results.StagePlanned {
					rt.known.Stages[i].Status, rt.known.Stages[i].Milliseconds = results.StageSkipped, 0
				}
			}
		}
		r.result.Assets = []results.Asset{}
	})
}

// notify says something that the user should know while it goes on.
func (r *release) notify(message string) {
	r.tell(results.Event{Kind: results.EventNote, Message: message}, nil)
}

// pack makes the archive with the asset URLs given; nil is the local form.
func (r *release) pack(ctx context.Context, urls extension.URLs) error {
	pkg, err := r.packWith(ctx, urls)
	if err != nil {
		return err
	}
	r.hold(pkg, urls)
	return nil
}

// hold takes a package for the one of the extension.
func (r *release) hold(pkg *extension.Package, urls extension.URLs) {
	r.parcel.Package, r.parcel.URLs = pkg, urls
	news := pkg.Hard && (r.result.Package == nil || !r.result.Package.PackedHard)
	r.change(func() {
		r.result.Package = &results.Package{
			PackedHard: pkg.Hard,
			Size:       pkg.Size, Limit: r.source.Settings.Size.Limit,
			Digest: pkg.Digest, ContentDigest: pkg.ContentDigest,
		}
	})
	if news {
		r.notify(packagesize.PackedHard(pkg.Size, r.source.Settings.Size.Limit))
	}
}

// packWith is the archive with the asset URLs given.
func (r *release) packWith(ctx context.Context, urls extension.URLs) (*extension.Package, error) {
	if err := readContent(ctx, r); err != nil {
		return nil, err
	}
	ext, limit := r.parcel.Ext, r.source.Settings.Size.Limit
	return graceful.Await(ctx, func() (*extension.Package, error) { return ext.PackWithin(urls, limit) })
}
