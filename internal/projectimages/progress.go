package projectimages

import (
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/output"
)

// How often progress is shown: on a line that is redrawn, and by lines of their own.
const (
	redrawEach = 200 * time.Millisecond
	lineEach   = 10 * time.Second
)

// Meter shows how far something is, in images and in bytes: on a terminal in a line that is redrawn,
// elsewhere in a line from time to time. It is safe for concurrent use.
type Meter struct {
	out      *output.Stream
	terminal bool
	stop     chan struct{}
	over     sync.WaitGroup

	mu          sync.Mutex
	doing       string
	done, of    int
	bytes, size int64
}

// NewMeter begins to show progress on a stream, until Close is called. On a terminal that is no line of
// its own; isTerminal says whether it is one.
func NewMeter(out *output.Stream, isTerminal bool) *Meter {
	m := &Meter{out: out, terminal: isTerminal, stop: make(chan struct{})}
	each := lineEach
	if isTerminal {
		each = redrawEach
	}
	m.over.Go(func() {
		tick := time.NewTicker(each)
		defer tick.Stop()
		for {
			select {
			case <-m.stop:
				return
			case <-tick.C:
				m.show()
			}
		}
	})
	return m
}

// Close ends it.
func (m *Meter) Close() {
	close(m.stop)
	m.over.Wait()
	if m.terminal {
		m.out.Wipe()
	}
}

// Step says what is being done, and how many images of how many are done.
func (m *Meter) Step(doing string, done, of int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doing, m.done, m.of = doing, done, of
}

// Bytes adds to what has been sent.
func (m *Meter) Bytes(more int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes += more
}

// Size says how many bytes there are in all.
func (m *Meter) Size(size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.size = size
}

func (m *Meter) show() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == 0 {
		return
	}
	line := output.Format("%s: %d of %d images", m.doing, m.done, m.of)
	if m.size > 0 {
		line = output.Format("%s: %d of %d images, %s of %s", m.doing, m.done, m.of, humanize.IBytes(uint64(max(0, m.bytes))), humanize.IBytes(uint64(m.size)))
	}
	if m.terminal {
		m.out.Status(line)
		return
	}
	m.out.Print("%s", line)
}
