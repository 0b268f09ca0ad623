package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
)

// Promise P6: obeys limits. Whole releases, from the command line to the local
// marketplace, behind a server that counts.

// latency is what rehearsal.serve puts before each answer.
const latency = time.Millisecond

// tokenBucket is a server with a rate limit, as they are made: a token for each
// request, so many a second, and some that may be saved up.
type tokenBucket struct {
	next       http.Handler
	rate, size float64
	refuse     refusal

	mu              sync.Mutex
	tokens          float64
	filled          time.Time
	refused, until  time.Time // the last refusal, and the time that it named
	taken, refusals int
	early           []string
	afterTheFirst   int // requests sent when the client knew of the first refusal
	first           time.Time
}

// refusal is how the bucket says no, with the time for which it asks; 0 if the
// client cannot know.
type refusal func(w http.ResponseWriter, wait time.Duration) time.Duration

func newTokenBucket(next http.Handler, rate, size float64, refuse refusal) *tokenBucket {
	return &tokenBucket{next: next, rate: rate, size: size, refuse: refuse, tokens: size, filled: time.Now()}
}

func (b *tokenBucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.take(w, r) {
		b.next.ServeHTTP(w, r)
	}
}

func (b *tokenBucket) take(w http.ResponseWriter, r *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.size, b.tokens+b.rate*now.Sub(b.filled).Seconds())
	b.filled = now
	sent := now.Add(-latency)
	if sent.After(b.refused) && sent.Before(b.until) {
		b.early = append(b.early, fmt.Sprintf("%s %s, %s before its time", r.Method, r.URL.Path, b.until.Sub(sent)))
	}
	if !b.first.IsZero() && sent.After(b.first) {
		b.afterTheFirst++
	}
	if b.tokens >= 1 {
		b.tokens--
		b.taken++
		return true
	}
	b.refusals++
	wait := time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
	b.refused, b.until = now, now.Add(b.refuse(w, wait))
	if b.first.IsZero() {
		b.first = now
	}
	return false
}

// wholeSeconds is the wait that fits into Retry-After.
func wholeSeconds(wait time.Duration) time.Duration {
	return (wait + time.Second - 1).Truncate(time.Second)
}

func inSeconds(status int) refusal {
	return func(w http.ResponseWriter, wait time.Duration) time.Duration {
		wait = wholeSeconds(wait)
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
		w.WriteHeader(status)
		return wait
	}
}

// onDate names a date by a clock that is ahead of the true time.
func onDate(ahead time.Duration) refusal {
	return func(w http.ResponseWriter, wait time.Duration) time.Duration {
		clock := time.Now().Add(ahead)
		until := clock.Add(wait + time.Second - 1).Truncate(time.Second)
		w.Header().Set("Date", clock.UTC().Format(http.TimeFormat))
		w.Header().Set("Retry-After", until.UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
		if ahead != 0 { // such a Date has whole seconds, and the wait with it
			return until.Sub(clock.Truncate(time.Second)) - time.Second
		}
		return until.Sub(clock)
	}
}

// saying refuses with a header that names no time to come.
func saying(status int, text string) refusal {
	return func(w http.ResponseWriter, _ time.Duration) time.Duration {
		if text != "" {
			w.Header().Set("Retry-After", text)
		}
		w.WriteHeader(status)
		return 0
	}
}

// manyExtensions are so many, each fourth of which needs the one before it.
func manyExtensions(n int) map[string]string {
	files := projectFiles("")
	for i := range n {
		var needs []string
		if i%4 == 3 {
			needs = []string{fmt.Sprintf("e%03d", i-1)}
		}
		maps.Copy(files, extensionFiles(fmt.Sprintf("e%03d", i), needs...))
	}
	return files
}

// limited runs a release of so many extensions behind a bucket.
func limited(t *testing.T, n int, rate, size float64, refuse refusal, words ...string) (*tokenBucket, *performance) {
	r := rehearse(t, manyExtensions(n))
	bucket := newTokenBucket(http.HandlerFunc(r.serveMarket), rate, size, refuse)
	r.mu.Lock()
	r.front = bucket
	r.mu.Unlock()
	return bucket, r.run(words...)
}

func TestAReleaseObeysLimits(t *testing.T) {
	const extensions = 24
	unlimited := 1e6
	var needed int // requests of this release where nothing limits it
	synctest.Test(t, func(t *testing.T) {
		bucket, p := limited(t, extensions, unlimited, unlimited, nil)
		if p.code != 0 || p.result.Totals[results.Released] != extensions {
			t.Fatalf("exit code %d, %v: %s", p.code, p.result.Totals, p.stderr)
		}
		needed = bucket.taken
		t.Logf("without a limit: %d requests in %s", needed, p.took)
	})
	for _, test := range []struct {
		name       string
		rate, size float64
		refuse     refusal
		// sent is how many requests are sent at most, as a multiple of those that
		// are sent without a limit: in a longer time the index is asked more often,
		// and what the plan saw is looked at again before the first write.
		sent float64
	}{
		{"seconds", 2, 2, inSeconds(429), 1.3},
		{"seconds, slow", 0.5, 1, inSeconds(429), 1.3},
		{"seconds, fast", 5, 10, inSeconds(429), 1.3},
		// A date has whole seconds: a bucket must hold what comes in meanwhile.
		{"date", 2, 4, onDate(0), 1.3},
		{"date, slow", 0.5, 2, onDate(0), 1.3},
		{"date by a clock that is ahead", 2, 4, onDate(time.Hour), 1.3},
		{"date by a clock that is behind", 2, 4, onDate(-time.Hour), 1.3},
		// A server that names no time is asked with patience.
		{"date in the past", 2, 4, saying(429, "Thu, 01 Jan 1998 00:00:00 GMT"), 1.3},
		{"junk", 2, 4, saying(429, "in a moment"), 1.3},
		{"nothing", 2, 4, saying(429, ""), 1.3},
		// After a 503 a write may have been done, so each is read back.
		{"seconds with 503", 2, 2, inSeconds(503), 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bucket, p := limited(t, extensions, test.rate, test.size, test.refuse)
				// At the rate of the server, without a moment lost.
				ideal := func(requests int) float64 { return (float64(requests) - test.size) / test.rate }
				ratio := p.took.Seconds() / ideal(bucket.taken)
				t.Logf("%d requests and %d refusals in %s: %.3f × the ideal time for them, %.3f × that for the requests without a limit",
					bucket.taken, bucket.refusals, p.took, ratio, p.took.Seconds()/ideal(needed))
				if p.code != 0 || p.result.Totals[results.Released] != extensions {
					t.Errorf("exit code %d, %v: %s", p.code, p.result.Totals, p.stderr)
				}
				if ratio > 1.1 {
					t.Errorf("took %.3f × the ideal time", ratio)
				}
				if float64(bucket.taken) > test.sent*float64(needed) {
					t.Errorf("%d requests, and %d without a limit", bucket.taken, needed)
				}
				for _, e := range bucket.early {
					t.Error(e)
				}
			})
		})
	}
}

