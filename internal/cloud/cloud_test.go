package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/transport"
)

const canary = "kck-ca0a41e5-0000-4000-8000-000000000000"

// calls is every method of the client, with arguments, as one function, and a
// good answer for each.
var calls = []struct {
	name   string
	write  bool
	answer string
	call   func(context.Context, *Client) (any, error)
	want   any
}{
	{"User", false, `{"user_id": "usr-0001", "more": 1}`,
		func(ctx context.Context, c *Client) (any, error) { return c.User(ctx) }, "usr-0001"},
	{"FilesDir", false, `{"dir": "/files/usr-0001", "quota": 104857600}`,
		func(ctx context.Context, c *Client) (any, error) { return c.FilesDir(ctx, "usr-0001") }, "/files/usr-0001"},
	{"UploadFiles", true, `{"files": [{"url": "https://cdn/x/files/usr-0001/alc/1.2.0/a.svg"}, {"url": "http://cdn/files/usr-0001/alc/1.2.0/b.png?v=1", "path": "/b"}]}`,
		func(ctx context.Context, c *Client) (any, error) {
			return c.UploadFiles(ctx, "usr-0001", "the assets of alc 1.2.0", []Upload{
				{Name: "a.svg", Path: "/files/usr-0001/alc/1.2.0/a.svg", Data: []byte("A")},
				{Name: `b "2".png`, Path: "/files/usr-0001/alc/1.2.0/b.png", Data: []byte("B")},
			})
		}, []string{"https://cdn/x/files/usr-0001/alc/1.2.0/a.svg", "http://cdn/files/usr-0001/alc/1.2.0/b.png?v=1"}},
	{"PushPackage", true, `{"snapshot": {"snapshot_id": "516955082294610002", "metadata": {"version": "1.2.0"}, "status": "draft", "updated_at": "2026-11-22T08:17:12.2Z"}}`,
		func(ctx context.Context, c *Client) (any, error) {
			return c.PushPackage(ctx, "usr-0001", "alc", "alc-1.2.0.tgz", []byte("package"))
		}, Snapshot{ID: "516955082294610002", Version: "1.2.0", Status: "draft", Updated: time.Date(2026, 11, 22, 8, 17, 12, 200_000_000, time.UTC)}},
	{"Submit", true, ``,
		func(ctx context.Context, c *Client) (any, error) {
			return nil, c.Submit(ctx, "usr-0001", "516955082294610002", "a & <b>")
		}, nil},
	{"CancelSubmit", true, `{}`,
		func(ctx context.Context, c *Client) (any, error) {
			return nil, c.CancelSubmit(ctx, "usr-0001", "516955082294610002", "take it back")
		}, nil},
	{"Version", false, `{"snapshot_id": "516955082294610002", "metadata": {"name": "alc", "version": "1.2.0"}, "status": "submitted"}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Version(ctx, "alc", "1.2.0") },
		Snapshot{ID: "516955082294610002", Version: "1.2.0", Status: "submitted"}},
	{"Snapshots", false, `[{"snapshot_id": 516955082294610001, "metadata": {"version": "1.0.0"}, "status": "active"}, {"snapshot_id": "2", "status": "draft"}]`,
		func(ctx context.Context, c *Client) (any, error) { return c.Snapshots(ctx, "alc") },
		[]Snapshot{{ID: "516955082294610001", Version: "1.0.0", Status: "active"}, {ID: "2", Status: "draft"}}},
}

// newClient is a client that does not wait between attempts.
func newClient(t testing.TB, server string) *Client {
	t.Helper()
	carrier := transport.New(transport.Options{UserAgent: "ksrelease/1.2.3", Attempts: 2, FirstWait: time.Nanosecond})
	t.Cleanup(carrier.Close)
	client, err := New(Options{Server: server, Token: canary, Transport: carrier})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func serve(t testing.TB, handler http.HandlerFunc) (*Client, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, server.URL), server.URL
}

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestGoodAnswers(t *testing.T) {
	for _, tt := range calls {
		for _, status := range []int{200, 201, 202} {
			client, _ := serve(t, respond(status, tt.answer))
			got, err := tt.call(t.Context(), client)
			if err != nil {
				t.Errorf("%s, %d: %v", tt.name, status, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
		}
	}
}

// The wire is that of ksbuilder, as it was recorded.
func TestRequests(t *testing.T) {
	want := map[string]string{
		"User":         "GET /apis/user/v1/user",
		"FilesDir":     "GET /apis/extension/v1/users/usr-0001/files/usage",
		"UploadFiles":  "POST /apis/extension/v1/users/usr-0001/files [file1 a.svg application/octet-stream A] [file1_path   /files/usr-0001/alc/1.2.0/a.svg] [file2 b \"2\".png application/octet-stream B] [file2_path   /files/usr-0001/alc/1.2.0/b.png]",
		"PushPackage":  "POST /apis/extension/v1/users/usr-0001/extensions/alc/package?force=true&create_extension=true [extension_package alc-1.2.0.tgz application/octet-stream package]",
		"Submit":       `POST /apis/extension/v1/users/usr-0001/snapshots/516955082294610002/action:submit application/json {"message":"a & <b>"}`,
		"CancelSubmit": `POST /apis/extension/v1/users/usr-0001/snapshots/516955082294610002/action:cancel-submit application/json {"message":"take it back"}`,
		"Version":      "GET /apis/extension/v1/extensions/alc/versions/1.2.0",
		"Snapshots":    "GET /apis/extension/v1/extensions/alc/snapshots",
	}
	for _, tt := range calls {
		var got []string
		client, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got = append(got, describeRequest(t, r))
			_, _ = io.WriteString(w, tt.answer)
		})
		if _, err := tt.call(t.Context(), client); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff([]string{want[tt.name]}, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func describeRequest(t *testing.T, r *http.Request) string {
	if r.Header.Get("Authorization") != "Bearer "+canary || r.Header.Get("User-Agent") != "ksrelease/1.2.3" || r.Method == "POST" && r.ContentLength <= 0 {
		t.Errorf("%s %s: headers %v, length %d", r.Method, r.URL, r.Header, r.ContentLength)
	}
	text := r.Method + " " + r.RequestURI
	kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		body, _ := io.ReadAll(r.Body)
		return strings.TrimSpace(text + " " + kind + " " + string(body))
	}
	parts := multipart.NewReader(r.Body, parameters["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return text
		}
		data, _ := io.ReadAll(part)
		text += fmt.Sprintf(" [%s %s %s %s]", part.FormName(), part.FileName(), part.Header.Get("Content-Type"), data)
	}
}

func TestNothingToUpload(t *testing.T) {
	client, _ := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request without files") })
	if urls, err := client.UploadFiles(t.Context(), "usr-0001", "nothing", nil); urls != nil || err != nil {
		t.Errorf("%v, %v", urls, err)
	}
}

func TestSegmentsAreEscaped(t *testing.T) {
	var path string
	client, server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		_, _ = io.WriteString(w, `{"snapshot_id": "1", "status": "draft", "metadata": {"version": "1.0.0+b/../?x=1#%41"}}`)
	})
	if _, err := client.Version(t.Context(), "a/b ü", "1.0.0+b/../?x=1#%41"); err != nil {
		t.Error(err)
	}
	if want := "/apis/extension/v1/extensions/a%2Fb%20%C3%BC/versions/1.0.0+b%2F..%2F%3Fx=1%23%2541"; path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	for _, segment := range []string{"", ".", ".."} {
		_, err := client.Version(t.Context(), "alc", segment)
		want := fmt.Sprintf("asking for version %s of alc: %q cannot stand in the address of a request", segment, segment)
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	below := newClient(t, server+"/prefix/")
	if _, err := below.User(t.Context()); err == nil || path != "/prefix/apis/user/v1/user" {
		t.Errorf("path %s, error %v", path, err)
	}
}

// What comes instead of an answer is reported, with what to do; no junk passes for
// success; of writes it is said that they may have happened.
func TestBadAnswers(t *testing.T) {
	login := "<!DOCTYPE html><html><head><title>Sign in</title></head><body>…</body></html>"
	byName := map[string]func(context.Context, *Client) (any, error){}
	for _, c := range calls {
		byName[c.name] = c.call
	}
	for _, tt := range []struct {
		call, body string
		want       string // in the error
		inDoubt    bool
	}{
		{"User", login, "asking who the API key belongs to: 200 OK: Sign in: a page came instead of JSON: check cloud.server and the proxy settings (GET http://HOST/apis/user/v1/user)", false},
		{"User", "", "200 OK: the answer is empty where JSON was expected: unexpected EOF (GET http://HOST/apis/user/v1/user, 2 attempts)", false},
		{"User", `{"user_id": "usr`, "the answer ends in the middle of its JSON", false},
		{"User", "OK\n", "the answer is no JSON; it begins: OK (GET", false},
		{"User", `["usr-0001"]`, `the answer has another shape than expected: it is a JSON array; it begins: ["usr-0001"] (GET`, false},
		{"User", `{"user_id": {}}`, `the answer has another shape than expected; it begins: {"user_id": {}}`, false},
		{"User", `{"user_id": ""}`, `the answer has no user_id; it begins: {"user_id": ""}`, false},
		{"User", `null`, `the answer has no user_id; it begins: null`, false},
		{"User", `{"message": "` + strings.Repeat("x", 200) + `"}`, `…`, false},
		{"FilesDir", `{"dir": 5}`, `the answer has another shape than expected: dir holds a JSON number`, false},
		{"FilesDir", `{}`, `the answer has no dir; it begins: {}`, false},
		{"UploadFiles", `{"files": [{"url": "https://cdn/a.svg"}]}`, "uploading the assets of alc 1.2.0: 200 OK: the answer lists 1 files where 2 were sent", true},
		{"UploadFiles", `{"files": [{"url": "https://cdn/a.svg"}, {"url": "https://cdn/b.png"}, {"url": "https://cdn/c.png"}]}`, "the answer lists 3 files where 2 were sent", true},
		{"UploadFiles", `{"files": [{"url": "https://cdn/a.svg"}, {"url": "ftp://cdn/b.png"}]}`, "the answer has no usable address for file 2", true},
		{"UploadFiles", `{"files": null}`, "the answer lists 0 files where 2 were sent", true},
		{"UploadFiles", `{"files": [{"url": "https://cdn/a.svg"}, {}]}`, "the answer has no usable address for file 2", true},
		{"UploadFiles", `{"files": [{"url": "/a.svg"}, {"url": "https://cdn/a.svg"}]}`, "the answer has no usable address for file 1", true},
		{"UploadFiles", `{"files": [{"url": "javascript:alert(1)"}, {"url": "https://cdn/a.svg"}]}`, "the answer has no usable address for file 1", true},
		{"UploadFiles", `{"files": [{"url": "https://cdn/a.svg?token=` + canary + `"}, {"url": "https://cdn/b.png"}]}`, "the address of file 1 has the API key in it, or a user and password: everybody who gets the package could read them", true},
		{"UploadFiles", `{"files": [{"url": "https://cdn/a.svg"}, {"url": "https://me:pw@cdn/b.png"}]}`, "the address of file 2 has the API key in it, or a user and password", true},
		{"PushPackage", `{}`, "uploading package alc-1.2.0.tgz: 200 OK: the answer has no snapshot_id; it begins: {} (POST http://HOST/apis/extension/v1/users/usr-0001/extensions/alc/package?force=true&create_extension=true)", true},
		{"PushPackage", ``, "the answer is empty where JSON was expected", true},
		{"PushPackage", login, "200 OK: Sign in: a page came instead of JSON", true},
		{"PushPackage", `{"snapshot": []}`, "another shape than expected: snapshot holds a JSON array", true},
		{"PushPackage", `{"snapshot": {"snapshot_id": "1", "metadata": {"version": "1.2.1"}}}`, `the answer shows version "1.2.1"`, true},
		{"Submit", login, "submitting snapshot 516955082294610002: 200 OK: Sign in: a page came instead of JSON", true},
		{"Submit", `OK`, "the answer is no JSON; it begins: OK", true},
		{"CancelSubmit", `{"half":`, "taking back the submission of snapshot 516955082294610002: 200 OK: the answer ends in the middle of its JSON", true},
		{"Version", `{"snapshot_id": "1", "metadata": {"version": "1.2"}}`, `asking for version 1.2.0 of alc: 200 OK: the answer shows version "1.2"`, false},
		{"Version", `{"snapshot_id": "1", "metadata": {"name": "other", "version": "1.2.0"}}`, `the answer shows extension "other"`, false},
		{"Version", `{"metadata": {"version": "1.2.0"}}`, `the answer has no snapshot_id`, false},
		{"Version", `{"snapshot_id": "1", "metadata": {"version": "1.2.0"}}`, `the answer has no status`, false},
		{"Version", login, "200 OK: Sign in: a page came instead of JSON", false},
	} {
		t.Run(tt.call+" "+tt.body[:min(20, len(tt.body))], func(t *testing.T) {
			client, address := serve(t, respond(200, tt.body))
			_, err := byName[tt.call](t.Context(), client)
			failure, ok := transport.As(err)
			if !ok {
				t.Fatalf("error %v, want %s", err, tt.want)
			}
			if want := strings.ReplaceAll(tt.want, "http://HOST", address); !strings.Contains(err.Error(), want) {
				t.Errorf("error\n%v\nwant\n%s", err, want)
			}
			if failure.InDoubt() != tt.inDoubt || failure.NotFound() || strings.Contains(err.Error(), "struct") || strings.Contains(err.Error(), "Go ") {
				t.Errorf("in doubt %v, not found %v: %v", failure.InDoubt(), failure.NotFound(), err)
			}
		})
	}
}

// An address that does not look like that of the file is one where the file is.
func TestAnAddressOfAnotherFile(t *testing.T) {
	pictures := map[string]string{"/cdn/1": "A", "/cdn/2": "B"}
	var answer string
	client, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, answer)
			return
		}
		if r.Header.Get("Authorization") != "" {
			t.Errorf("%s with the key", r.URL)
		}
		picture, ok := pictures[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, picture)
	})
	for _, tt := range []struct{ one, two, want string }{
		{"/cdn/1", "/cdn/2", ""},
		{"/a/files/usr-1/alc/1.0.0/a.svg", "/cdn/2", ""},
		{"/cdn/2", "/cdn/1", "looking for the uploaded a.svg at the address it was given: 200 OK: something else is there (GET HOST/cdn/2)"},
		{"/files/usr-1/alc/1.0.0/b.svg", "/cdn/2", "404 Not Found"},
		{"/a/files/usr-1/alc/1.0.0/a.svg", "/cdn/1", "looking for the uploaded b.svg"},
	} {
		answer = fmt.Sprintf(`{"files": [{"url": %q}, {"url": %q}]}`, address+tt.one, address+tt.two)
		urls, err := client.UploadFiles(t.Context(), "usr-1", "the assets", []Upload{
			{Name: "a.svg", Path: "/files/usr-1/alc/1.0.0/a.svg", Data: []byte("A")},
			{Name: "b.svg", Path: "/files/usr-1/alc/1.0.0/b.svg", Data: []byte("B")},
		})
		if tt.want == "" {
			if err != nil || len(urls) != 2 {
				t.Errorf("%s, %s: %v, %v", tt.one, tt.two, urls, err)
			}
			continue
		}
		if err == nil || urls != nil || !strings.Contains(err.Error(), strings.ReplaceAll(tt.want, "HOST", address)) {
			t.Errorf("%s, %s: %v, %v, want %s", tt.one, tt.two, urls, err, tt.want)
		}
	}
}

