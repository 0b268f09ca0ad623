// Package seat has places for what works at the same time: what several do for one thing takes one
// slot of a semaphore.
package seat

import (
	"context"

	"golang.org/x/sync/semaphore"

	"github.com/ksrelease/ksrelease/internal/graceful"
)

// Claim waits for a slot; false when nothing new is to begin any more. Who has claimed it releases it.
func Claim(ctx context.Context, slots *semaphore.Weighted) bool {
	if slots.Acquire(ctx, 1) != nil {
		return false
	}
	if graceful.Over(ctx) {
		slots.Release(1)
		return false
	}
	return true
}

// Seat is a place of its own among all that have slots of one semaphore. Those who are in it at the
// same time take one slot together. Its methods may be called by several goroutines at once.
type Seat struct {
	slots *semaphore.Weighted
	turn  chan struct{} // held while taken changes; a channel so that waiting ends with the context
	taken int           // how many are in it
}

// New makes a seat that nobody is in.
func New(slots *semaphore.Weighted) *Seat {
	return &Seat{slots: slots, turn: make(chan struct{}, 1)}
}

// Take waits for a slot, unless somebody in the seat has one.
func (s *Seat) Take(ctx context.Context) error {
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
func (s *Seat) Leave() {
	s.turn <- struct{}{} // nobody waits for a slot while somebody has it
	if s.taken--; s.taken == 0 {
		s.slots.Release(1)
	}
	<-s.turn
}

// Shared is a seat of several who began with it.
type Shared struct {
	seat *Seat
	in   []bool // who has not left
}

// Share has count be in the seat in place of the one who is.
func (s *Seat) Share(count int) *Shared {
	s.turn <- struct{}{}
	s.taken += count - 1
	<-s.turn
	in := make([]bool, count)
	for i := range in {
		in[i] = true
	}
	return &Shared{s, in}
}

// Leave is the end of the work of the one of that number, who may have left before.
func (s *Shared) Leave(i int) {
	if s.in[i] {
		s.in[i] = false
		s.seat.Leave()
	}
}

// Join has one be in the seat for all who have not left, when all have ended; false where all have
// left.
func (s *Shared) Join() (sits bool) {
	for _, in := range s.in {
		if in && sits {
			s.seat.Leave()
		}
		sits = sits || in
	}
	return sits
}
