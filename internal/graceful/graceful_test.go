package graceful

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errStop = errors.New("interrupted")
	errEnd  = errors.New("the time is up")
)

type nameKey struct{}

func ends(ctx context.Context) string {
	if ctx.Err() == nil {
		return "goes on"
	}
	return context.Cause(ctx).Error()
}

func TestTheStepsOfAContext(t *testing.T) {
	for _, test := range []struct {
		name                               string
		stops, ends                        bool
		wantContext, wantFinish, wantWaits string
	}{
		{"nothing", false, false, "goes on", "goes on", "goes on"},
		{"the first step", true, false, "interrupted", "goes on", "interrupted"},
		{"the second step", false, true, "the time is up", "the time is up", "the time is up"},
		{"one after the other", true, true, "interrupted", "the time is up", "interrupted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stop, stopNow := context.WithCancelCause(context.WithValue(t.Context(), nameKey{}, "alc"))
				defer stopNow(nil)
				end, endNow := context.WithCancelCause(t.Context())
				defer endNow(nil)
				ctx, cancel := With(stop, end)
				defer cancel()
				ctx = context.WithValue(ctx, key2{}, 7)
				finish := Finish(ctx)
				below, cancelBelow := context.WithCancel(finish)
				defer cancelBelow()
				waits, cancelWaits := Wait(below)
				defer cancelWaits()
				if test.stops {
					stopNow(errStop)
					if ctx.Err() == nil {
						t.Error("something new could begin right after the first step")
					}
					synctest.Wait()
				}
				if test.ends {
					endNow(errEnd)
					if finish.Err() == nil || below.Err() == nil {
						t.Error("what has begun goes on right after the second step")
					}
					synctest.Wait()
				}
				if got := []string{ends(ctx), ends(finish), ends(below), ends(waits)}; got[0] != test.wantContext || got[1] != test.wantFinish || got[2] != test.wantFinish || got[3] != test.wantWaits {
					t.Errorf("the context, what finishes, what is below it, what waits: %q", got)
				}
				if finish.Value(nameKey{}) != "alc" || waits.Value(key2{}) != 7 {
					t.Error("values are lost")
				}
				if got := Stop(below).Err() != nil; got != test.stops {
					t.Errorf("stopped: %v", got)
				}
			})
		})
	}
}

type key2 struct{}

func TestAnyOtherContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if Finish(ctx) != ctx || Stop(ctx).Done() != nil {
		t.Error("a plain context has a step more")
	}
	waits, done := Wait(ctx)
	defer done()
	cancel()
	if waits.Err() == nil {
		t.Error("a wait goes on")
	}
}

func TestTheDeadlineIsThatOfTheEnd(t *testing.T) {
	soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	for _, test := range []struct{ stop, end, want, wantFinish time.Time }{
		{time.Time{}, soon, soon, soon}, {soon, late, soon, late}, {late, soon, soon, soon}, {soon, time.Time{}, soon, time.Time{}},
		{time.Time{}, time.Time{}, time.Time{}, time.Time{}},
	} {
		by := func(d time.Time) context.Context {
			if d.IsZero() {
				return t.Context()
			}
			ctx, cancel := context.WithDeadline(t.Context(), d)
			t.Cleanup(cancel)
			return ctx
		}
		ctx, cancel := With(by(test.stop), by(test.end))
		got, _ := ctx.Deadline()
		finish, _ := Finish(ctx).Deadline()
		cancel()
		if !got.Equal(test.want) || !finish.Equal(test.wantFinish) {
			t.Errorf("%v: %v, %v", test, got, finish)
		}
	}
}

// What is over when it is made does nothing first.
func TestAnEndThatHasBeen(t *testing.T) {
	end, cancel := context.WithCancelCause(t.Context())
	cancel(errEnd)
	ctx, done := With(t.Context(), end)
	defer done()
	if ends(ctx) != "the time is up" {
		t.Error(ends(ctx))
	}
}
