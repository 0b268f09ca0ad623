package pipeline

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/seat"
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

// changeSeat has the extension among those that are released, and no more among those that are
// planned.
func (r *release) changeSeat(ctx context.Context) bool {
	planned, sat := r.seat, r.seated
	r.seat, r.seated = seat.New(r.run.senders), false
	for _, rt := range r.routes {
		rt.Seat = r.seat
	}
	sits := r.sit(ctx)
	if sat {
		planned.Leave()
	}
	return sits
}

// stand gives the slot of the extension to others.
func (r *release) stand() {
	if r.seated {
		r.seat.Leave()
		r.seated = false
	}
}
