package transport

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Who follows a request sees how much of a large body was sent, of each attempt anew, until the answer
// is there; and why it waits, with the time at which it is sent again.
func TestRequestsAreFollowed(t *testing.T) {
	var (
		mu     sync.Mutex
		sent   []*Sending
		pauses []string
		half   = make(chan struct{})
		looked = make(chan struct{})
		count  int
	)
	body := bytes.Repeat([]byte("x"), 8<<20) // more than any buffer on the way
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch count++; count {
		case 1:
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case 3:
			return
		}
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		close(half)
		<-looked
		if n, _ := io.Copy(io.Discard, r.Body); n != 7<<20 {
			t.Errorf("%d bytes came", n)
		}
	}))
	defer server.Close()
	c := New(Options{FirstWait: time.Millisecond})
	defer c.Close()
	ctx := WithWatch(t.Context(), Watch{
		Pauses: func(why string, until time.Time) {
			mu.Lock()
			defer mu.Unlock()
			pauses = append(pauses, why)
			if time.Until(until) > time.Minute {
				t.Errorf("until %s", until)
			}
		},
		Sends: func(s *Sending) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, s)
		},
	})
	ended := make(chan error)
	go func() {
		_, err := c.Do(ctx, Request{Op: "uploading", Method: "POST", URL: server.URL, Repeatable: true, Body: body})
		ended <- err
	}()
	<-half
	mu.Lock()
	if len(sent) != 2 || strings.Join(pauses, ", ") != "503 Service Unavailable" {
		t.Fatalf("%d bodies, %q", len(sent), pauses)
	}
	if done, of := sent[0].Bytes(); done != 0 || of != 0 {
		t.Errorf("of the first attempt, which is over: %d of %d", done, of)
	}
	if done, of := sent[1].Bytes(); done < 1<<20 || done >= of || of != 8<<20 {
		t.Errorf("while it is sent: %d of %d", done, of)
	}
	mu.Unlock()
	close(looked)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if done, of := sent[1].Bytes(); done != 0 || of != 0 {
		t.Errorf("in the end: %d of %d", done, of)
	}
	if _, err := c.Do(ctx, Request{Op: "asking", Method: "POST", URL: server.URL, Body: []byte("{}")}); err != nil || len(sent) != 2 {
		t.Errorf("%v; a small body is followed", err)
	}
}

// A request that waits for the limit that another one has met says so.
func TestWaitingForALimitIsFollowed(t *testing.T) {
	first := make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		once.Do(func() {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			close(first)
		})
	}))
	defer server.Close()
	c := New(Options{})
	defer c.Close()
	go func() { _, _ = c.Do(t.Context(), Request{Op: "first", URL: server.URL}) }()
	<-first
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, closed, _ := c.gate.enter(hostOf(t, server.URL)); closed > 0 {
			break
		}
		c.gate.leave(hostOf(t, server.URL), false)
	}
	why := ""
	ctx := WithWatch(t.Context(), Watch{Pauses: func(w string, _ time.Time) { why = w }})
	if _, err := c.Do(ctx, Request{Op: "second", URL: server.URL}); err != nil || why != "the server asked to slow down" {
		t.Errorf("%v, %q", err, why)
	}
}

func hostOf(t *testing.T, address string) string {
	target, failure := resolve(&Request{URL: address})
	if failure != nil {
		t.Fatal(failure)
	}
	return target.host
}
