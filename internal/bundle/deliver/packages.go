package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/bundle"
	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// way is the way of a package to one target. It belongs to one goroutine at a time.
type way struct {
	*delivery.Delivery
	site    *delivery.Site
	pkg     bundle.Package
	known   results.Target // what the delivery has learned
	outcome Outcome
	note    func(message string)
	warned  string // what was warned of last
}

func newWay(site *delivery.Site, p bundle.Package, patience time.Duration, note func(string)) *way {
	w := &way{site: site, pkg: p, outcome: Outcome{Kind: "package", Name: p.Name + " " + p.Version, To: site.Name}}
	w.note = func(message string) { note(fmt.Sprintf("%s in %s: %s", w.outcome.Name, site.Name, message)) }
	w.Delivery = &delivery.Delivery{Reporter: reporter{w}, Parcel: &delivery.Parcel{
		Name: p.Name, Version: p.Version, Verify: config.Verify{Until: config.UntilIndexed, Timeout: patience},
	}}
	return w
}

// reporter has what becomes of a delivery noted.
type reporter struct{ *way }

func (r reporter) Tell(e results.Event) {
	if e.Kind == results.EventNote {
		r.note(e.Message)
	}
}

func (r reporter) Warn(message string) {
	if message != r.warned { // each reading of an index finds it again
		r.warned = message
		r.note(message)
	}
}

func (r reporter) Learn(change func(*results.Target)) { change(&r.known) }

func (r reporter) Wait(string) {}

// over says that the way has its outcome.
func (w *way) over() bool { return w.outcome.Outcome != "" }

func (w *way) end(outcome string) { w.outcome.Outcome = outcome }

func (w *way) fail(err error) { w.outcome = w.outcome.fail(err) }

// each does something for all ways, of so many at once as are wanted.
func (d *deliverer) each(do func(*way)) {
	var group errgroup.Group
	group.SetLimit(d.Parallelism)
	for _, w := range d.ways {
		group.Go(func() error {
			do(w)
			return nil // the others go on all the same
		})
	}
	_ = group.Wait()
}

// decidePackages finds out what is there, and what targets would refuse.
func (d *deliverer) decidePackages(ctx context.Context) {
	d.each(func(w *way) {
		if w.site.Takes != nil && !w.site.Takes(w.Name, w.Version) {
			w.end(Skipped)
			return
		}
		w.settle(ctx, d.decide(ctx, w), "before it was begun")
	})
}

// decide looks into the index first: of what has the digests of the package there, nothing more is
// asked and nothing read. Of a package of a base that is not here no more is known.
func (d *deliverer) decide(ctx context.Context, w *way) error {
	asking := w.site.Asking()
	index, err := asking.Index.Since(ctx, time.Time{})
	if err != nil {
		return err
	}
	entry, there, err := index.Lookup(ctx, w.Name, w.Version)
	switch {
	case err != nil:
		return err
	case there && w.hasDigests(entry):
		w.end(Exists)
		return nil
	case !d.has(w.pkg):
		return d.ofBase(ctx, w, entry, there)
	}
	if err := d.load(w); err != nil {
		return err
	}
	defer w.drop()
	decision, _, err := w.Decide(ctx, asking)
	if err != nil {
		return err
	}
	w.Waits = decision == lifecycle.Wait
	if w.Waits || asking.Unasked {
		return nil
	}
	return asking.Target.Fits(ctx, w.Package)
}

// hasDigests says that an entry has the digest of the package, or that of its content, which a
// marketplace that packs anew keeps.
func (w *way) hasDigests(entry target.Entry) bool {
	return sameDigest(entry.Digest, w.pkg.Digest) || w.pkg.ContentDigest != "" && entry.ContentDigest == w.pkg.ContentDigest
}

func sameDigest(a, b string) bool {
	return strings.TrimPrefix(a, "sha256:") == strings.TrimPrefix(b, "sha256:")
}

