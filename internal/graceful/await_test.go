package graceful

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// Work that nothing interrupts is not begun after the end, and not waited for.
func TestAwait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if got, err := Await(ctx, func() (int, error) { return 7, errors.New("x") }); got != 7 || err == nil || err.Error() != "x" {
		t.Errorf("%d, %v", got, err)
	}
	forever := make(chan struct{})
	defer close(forever)
	if _, err := Await(ctx, func() (int, error) { cancel(); <-forever; return 7, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended while it worked: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{}, 1)
		_, err := Await(ctx, func() (int, error) { begun <- struct{}{}; return 7, nil })
		if synctest.Wait(); !errors.Is(err, context.Canceled) || len(begun) > 0 {
			t.Errorf("it ended before: %v", err)
		}
	})
}
