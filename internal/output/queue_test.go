package output

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stuck takes nothing until it is let go, as a terminal that was stopped or a pipe that
// nobody reads.
type stuck struct {
	ready chan struct{}
	mu    sync.Mutex
	text  strings.Builder
	count int // bytes, where the text is not kept
	drop  bool
	err   error
}

func newStuck() *stuck { return &stuck{ready: make(chan struct{})} }

func (s *stuck) Write(p []byte) (int, error) {
	<-s.ready
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	if s.drop {
		s.count += len(p)
		return len(p), nil
	}
	return s.text.Write(p)
}

// tagged writes to another writer and says which stream it is.
type tagged struct {
	tag string
	to  io.Writer
}

func (t tagged) Write(p []byte) (int, error) {
	_, err := io.WriteString(t.to, t.tag+string(p))
	return len(p), err
}

// Nobody waits for a terminal that takes nothing, and in the end it has all, in the order
// of the prints on both streams.
func TestStuckTerminalHoldsUpNobody(t *testing.T) {
	terminal := newStuck()
	out, errs := New(tagged{"o ", terminal}), New(tagged{"e ", terminal})
	end := Background(out, errs)
	var want strings.Builder
	for i := range 1000 { // ends although the terminal is stuck
		out.Print("result %d", i)
		errs.Print("progress %d", i)
		want.WriteString(Format("o result %d\ne progress %d\n", i, i).String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out.Flush(ctx) // does not wait any longer than the context
	close(terminal.ready)
	out.Flush(t.Context())
	if terminal.text.String() != want.String() {
		t.Errorf("%d bytes, want %d", terminal.text.Len(), want.Len())
	}
	errs.Print("the last line")
	end()
	if !strings.HasSuffix(terminal.text.String(), "e the last line\n") {
		t.Error("what was printed last is not there")
	}
}

// Of what is going on, a slow terminal gets the latest alone; it stands below what is printed.
func TestOnlyTheLatestStatusWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminal := newStuck()
		s := New(terminal)
		end := Background(s)
		s.Print("first")
		synctest.Wait() // it is being written
		for i := range 10_000 {
			s.Status(Format("status %d", i))
		}
		s.Print("second")
		for i := range 10 {
			s.Status(Format("again %d", i))
		}
		close(terminal.ready)
		end()
		if got := terminal.text.String(); got != "first\nstatus 9999\x1b[J\r\x1b[Jsecond\nstatus 9999\x1b[J\ragain 9\x1b[J" {
			t.Errorf("%q", got)
		}
	})
}

// An error of the terminal is known once it is flushed.
func TestErrorOfABackgroundStream(t *testing.T) {
	terminal := newStuck()
	terminal.err = errors.New("full")
	s := New(terminal)
	defer Background(s)()
	s.Print("x")
	close(terminal.ready)
	s.Flush(t.Context())
	if s.Err() != terminal.err {
		t.Error(s.Err())
	}
}

// Keep waits for a reader that is slow, once and for a bounded time for one that does not
// read, and again when it has caught up.
func TestKeepIsPatientOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminal := newStuck()
		s := New(terminal)
		end := Background(s)
		took := func() time.Duration {
			start := time.Now()
			s.Print("x")
			s.Keep(t.Context())
			return time.Since(start)
		}
		if got := took(); got != patience {
			t.Errorf("%s", got)
		}
		for range 5 {
			if got := took(); got != 0 {
				t.Errorf("it waits again: %s", got)
			}
		}
		time.AfterFunc(time.Second, func() { close(terminal.ready) })
		s.Flush(t.Context())
		terminal.mu.Lock()
		terminal.ready = make(chan struct{})
		terminal.mu.Unlock()
		if got := took(); got != patience {
			t.Errorf("it does not wait for a reader that has caught up: %s", got)
		}
		close(terminal.ready)
		end()
	})
}

// What nobody reads is bounded: who prints more waits.
func TestWhatWaitsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminal := newStuck()
		terminal.drop = true
		s := New(terminal)
		end := Background(s)
		page := []byte(strings.Repeat("x", 1<<20))
		printed := 0
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			for range 2 * mostPending >> 20 {
				s.Own(page)
				printed += len(page)
			}
		}()
		synctest.Wait()
		if printed < mostPending || printed > mostPending+2*len(page) {
			t.Errorf("%d bytes are kept", printed)
		}
		close(terminal.ready)
		<-finished
		end()
		if terminal.count != 2*mostPending {
			t.Errorf("%d bytes", terminal.count)
		}
	})
}

// A status is that of its stream: it stands below what that stream prints next. For what another
// stream prints it goes away until it is drawn again, as both may lead to one terminal.
func TestStatusOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminal := newStuck()
		out, errs := New(tagged{"", terminal}), New(tagged{"", terminal})
		end := Background(out, errs)
		out.Print("first")
		synctest.Wait() // it is being written
		errs.Status(Format("busy"))
		out.Print("second")
		close(terminal.ready)
		errs.Flush(t.Context())
		errs.Print("third")
		end()
		if got, want := terminal.text.String(), "first\nbusy\x1b[J\r\x1b[Jsecond\nthird\nbusy\x1b[J"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// While a shell has the terminal nothing is written to it. A terminal that takes nothing does not keep the
// program from being stopped.
func TestLeaveToAShell(t *testing.T) {
	terminal := newStuck()
	s := New(terminal)
	end := Background(s)
	s.Status(Cell("busy"))
	back := s.Leave() // in the middle of a write
	back()
	close(terminal.ready)
	s.Flush(t.Context())
	back = s.Leave()
	s.Print("printed")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	s.Flush(ctx)
	terminal.mu.Lock()
	got := terminal.text.String()
	terminal.mu.Unlock()
	if want := "busy\x1b[J\r\x1b[J"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	back()
	end()
	if got := terminal.text.String(); !strings.HasSuffix(got, "\r\x1b[Jprinted\n") {
		t.Errorf("%q", got)
	}
}
