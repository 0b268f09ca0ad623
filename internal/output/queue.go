package output

import (
	"context"
	"sync"
	"time"
)

// entry is one write to a stream: a text that is printed, or a status, which stands until there is
// another one; one without lines takes it away.
type entry struct {
	to     *Stream
	kind   entryKind
	text   string
	status []Text
}

type entryKind int

const (
	ofPrint entryKind = iota
	ofStatus
)

// size is how many bytes an entry keeps.
func (p entry) size() int {
	n := len(p.text)
	for _, line := range p.status {
		n += len(line.s)
	}
	return n
}

// queue is what was printed and not written yet, of all streams of the program in one
// order: a terminal and a log of CI show both.
type queue struct {
	streams []*Stream

	mu      sync.Mutex
	more    sync.Cond // pending or size changed
	pending []entry
	size    int    // bytes in pending, and in what is being written
	printed uint64 // prints so far
	written uint64 // prints that are done with
	waiting map[chan struct{}]uint64
	// behind is true from when somebody waited in vain until all is written.
	behind bool
	ended  bool
}

// mostPending is how many bytes are kept for a reader that does not read. Who prints
// more waits for it.
const mostPending = 64 << 20

// patience is how long Keep waits for a reader.
const patience = 2 * time.Second

// Background has all that these streams print from now on written by one goroutine, in
// the order of the prints. end writes what is left, and ends the goroutine; a program that
// ends otherwise has to call Flush before.
func Background(streams ...*Stream) (end func()) {
	q := &queue{streams: streams, waiting: map[chan struct{}]uint64{}}
	q.more.L = &q.mu
	for _, s := range streams {
		s.queue = q
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.work()
	}()
	return func() {
		q.mu.Lock()
		q.ended = true
		q.more.Broadcast()
		q.mu.Unlock()
		<-done
	}
}

func (q *queue) put(p entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last := len(q.pending) - 1; p.kind == ofStatus && last >= 0 && q.pending[last].kind == ofStatus && q.pending[last].to == p.to {
		// Nobody has seen it, and nobody would: it is replaced at once.
		q.size += p.size() - q.pending[last].size()
		q.pending[last] = p
		return
	}
	for q.size > mostPending {
		q.more.Wait()
	}
	q.pending = append(q.pending, p)
	q.size += p.size()
	q.printed++
	q.more.Broadcast()
}

func (q *queue) work() {
	for {
		q.mu.Lock()
		for len(q.pending) == 0 && !q.ended {
			q.more.Wait()
		}
		batch := q.pending
		q.pending = nil
		q.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, p := range batch {
			for _, s := range q.streams {
				if s != p.to && p.kind == ofPrint { // both may lead to one terminal
					s.clear()
				}
			}
			p.to.show(p)
			q.finished(p)
		}
	}
}

func (q *queue) finished(p entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.written++
	q.size -= p.size()
	q.behind = q.behind && q.written < q.printed
	for ch, count := range q.waiting {
		if count <= q.written {
			close(ch)
			delete(q.waiting, ch)
		}
	}
	q.more.Broadcast()
}

// wait waits until all prints so far are written; false where ctx was done before.
func (q *queue) wait(ctx context.Context) bool {
	q.mu.Lock()
	if q.written >= q.printed {
		q.mu.Unlock()
		return true
	}
	written := make(chan struct{})
	q.waiting[written] = q.printed
	q.mu.Unlock()
	select {
	case <-written:
		return true
	case <-ctx.Done():
		q.mu.Lock()
		delete(q.waiting, written)
		q.mu.Unlock()
		return false
	}
}

// Flush waits until all that was printed so far is written, or ctx is done.
func (s *Stream) Flush(ctx context.Context) {
	if s.queue != nil {
		s.queue.wait(ctx)
	}
}

// Keep is Flush for what should be read before the program goes on, such as that it is
// about to send something. It waits two seconds for a reader at most, and not at all for
// one that has not caught up since.
func (s *Stream) Keep(ctx context.Context) {
	q := s.queue
	if q == nil {
		return
	}
	q.mu.Lock()
	behind := q.behind
	q.mu.Unlock()
	if behind {
		return
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if !q.wait(limited) {
		q.mu.Lock()
		q.behind = q.written < q.printed
		q.mu.Unlock()
	}
}
