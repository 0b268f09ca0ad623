package status

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// A review that ends while status waits for it is shown with what the reviewer said then,
// and no longer with what was said before.
func TestStatusAsksForTheReviewersMessage(t *testing.T) {
	answers := map[string]string{
		"draft":    `{"snapshot_id":"7","status":"draft","message":"please look","metadata":{"name":"alc","version":"1.2.0"}}`,
		"rejected": `{"snapshot_id":"7","status":"rejected","reject_message":"no English texts","metadata":{"name":"alc","version":"1.2.0"}}`,
	}
	for status, want := range map[string]string{"draft": "", "rejected": "no English texts"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, answers[status])
		}))
		web := transport.New(transport.Options{})
		market, err := kscloud.New(kscloud.Options{Server: server.URL, Key: "kck-00000000-0000-0000-0000-000000000000", RepositoryURL: server.URL, Transport: web})
		if err != nil {
			t.Fatal(err)
		}
		s := Extension{Name: "alc", Version: "1.2.0", Market: target.StatusSubmitted, ReviewMessage: "before"}
		if err := s.ask(t.Context(), market); err != nil || s.Market != status || s.Snapshot != "7" || s.ReviewMessage != want {
			t.Errorf("%s: %+v, %v", status, s, err)
		}
		web.Close()
		server.Close()
	}
}
