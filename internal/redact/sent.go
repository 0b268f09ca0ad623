package redact

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Sent are the secrets that were sent to servers: keys, and tokens that were got for them. A
// server may repeat them in its answers, which libraries hand on as they are. It is safe for
// concurrent use, and its zero value has none.
type Sent struct {
	mu      sync.Mutex
	secrets []string
}

// Add notes secrets; empty ones are none.
func (s *Sent) Add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if secret != "" && !slices.Contains(s.secrets, secret) {
			s.secrets = append(s.secrets, secret)
		}
	}
}

// Error takes them out of the text of an error.
func (s *Sent) Error(err error) error {
	s.mu.Lock()
	secrets := slices.Clone(s.secrets)
	s.mu.Unlock()
	return New(secrets...).Error(err)
}

// Recorder notes what the requests prove themselves with that next sends.
func (s *Sent) Recorder(next http.RoundTripper) http.RoundTripper { return &recorder{next, s} }

type recorder struct {
	next http.RoundTripper
	sent *Sent
}

// RoundTrip sends a request.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	if _, value, found := strings.Cut(request.Header.Get("Authorization"), " "); found {
		r.sent.Add(value)
	}
	return r.next.RoundTrip(request)
}
