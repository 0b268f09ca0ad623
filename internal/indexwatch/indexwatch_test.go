package indexwatch

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
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
	shows map[string]time.Time // extensions, from then on
}

// index is one that was read.
type index struct {
	target.Index
	shows map[string]bool
}

func (x index) Lookup(_ context.Context, name, _ string) (target.Entry, bool, error) {
	return target.Entry{}, x.shows[name], nil
}

func (p *place) Index(ctx context.Context) (target.Index, error) {
	p.asked++
	read := index{shows: map[string]bool{}}
	for name, from := range p.shows {
		read.shows[name] = !time.Now().Before(from)
	}
	select {
	case <-time.After(p.takes):
		return read, p.err
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
		begun, old = time.Now(), old.Latest()
		if r, err := w.After(t.Context(), old, time.Minute); err != nil || r == old || time.Since(begun) != time.Minute || p.asked != 3 {
			t.Errorf("alone: %v after %s, asked %d times", err, time.Since(begun), p.asked)
		}
	})
}

// After an answer that does not show what somebody waits for the index rests, the longer the slower
// it was, up to the first wait of one who is alone; and so it does after any answer that took long.
func TestTheIndexRests(t *testing.T) {
	for takes, want := range map[time.Duration][2]time.Duration{
		0: {0, 0}, 10 * time.Millisecond: {90 * time.Millisecond, 0}, 250 * time.Millisecond: {FirstPoll, 0},
		time.Second: {FirstPoll, FirstPoll}, time.Minute: {FirstPoll, FirstPoll},
	} {
		for i, shown := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				p := &place{takes: takes}
				if shown {
					p.shows = map[string]time.Time{"alc": time.Now()}
				}
				w := New(p)
				defer w.Await("alc", "1.0.0", time.Now()).End()
				_, _ = w.Since(t.Context(), time.Time{})
				begun := time.Now()
				if r, err := w.Since(t.Context(), time.Now().Add(time.Nanosecond)); takes > 0 && (err != nil || r.Asked.Sub(begun) != want[i]) {
					t.Errorf("%s, shown %v: it rested for %s, want %s; %v", takes, shown, r.Asked.Sub(begun), want[i], err)
				}
			})
		}
	}
}

// An index that cannot be read rests, too, and who was sent only after it was asked for is not missed.
func TestWhoIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{takes: 100 * time.Millisecond}
		w := New(p)
		ask := func() (rested time.Duration) {
			begun := time.Now()
			r, err := w.Since(t.Context(), begun)
			if err != nil {
				t.Fatal(err)
			}
			return r.Asked.Sub(begun)
		}
		ask()
		var late atomic.Pointer[Wait]
		time.AfterFunc(50*time.Millisecond, func() { late.Store(w.Await("alc", "1.0.0", time.Now())) })
		if got := []time.Duration{ask(), ask(), ask()}; !slices.Equal(got, []time.Duration{0, 0, FirstPoll}) {
			t.Errorf("with one who came later: %v", got)
		}
		late.Load().End()
		time.Sleep(FirstPoll)
		p.err = errors.New("502")
		if got := []time.Duration{ask(), ask()}; !slices.Equal(got, []time.Duration{0, FirstPoll}) {
			t.Errorf("with an error: %v", got)
		}
	})
}

// What one version needed to be shown is how long others are patient at first.
func TestTheNeedIsLearned(t *testing.T) {
	const needs = 8 * time.Second
	looks := func(t *testing.T, w *Watcher, name string) (at []time.Duration) {
		sent := time.Now()
		wait := w.Await(name, "1.0.0", sent)
		defer wait.End()
		r, err := w.Since(t.Context(), sent)
		for err == nil {
			at = append(at, time.Since(sent))
			if _, ok, _ := r.Lookup(t.Context(), name, "1.0.0"); ok {
				return at
			}
			r, err = w.After(t.Context(), r, wait.Patience())
		}
		t.Error(err)
		return at
	}
	synctest.Test(t, func(t *testing.T) {
		p := &place{shows: map[string]time.Time{"alc": time.Now().Add(needs)}}
		w := New(p)
		first := looks(t, w, "alc")
		p.shows["bee"] = time.Now().Add(needs)
		second := looks(t, w, "bee")
		if len(first) < 6 || len(second) > 5 || second[1] < 5*time.Second || second[len(second)-1] > first[len(first)-1] {
			t.Errorf("the first looked after %v, the second after %v", first, second)
		}
		time.Sleep(time.Second)
		p.shows["cat"] = time.Now() // at once, so that others may be, too
		if third := looks(t, w, "cat"); len(third) != 1 || third[0] != 0 {
			t.Errorf("the third looked after %v", third)
		}
		p.shows["cow"] = time.Now().Add(needs)
		if fourth := looks(t, w, "cow"); len(fourth) < 2 || fourth[1] != FirstPoll {
			t.Errorf("the fourth looked after %v", fourth)
		}
		sent := time.Now()
		wait := w.Await("dog", "1.0.0", sent)
		defer wait.End()
		for time.Since(sent) < time.Minute {
			if got := wait.Patience(); got < FirstPoll || got > LastPoll {
				t.Fatalf("after %s: %s", time.Since(sent), got)
			}
			time.Sleep(time.Second)
		}
	})
}

// Who is prompted asks at once, and who wants the reading has it then.
func TestPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{takes: 100 * time.Millisecond}
		w := New(p)
		begun := time.Now()
		w.Prompt(t.Context(), begun, 0)
		time.Sleep(60 * time.Millisecond)
		if r, err := w.Since(t.Context(), begun); err != nil || r.Asked != begun || time.Since(begun) != p.takes || p.asked != 1 {
			t.Errorf("%+v, %v after %s, asked %d times", r, err, time.Since(begun), p.asked)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w.Prompt(ctx, time.Now().Add(time.Nanosecond), 0)
		cancel()
		begun = time.Now()
		w.Prompt(t.Context(), time.Now().Add(time.Nanosecond), p.takes/2)
		synctest.Wait() // until it asks
		if _, err := w.Since(t.Context(), begun.Add(time.Nanosecond)); err != nil || time.Since(begun) != p.takes/2+p.takes {
			t.Errorf("after one that gave up: %v after %s", err, time.Since(begun))
		}
		w.Prompt(t.Context(), time.Now().Add(time.Nanosecond), 0)
		w.Close()
		if w.Known() == nil || time.Since(begun) != p.takes/2+p.takes {
			t.Errorf("%+v after %s", w.Known(), time.Since(begun))
		}
	})
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