// ofBase decides about a package that is to be there already, where the digests of the index do not say it.
func (d *deliverer) ofBase(ctx context.Context, w *way, entry target.Entry, there bool) error {
	if !there {
		return failure.WithHint(fmt.Errorf("it is of the base of the bundle, and %s does not show it yet", w.site.Shown()), "run it again later, or name the base before the bundle")
	}
	digest := entry.Digest
	if digest == "" {
		archive, err := w.site.Fetch(ctx, entry)
		if err != nil {
			return err
		}
		digest = bundle.DigestOf(archive)
	}
	if sameDigest(digest, w.pkg.Digest) {
		w.end(Exists)
		return nil
	}
	w.known.Seen.Digest = digest
	return &delivery.Ending{Outcome: results.Drift}
}

// load reads the package from the bundles, which drop lets go.
func (d *deliverer) load(w *way) (err error) {
	w.Package, w.Ext, err = d.Bundles.PackageOf(w.pkg)
	return err
}

func (w *way) drop() { w.Package, w.Ext = nil, nil }

// bringPackages brings what is not there yet, unless one of its images is not there.
func (d *deliverer) bringPackages(ctx context.Context, badImages map[string]bool) {
	d.each(func(w *way) {
		bad := slices.IndexFunc(w.pkg.Images, func(image string) bool { return badImages[image] })
		switch {
		case w.outcome.Outcome == Skipped, w.outcome.Outcome == Failed:
		case bad >= 0:
			w.fail(fmt.Errorf("its image %s is not there", w.pkg.Images[bad]))
		case w.over():
		case graceful.Over(ctx):
			w.fail(fmt.Errorf("%s before it was begun", graceful.Interruption(ctx)))
		default:
			d.bring(ctx, w)
		}
	})
}

// bring sends a package and waits until it is seen. What it has begun to send it brings to an end.
func (d *deliverer) bring(ctx context.Context, w *way) {
	if err := d.load(w); err != nil {
		w.fail(err)
		return
	}
	defer w.drop()
	to := w.site.Sending("")
	if !w.Waits {
		finish := graceful.Finish(ctx)
		err := w.LookAgain(finish, to)
		if err == nil && !w.Waits {
			err = w.Push(finish, to)
		}
		if w.settle(finish, err, "while it was sent; what was sent is in doubt, the next time it is read back"); w.over() {
			return
		}
	}
	if w.IsSent() {
		w.outcome.Bytes = w.Package.Size
	}
	err := w.Verify(ctx, to)
	switch {
	case err != nil:
		w.settle(ctx, err, "before it was seen in "+w.site.Shown())
	case w.IsSent():
		w.end(Released)
	default:
		w.end(Exists)
	}
}

var errNotSeen = errors.New("it was sent, and the target does not show it")

// settle ends the way where an error says so. when says at which point an interruption came.
func (w *way) settle(ctx context.Context, err error, when string) {
	var end *delivery.Ending
	switch {
	case err == nil:
	case ctx.Err() != nil && (!errors.As(err, &end) || end.Outcome == results.Unverified):
		w.fail(fmt.Errorf("%s %s", graceful.Interruption(ctx), when))
	case !errors.As(err, &end):
		w.fail(err)
	case end.Outcome == results.Exists:
		w.end(Exists)
	case end.Outcome == results.Drift:
		w.fail(failure.WithHint(errors.New(w.drift()), "nothing is replaced; give one of them another version"))
		w.end(Drift)
	case end.Outcome == results.Unverified && w.IsSent():
		w.fail(failure.WithHint(fmt.Errorf("%w: %s", errNotSeen, end.Reason), "run it again later: what is there is passed over"))
	case end.Outcome == results.NotReached:
		w.fail(failure.WithHint(errors.New(end.Reason), "run it again with a key that is good: what is there is passed over"))
	default:
		w.fail(failure.WithHint(errors.New(end.Reason), "run it again later: what is there is passed over"))
	}
}

// drift says what is there in place of the package.
func (w *way) drift() string {
	if w.known.Seen.Digest == "" {
		return "it is there with other content, and the digest of that of the bundle is " + w.pkg.Digest
	}
	return fmt.Sprintf("it is there with other content: its digest is sha256:%s, and that of the bundle %s", strings.TrimPrefix(w.known.Seen.Digest, "sha256:"), w.pkg.Digest)
}