// A redirect to a login page is no answer to a read, and no success of a write.
func TestLoginPage(t *testing.T) {
	for _, tt := range calls {
		client, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				respond(200, "<title>Sign in</title>")(w, r)
				return
			}
			http.Redirect(w, r, "/login?next=/", http.StatusFound)
		})
		_, err := tt.call(t.Context(), client)
		failure, ok := transport.As(err)
		if !ok || !strings.Contains(err.Error(), address+"/login") || failure.InDoubt() != tt.write {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestNotFoundIsTheServersWord(t *testing.T) {
	for body, want := range map[string]bool{
		`{"message": "no such version"}`: true,
		``:                               true,
		"<html><title>404 Not Found</title>nginx":        false,
		"\r\n<!DOCTYPE html><title>No such page</title>": false,
	} {
		client, _ := serve(t, respond(404, body))
		_, err := client.Version(t.Context(), "alc", "1.2.0")
		failure, ok := transport.As(err)
		if !ok || failure.NotFound() != want {
			t.Errorf("%q: %v", body, err)
		}
		if !want && !strings.Contains(err.Error(), "an HTML page, written by a proxy or another server than the one that was meant") {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// Every method gives up with its context: with a server that never answers,
// and with one that stops in the middle of its answer. The key is in no error.
func TestEveryMethodObeysItsContext(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		// A server notices that its client is gone only once it has read the body.
		"never answers": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"hangs in the body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"snapshot_id": "1`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		for _, tt := range calls {
			t.Run(name+" "+tt.name, func(t *testing.T) {
				client, _ := serve(t, handler)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
				defer cancel()
				start := time.Now()
				_, err := tt.call(ctx, client)
				failure, ok := transport.As(err)
				if !ok || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second || failure.InDoubt() != tt.write {
					t.Errorf("after %s: %v", time.Since(start), err)
				}
			})
		}
	}
}

// Which method sends again: reads and the upload of files, never the push of a
// package, a submission, or its cancellation.
func TestWhatIsSentAgain(t *testing.T) {
	for _, tt := range calls {
		requests := 0
		client, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests == 1 {
				respond(502, "<title>Bad Gateway</title>")(w, r)
				return
			}
			respond(200, tt.answer)(w, r)
		})
		_, err := tt.call(t.Context(), client)
		want := 2
		if tt.write && tt.name != "UploadFiles" {
			want = 1
		}
		if requests != want || (err == nil) != (want == 2) {
			t.Errorf("%s: %d requests, want %d; error %v", tt.name, requests, want, err)
		}
	}
}

func TestNew(t *testing.T) {
	for name, tt := range map[string]struct {
		options Options
		want    string
	}{
		"defaults":       {Options{Token: canary}, ""},
		"no token":       {Options{}, "no API key for the marketplace: run `ksrelease login`, or set KSRELEASE_TOKEN"},
		"a broken token": {Options{Token: canary + "\n"}, "the API key holds a space, a line break or a character that no key has: copy it again"},
		"two words":      {Options{Token: canary + " x"}, "the API key holds a space, a line break or a character that no key has: copy it again"},
		"another letter": {Options{Token: canary + "é"}, "the API key holds a space, a line break or a character that no key has: copy it again"},
		"no scheme":      {Options{Token: canary, Server: "apis.kubesphere.cloud"}, `cloud.server "apis.kubesphere.cloud" must begin with https:// (or http://)`},
	} {
		client, err := New(tt.options)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if err == nil && client.server.String() != DefaultServer {
			t.Errorf("%s: server %s", name, client.server)
		}
	}
}

// Whatever a server answers: no panic, no success without the value that was
// asked for, and an error that is one printable line without the key.
func FuzzAnswers(f *testing.F) {
	for i, c := range calls {
		f.Add(uint8(i), 200, []byte(c.answer))
	}
	for _, seed := range []string{"", "<html>", "null", "[]", "{}", `{"snapshot": {"snapshot_id": 5}}`, "[[[[[", "\xff", `{"files": [{"url": "http://"}]}`, `{"message": "` + canary + `"}`} {
		f.Add(uint8(2), 200, []byte(seed))
		f.Add(uint8(9), 500, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, which uint8, status int, body []byte) {
		if status < 200 || status > 599 || status == 429 {
			t.Skip()
		}
		c := calls[int(which)%len(calls)]
		carrier := transport.New(transport.Options{Attempts: 1, RoundTripper: canned{status, string(body)}})
		client, err := New(Options{Server: "http://cloud.example", Token: canary, Transport: carrier})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.call(t.Context(), client)
		if err != nil {
			if text := err.Error(); strings.Contains(text, canary) || strings.ContainsAny(text, "\n\r\x1b\x00") {
				t.Errorf("%s: %q", c.name, text)
			}
			return
		}
		checkFuzzed(t, c.name, status, body, got)
	})
}

func checkFuzzed(t *testing.T, name string, status int, body []byte, got any) {
	if status >= 300 {
		t.Errorf("%s: %d is success", name, status)
	}
	empty := false
	switch value := got.(type) {
	case string:
		empty = value == ""
	case []string:
		empty = len(value) != 2 || value[0] == "" || value[1] == ""
	case Snapshot:
		empty = value.ID == ""
	}
	if empty || len(body) > 0 && !json.Valid(body) {
		t.Errorf("%s: %q gives %v", name, body, got)
	}
}

// canned is a network with one answer.
type canned struct {
	status int
	body   string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(c.body)), ContentLength: int64(len(c.body)),
	}, nil
}

// What a reviewer said is taken from whichever field it is in; what is no text is
// passed over.
func TestMessageOfASnapshot(t *testing.T) {
	for field, want := range map[string]string{
		`"message": "no English texts"`:                                 "no English texts",
		`"reject_reason": " no texts\n", "message": "by ksrelease"`:     "no texts",
		`"reject_message": "m"`:                                         "m",
		`"review_message": "m"`:                                         "m",
		`"message": {"en": "no"}`:                                       "",
		`"message": null, "reason": 7, "comment": ["a"]`:                "",
		`"review": "passed over"`:                                       "",
		`"reason": "m", "message": ""`:                                  "m",
		`"review_comment": "m"`:                                         "m",
		`"comment": "m", "message": "what its author said in the push"`: "m",
	} {
		body := `{"snapshot_id": "516955082294610001", "metadata": {"version": "1.0.0"}, "status": "rejected", ` + field + `}`
		var wire wireSnapshot
		if err := decode([]byte(body), &wire); err != nil {
			t.Fatalf("%s: %v", field, err)
		}
		if got := wire.snapshot().Message; got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	// What is said of the rejection itself goes before what is said of anything else.
	fields := []string{"reject_message", "reject_reason", "review_message", "review_comment", "reason", "comment", "message"}
	for i, want := range fields {
		answer := map[string]any{"snapshot_id": "516955082294610001", "status": "rejected"}
		for _, field := range fields[i:] {
			answer[field] = field
		}
		body, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		var wire wireSnapshot
		if err := decode(body, &wire); err != nil || wire.snapshot().Message != want {
			t.Errorf("%s: %q, %v", body, wire.snapshot().Message, err)
		}
	}
}

// An answer that does not end is not read to its end.
func TestAnswersAreBounded(t *testing.T) {
	endless := &endless{}
	carrier := transport.New(transport.Options{Attempts: 1, RoundTripper: endless})
	client, err := New(Options{Server: "http://cloud.example", Token: canary, Transport: carrier})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.User(t.Context()); err == nil || !strings.Contains(err.Error(), "16 MiB") {
		t.Errorf("%v", err)
	}
	if endless.read > answerLimit+1<<20 || answerLimit > 16<<20 {
		t.Errorf("%d bytes were read", endless.read)
	}
}

// endless is a network with one answer, which does not end.
type endless struct{ read int }

func (e *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(e), ContentLength: -1}, nil
}

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}
