package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// A command that should end soon says how often its requests are sent.
func TestAttemptsOfACommand(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer server.Close()
	for attempts, want := range map[int]int{0: transport.DefaultAttempts, 2: 2} {
		asked = 0
		web := (&App{Attempts: attempts, RetryWait: time.Millisecond}).Client(transport.Options{})
		_, err := web.Do(t.Context(), transport.Request{Op: "asking", URL: server.URL})
		web.Close()
		if err == nil || asked != want {
			t.Errorf("%d attempts: %d requests, %v", attempts, asked, err)
		}
	}
}
