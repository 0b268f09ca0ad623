package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const success = `{"done": true}`

var (
	read       = Request{Op: "asking for x", URL: "http://cloud.example/x"}
	write      = Request{Op: "pushing x", Method: http.MethodPost, URL: "http://cloud.example/x", Body: []byte("package")}
	repeatable = Request{Op: "uploading x", Method: http.MethodPost, URL: "http://cloud.example/x", Body: []byte("asset"), Repeatable: true}
	search     = Request{Op: "searching x", Method: http.MethodPost, URL: "http://cloud.example/x", Body: []byte("query"), Read: true}
)

func TestRetryMatrix(t *testing.T) {
	ok := status(200, success)
	html := "<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>"
	for _, tt := range []struct {
		name     string
		request  Request
		answers  []answer
		requests int    // that the server sees
		want     string // the error; empty: success
		inDoubt  bool
		min, max time.Duration // of fake time
	}{
		{name: "success at once", request: read, answers: []answer{ok}, requests: 1},
		{name: "201 is success", request: write, answers: []answer{status(201, success)}, requests: 1},
		{name: "204 without a body is success", request: write, answers: []answer{status(204, "")}, requests: 1},
		{name: "read after 503", request: read, answers: []answer{status(503, ""), ok}, requests: 2, min: 250 * time.Millisecond, max: 751 * time.Millisecond},
		{name: "read after 500, 502, 504, 408, then success", request: read,
			answers: []answer{status(500, ""), status(502, html), status(504, ""), status(408, ""), ok}, requests: 5,
			min: 3750 * time.Millisecond, max: 11251 * time.Millisecond},
		{name: "read after a drop", request: read, answers: []answer{drop, ok}, requests: 2, max: time.Second},
		{name: "read after a cut body", request: read, answers: []answer{cut, ok}, requests: 2, max: time.Second},
		{name: "read after a cut chunk", request: read, answers: []answer{cutChunk, ok}, requests: 2, max: time.Second},
		{name: "read after a hang", request: read, answers: []answer{hang, ok}, requests: 2, min: 30 * time.Second, max: 31 * time.Second},
		{name: "read after a hang in the body", request: read, answers: []answer{hangInBody, ok}, requests: 2, min: 30 * time.Second, max: 31 * time.Second},
		{name: "a read by POST is a read", request: search, answers: []answer{status(502, ""), ok}, requests: 2, max: time.Second},
		{name: "a repeatable write", request: repeatable, answers: []answer{status(502, ""), cut, ok}, requests: 3, max: 3 * time.Second},

		{name: "read gives up after five", request: read, answers: []answer{status(502, html)}, requests: 5,
			want: "asking for x: 502 Bad Gateway: 502 Bad Gateway (GET http://cloud.example/x, 5 attempts)",
			min:  3750 * time.Millisecond, max: 11251 * time.Millisecond},
		{name: "read never answered", request: read, answers: []answer{hang}, requests: 5,
			want: "asking for x: no answer within 30s (GET http://cloud.example/x, 5 attempts)", min: 150 * time.Second, max: 162 * time.Second},
		{name: "repeatable write never answered", request: repeatable, answers: []answer{hang}, requests: 5,
			want: "uploading x: no answer within 2m0s (POST http://cloud.example/x, 5 attempts)", inDoubt: true, min: 10 * time.Minute, max: 612 * time.Second},
		{name: "read is not found", request: read, answers: []answer{status(404, `{"message": "no such version"}`)}, requests: 1,
			want: "asking for x: 404 Not Found: no such version (GET http://cloud.example/x)"},

		{name: "write after 502", request: write, answers: []answer{status(502, html), ok}, requests: 1,
			want: "pushing x: 502 Bad Gateway: 502 Bad Gateway (POST http://cloud.example/x)", inDoubt: true},
		{name: "write after a drop", request: write, answers: []answer{drop, ok}, requests: 1,
			want: "pushing x: the server closed the connection without an answer: unexpected EOF (POST http://cloud.example/x)", inDoubt: true},
		{name: "write after a cut answer", request: write, answers: []answer{cut, ok}, requests: 1,
			want: "pushing x: 200 OK: the answer was cut off after 9 bytes: unexpected EOF (POST http://cloud.example/x)", inDoubt: true},
		{name: "write never answered", request: write, answers: []answer{hang, ok}, requests: 1,
			want: "pushing x: no answer within 2m0s (POST http://cloud.example/x)", inDoubt: true, min: 2 * time.Minute, max: 2 * time.Minute},
		{name: "write hangs in the body", request: write, answers: []answer{hangInBody, ok}, requests: 1,
			want: "pushing x: 200 OK: the answer was cut off after 9 bytes: not complete within 2m0s (POST http://cloud.example/x)", inDoubt: true, min: 2 * time.Minute, max: 2 * time.Minute},
		{name: "write in conflict", request: write, answers: []answer{status(409, `{"message": "exists"}`)}, requests: 1,
			want: "pushing x: 409 Conflict: exists (POST http://cloud.example/x)", inDoubt: true},
		{name: "write timed out at the server", request: write, answers: []answer{status(408, "")}, requests: 1,
			want: "pushing x: 408 Request Timeout (POST http://cloud.example/x)", inDoubt: true},
		{name: "write too large", request: write, answers: []answer{status(413, `{"message": "more than 1 MB"}`)}, requests: 1,
			want: "pushing x: 413 Request Entity Too Large: more than 1 MB (POST http://cloud.example/x)"},
		{name: "write not allowed", request: write, answers: []answer{status(403, `{"message": "foreign"}`)}, requests: 1,
			want: "pushing x: 403 Forbidden: foreign (POST http://cloud.example/x)"},
		{name: "write of nonsense", request: write, answers: []answer{status(422, "the package\nhas no name")}, requests: 1,
			want: "pushing x: 422 Unprocessable Entity: the package (POST http://cloud.example/x)"},

		{name: "a limit is obeyed by a write too", request: write, answers: []answer{status(429, "", "Retry-After", "20"), ok}, requests: 2,
			min: 20 * time.Second, max: 20 * time.Second},
		{name: "a limit does not use up attempts", request: read, answers: append(many(12, status(429, "", "Retry-After", "7")), ok), requests: 13,
			min: 84 * time.Second, max: 84 * time.Second},
		{name: "a limit without a time", request: write, answers: []answer{status(429, ""), status(429, "", "Retry-After", "soon"), ok}, requests: 3,
			min: 750 * time.Millisecond, max: 2251 * time.Millisecond},
		{name: "503 names a time", request: read, answers: []answer{status(503, "", "Retry-After", "90"), ok}, requests: 2,
			min: 90 * time.Second, max: 90 * time.Second},
		{name: "a limit beyond patience", request: read, answers: []answer{status(429, `{"message": "slow down"}`, "Retry-After", "3600"), ok}, requests: 1,
			want: "asking for x: 429 Too Many Requests: slow down: the next attempt would be in 1h0m0s, and no request waits longer than 5m0s altogether (GET http://cloud.example/x)"},
		{name: "a limit without end", request: read, answers: []answer{status(429, "", "Retry-After", "100")}, requests: 4,
			want: "asking for x: 429 Too Many Requests: the next attempt would be in 1m40s, and no request waits longer than 5m0s altogether (GET http://cloud.example/x, 4 attempts)",
			min:  300 * time.Second, max: 300 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{answers: tt.answers}
				client := newClient(t, server, Options{})
				start := time.Now()
				answer, err := client.Do(t.Context(), tt.request)
				if took := time.Since(start); took < tt.min || took > max(tt.max, tt.min) {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
				if len(server.seen()) != tt.requests {
					t.Errorf("%d requests, want %d", len(server.seen()), tt.requests)
				}
				for i, request := range server.seen() {
					if request.body != string(tt.request.Body) {
						t.Errorf("request %d has body %q, want %q", i+1, request.body, tt.request.Body)
					}
				}
				expectOutcome(t, answer, err, tt.want, tt.inDoubt)
			})
		})
	}
}

func many(n int, a answer) []answer {
	answers := make([]answer, n)
	for i := range answers {
		answers[i] = a
	}
	return answers
}

func expectOutcome(t *testing.T, answer *Response, err error, want string, inDoubt bool) {
	t.Helper()
	if want == "" {
		if err != nil || string(answer.Body) != success && answer.Status != 204 {
			t.Errorf("answer %v, error %v; want success", answer, err)
		}
		return
	}
	failure, ok := As(err)
	if !ok || err.Error() != want {
		t.Fatalf("error\n%v\nwant\n%s", err, want)
	}
	if failure.InDoubt() != inDoubt {
		t.Errorf("in doubt: %v, want %v (%v)", failure.InDoubt(), inDoubt, err)
	}
}

func TestRetriesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: []answer{status(503, ""), cut, status(429, "", "Retry-After", "20"), status(200, success)}}
		var told, toldInContext []string
		start := time.Now()
		client := newClient(t, server, Options{FirstWait: 2 * time.Second, Notify: func(r Retry) { told = append(told, r.String()) }})
		ctx := WithNotify(t.Context(), func(r Retry) {
			toldInContext = append(toldInContext, r.String())
			if last := server.seen()[len(server.seen())-1]; time.Since(start) > 2*last.at.Sub(start)+time.Second {
				t.Errorf("told late: %s", r)
			}
		})
		if _, err := client.Do(ctx, read); err != nil {
			t.Fatal(err)
		}
		if len(toldInContext) != 3 || len(told) != 0 {
			t.Fatalf("told %q and %q, want 3 to the hook of the context", toldInContext, told)
		}
		for i, want := range []string{"asking for x: 503 Service Unavailable, trying again in ", "asking for x: the answer was cut off after 9 bytes: unexpected EOF, trying again in ", "asking for x: 429 Too Many Requests, trying again in 20s"} {
			if !strings.HasPrefix(toldInContext[i], want) {
				t.Errorf("told %q, want %q", toldInContext[i], want)
			}
		}
		if !strings.HasSuffix(toldInContext[0], ", 2 of 5") || !strings.HasSuffix(toldInContext[1], ", 3 of 5") {
			t.Errorf("told %q", toldInContext)
		}
	})
}

