package progress

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/output"
)

// A wait of minutes has a line when nothing else was printed for a while, and none when it is short, or
// when nothing is waited for.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text guarded
		out := output.New(&text)
		var what atomic.Value
		what.Store("")
		over := Wait(out, func() string { return what.Load().(string) })
		time.Sleep(2 * silence)
		synctest.Wait()
		if got := text.String(); got != "" {
			t.Errorf("nothing is waited for: %q", got)
		}
		what.Store("waiting for the review of alc 1.2.0")
		out.Print("something")
		time.Sleep(2*silence - time.Second)
		synctest.Wait()
		if got, want := text.String(), "something\nstill waiting for the review of alc 1.2.0, 2m30s\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		over()
		time.Sleep(2 * silence)
		if got := text.String(); len(got) > 70 {
			t.Errorf("after its end: %q", got)
		}
	})
}

// After a stop nothing is drawn at once. A computer that is late each time draws all the same.
func TestPace(t *testing.T) {
	now := time.Now()
	p := pace{last: now}
	for i, c := range []struct {
		after time.Duration
		want  bool
	}{
		{redrawEach, false}, {time.Minute, true}, {redrawEach, false}, {time.Second, true}, {time.Second, false}, {time.Second, true}, {redrawEach, false},
	} {
		now = now.Add(c.after)
		if got := p.wasStopped(now); got != c.want {
			t.Errorf("%d: %t", i, got)
		}
		p.last = now
	}
}
