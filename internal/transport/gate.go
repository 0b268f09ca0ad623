package transport

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// gate makes all requests to a host obey a limit that was given to one of them:
// a limit is the account's, so a request that has not been refused yet would
// only be the next to be refused.
//
// A Retry-After closes the gate until it has passed. After that requests go in
// one at a time at first, and with each that is not refused one more: all at
// once would be refused again, with their packages sent in vain.
type gate struct {
	mu    sync.Mutex
	hosts map[string]*hostGate
}

// hostGate is the gate of one host.
type hostGate struct {
	until    time.Time
	inFlight int
	// window is how many requests may be in flight; 0 is any number, as long
	// as the host has not refused one.
	window int
	// backoff is how long to wait after refusals in a row that name no time; nil
	// where there was none since the last success.
	backoff *backoff.ExponentialBackOff
	// changed is closed, and replaced, whenever somebody may go in now.
	changed chan struct{}
}

// openWindow is the number in flight at which a host counts as unlimited again.
const openWindow = 64

func newGate() *gate { return &gate{hosts: map[string]*hostGate{}} }

// host is for holders of the lock.
func (g *gate) host(name string) *hostGate {
	h := g.hosts[name]
	if h == nil {
		h = &hostGate{changed: make(chan struct{})}
		g.hosts[name] = h
	}
	return h
}

// shut keeps the gate of a host closed for at least that long from now, and
// says how long a request that was refused has to wait. 0 stands for a server
// that names no time: how patient to be with it is a matter of how often it has
// refused in a row, whichever requests those were.
func (g *gate) shut(host string, wait time.Duration, newBackoff func() *backoff.ExponentialBackOff) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.host(host)
	h.window = 1
	closed := time.Until(h.until)
	switch {
	case wait > 0:
	case closed > 0: // refused together with the request that has closed it
		return closed
	default:
		if h.backoff == nil {
			h.backoff = newBackoff()
		}
		wait = h.backoff.NextBackOff()
	}
	if wait > closed {
		h.until = time.Now().Add(wait)
	}
	return wait
}

// enter lets a request in, or says how long the gate stays closed, or what to
// wait for until a place may be free.
func (g *gate) enter(host string) (entered bool, closed time.Duration, freed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.host(host)
	if closed = time.Until(h.until); closed > 0 {
		return false, closed, nil
	}
	if h.window > 0 && h.inFlight >= h.window {
		return false, 0, h.changed
	}
	h.inFlight++
	return true, 0, nil
}

// leave ends a request that was let in; refused says that it met a limit.
func (g *gate) leave(host string, refused bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.host(host)
	h.inFlight--
	if !refused {
		h.backoff = nil
	}
	if h.window > 0 && !refused {
		h.window = (h.window + 1) % openWindow
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// longestRetryAfter keeps absurd values within what a duration can hold; any
// value near it is beyond every patience anyway.
const longestRetryAfter = 365 * 24 * time.Hour

// parseRetryAfter reads both forms of the header (RFC 9110, 10.2.3): seconds,
// and a date. 0 means that there is none that asks to wait.
func parseRetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if isDigits(value) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(longestRetryAfter/time.Second) {
			return longestRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(serverTime(header, now))), longestRetryAfter)
}

func isDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// serverTime is the present by the clock that wrote the header: the server's
// own Date where it differs from ours by more than its resolution and a slow
// answer explain, else our finer clock.
func serverTime(header http.Header, now time.Time) time.Time {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return now
	}
	if skew := now.Sub(date); skew > -2*time.Second && skew < 5*time.Second {
		return now
	}
	return date
}
