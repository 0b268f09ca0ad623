package marketplace

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener is a network within the process, whose time a test can let pass.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case connection := <-l.connections:
		return connection, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
func (l *pipeListener) dial() net.Conn {
	here, there := net.Pipe()
	l.connections <- there
	return here
}

// A client that dawdles is cut off, with its headers and with its body.
func TestSlowClientsAreCutOff(t *testing.T) {
	for name, test := range map[string]struct {
		sent  string
		after time.Duration
	}{
		"headers": {"GET /index.yaml HTTP/1.1\r\nHost: x\r\n", 10 * time.Second},
		"body":    {"POST /apis/extension/v1/extensions/search HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + testToken + "\r\nContent-Length: 10\r\n\r\n{", 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				m, err := Open(dir, Options{})
				if err != nil {
					t.Fatal(err)
				}
				listener := newPipeListener()
				server := NewServer(m)
				served := make(chan error, 1)
				go func() { served <- server.Serve(listener) }()
				connection := listener.dial()
				start := time.Now()
				if _, err := io.WriteString(connection, test.sent); err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, connection) // until the server hangs up
				if waited := time.Since(start); waited < test.after || waited > test.after+5*time.Second {
					t.Errorf("cut off after %s, want %s", waited, test.after)
				}
				connection.Close()
				server.Close()
				if err := <-served; !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	c := serve(t, open(t, t.TempDir(), Options{}))
	request := c.request("GET", "/index.yaml", "", nil)
	request.Header.Set("X-Large", strings.Repeat("x", 100<<10))
	if got, err := c.try(request); err == nil && got.status != 431 {
		t.Errorf("status = %d, want 431", got.status)
	}
}