// A wait that goes beyond the caller's deadline is not begun.
func TestDeadlineOfTheCallerBoundsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: []answer{status(429, "", "Retry-After", "20")}}
		client := newClient(t, server, Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := client.Do(ctx, read)
		want := "asking for x: 429 Too Many Requests: the next attempt would be in 20s, after the deadline (GET http://cloud.example/x)"
		if err == nil || err.Error() != want || time.Since(start) > 0 {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		// Another request meets the closed gate, and is not sent at all.
		_, err = client.Do(ctx, write)
		failure, _ := As(err)
		if len(server.seen()) != 1 || failure == nil || failure.InDoubt() || !strings.Contains(err.Error(), "pushing x: the server asked to slow down: the next attempt would be in 20s") {
			t.Errorf("%d requests, error %v", len(server.seen()), err)
		}
	})
}

func TestCancelled(t *testing.T) {
	cause := errors.New("interrupted by the user")
	for name, tt := range map[string]struct {
		answers []answer
		request Request
		want    string
		inDoubt bool
	}{
		"waiting for the answer":     {[]answer{hang}, write, "pushing x: gave up waiting for the answer: interrupted by the user (POST http://cloud.example/x)", true},
		"reading the body":           {[]answer{hangInBody}, write, "pushing x: 200 OK: gave up reading the answer: interrupted by the user (POST http://cloud.example/x)", true},
		"a read":                     {[]answer{hang}, read, "asking for x: gave up waiting for the answer: interrupted by the user (GET http://cloud.example/x)", false},
		"waiting to try again":       {[]answer{status(503, "", "Retry-After", "100")}, read, "asking for x: 503 Service Unavailable: gave up waiting to try again: interrupted by the user (GET http://cloud.example/x)", false},
		"a repeatable write waiting": {[]answer{status(503, "", "Retry-After", "100")}, repeatable, "uploading x: 503 Service Unavailable: gave up waiting to try again: interrupted by the user (POST http://cloud.example/x)", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{answers: tt.answers}
				client := newClient(t, server, Options{})
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(5*time.Second, func() { cancel(cause) })
				start := time.Now()
				answer, err := client.Do(ctx, tt.request)
				if took := time.Since(start); took != 5*time.Second {
					t.Errorf("took %s, want 5 s", took)
				}
				if !errors.Is(err, cause) {
					t.Errorf("the error does not lead to the cause: %v", err)
				}
				expectOutcome(t, answer, err, tt.want, tt.inDoubt)
			})
		})
	}
}

