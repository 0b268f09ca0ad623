package status

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// One extension of which the versions cannot be had keeps nothing back of the others.
func TestHistoryAsFarAsItCanBeHad(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/alc/"):
			_, _ = io.WriteString(w, `[
				{"snapshot_id":"8","status":"submitted","updated_at":"2026-11-30T10:00:00+08:00","metadata":{"name":"alc","version":"1.3.0"}},
				{"snapshot_id":"7","status":"rejected","reject_message":"no English texts","updated_at":5,"metadata":{"name":"alc","version":"1.2.0"}}]`)
		case strings.Contains(r.URL.Path, "/bee/"):
			http.Error(w, `{"message":"it is that of another account"}`, http.StatusForbidden)
		default:
			http.Error(w, `{"message":"there is no such extension"}`, http.StatusNotFound)
		}
	}))
	defer server.Close()
	web := transport.New(transport.Options{})
	defer web.Close()
	market, err := kscloud.New(kscloud.Options{Server: server.URL, Key: "kck-00000000-0000-0000-0000-000000000000", RepositoryURL: server.URL, Transport: web})
	if err != nil {
		t.Fatal(err)
	}
	all := []Extension{{Name: "bee"}, {Name: "crow"}, {Name: "alc"}}
	err = AskHistory(t.Context(), market, all)
	if err == nil || !strings.Contains(err.Error(), "asking for the versions of bee: 403") {
		t.Errorf("%v", err)
	}
	if len(all[0].History)+len(all[1].History) > 0 || len(all[2].History) != 2 {
		t.Fatalf("%+v", all)
	}
	newest, older := all[2].History[0], all[2].History[1]
	if newest.Version != "1.3.0" || newest.Status != "submitted" || newest.ID != "8" || !newest.Updated.Equal(time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", newest)
	}
	if older.Updated != nil || older.ReviewMessage != "no English texts" {
		t.Errorf("%+v", older)
	}
	if shown := HistoryTable(all[2], 0); !strings.Contains(shown.String(), "no English texts") || !strings.Contains(shown.String(), "2026-11-30 02:00 UTC") {
		t.Error(shown)
	}
}
