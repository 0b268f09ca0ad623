// Package indexwatch lets many who wait for versions share what is read of an index.
package indexwatch

import (
	"context"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/target"
)

// How often the index and the review are asked: soon at first, then ever more patiently.
const (
	FirstPoll = 500 * time.Millisecond
	LastPoll  = 15 * time.Second
)

// cheap is how long an index may take to come that is asked for again as soon as somebody wants
// to know, while it shows what was sent at once.
const cheap = 250 * time.Millisecond

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
	first  *Reading
	last   *Reading
	rested time.Time // when the index may be asked for again

	prompted sync.WaitGroup
	closed   context.Context // done when nobody wants a reading any more
	close    context.CancelFunc

	mu      sync.Mutex // of what is below, and of changes of first
	waiting map[*Wait]bool
	// need is for how long after it was sent the version was missing that was there the soonest,
	// and after which time it was there; zero where none has been seen.
	need struct{ missing, there time.Duration }
}

// New makes one for the index of a target.
func New(of target.Reader) *Watcher {
	w := &Watcher{Target: of, turn: make(chan struct{}, 1), waiting: map[*Wait]bool{}}
	w.closed, w.close = context.WithCancel(context.Background())
	return w
}

// Close ends what was prompted and nobody waits for.
func (w *Watcher) Close() {
	w.close()
	w.prompted.Wait()
}

// Wait is the wait for a version to be shown.
type Wait struct {
	watcher       *Watcher
	name, version string
	since         time.Time
	missing       time.Duration // after since, when the index was last asked for that did not show it; 0 at first
	seen          bool
}

// Await begins the wait for a version that was sent at since. End ends it.
func (w *Watcher) Await(name, version string, since time.Time) *Wait {
	wait := &Wait{watcher: w, name: name, version: version, since: since}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting[wait] = true
	return wait
}

// End ends the wait.
func (v *Wait) End() {
	v.watcher.mu.Lock()
	defer v.watcher.mu.Unlock()
	delete(v.watcher.waiting, v)
}

// Patience is how long to wait for the next look. Where all versions that were seen so far needed a
// while to be shown, nobody looks before that again, and then more often.
func (v *Wait) Patience() time.Duration {
	v.watcher.mu.Lock()
	need := v.watcher.need
	v.watcher.mu.Unlock()
	patience, waited := Patience(v.since), time.Since(v.since)
	switch {
	case waited < need.missing:
		patience = max(patience, need.missing-waited)
	case waited < need.there:
		patience = min(patience, (need.there-need.missing)/4)
	}
	return min(max(patience, FirstPoll), LastPoll)
}

// Prompt has the index asked for soon, without waiting for it, as somebody is going to want a
// reading of t or later. It gives up with ctx, and after within if that is not 0.
func (w *Watcher) Prompt(ctx context.Context, t time.Time, within time.Duration) {
	ctx, done := graceful.Wait(ctx)
	if within > 0 {
		var end context.CancelFunc
		wait := done
		ctx, end = context.WithTimeout(ctx, within)
		done = func() { end(); wait() }
	}
	unregister := context.AfterFunc(w.closed, done)
	w.prompted.Go(func() {
		defer done()
		defer unregister()
		_, _ = w.Since(ctx, t) // who wants it gets the error
	})
}

// Since returns a reading that was asked for at t or later; the zero time takes the first one
// of the run, on which all of a plan agree. An error means that there is no reading, and none to wait for; that the
// index could not be read is in the reading.
func (w *Watcher) Since(ctx context.Context, t time.Time) (*Reading, error) {
	at, err := w.wanted(ctx, func(last *Reading) bool { return last != nil && !last.Asked.Before(t) })
	if err == nil && t.IsZero() {
		at = w.first
	}
	return at, err
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

// Known is the first reading, when it is there; nil where nobody has asked.
func (w *Watcher) Known() *Reading {
	w.mu.Lock()
	first := w.first
	w.mu.Unlock()
	if first == nil {
		w.turn <- struct{}{}
		first = w.first
		<-w.turn
	}
	return first
}

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

// ask reads the index anew, for whoever holds the turn. After an answer that does not show what
// somebody waits for it rests for as long as one extension alone would, so that hundreds that were
// sent one after the other share the next. A repository that shows at once what was sent is asked as
// soon as somebody wants to know, and so is one that answers as fast as one on this machine.
func (w *Watcher) ask(ctx context.Context) (*Reading, error) {
	if !graceful.Sleep(ctx, time.Until(w.rested)) {
		return nil, context.Cause(ctx)
	}
	asked := time.Now()
	index, err := w.Target.Index(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err // this caller ran out of time; that says nothing about the index
	}
	w.rested = time.Now()
	if took := time.Since(asked); !w.shows(ctx, index, err, asked) || took > cheap {
		w.rested = w.rested.Add(min(9*took, FirstPoll))
	}
	fresh := &Reading{Index: index, Err: err, Asked: asked, outdated: make(chan struct{})}
	if w.last != nil {
		w.last.next = fresh
		close(w.last.outdated)
	}
	w.mu.Lock()
	w.last = fresh
	if w.first == nil {
		w.first = fresh
	}
	w.mu.Unlock()
	return fresh, nil
}

// shows says whether a reading, which was asked for at that time, has one of the versions that are
// waited for, or none was waited for.
func (w *Watcher) shows(ctx context.Context, index target.Index, failed error, asked time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	found, missed := false, false
	for wait := range w.waiting {
		if wait.seen || wait.since.After(asked) {
			continue
		}
		after, there := asked.Sub(wait.since), false
		if failed == nil {
			_, ok, err := index.Lookup(ctx, wait.name, wait.version)
			there = ok && err == nil
		}
		switch {
		case !there:
			missed, wait.missing = true, after
		default:
			found, wait.seen = true, true
			if w.need.there == 0 || wait.missing < w.need.missing {
				w.need.missing, w.need.there = wait.missing, after
			}
		}
	}
	return failed == nil && (found || !missed)
}
