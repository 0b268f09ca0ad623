// Package memnet is a network in memory, for tests in the fake time of
// testing/synctest: connections of the kernel keep a bubble awake, so that a
// deadline of two minutes would take two minutes; waiting for one of these
// costs nothing.
//
// What speaks over it is net/http itself, at both ends. Nothing that ships may
// import it.
package memnet

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// Network leads every connection, whatever its address, to one server. It is
// the net.Listener of that server.
type Network struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
	dialed      atomic.Int64
}

// Serve makes a network with handler at its other end, behind a server without
// deadlines of its own. It ends with the test.
func Serve(tb testing.TB, handler http.Handler) *Network {
	n := &Network{connections: make(chan net.Conn), closed: make(chan struct{})}
	var served sync.WaitGroup
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		served.Add(1) // also one whose client has gone is at work until it returns
		defer served.Done()
		handler.ServeHTTP(w, q)
	})}
	served.Go(func() { _ = server.Serve(n) })
	tb.Cleanup(func() {
		_ = server.Close()
		served.Wait()
	})
	return n
}

// Dial is the DialContext of a client.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.dialed.Add(1)
	client, server := net.Pipe()
	select {
	case n.connections <- server:
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Dialed is how many connections have been asked for.
func (n *Network) Dialed() int { return int(n.dialed.Load()) }

// Accept waits for the next connection.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case connection := <-n.connections:
		return connection, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the network for new connections.
func (n *Network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr is no address that anybody could reach.
func (n *Network) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }
