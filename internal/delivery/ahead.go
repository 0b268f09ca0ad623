package delivery

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/target"
)

// Ahead is what a plan asks a target before anybody decides.
type Ahead struct {
	Target *Asking
	Under  func(context.Context) context.Context // the context of its requests

	// name and version are those of when it was expected: the extension may be read again meanwhile.
	name, version string

	done     chan struct{}
	looked   time.Time // zero where the target was not asked
	snapshot target.Snapshot
	err      error
}

// Expect says that AskAhead is going to be called, and has Decide wait for it.
func (d *Delivery) Expect(to *Asking, under func(context.Context) context.Context) *Ahead {
	d.ahead = &Ahead{Target: to, Under: under, name: d.Name, version: d.Version, done: make(chan struct{})}
	return d.ahead
}

// AskAhead asks targets for all versions that their indexes do not list, so many at the same time,
// and returns when all have answered. So answers are there, or on their way, when an extension is
// decided, and nothing is sent before a key that is refused is known to be.
func AskAhead(ctx context.Context, all []*Ahead, atOnce int) {
	var group errgroup.Group
	group.SetLimit(max(1, atOnce))
	for _, a := range all {
		if !a.wanted(ctx) {
			close(a.done)
			continue
		}
		group.Go(func() error {
			defer close(a.done)
			a.looked = time.Now()
			a.snapshot, a.err = a.Target.Target.Ahead(a.Under(ctx), a.name, a.version)
			return nil
		})
	}
	_ = group.Wait() // errors are for who decides
}

// wanted says that the target has to be asked. Where the index cannot be read nobody gets so far.
func (a *Ahead) wanted(ctx context.Context) bool {
	if a.Target.Unasked {
		return false
	}
	ctx = a.Under(ctx)
	now, err := a.Target.Index.Since(ctx, time.Time{})
	if err != nil {
		return false
	}
	_, listed, err := now.Lookup(ctx, a.name, a.version)
	return err == nil && !listed && ctx.Err() == nil
}

// asked is what the target says of the version.
func (d *Delivery) asked(ctx context.Context, to *Asking) (target.Snapshot, error) {
	if ahead := d.ahead; ahead != nil {
		<-ahead.done // which ends with ctx
		if !ahead.looked.IsZero() {
			d.Looked = ahead.looked
			return ahead.snapshot, ahead.err
		}
	}
	d.Looked = time.Now()
	return to.Target.Ahead(ctx, d.Name, d.Version)
}
