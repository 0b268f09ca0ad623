package pipeline

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
)

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
