// Package indexwatch lets many who wait for versions share what is read of an index.
package indexwatch

import (
	"context"
	"time"

	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/target"
)

// How often the index and the review are asked: soon at first, because a local
// marketplace answers at once, then ever more patiently.
const (
	FirstPoll = 500 * time.Millisecond
	LastPoll  = 15 * time.Second
)

// Patience is how long to wait for the next look, for one who waits since then:
// each wait is half as long again as the one before.
func Patience(since time.Time) time.Duration {
	return min(FirstPoll+time.Since(since)/2, LastPoll)
}

// Reading is what came of asking for the index once.
type Reading struct {
	Index target.Index
	Err   error     // why it could not be read
	Asked time.Time // when the request was sent

	// outdated is closed when there is a newer reading, which is next then.
	outdated chan struct{}
	next     *Reading
}

// Lookup finds a version in the index; the error is why it could not be read.
func (r *Reading) Lookup(ctx context.Context, name, version string) (target.Entry, bool, error) {
	if r.Err != nil {
		return target.Entry{}, false, r.Err
	}
	return r.Index.Lookup(ctx, name, version)
}

// Cached says that a cache answered, where one did.
func (r *Reading) Cached() string {
	if r.Err != nil {
		return ""
	}
	return r.Index.Cached()
}

// Latest is the newest reading that there is by now.
func (r *Reading) Latest() *Reading {
	for {
		select {
		case <-r.outdated:
			r = r.next
		default:
			return r
		}
	}
}

// Watcher lets all extensions of a run share what is read of the
// index: one download while planning, and while verifying no more than the one
// of them that was sent last would ask for alone.
type Watcher struct {
	Target target.Reader // whose index it is

	turn   chan struct{} // held by the one who asks; a channel so that waiting ends with the context
	last   *Reading
	rested time.Time // when the index may be asked for again
}

// New makes one for the index of a target.
func New(of target.Reader) *Watcher {
	return &Watcher{Target: of, turn: make(chan struct{}, 1)}
}

// Since returns a reading that was asked for at t or later; the zero time takes the one
// that the run has. An error means that there is no reading, and none to wait for; that the
// index could not be read is in the reading.
func (w *Watcher) Since(ctx context.Context, t time.Time) (*Reading, error) {
	return w.wanted(ctx, func(last *Reading) bool { return last != nil && !last.Asked.Before(t) })
}

// After returns a reading that is newer than old: that of somebody else as soon as it is
// there, or else one of its own when wait is over. The error is as that of Since.
func (w *Watcher) After(ctx context.Context, old *Reading, wait time.Duration) (*Reading, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-old.outdated:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return w.wanted(ctx, func(last *Reading) bool { return last != old })
}

// Known is the last reading, while nobody reads; nil where there is none.
func (w *Watcher) Known() *Reading { return w.last }

// wanted returns the last reading if it will do, and otherwise makes another.
func (w *Watcher) wanted(ctx context.Context, willDo func(*Reading) bool) (*Reading, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if willDo(w.last) {
		return w.last, nil
	}
	return w.ask(ctx)
}

// ask reads the index anew, for whoever holds the turn. After an answer it rests
// for as long as one extension alone would, so that hundreds that were sent one
// after the other share the next; only a repository that answers as fast as one on
// this machine is asked as soon as somebody wants to know.
func (w *Watcher) ask(ctx context.Context) (*Reading, error) {
	if !graceful.Sleep(ctx, time.Until(w.rested)) {
		return nil, context.Cause(ctx)
	}
	asked := time.Now()
	index, err := w.Target.Index(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err // this caller ran out of time; that says nothing about the index
	}
	w.rested = time.Now().Add(min(9*time.Since(asked), FirstPoll))
	fresh := &Reading{Index: index, Err: err, Asked: asked, outdated: make(chan struct{})}
	if w.last != nil {
		w.last.next = fresh
		close(w.last.outdated)
	}
	w.last = fresh
	return fresh, nil
}
