// Package together does once what several ask for at the same time: [Batches] puts writes that
// come while another one is under way into the next one, [Shared] gives the answer to a question
// to all who asked before it was put.
package together

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Batches does work in turn, one batch after the other: what comes while one is at work is in the
// next. It is safe for concurrent use.
type Batches[T any] struct {
	work func(ctx context.Context, items []T) []error

	mu      sync.Mutex
	waiting []*request[T]
	busy    bool
}

type request[T any] struct {
	ctx  context.Context
	item T
	done chan error
}

// NewBatches makes batches of work, which is handed at least one item, and gives an error, or
// nil, for each. Its context has the values of that of the first item, and ends when the
// contexts of all of its items have ended.
func NewBatches[T any](work func(ctx context.Context, items []T) []error) *Batches[T] {
	return &Batches[T]{work: work}
}

// Do has an item worked on. Where the context ends while that is under way, nobody waits for it
// any more, and the error is in doubt.
func (b *Batches[T]) Do(ctx context.Context, item T) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r := &request[T]{ctx, item, make(chan error, 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, r)
	if !b.busy {
		b.busy = true
		go b.run()
	}
	b.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if at := slices.Index(b.waiting, r); at >= 0 {
		b.waiting = slices.Delete(b.waiting, at, at+1)
		return context.Cause(ctx)
	}
	select {
	case err := <-r.done:
		return err
	default:
		return &abandoned{context.Cause(ctx)}
	}
}

// run works until nobody waits.
func (b *Batches[T]) run() {
	for {
		b.mu.Lock()
		batch := b.waiting
		b.waiting = nil
		if b.busy = len(batch) > 0; !b.busy {
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		ctx, stop := contextOf(batch)
		items := make([]T, len(batch))
		for i, r := range batch {
			items[i] = r.item
		}
		errs := b.work(ctx, items)
		stop()
		for i, r := range batch {
			r.done <- errs[i]
		}
	}
}

// contextOf is a context that ends with the last of those of a batch.
func contextOf[T any](batch []*request[T]) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(batch[0].ctx))
	var mu sync.Mutex
	left := len(batch)
	var stops []func() bool
	for _, r := range batch {
		stops = append(stops, context.AfterFunc(r.ctx, func() {
			mu.Lock()
			defer mu.Unlock()
			if left--; left == 0 {
				cancel(context.Cause(r.ctx))
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel(nil)
	}
}

// abandoned is the error of work that went on when nobody waited for it any more.
type abandoned struct{ cause error }

func (a *abandoned) Error() string {
	return fmt.Sprintf("%v while it was under way; whether it was done is not known", a.cause)
}
func (a *abandoned) Unwrap() error { return a.cause }

// InDoubt says that it may have been done.
func (a *abandoned) InDoubt() bool { return true }

// Shared is a question whose answer is as good for all who asked before it was put: hundreds
// who ask at once cost two answers. It is safe for concurrent use.
type Shared[T any] struct {
	ask func(ctx context.Context) (T, error)
	// turn lets one ask at a time; a channel, so that who waits for it stops with its context.
	turn chan struct{}

	mu      sync.Mutex
	started int // how many questions were put
	last    T
	lastAt  int // the question that last is the answer to; 0 before the first
}

// NewShared makes such a question. An error is for the one who asked alone.
func NewShared[T any](ask func(ctx context.Context) (T, error)) *Shared[T] {
	return &Shared[T]{ask: ask, turn: make(chan struct{}, 1)}
}

// Get is an answer to a question that was put after the call.
func (s *Shared[T]) Get(ctx context.Context) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	s.mu.Lock()
	seen := s.started
	s.mu.Unlock()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	s.mu.Lock()
	if s.lastAt > seen {
		defer s.mu.Unlock()
		return s.last, nil
	}
	s.started++
	at := s.started
	s.mu.Unlock()
	answer, err := s.ask(ctx)
	if err != nil {
		return none, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.lastAt = answer, at
	return answer, nil
}
