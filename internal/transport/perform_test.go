package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A library makes two requests in one attempt; ask gets the second one's answer.
func perform(t *testing.T, server string, options Options, ask func(*http.Response, *Attempt) error) error {
	t.Helper()
	options.FirstWait = time.Millisecond
	c := New(options)
	t.Cleanup(c.Close)
	return c.Perform(t.Context(), Request{Op: "asking twice", Method: "PUT", URL: server, Repeatable: true}, func(ctx context.Context, a *Attempt) error {
		for i, path := range []string{"/first", "/second"} {
			request, err := http.NewRequestWithContext(ctx, "GET", server+path, nil)
			if err != nil {
				return err
			}
			answer, err := c.Network().Do(request)
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if i == 1 {
				return ask(answer, a)
			}
		}
		return nil
	})
}

func TestPerform(t *testing.T) {
	refuse := errors.New("the library says no")
	for name, c := range map[string]struct {
		first func(http.ResponseWriter)
		want  string // in the error; empty for success
		calls int    // of /second
		temporary, unauthorized,
		inDoubt bool
	}{
		"success":      {func(w http.ResponseWriter) {}, "", 1, false, false, false},
		"once busy":    {func(w http.ResponseWriter) { w.WriteHeader(503) }, "", 2, false, false, false},
		"a limit":      {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "1"); w.WriteHeader(429) }, "", 2, false, false, false},
		"a cut answer": {func(w http.ResponseWriter) { w.Header().Set("Content-Length", "99"); _, _ = io.WriteString(w, "x") }, "", 2, false, false, false},
		"a refusal": {func(w http.ResponseWriter) {
			w.WriteHeader(403)
			_, _ = io.WriteString(w, `{"errors":[{"message":"not you"}]}`)
		}, "403 Forbidden: not you", 1, false, true, false},
		"wrong":           {func(w http.ResponseWriter) { w.WriteHeader(400); _, _ = io.WriteString(w, "<title>no</title>") }, "400 Bad Request: no", 1, false, false, false},
		"its own verdict": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "bad") }, "the library says no", 1, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/first" {
					return
				}
				if calls++; calls == 1 {
					c.first(w)
				}
			}))
			defer server.Close()
			err := perform(t, server.URL, Options{}, func(answer *http.Response, a *Attempt) error {
				if a.Status() != answer.StatusCode {
					t.Errorf("status %d for %d", a.Status(), answer.StatusCode)
				}
				body, err := io.ReadAll(answer.Body)
				if err != nil {
					return err
				}
				if answer.StatusCode != 200 || string(body) == "bad" {
					return refuse
				}
				return nil
			})
			if c.want == "" {
				if err != nil || calls != c.calls {
					t.Errorf("%v, %d calls", err, calls)
				}
				return
			}
			failure, ok := As(err)
			if !ok || !strings.Contains(err.Error(), c.want) || calls != c.calls {
				t.Fatalf("%v, want %q, %d calls", err, c.want, calls)
			}
			if failure.Temporary() != c.temporary || failure.Unauthorized() != c.unauthorized || failure.InDoubt() != c.inDoubt {
				t.Errorf("temporary %t, unauthorized %t, in doubt %t: %v", failure.Temporary(), failure.Unauthorized(), failure.InDoubt(), err)
			}
		})
	}
}

// As long as something moves an attempt goes on; silence ends it.
func TestPerformIsPatientWithWhatMoves(t *testing.T) {
	t.Parallel()
	// The pause between two bytes is a small part of the timeout, for a machine that is busy.
	const timeout, pause, pauses = 2 * time.Second, 200 * time.Millisecond, 12
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range pauses {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(pause)
		}
	}))
	defer server.Close()
	for _, moves := range []bool{true, false} {
		err := perform(t, server.URL, Options{WriteTimeout: timeout, Attempts: 1}, func(answer *http.Response, a *Attempt) error {
			var one [1]byte
			for {
				_, err := answer.Body.Read(one[:])
				if moves {
					a.Alive()
				}
				switch err {
				case nil:
				case io.EOF:
					return nil
				default:
					return err
				}
			}
		})
		if moves && err != nil || !moves && (err == nil || !strings.Contains(err.Error(), "within 2s")) {
			t.Errorf("moves %t: %v", moves, err)
		}
	}
}
