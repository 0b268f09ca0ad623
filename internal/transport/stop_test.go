package transport

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/graceful"
)

// A stop ends all waiting and makes no further attempt; what is under way goes
// on to its answer.
func TestStopEndsTheWaiting(t *testing.T) {
	busy := status(503, "", "Retry-After", "100")
	const gaveUp = "asking for x: 503 Service Unavailable: interrupted before the next attempt (GET http://cloud.example/x)"
	for name, tt := range map[string]struct {
		answer answer
		stop   time.Duration // after the beginning
		took   time.Duration
		want   string
	}{
		"while it waits":           {busy, 5 * time.Second, 5 * time.Second, gaveUp},
		"before it would wait":     {busy, 0, 0, gaveUp},
		"while the request hangs":  {hang, 5 * time.Second, DefaultReadTimeout, "asking for x: no answer within 30s: interrupted before the next attempt (GET http://cloud.example/x)"},
		"before an answer that is": {status(200, success), 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{answers: []answer{tt.answer}}
				told := 0
				client := newClient(t, server, Options{Notify: func(Retry) { told++ }})
				stop, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.stop == 0 {
					cancel(errors.New("interrupted"))
				} else {
					time.AfterFunc(tt.stop, func() { cancel(errors.New("interrupted")) })
				}
				ctx, done := graceful.With(stop, t.Context())
				defer done()
				start := time.Now()
				answer, err := client.Do(graceful.Finish(ctx), read)
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				expectOutcome(t, answer, err, tt.want, false)
				if n := len(server.seen()); n != 1 {
					t.Errorf("%d requests", n)
				}
				if wait := name == "while it waits"; wait != (told == 1) {
					t.Errorf("%d retries told", told)
				}
			})
		})
	}
}
