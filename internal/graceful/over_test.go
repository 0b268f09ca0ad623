package graceful

import (
	"context"
	"errors"
	"testing"
)

// The second step of a context counts at once, also where the context itself ends later.
func TestTheSecondStepCountsAtOnce(t *testing.T) {
	end, endNow := context.WithCancelCause(t.Context())
	ctx, done := With(t.Context(), end)
	defer done()
	if Over(ctx) {
		t.Error("it is over before")
	}
	endNow(errEnd)
	if !Over(ctx) || Interruption(ctx) != "the time is up" {
		t.Errorf("over: %v, %s", Over(ctx), Interruption(ctx))
	}
}

func TestInterruption(t *testing.T) {
	for want, cause := range map[string]error{
		"interrupted":     context.Canceled,
		"the time was up": context.DeadlineExceeded,
		"somebody waits":  errors.New("somebody waits"),
	} {
		ctx, end := context.WithCancelCause(t.Context())
		end(cause)
		if got := Interruption(ctx); got != want {
			t.Errorf("%v: %q, want %q", cause, got, want)
		}
	}
}
