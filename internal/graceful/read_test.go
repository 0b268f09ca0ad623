package graceful

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What cannot be stopped from within is left behind when the time is up.
func TestReadIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, cancel := context.WithTimeoutCause(context.Background(), 10*time.Second, errors.New("--timeout of 10s is over"))
		defer cancel()
		ctx, release := With(t.Context(), end)
		defer release()
		var reads Reads
		begun, goOn := time.Now(), make(chan struct{})
		_, err := Read(ctx, &reads, "looking at a pattern", func() (int, error) {
			if !reads.Active() {
				t.Error("a signal would not end it at once")
			}
			<-goOn
			return 1, nil
		})
		var cut *CutError
		if !errors.As(err, &cut) || err.Error() != "--timeout of 10s is over while looking at a pattern" || cut.Hint() == "" {
			t.Errorf("got: %v", err)
		}
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if reads.Active() {
			t.Error("it is still taken for reading")
		}
		close(goOn)
		if _, err := Read(ctx, &reads, "x", func() (int, error) { t.Error("it is begun after the end"); return 0, nil }); err == nil {
			t.Error("no error after the end")
		}
	})
}

// Without an end, what the work gives is passed on.
func TestRead(t *testing.T) {
	wrong := errors.New("wrong")
	if n, err := Read(t.Context(), new(Reads), "x", func() (int, error) { return 7, wrong }); n != 7 || err != wrong {
		t.Errorf("got %d, %v", n, err)
	}
}

// A panic of the work is one of the caller, with the stack of where it was.
func TestReadPanics(t *testing.T) {
	defer func() {
		thrown, ok := recover().(*Panic)
		if !ok || thrown.Value != "broken" || len(thrown.Stack) == 0 {
			t.Errorf("recovered %v", thrown)
		}
	}()
	_, err := Read(t.Context(), new(Reads), "x", func() (int, error) { panic("broken") })
	t.Errorf("it went on: %v", err)
}
