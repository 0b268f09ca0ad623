package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/output"
)

// What cannot be stopped from within is left behind when the time is up.
func TestReadingIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := deadline{Timeout: commandline.Duration(10 * time.Second)}.begin(t.Context())
		defer cancel()
		a := &app{}
		begun, goOn := time.Now(), make(chan struct{})
		_, err := reading(ctx, a, "looking at a pattern", func() (int, error) {
			if a.onlyReading.Load() != 1 {
				t.Error("a signal would not end it at once")
			}
			<-goOn
			return 1, nil
		})
		if err == nil || err.Error() != "--timeout of 10s is over while looking at a pattern" || failure.Hint(err) == "" {
			t.Errorf("told: %v → %s", err, failure.Hint(err))
		}
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if a.onlyReading.Load() != 0 {
			t.Error("it is still taken for reading")
		}
		close(goOn)
		if _, err := reading(ctx, a, "x", func() (int, error) { t.Error("it is begun after the end"); return 0, nil }); err == nil {
			t.Error("no error after the end")
		}
	})
}

// Without --timeout there is no end, and what the work gives is passed on.
func TestReading(t *testing.T) {
	ctx, cancel := deadline{}.begin(t.Context())
	defer cancel()
	if _, set := ctx.Deadline(); set {
		t.Error("there is a deadline")
	}
	wrong := errors.New("wrong")
	if n, err := reading(ctx, &app{}, "x", func() (int, error) { return 7, wrong }); n != 7 || err != wrong {
		t.Errorf("got %d, %v", n, err)
	}
}

// A mistake of ours in there is reported as anywhere else, with its own stack.
func TestReadingPanics(t *testing.T) {
	var errs bytes.Buffer
	a := &app{stdout: output.New(&errs), stderr: output.New(&errs)}
	code := a.guard(func() error {
		_, err := reading(context.Background(), a, "x", func() (int, error) { return breakDown() })
		return err
	})
	if code != exitNotReleased || !strings.Contains(errs.String(), "mistake in ksrelease: broken") || !strings.Contains(errs.String(), "breakDown") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func breakDown() (int, error) { panic("broken") }

// A marketplace is not opened behind the end of the time.
func TestDialEndsWithTheTime(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 0, errors.New("--timeout of 1s is over"))
	defer cancel()
	dir := filepath.Join(t.TempDir(), "marketplace")
	_, err := (&app{}).dial(ctx, nil, local, dir, 1)
	if err == nil || err.Error() != "--timeout of 1s is over while opening the local marketplace" {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it was opened")
	}
}