// A time that is beyond the end of the run, or beyond all patience, is not
// waited for: each extension fails at once, and the server is left in peace.
func TestALimitBeyondTheDeadlineEndsTheRun(t *testing.T) {
	for name, refuse := range map[string]refusal{
		"seconds": saying(429, "7200"),
		"date":    saying(429, "Thu, 31 Dec 2099 23:59:59 GMT"),
		"503":     saying(503, "7200"),
		"absurd":  saying(429, "99999999999999999999"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bucket, p := limited(t, 24, 0.001, 40, refuse, "--timeout", "10m")
				if p.code != 1 || p.result.Totals[results.Failed] == 0 || p.took > 10*time.Second {
					t.Errorf("exit code %d after %s, %v", p.code, p.took, p.result.Totals)
				}
				if bucket.afterTheFirst > 0 {
					t.Errorf("%d requests after the refusal", bucket.afterTheFirst)
				}
				for _, x := range p.result.Extensions {
					if x.Outcome == results.Released || x.Outcome == results.Failed && x.Error.Message == "" {
						t.Errorf("%s: %s, %+v", x.Name, x.Outcome, x.Error)
					}
				}
			})
		})
	}
}

// The index of a hundred extensions that wait is asked for as often as for one.
func TestAHundredWaitAsOne(t *testing.T) {
	polls := func(n int) (at []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			files := projectFiles("")
			for i := range n { // none needs another, so that all wait at the same time
				maps.Copy(files, extensionFiles(fmt.Sprintf("e%03d", i)))
			}
			r := rehearse(t, files)
			before := r.ask("/index.yaml").Body.Bytes()
			start := time.Now()
			r.mu.Lock()
			r.front = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if q.URL.Path != "/index.yaml" {
					r.serveMarket(w, q)
					return
				}
				at = append(at, time.Since(start))
				time.Sleep(80 * time.Millisecond) // as from another machine
				if time.Since(start) < 4*time.Minute {
					_, _ = w.Write(before)
					return
				}
				r.serveMarket(w, q)
			})
			r.mu.Unlock()
			p := r.run("--parallelism", "100")
			if p.result.Totals[results.Released] != n {
				t.Errorf("%v", p.result.Totals)
			}
		})
		return at
	}
	one, hundred := polls(1), polls(100)
	t.Logf("one asks %d times, a hundred %d times", len(one), len(hundred))
	if len(hundred) > len(one)+2 {
		t.Errorf("one asks at %v, a hundred at %v and on", one, hundred[:len(one)])
	}
	for i := 2; i < len(hundred); i++ { // the first is that of the plan
		if gap := hundred[i] - hundred[i-1]; gap < 500*time.Millisecond {
			t.Errorf("%s between two requests, at %s", gap, hundred[i])
		}
	}
	if !slices.IsSorted(hundred) {
		t.Error("two requests at once")
	}
}
