// Package progress shows how far work is that takes long: on a terminal in a line that is redrawn,
// elsewhere in a line from time to time, so that what is done at once has none there.
package progress

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

// Meter counts images, bytes or both, and shows the counts. It is safe for concurrent use. A nil
// Meter shows nothing.
type Meter struct {
	out *output.Stream
	end func()

	mu          sync.Mutex
	doing       string
	done, of    int // images
	bytes, size int64
}

// New begins to show progress on a stream, until Close is called.
func New(out *output.Stream) *Meter { return start(out, out.Live) }

// start does that for a terminal of a size; 0 where there is none.
func start(out *output.Stream, live func() (columns, rows int)) *Meter {
	m := &Meter{out: out}
	said := time.Now() // in a line of its own
	m.end = often(func(now time.Time) {
		if columns, _ := live(); columns > 0 {
			m.show(columns)
		} else if now.Sub(said) >= lineEach {
			m.show(0)
			said = now
		}
	})
	return m
}

// Close ends it, and takes the line away.
func (m *Meter) Close() {
	m.end()
	m.out.Wipe()
}

// Begin says what is done from now on, and to how many images and bytes: 0 where these are not
// counted.
func (m *Meter) Begin(doing string, images int, bytes int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doing, m.done, m.of, m.bytes, m.size = doing, 0, images, 0, bytes
}

// Image counts an image that is done.
func (m *Meter) Image() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done++
}

// Bytes counts bytes that are done.
func (m *Meter) Bytes(n int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes += int64(n)
}

// Part counts the bytes of one of several things that are under way at once, for which it is
// known how many are done so far: these may become fewer, where an attempt begins anew. The
// second number is ignored.
func (m *Meter) Part() func(done, of int64) {
	var last int64
	return func(done, _ int64) {
		if m == nil {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.bytes += done - last
		last = done
	}
}

// show shows the counts in a line of a terminal of so many columns, or in one of its own: 0.
func (m *Meter) show(columns int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	images := output.Format("%d of %d images", m.done, m.of)
	bytes := output.Format("%s of %s", size(m.bytes), size(m.size))
	line := output.Format("%s: %s, %s", m.doing, images, bytes)
	switch {
	case m.of == 0 && m.size == 0:
		return
	case m.size == 0:
		line = output.Format("%s: %s", m.doing, images)
	case m.of == 0:
		line = output.Format("%s: %s", m.doing, bytes)
	}
	if columns > 0 {
		m.out.Status(line.Cut(columns - 1 - echo))
		return
	}
	m.out.Print("%s", line)
}

func size(bytes int64) string { return humanize.IBytes(uint64(max(0, bytes))) }
