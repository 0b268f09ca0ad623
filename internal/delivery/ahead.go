package delivery

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/access"
)

// Ahead is what a plan asks a target before anybody decides.
type Ahead struct {
	to *Asking

	// shared is the context under which the index is read, which others want, too; ctx, which Dismiss
	// ends, that of the rest.
	shared, ctx context.Context
	cancel      context.CancelFunc

	// name and version are those of when it was expected: the extension may be read again meanwhile.
	name, version string

	done   chan struct{}
	looked time.Time // zero where the target was not asked
	answer access.Answer
}

// Expect says that AskAhead is going to be called, and has Decide wait for it. The requests are
// made under ctx, until Dismiss.
func (d *Delivery) Expect(ctx context.Context, to *Asking) *Ahead {
	a := &Ahead{to: to, shared: ctx, name: d.Name, version: d.Version, done: make(chan struct{})}
	a.ctx, a.cancel = context.WithCancel(ctx)
	d.ahead = a
	return a
}

// Dismiss ends what is asked ahead: nobody is going to want the answer.
func (d *Delivery) Dismiss() {
	if d.ahead != nil {
		d.ahead.cancel()
	}
}

// AskAhead asks targets for all versions that their indexes do not list, so many at the same time,
// and returns when all have answered. So answers are there, or on their way, when an extension is
// decided.
func AskAhead(all []*Ahead, atOnce int) {
	var group errgroup.Group
	group.SetLimit(max(1, atOnce))
	for _, a := range all {
		if !a.wanted() {
			close(a.done)
			continue
		}
		group.Go(func() error {
			defer close(a.done)
			a.looked = time.Now()
			a.answer = a.to.Target.Ahead(a.ctx, a.name, a.version)
			return nil
		})
	}
	_ = group.Wait() // errors are for who decides
}

// Refuses says that the answer is a refusal of the key. It counts when the answer is taken.
func (a *Ahead) Refuses() bool {
	<-a.done
	return a.answer.Refuses()
}

// wanted says that the target has to be asked. Where the index cannot be read nobody gets so far.
func (a *Ahead) wanted() bool {
	if a.to.Unasked {
		return false
	}
	now, err := a.to.Index.Since(a.shared, time.Time{})
	if err != nil {
		return false
	}
	_, listed, err := now.Lookup(a.ctx, a.name, a.version)
	return err == nil && !listed && a.ctx.Err() == nil
}

// asked is what the target says of the version.
func (d *Delivery) asked(ctx context.Context, to *Asking) (target.Snapshot, error) {
	if ahead := d.ahead; ahead != nil {
		<-ahead.done // which ends with ctx
		if !ahead.looked.IsZero() {
			d.Looked = ahead.looked
			return ahead.answer.Take()
		}
	}
	d.Looked = time.Now()
	return to.Target.Ahead(ctx, d.Name, d.Version).Take()
}
