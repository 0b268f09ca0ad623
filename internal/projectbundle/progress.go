package projectbundle

import (
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/output"
)

// counter adds up bytes that several goroutines count.
type counter struct {
	mu   sync.Mutex
	sum  int64
	with func(sum int64)
}

func newCounter(with func(sum int64)) *counter { return &counter{with: with} }

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum += int64(n)
	c.with(c.sum)
}

// Meter shows how far something is, in bytes: on a terminal in a line that is redrawn, elsewhere in a line from
// time to time. It is safe for concurrent use.
type Meter struct {
	out      *output.Stream
	terminal bool

	mu   sync.Mutex
	next time.Time
}

// NewMeter makes a meter on a stream.
func NewMeter(out *output.Stream) *Meter {
	m := &Meter{out: out, terminal: out.IsTerminal()}
	if !m.terminal {
		m.next = time.Now().Add(lineEach) // what is short needs no line
	}
	return m
}

// How often a line is redrawn, and how often there is another one.
const (
	redrawEach = 200 * time.Millisecond
	lineEach   = 10 * time.Second
)

// Show shows how far something is.
func (m *Meter) Show(doing string, done, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Before(m.next) {
		return
	}
	line := output.Format("%s: %s of %s", doing, Bytes(done), Bytes(total))
	if m.terminal {
		m.next = now.Add(redrawEach)
		m.out.Status(line)
		return
	}
	m.next = now.Add(lineEach)
	m.out.Print("%s", line)
}

// Close takes the line away.
func (m *Meter) Close() {
	if m.terminal {
		m.out.Wipe()
	}
}

// Bytes is a number of bytes for people.
func Bytes(n int64) string { return humanize.IBytes(uint64(max(0, n))) }
