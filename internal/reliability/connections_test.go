package reliability

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// connections are those to the servers of a story.
type connections struct {
	mu       sync.Mutex
	changed  *sync.Cond
	open     map[net.Conn]bool
	accepted map[string]bool // addresses of clients, ever
}

func newConnections() *connections {
	c := &connections{open: map[net.Conn]bool{}, accepted: map[string]bool{}}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// note is the ConnState of each server.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open[conn] = true
		c.accepted[conn.RemoteAddr().String()] = true
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
	c.changed.Broadcast()
}

// settle waits until the server at address has dealt with all that was sent
// before: bytes of a process that was killed may still be on their way through
// the kernel. No client of any address may be alive.
func (c *connections) settle(t testing.TB, address string) {
	t.Helper()
	// Connections are accepted in their order, so what was there before this one
	// has been accepted when this one is.
	last, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.accepted[last.LocalAddr().String()] {
		c.changed.Wait()
	}
	_ = last.Close()
	for len(c.open) > 0 { // a connection is closed when its handler has returned
		c.changed.Wait()
	}
}
