package reliability

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ksrelease/ksrelease/internal/soak"
)

// changes tells of each change in a folder: a file that is made, written to,
// or put in the place of another. stop ends that, and says how many there were.
func changes(t testing.TB, dir string, tell func(nth int)) (stop func() int) {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_CREATE|syscall.IN_MODIFY|syscall.IN_CLOSE_WRITE|syscall.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	watch := os.NewFile(uintptr(fd), "inotify")
	var count atomic.Int64
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
				// struct inotify_event: four words, of which the last is the length of the name.
				rest = rest[syscall.SizeofInotifyEvent+binary.NativeEndian.Uint32(rest[12:]):]
				tell(int(count.Add(1)))
			}
		}
	}()
	return func() int {
		_ = watch.Close()
		<-ended
		return int(count.Load())
	}
}

// Likewise while the reports are written: at each change of a file in their
// folder, most of which are of the result document.
func TestKilledAtEachChangeOfReports(t *testing.T) {
	repo := writeMonorepo(t, members(size()))
	place := newPlace(t, repo)
	stop := changes(t, place.dir, func(int) {})
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
	cases := soak.Cases(t, short, min(100, all))
	for i := range cases {
		// The last ones are those of the reports that are written when all is done.
		nth := all - i/2
		if i%2 == 1 {
			nth = 1 + i*all/cases
		}
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			story := newStory(t, repo, &total)
			stop := func() int { return 0 }
			story.killed("first", func(victim *process) {
				stop = changes(t, story.place.dir, func(n int) {
					if n == nth {
						victim.signal(os.Kill)
					}
				})
			})
			stop()
			story.finishes("last")
		})
	}
	t.Logf("killed at %d changes of %d: %s", cases, all, &total)
}
