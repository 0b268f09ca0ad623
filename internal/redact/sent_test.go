package redact

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What was sent to a server is in no error of it.
func TestSent(t *testing.T) {
	var sent Sent
	sent.Add("", "the-password", "the-password")
	asked, _ := http.NewRequest(http.MethodGet, "https://example.com", nil)
	asked.Header.Set("Authorization", "Bearer the-token-of-it")
	next := roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("denied: " + r.Header.Get("Authorization") + " of the-password")
	})
	_, err := sent.Recorder(next).RoundTrip(asked)
	if err = sent.Error(err); err == nil || strings.Contains(err.Error(), "the-") || !strings.Contains(err.Error(), "denied") {
		t.Error(err)
	}
	if err := sent.Error(nil); err != nil {
		t.Error(err)
	}
}
