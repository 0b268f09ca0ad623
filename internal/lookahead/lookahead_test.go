package lookahead

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// slow takes a second for each look, and counts them.
type slow struct {
	begun atomic.Int32
	fails bool
}

func (s *slow) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	s.begun.Add(1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return lint.Report{}, ctx.Err()
	}
	if s.fails {
		s.fails = false
		return lint.Report{}, errors.New("it failed once")
	}
	return lint.Report{Silenced: len(opts.Severities)}, nil
}

func TestLooks(t *testing.T) {
	ext, opts, limits := &extension.Extension{}, lint.Options{Severities: map[string]lint.Severity{"a": lint.Off}}, lint.Limits{Time: time.Minute}
	for name, c := range map[string]struct {
		wait  time.Duration // until it is known
		fails bool
		opts  lint.Options
		begun int
		took  time.Duration
	}{
		"near":           {wait: patience / 2, opts: opts, begun: 1, took: time.Second},
		"far":            {wait: time.Second / 2, opts: opts, begun: 1, took: time.Second / 2},
		"very far":       {wait: time.Minute, opts: opts, begun: 1, took: 0},
		"other settings": {wait: time.Minute, opts: lint.Options{}, begun: 2, took: time.Second},
		"a fault":        {wait: time.Minute, fails: true, opts: opts, begun: 2, took: time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			x := &slow{fails: c.fails}
			looks := New(x)
			defer looks.Close()
			known := looks.Soon(ext, opts, limits)
			time.Sleep(c.wait)
			known()
			start := time.Now()
			report, err := looks.Examine(t.Context(), ext, c.opts, limits)
			if took := time.Since(start); err != nil || report.Silenced != len(c.opts.Severities) || int(x.begun.Load()) != c.begun || (took-c.took).Abs() > 2*patience {
				t.Errorf("%s: %+v, %v, after %s, with %d looks", name, report, err, took, x.begun.Load())
			}
			if len(looks.begun) != 0 {
				t.Errorf("%s: what was taken is still held", name)
			}
		})
	}
}

// TestLooksThatNobodyNeeds: no more begin than there are processors, and they end with the run.
func TestLooksThatNobodyNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &slow{}
		looks := New(x)
		var exts []*extension.Extension
		for range 20 {
			ext := &extension.Extension{}
			exts = append(exts, ext)
			defer looks.Soon(ext, lint.Options{}, lint.Limits{})()
		}
		time.Sleep(time.Second / 2)
		if int(x.begun.Load()) != runtime.GOMAXPROCS(0) {
			t.Errorf("%d have begun", x.begun.Load())
		}
		time.Sleep(time.Minute)
		if all := most * runtime.GOMAXPROCS(0); int(x.begun.Load()) != all {
			t.Errorf("%d have begun in all, want %d", x.begun.Load(), all)
		}
		for _, ext := range exts {
			looks.Drop(ext)
		}
		start := time.Now()
		if looks.Close(); time.Since(start) > 0 || len(looks.begun) > 0 {
			t.Errorf("they ended after %s", time.Since(start))
		}
	})
}

// TestInterruptedLook: who waits for a look waits no longer than for one of its own.
func TestInterruptedLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := New(&slow{})
		defer looks.Close()
		ext := &extension.Extension{}
		known := looks.Soon(ext, lint.Options{}, lint.Limits{})
		time.Sleep(2 * patience)
		known()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := looks.Examine(ctx, ext, lint.Options{}, lint.Limits{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
