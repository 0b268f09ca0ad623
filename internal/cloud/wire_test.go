package cloud

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// recordedRequests are those of a stock ksbuilder, in the notation of the
// recording: request line, length, type without boundary, parts or body.
func recordedRequests(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(testshared.Path(t, "reference/ksbuilder-wire.txt"))
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]bool{}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		var kept []string
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "#"), strings.HasPrefix(line, "User-Agent:"), strings.HasPrefix(line, "answer "), line == "":
			case strings.HasPrefix(line, "Authorization: "):
				kept = append(kept, "Authorization: Bearer")
			default:
				line, _, _ = strings.Cut(line, "; boundary=")
				kept = append(kept, line)
			}
		}
		recorded[strings.Join(kept, "\n")] = true
	}
	return recorded
}

// recordRequest writes a request down in the notation of the recording.
func recordRequest(t *testing.T, r *http.Request) string {
	t.Helper()
	lines := []string{r.Method + " " + r.RequestURI}
	length := int(r.ContentLength)
	if r.Method == http.MethodPost {
		lines = append(lines, "Content-Length: ")
	}
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	lines = append(lines, "Authorization: "+scheme)
	kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		lines = append(lines, "Content-Type: "+kind)
		reader := multipart.NewReader(r.Body, parameters["boundary"])
		for part, err := reader.NextPart(); err == nil; part, err = reader.NextPart() {
			line := "part Content-Disposition: " + part.Header.Get("Content-Disposition")
			if partType := part.Header.Get("Content-Type"); partType != "" {
				line += " | Content-Type: " + partType
			}
			data, _ := io.ReadAll(part)
			length += longerUser * strings.Count(string(data), "usr-0001")
			if len(data) > 1000 {
				data = fmt.Appendf(nil, "(%d bytes)", len(data))
			}
			lines = append(lines, line, string(data))
		}
	case "application/json":
		body, _ := io.ReadAll(r.Body)
		// The recording has a space after each colon and comma, which no server minds.
		spaced := strings.NewReplacer(`":`, `": `, `,`, `, `).Replace(string(body))
		length = len(spaced) + longerUser*strings.Count(spaced, "usr-0001")
		lines = append(lines, "Content-Type: "+kind, "body "+spaced)
	}
	if r.Method == http.MethodPost {
		lines[1] += strconv.Itoa(length)
	}
	return strings.Join(lines, "\n")
}

// longerUser is by how many characters the name of the user was longer when
// the lengths were recorded: the bodies show another one since.
const longerUser = 3

// Each request of a release and of its withdrawal is one that ksbuilder sent,
// to the length of the body.
func TestWireIsThatOfKSBuilder(t *testing.T) {
	recorded := recordedRequests(t)
	const base = "http://h/files/usr-0001/metrics-server/0.7.1/"
	answers := []string{
		`{"user_id": "usr-0001"}`, `{"dir": "/files/usr-0001"}`,
		`{"files": [{"url": "` + base + `favicon.svg"}]}`, `{"files": [{"url": "` + base + `one.png"}, {"url": "` + base + `two.png"}]}`,
		`{"snapshot": {"snapshot_id": "516955082294610002"}}`, `{}`, `{}`,
	}
	sent := 0
	client, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if request := recordRequest(t, r); !recorded[request] {
			t.Errorf("ksbuilder sent no such request:\n%s", request)
		}
		_, _ = io.WriteString(w, answers[sent])
		sent++
	})
	ctx, dir := t.Context(), "/files/usr-0001/metrics-server/0.7.1/"
	steps := []func() error{
		func() error { _, err := client.User(ctx); return err },
		func() error { _, err := client.FilesDir(ctx, "usr-0001"); return err },
		func() error {
			_, err := client.UploadFiles(ctx, "usr-0001", "the icon", []Upload{{"favicon.svg", dir + "favicon.svg", make([]byte, 11626)}})
			return err
		},
		func() error {
			_, err := client.UploadFiles(ctx, "usr-0001", "the screenshots", []Upload{{"one.png", dir + "one.png", []byte("P1")}, {"two.png", dir + "two.png", []byte("P22")}})
			return err
		},
		func() error {
			_, err := client.PushPackage(ctx, "usr-0001", "metrics-server", "metrics-server-0.7.1.tgz", make([]byte, 26449))
			return err
		},
		func() error {
			return client.Submit(ctx, "usr-0001", "516955082294610002", "2026-11-22T08:17:12Z submit for review")
		},
		func() error { return client.CancelSubmit(ctx, "usr-0001", "516955082294610002", "cancel submit") },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Errorf("step %d: %v", i+1, err)
		}
	}
}
