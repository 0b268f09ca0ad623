package transport

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
)

// newClient is a client of a server in memory: its own transport, but for the
// dialing.
func newClient(t *testing.T, server http.Handler, options Options) *Client {
	options.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	options.Dial = memnet.Serve(t, server).Dial
	client := New(options)
	t.Cleanup(client.Close)
	return client
}

// answer is one scripted answer of a server.
type answer func(http.ResponseWriter, *http.Request)

// status answers with a status, a body, and headers as pairs.
func status(code int, body string, headers ...string) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// drop closes the connection without an answer.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cut sends a half of the body.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "20")
	_, _ = io.WriteString(w, `{"half": `)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// cutChunk does so without a length.
func cutChunk(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"half": `)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// hangInBody answers a header and the beginning of a body.
func hangInBody(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, `{"half": `)
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// seen is a request as the server saw it.
type seen struct {
	method, host, path, body string
	header                   http.Header
	at                       time.Time
}

// script answers request after request, the last answer again and again, and
// remembers what it saw.
type script struct {
	mu       sync.Mutex
	answers  []answer
	requests []seen
}

func (s *script) seen() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, seen{r.Method, r.Host, r.URL.Path, string(body), r.Header.Clone(), time.Now()})
	next := s.answers[min(len(s.requests), len(s.answers))-1]
	s.mu.Unlock()
	next(w, r)
}
