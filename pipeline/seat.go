package pipeline

import (
	"context"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
)

// seat is the place of an extension among those at work. What goes on for its targets at the same
// time is in it together: it takes one slot.
type seat struct {
	slots *semaphore.Weighted
	turn  chan struct{} // held while taken changes; a channel so that waiting ends with the context
	taken int           // how many are in it
}

// Take waits for a slot, unless the extension has one.
func (s *seat) Take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.taken == 0 {
		if err := s.slots.Acquire(ctx, 1); err != nil {
			return err
		}
	}
	s.taken++
	return nil
}

// Leave gives the slot to others where nobody is in the seat any more.
func (s *seat) Leave() {
	s.turn <- struct{}{} // nobody waits for a slot while somebody has it
	if s.taken--; s.taken == 0 {
		s.slots.Release(1)
	}
	<-s.turn
}

// shared is a seat in which several are at work that began with it.
type shared struct {
	*seat
	in []bool // who has not left
}

// share has count be in the seat in place of the one who is.
func (s *seat) share(count int) *shared {
	s.turn <- struct{}{}
	s.taken += count - 1
	<-s.turn
	in := make([]bool, count)
	for i := range in {
		in[i] = true
	}
	return &shared{s, in}
}

// leave is the end of the work of one, who may have left before.
func (s *shared) leave(i int) {
	if s.in[i] {
		s.in[i] = false
		s.Leave()
	}
}

// join has one be in the seat for all who have not left, if there is any.
func (s *shared) join() (sits bool) {
	for _, in := range s.in {
		if in && sits {
			s.Leave()
		}
		sits = sits || in
	}
	return sits
}

// sit has the extension at work, if it is not. What ends before there is a slot for it is not
// reached.
func (r *release) sit(ctx context.Context) bool {
	if r.seated {
		return true
	}
	if r.seat.Take(ctx) == nil {
		if r.seated = !graceful.Over(ctx); r.seated {
			return true
		}
		r.seat.Leave()
	}
	r.end(results.NotReached, graceful.Interruption(ctx)+" before its turn")
	return false
}

// stand gives the slot of the extension to others.
func (r *release) stand() {
	if r.seated {
		r.seat.Leave()
		r.seated = false
	}
}

// inParallel does something of each at the same time, and waits for all: the only place where the
// pipeline starts goroutines. Work is held back by slots, not here, because what only waits should
// take no place.
func inParallel[T any](all []T, do func(T)) {
	if len(all) == 1 {
		do(all[0])
		return
	}
	var group errgroup.Group
	for _, one := range all {
		group.Go(func() error {
			do(one)
			return nil
		})
	}
	_ = group.Wait() // failures are outcomes of extensions, not of the group
}
