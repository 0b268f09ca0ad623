package main

import (
	"io"
	"net"
	"time"
)

// roundTrip is how far away a distant server is: the time of a request and its answer on the way.
const roundTrip = 50 * time.Millisecond

// farAway makes a server on this machine one at a distance: what is sent arrives half a round
// trip later, in both directions, and a connection needs one to come about.
type farAway struct {
	host     string
	to       string
	delay    time.Duration // one way
	listener net.Listener
}

func newFarAway(host string, roundTrip time.Duration) (*farAway, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &farAway{host: listener.Addr().String(), to: host, delay: roundTrip / 2, listener: listener}
	go f.serve()
	return f, nil
}

func (f *farAway) close() { _ = f.listener.Close() }

func (f *farAway) serve() {
	for {
		near, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		go f.connect(near)
	}
}

func (f *farAway) connect(near net.Conn) {
	time.Sleep(2 * f.delay)
	far, err := net.Dial("tcp", f.to)
	if err != nil {
		_ = near.Close()
		return
	}
	go f.carry(far, near)
	go f.carry(near, far)
}

// parcel is what is on its way.
type parcel struct {
	data   []byte
	arrive time.Time
}

// carry brings what comes from one side to the other, later.
func (f *farAway) carry(to, from net.Conn) {
	way := make(chan parcel, 1024)
	go func() {
		defer close(way)
		for {
			data := make([]byte, 64<<10)
			n, err := from.Read(data)
			if n > 0 {
				way <- parcel{data[:n], time.Now().Add(f.delay)}
			}
			if err != nil {
				return // io.EOF, or the other side has closed
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.arrive))
		if _, err := to.Write(p.data); err != nil {
			_, _ = io.Copy(io.Discard, from) // nobody takes it any more
			break
		}
	}
	_ = to.Close()
}