// A limit told to one request holds for all: none is early, and the gate is
// for that host alone.
func TestOneBudgetForAll(t *testing.T) {
	for name, retryAfter := range map[string]func() string{
		"seconds": func() string { return "30" },
		"date":    func() string { return time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				limit := func(w http.ResponseWriter, r *http.Request) {
					status(429, "", "Retry-After", retryAfter())(w, r)
				}
				server := &script{answers: []answer{limit, status(200, success)}}
				client := newClient(t, server, Options{})
				var all sync.WaitGroup
				all.Go(func() { _, _ = client.Do(t.Context(), write) })
				synctest.Wait()
				for i := range 20 {
					all.Go(func() {
						r := read
						r.URL = fmt.Sprintf("http://CLOUD.example:80/%d", i)
						if _, err := client.Do(t.Context(), r); err != nil {
							t.Error(err)
						}
					})
				}
				other := read
				other.URL = "http://repository.example/index.yaml"
				if _, err := client.Do(t.Context(), other); err != nil || time.Since(start) > 0 {
					t.Errorf("another host waited %s, %v", time.Since(start), err)
				}
				all.Wait()
				if len(server.seen()) != 23 {
					t.Errorf("%d requests, want 23", len(server.seen()))
				}
				for i, request := range server.seen()[1:] {
					if request.host != "repository.example" && request.at.Sub(start) < 30*time.Second {
						t.Errorf("request %d was early: after %s", i, request.at.Sub(start))
					}
				}
				if took := time.Since(start); took > 31*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

// bucket is a server with a token bucket, as rate limits are made.
type bucket struct {
	rate           float64 // tokens a second
	size           float64
	mu             sync.Mutex
	tokens         float64
	last           time.Time
	refused, until time.Time // the last refusal, and the time it named
	served, early  int
	refusals       int
	date           bool
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.size, b.tokens+b.rate*now.Sub(b.last).Seconds())
	b.last = now
	// Requests of one instant were under way when the refusal was written.
	if now.After(b.refused) && now.Before(b.until) {
		b.early++
	}
	if b.tokens < 1 {
		wait := time.Duration((1-b.tokens)/b.rate*float64(time.Second)) + time.Second - 1
		seconds := wait.Truncate(time.Second)
		w.Header().Set("Retry-After", fmt.Sprint(int(seconds.Seconds())))
		if b.date {
			w.Header().Set("Retry-After", now.Add(seconds+time.Second-1).UTC().Format(http.TimeFormat))
		}
		b.refused, b.until = now, now.Add(seconds)
		b.refusals++
		w.WriteHeader(429)
		return
	}
	b.tokens--
	b.served++
	_, _ = w.Write([]byte(success))
}

func TestTokenBucket(t *testing.T) {
	for _, tt := range []struct {
		rate, size float64
		date       bool
		parallel   int
		requests   int
	}{{2, 2, false, 8, 200}, {5, 5, false, 8, 300}, {1, 10, false, 4, 100}, {10, 20, false, 16, 400}, {2, 2, true, 8, 200}} {
		t.Run(fmt.Sprintf("%v", tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				server := &bucket{rate: tt.rate, size: tt.size, tokens: tt.size, last: start, date: tt.date}
				client := newClient(t, server, Options{})
				work := make(chan int)
				var all sync.WaitGroup
				for range tt.parallel {
					all.Go(func() {
						for range work {
							if _, err := client.Do(t.Context(), write); err != nil {
								t.Error(err)
							}
						}
					})
				}
				for i := range tt.requests {
					work <- i
				}
				close(work)
				all.Wait()
				ideal := (float64(tt.requests) - tt.size) / tt.rate
				took := time.Since(start).Seconds()
				t.Logf("took %.1f s, ideal %.1f s: %.2f; %d refusals", took, ideal, took/ideal, server.refusals)
				if server.early > 0 || server.refusals > 2*tt.requests || server.served != tt.requests || took > 1.1*ideal+2 {
					t.Errorf("early %d, served %d of %d, took %.1f s, ideal %.1f s", server.early, server.served, tt.requests, took, ideal)
				}
			})
		})
	}
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 500e6, time.UTC)
	format := func(t time.Time) string { return t.Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		value, date string
		want        time.Duration
	}{
		"none":               {"", "", 0},
		"seconds":            {"120", "", 2 * time.Minute},
		"zero":               {"0", "", 0},
		"negative":           {"-5", "", 0},
		"space":              {" 3 ", "", 3 * time.Second},
		"beyond all numbers": {"99999999999999999999999", "", longestRetryAfter},
		"beyond durations":   {"9999999999999", "", longestRetryAfter},
		"words":              {"in a moment", "", 0},
		"date":               {format(now.Add(time.Minute)), format(now), time.Minute - 500*time.Millisecond},
		"date in the past":   {format(now.Add(-time.Minute)), format(now), 0},
		"date, no Date":      {format(now.Add(time.Minute)), "", time.Minute - 500*time.Millisecond},
		"skewed clock":       {format(now.Add(time.Hour + 10*time.Second)), format(now.Add(time.Hour)), 10 * time.Second},
		"far date":           {format(now.AddDate(50, 0, 0)), format(now), longestRetryAfter},
		"old form of date":   {now.Add(time.Minute).Format(time.RFC850), "", time.Minute - 500*time.Millisecond},
	} {
		header := http.Header{}
		header.Set("Retry-After", tt.value)
		header.Set("Date", tt.date)
		if got := parseRetryAfter(header, now); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// Nothing listens: a write that was never sent is sent again, and not in doubt.
func TestRefusedConnection(t *testing.T) {
	var told int
	client := New(Options{FirstWait: time.Millisecond, Notify: func(Retry) { told++ }})
	defer client.Close()
	r := write
	r.URL = "http://127.0.0.1:1/x"
	_, err := client.Do(t.Context(), r)
	failure, ok := As(err)
	if !ok || failure.InDoubt() || !failure.Temporary() || told != 4 || !strings.Contains(err.Error(), "connection refused (POST http://127.0.0.1:1/x, 5 attempts)") || advice(err) != "check that the server runs at this address" {
		t.Errorf("told %d, error %v", told, err)
	}
}
