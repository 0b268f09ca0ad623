package reliability

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// change is what happened to a file in a folder: it was made, written to, closed
// after that, or put in the place of another.
type change struct {
	what uint32 // IN_CREATE and so on, as in inotify(7)
	file string
}

// changes tells of each change in a folder, in order, and ends with the test.
// stop ends it before, and says how many there were.
func changes(t testing.TB, dir string, tell func(change)) (stop func() int) {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_CREATE|syscall.IN_MODIFY|syscall.IN_CLOSE_WRITE|syscall.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	watch := os.NewFile(uintptr(fd), "inotify")
	count := 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		events := make([]byte, 64<<10)
		for {
			n, err := watch.Read(events)
			if err != nil {
				return // it was closed
			}
			for rest := events[:n]; len(rest) > 0; {
				// struct inotify_event has four words: the second is what happened, the last
				// the length of the name behind them, which is filled up with zeros.
				name := rest[syscall.SizeofInotifyEvent:][:binary.NativeEndian.Uint32(rest[12:])]
				tell(change{binary.NativeEndian.Uint32(rest[4:]), string(bytes.TrimRight(name, "\x00"))})
				rest = rest[syscall.SizeofInotifyEvent+len(name):]
				count++
			}
		}
	}()
	stop = func() int {
		_ = watch.Close()
		<-ended
		return count
	}
	t.Cleanup(func() { stop() })
	return stop
}

// Likewise while the reports are written: at a change of a file in their
// folder. The first ones are of the result document; those after the first
// report that is put in its place are of the reports that tell of the whole run.
func TestKilledAtEachChangeOfReports(t *testing.T) {
	repo := writeMonorepo(t, members(size()))
	place := newPlace(t, repo)
	stop := changes(t, place.dir, func(change) {})
	run, _ := place.release(t, openMarket(t), "clean")
	if code := run.run(); code != 0 {
		t.Fatal(run.output())
	}
	all := stop()
	short := 6
	if testing.Short() {
		short = 2
	}
	var total tally
	cases := soak.Cases(t, short, 100)
	inTurn(cases, 4, func(i int) {
		// How many changes there are differs, as the system makes one of two that are
		// alike; half of them are there in any case.
		late, nth := i%2 == 1, 1+i*all/2/cases
		name := fmt.Sprint(nth)
		if late {
			nth = i / 2 % (4 * len(endings)) // made, written, closed, put in its place
			name = fmt.Sprintf("%d_after_the_first_report", nth)
		}
		t.Run(name, func(t *testing.T) {
			story := newStory(t, repo, &total)
			story.killed("first", func(victim *process) {
				left := nth
				begun := !late
				changes(t, story.place.dir, func(c change) {
					// The result document is there all along, and what begins with a dot is
					// beside the place that it is going to take.
					begun = begun || c.file != "first.json" && c.file[0] != '.'
					if !begun {
						return
					}
					if left == 0 {
						victim.signal(os.Kill)
					}
					left--
				})
			})
			story.finishes("last")
		})
	})
	t.Logf("killed at %d changes: %s", cases, &total)
}
