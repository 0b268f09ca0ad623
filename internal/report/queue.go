package report

import (
	"context"
	"slices"
	"sync"

	"github.com/ksrelease/ksrelease/internal/results"
)

// Queue hands events to a report in a goroutine of its own, in order, so that a slow disk
// holds up no extension. All that waits for the disk is taken at once, so that extensions
// which wait for their evidence at the same time share a write.
//
// What is kept while the disk is slow is bounded: a report that shows how things are has
// at most one event for each extension, the latest, and a journal has maxQueued events.
// A run that is further ahead of its journal waits for it.
type Queue struct {
	to File

	mu      sync.Mutex
	more    sync.Cond // pending, taken or closed changed
	pending []results.Event
	latest  map[identity]int // places in pending
	dropped int              // places in pending that a later event has made empty
	put     uint64           // number of events so far
	done    uint64           // how many of them are in the report
	closed  bool
	waiting []waiter
	ended   chan struct{}
}

// waiter waits until so many events are in the report.
type waiter struct {
	count uint64
	kept  chan struct{}
}

// maxQueued is how many events wait for a journal: those of the plan of some thousand
// extensions, about a kilobyte each.
const maxQueued = 1 << 16

// A report may say which events it needs and what may be left out.
type (
	// selective reports need some events only.
	selective interface{ wants(results.Event) bool }
	// stateful reports show how things are: of each extension the latest event is enough.
	stateful interface{ onlyLatest() }
	// batched reports have something to do after events that came at once.
	batched interface{ Flush() }
	// closer reports have something to do at the end.
	closer interface{ Close() }
)

// NewQueue starts the goroutine; Close ends it.
func NewQueue(to File) *Queue {
	q := &Queue{to: to, ended: make(chan struct{})}
	q.more.L = &q.mu
	go q.work()
	return q
}

// Observe takes an event.
func (q *Queue) Observe(e results.Event) {
	if s, ok := q.to.(selective); ok && !s.wants(e) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.to.(stateful); ok {
		q.replace(&e)
	}
	for len(q.pending) >= maxQueued && !q.closed {
		q.more.Wait()
	}
	q.pending = append(q.pending, e)
	q.put++
	q.more.Broadcast()
}

// replace drops what an event makes needless, and remembers where it is going to be.
func (q *Queue) replace(e *results.Event) {
	switch {
	case e.Result != nil: // it has all extensions
		q.pending, q.latest, q.dropped = nil, nil, 0
	case e.Extension != nil:
		this := identityOf(e.Extension)
		if at, ok := q.latest[this]; ok {
			old := &q.pending[at]
			e.Writes = e.Writes || old.Writes || old.Kind == results.EventEnded && !old.Planning
			*old = results.Event{}
			q.dropped++
		}
		if q.dropped > len(q.pending)/2 {
			q.pending = slices.DeleteFunc(q.pending, func(p results.Event) bool { return p.Kind == "" })
			q.dropped, q.latest = 0, map[identity]int{}
			for i, p := range q.pending {
				if p.Extension != nil {
					q.latest[identityOf(p.Extension)] = i
				}
			}
		}
		if q.latest == nil {
			q.latest = map[identity]int{}
		}
		q.latest[this] = len(q.pending)
	}
}

// work is the goroutine.
func (q *Queue) work() {
	defer close(q.ended)
	for {
		q.mu.Lock()
		for len(q.pending) == 0 && !q.closed {
			q.more.Wait()
		}
		batch, upTo, closed := q.pending, q.put, q.closed
		q.pending, q.latest, q.dropped = nil, nil, 0
		q.more.Broadcast()
		q.mu.Unlock()
		for _, e := range batch {
			if e.Kind != "" {
				q.to.Observe(e)
			}
		}
		if b, ok := q.to.(batched); ok {
			b.Flush()
		}
		q.finished(upTo)
		if closed {
			return
		}
	}
}

func (q *Queue) finished(upTo uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done = upTo
	q.waiting = slices.DeleteFunc(q.waiting, func(w waiter) bool {
		if w.count > upTo {
			return false
		}
		close(w.kept)
		return true
	})
}

// Wait waits until all events so far are in the report, or cannot be written. It returns
// when ctx is done, too.
func (q *Queue) Wait(ctx context.Context) {
	q.mu.Lock()
	if q.done >= q.put {
		q.mu.Unlock()
		return
	}
	w := waiter{q.put, make(chan struct{})}
	q.waiting = append(q.waiting, w)
	q.mu.Unlock()
	select {
	case <-w.kept:
	case <-ctx.Done():
	}
}

// Close waits until all events are in the report, and gives its first error.
func (q *Queue) Close() error {
	q.mu.Lock()
	first := !q.closed
	q.closed = true
	q.more.Broadcast()
	q.mu.Unlock()
	<-q.ended
	if c, ok := q.to.(closer); ok && first {
		c.Close()
	}
	return q.to.Err()
}
