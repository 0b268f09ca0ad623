package transport

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// gate is what a server's Retry-After closes, for all requests to its host
// together: a limit is the account's, so a request that has not been refused
// yet would only be the next to be refused.
type gate struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func newGate() *gate { return &gate{until: map[string]time.Time{}} }

// shut keeps the gate of a host closed for at least that long from now.
func (g *gate) shut(host string, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(wait); until.After(g.until[host]) {
		g.until[host] = until
	}
}

// remaining is how long the gate of a host stays closed; 0 where it is open.
func (g *gate) remaining(host string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, time.Until(g.until[host]))
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
