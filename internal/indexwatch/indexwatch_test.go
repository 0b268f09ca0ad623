package indexwatch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/target"
)

// place is a target whose index takes a while to be read.
type place struct {
	target.Reader
	asked int
	takes time.Duration
	err   error
}

func (p *place) Index(ctx context.Context) (target.Index, error) {
	p.asked++
	select {
	case <-time.After(p.takes):
		return nil, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// However many want the index, it is read once, and again only for who wants a newer one.
func TestOneReadingForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{takes: time.Second}
		w := New(p)
		if w.Known() != nil {
			t.Error("it knows an index before it has asked")
		}
		done := make(chan *Reading, 100)
		for range cap(done) {
			go func() {
				r, err := w.Since(t.Context(), time.Time{})
				if err != nil {
					t.Error(err)
				}
				done <- r
			}()
		}
		first := <-done
		for range cap(done) - 1 {
			if r := <-done; r != first {
				t.Error("another reading")
			}
		}
		if p.asked != 1 || w.Known() != first || first.Latest() != first {
			t.Errorf("asked %d times", p.asked)
		}
		if r, _ := w.Since(t.Context(), first.Asked); r != first {
			t.Error("a reading that was asked for at that moment is not enough")
		}
		newer, err := w.Since(t.Context(), time.Now())
		if err != nil || newer == first || p.asked != 2 || first.Latest() != newer {
			t.Errorf("%v, asked %d times", err, p.asked)
		}
	})
}

// Who waits for a newer reading gets that of somebody else as soon as it is there.
func TestAWaitEndsWithTheReadingOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{}
		w := New(p)
		old, _ := w.Since(t.Context(), time.Time{})
		time.Sleep(time.Second)
		begun := time.Now()
		time.AfterFunc(3*time.Second, func() { _, _ = w.Since(t.Context(), time.Now()) })
		if r, err := w.After(t.Context(), old, time.Minute); err != nil || r == old || time.Since(begun) != 3*time.Second || p.asked != 2 {
			t.Errorf("%v after %s, asked %d times", err, time.Since(begun), p.asked)
		}
		begun, old = time.Now(), w.Known()
		if r, err := w.After(t.Context(), old, time.Minute); err != nil || r == old || time.Since(begun) != time.Minute || p.asked != 3 {
			t.Errorf("alone: %v after %s, asked %d times", err, time.Since(begun), p.asked)
		}
	})
}

// After an answer the index rests, the longer the slower it was, up to the first wait of
// one who is alone.
func TestTheIndexRests(t *testing.T) {
	for takes, want := range map[time.Duration]time.Duration{
		0: 0, 10 * time.Millisecond: 90 * time.Millisecond, time.Second: FirstPoll, time.Minute: FirstPoll,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := New(&place{takes: takes})
			_, _ = w.Since(t.Context(), time.Time{})
			begun := time.Now()
			if r, err := w.Since(t.Context(), time.Now().Add(time.Nanosecond)); takes > 0 && (err != nil || r.Asked.Sub(begun) != want) {
				t.Errorf("%s: it rested for %s, want %s; %v", takes, r.Asked.Sub(begun), want, err)
			}
		})
	}
}

// That an index cannot be read is known to all; that one ran out of time, to nobody else.
func TestErrorsOfAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{takes: time.Second, err: errors.New("502")}
		w := New(p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if r, err := w.Since(ctx, time.Time{}); r != nil || !errors.Is(err, context.DeadlineExceeded) || w.Known() != nil {
			t.Errorf("%v, %v", r, err)
		}
		r, err := w.Since(t.Context(), time.Time{})
		if err != nil || r.Err != p.err || r.Cached() != "" {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, _, err := r.Lookup(t.Context(), "alc", "1.0.0"); err != p.err {
			t.Errorf("looked up: %v", err)
		}
		if _, err := w.After(ctx, r, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a wait after the end: %v", err)
		}
	})
}

func TestPatienceGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		for after, want := range map[time.Duration]time.Duration{0: FirstPoll, time.Second: time.Second, 10 * time.Second: 5500 * time.Millisecond, time.Hour: LastPoll} {
			if got := Patience(begun.Add(-after)); got != want {
				t.Errorf("after %s: %s, want %s", after, got, want)
			}
		}
	})
}
