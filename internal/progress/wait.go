package progress

import (
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/output"
)

// Wait shows what is waited for, and for how long, until over is called: on a terminal in a line that is
// redrawn, elsewhere in a line when nothing was printed for a while. what is asked each time. It may be
// empty: nothing is shown then.
func Wait(out *output.Stream, what func() string) (over func()) {
	began := time.Now()
	end := often(func(now time.Time) {
		columns, _ := out.Live()
		switch words := what(); {
		case words == "":
		case columns > 0:
			out.Status(output.Format("%s, %s", words, elapsed(now.Sub(began))).Cut(columns - 1 - echo))
		case now.Sub(latest(began, out.LastPrint())) >= silence:
			out.Print("still %s, %s", words, elapsed(now.Sub(began)))
		}
	})
	return func() {
		end()
		out.Wipe()
	}
}

// often calls show as often as lines are redrawn, until end is called, which waits for the last call. The
// first time after the program was stopped is left out, so that a signal to go on has been seen before
// something is drawn over what a shell wrote.
func often(show func(now time.Time)) (end func()) {
	stop := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		tick := time.NewTicker(redrawEach)
		defer tick.Stop()
		for p := (pace{last: time.Now()}); ; p.last = time.Now() {
			select {
			case <-stop:
				return
			case now := <-tick.C:
				if !p.wasStopped(time.Now()) {
					show(now)
				}
			}
		}
	})
	return func() {
		close(stop)
		over.Wait()
	}
}

// pace is when something was shown last.
type pace struct {
	last    time.Time
	stopped bool // the program had been, as far as is known
}

// wasStopped guesses that the program was stopped since then. It says so once: a computer that has too
// much to do is as late each time.
func (p *pace) wasStopped(now time.Time) bool {
	p.stopped = !p.stopped && now.Sub(p.last) > 2*redrawEach
	return p.stopped
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
