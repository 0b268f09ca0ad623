package pipeline

import (
	"context"
	"time"
)

// reading is what came of asking for the index once.
type reading struct {
	index Index
	err   error
	asked time.Time // when the request was sent

	// outdated is closed when there is a newer reading, which is next then.
	outdated chan struct{}
	next     *reading
}

// lookup finds a version in the index; the error is why it could not be read.
func (r *reading) lookup(ctx context.Context, name, version string) (Entry, bool, error) {
	if r.err != nil {
		return Entry{}, false, r.err
	}
	return r.index.Lookup(ctx, name, version)
}

// cached says that a cache answered, where one did.
func (r *reading) cached() string {
	if r.err != nil {
		return ""
	}
	return r.index.Cached()
}

// latest is the newest reading that there is by now.
func (r *reading) latest() *reading {
	for {
		select {
		case <-r.outdated:
			r = r.next
		default:
			return r
		}
	}
}

// watchedIndex lets all extensions of a run share what is read of the
// index: one download while planning, and while verifying no more than the one
// of them that was sent last would ask for alone.
type watchedIndex struct {
	target TargetReader

	turn   chan struct{} // held by the one who asks; a channel so that waiting ends with the context
	last   *reading
	rested time.Time // when the index may be asked for again
}

func watch(target TargetReader) *watchedIndex {
	return &watchedIndex{target: target, turn: make(chan struct{}, 1)}
}

// since returns a reading that was asked for at t or later; the zero time takes the one
// that the run has. An error means that there is no reading, and none to wait for; that the
// index could not be read is in the reading.
func (w *watchedIndex) since(ctx context.Context, t time.Time) (*reading, error) {
	return w.wanted(ctx, func(last *reading) bool { return last != nil && !last.asked.Before(t) })
}

// after returns a reading that is newer than old: that of somebody else as soon as it is
// there, or else one of its own when wait is over. The error is as that of since.
func (w *watchedIndex) after(ctx context.Context, old *reading, wait time.Duration) (*reading, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-old.outdated:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return w.wanted(ctx, func(last *reading) bool { return last != old })
}

// known is the last reading, while nobody reads; nil where there is none.
func (w *watchedIndex) known() *reading { return w.last }

// wanted returns the last reading if it will do, and otherwise makes another.
func (w *watchedIndex) wanted(ctx context.Context, willDo func(*reading) bool) (*reading, error) {
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
func (w *watchedIndex) ask(ctx context.Context) (*reading, error) {
	if !Sleep(ctx, time.Until(w.rested)) {
		return nil, context.Cause(ctx)
	}
	asked := time.Now()
	index, err := w.target.Index(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err // this caller ran out of time; that says nothing about the index
	}
	w.rested = time.Now().Add(min(9*time.Since(asked), firstPoll))
	fresh := &reading{index: index, err: err, asked: asked, outdated: make(chan struct{})}
	if w.last != nil {
		w.last.next = fresh
		close(w.last.outdated)
	}
	w.last = fresh
	return fresh, nil
}
