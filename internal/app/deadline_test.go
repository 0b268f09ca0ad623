package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/output"
)

// Without --timeout there is no end.
func TestNoDeadline(t *testing.T) {
	ctx, cancel := Deadline{}.Begin(t.Context())
	defer cancel()
	if _, set := ctx.Deadline(); set {
		t.Error("there is a deadline")
	}
}

// A mistake of ours in there is reported as anywhere else, with its own stack.
func TestReadingPanics(t *testing.T) {
	var errs bytes.Buffer
	a := &App{Stdout: output.New(&errs), Stderr: output.New(&errs)}
	code := a.guard(func() error {
		_, err := graceful.Read(context.Background(), &a.Reads, "x", func() (int, error) { return breakDown() })
		return err
	})
	if code != ExitNotReleased || !strings.Contains(errs.String(), "mistake in ksrelease: broken") || !strings.Contains(errs.String(), "breakDown") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// What a signal has ended in the middle of other work says so, in place of words of Go.
func TestWorkThatASignalEnded(t *testing.T) {
	stop, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, c := range []struct {
		err         error
		before, now string
	}{
		{context.Canceled, "ksrelease: context canceled\n", "ksrelease: interrupted\n"},
		{fmt.Errorf("reading x: %w", context.Canceled), "ksrelease: reading x: context canceled\n", "ksrelease: interrupted: reading x\n"},
		{errors.New("no x"), "ksrelease: no x\n", "ksrelease: no x\n"},
	} {
		for _, ctx := range []context.Context{context.Background(), stop} {
			var errs bytes.Buffer
			a := &App{Stdout: output.New(&errs), Stderr: output.New(&errs), Stop: ctx}
			want := c.before
			if cancel(); ctx == stop {
				want = c.now
			}
			if code := a.guard(func() error { return c.err }); code != ExitNotReleased || errs.String() != want {
				t.Errorf("exit code %d: %q, want %q", code, errs.String(), want)
			}
		}
	}
}

func breakDown() (int, error) { panic("broken") }

// A marketplace is not opened behind the end of the time.
func TestDialEndsWithTheTime(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 0, errors.New("--timeout of 1s is over"))
	defer cancel()
	dir := filepath.Join(t.TempDir(), "marketplace")
	_, err := (&App{}).Dial(ctx, nil, DialOptions{At: Local, Dir: dir, Parallelism: 1})
	if err == nil || err.Error() != "--timeout of 1s is over while opening the local marketplace" {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it was opened")
	}
}
