package faults

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// counting answers every request and counts those it was asked.
type counting struct{ asked int }

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked++
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"user_id":"usr-0001"}`)
}

func ask(t *testing.T, ctx context.Context, server *httptest.Server, method, path string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, server.URL+path, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer, string(body), err
}

func TestEveryFault(t *testing.T) {
	tests := []struct {
		what   string
		status int
		body   string // a part of it
		cut    bool   // the body breaks off
		gone   bool   // there is no answer
		header string // Retry-After or Location
	}{
		{what: "status 503", status: 503, body: `{"message":"made to fail: Service Unavailable"}`},
		{what: "status 429 retry-after 3s", status: 429, body: "Too Many Requests", header: "3"},
		{what: "html 502", status: 502, body: "<title>502 Bad Gateway</title>"},
		{what: "login", status: 200, body: "Please log in"},
		{what: "empty", status: 200},
		{what: "shape", status: 200, body: `["something"`},
		{what: "cut", status: 200, cut: true},
		{what: "hangbody", status: 200, cut: true},
		{what: "reset", gone: true},
		{what: "hang", gone: true},
		{what: "redirect https://login.example/x", status: 302, header: "https://login.example/x"},
		{what: "delay 10ms", status: 200, body: `{"user_id":"usr-0001"}`},
		{what: `body {"files": [] }`, status: 200, body: `{"files": [] }`},
	}
	for _, test := range tests {
		for _, when := range []string{"before", "after"} {
			t.Run(test.what+" "+when, func(t *testing.T) {
				rules, err := Parse("x", "POST /apis/*/user * "+when+" "+test.what)
				if err != nil {
					t.Fatal(err)
				}
				next := &counting{}
				server := httptest.NewServer(New(next, rules))
				defer server.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				answer, body, err := ask(t, ctx, server, "POST", "/apis/v1/user")
				switch {
				case test.gone:
					if err == nil {
						t.Fatalf("an answer came: %v", answer.Status)
					}
				case test.cut:
					if answer == nil || err == nil {
						t.Fatalf("the body was whole: %q, %v", body, err)
					}
				case err != nil:
					t.Fatal(err)
				}
				if answer != nil && (answer.StatusCode != test.status || !strings.Contains(body, test.body)) {
					t.Errorf("status %d, body %q", answer.StatusCode, body)
				}
				if test.header != "" {
					if got := answer.Header.Get("Retry-After") + answer.Header.Get("Location"); got != test.header {
						t.Errorf("header %q", got)
					}
				}
				server.Close() // waits for the handler
				done := when == "after" || test.what == "delay 10ms"
				if (next.asked == 1) != done {
					t.Errorf("the server was asked %d times", next.asked)
				}
			})
		}
	}
}

func TestRetryAfterAsADate(t *testing.T) {
	rules, err := Parse("x", "* /** * before status 429 retry-date 30s")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(&counting{}, rules))
	defer server.Close()
	answer, _, err := ask(t, t.Context(), server, "GET", "/a/b")
	if err != nil {
		t.Fatal(err)
	}
	at, err := http.ParseTime(answer.Header.Get("Retry-After"))
	if wait := time.Until(at); err != nil || wait < 20*time.Second || wait > 31*time.Second {
		t.Errorf("Retry-After %q: %v", answer.Header.Get("Retry-After"), err)
	}
}

func TestWhichRequestsAreHit(t *testing.T) {
	script := `
# the second and third push, and every index from the second on
POST /apis/**/package 2-3 before status 500
GET  /index.yaml      2-  before status 404
GET  /charts/alc-*    1   before status 410
`
	rules, err := Parse("x", script)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	handler := New(&counting{}, rules)
	handler.OnFault = func(r *http.Request, rule Rule) { told = append(told, r.URL.Path+": "+rule.String()) }
	server := httptest.NewServer(handler)
	defer server.Close()
	for i, step := range []struct {
		method, path string
		want         int
	}{
		{"POST", "/apis/a/b/package", 200},
		{"POST", "/apis/a/package", 500},
		{"GET", "/apis/a/package", 200},
		{"POST", "/apis/package", 500},
		{"POST", "/apis/a/package", 200},
		{"GET", "/index.yaml", 200},
		{"GET", "/index.yaml", 404},
		{"GET", "/index.yaml", 404},
		{"GET", "/charts/bee-1.tgz", 200},
		{"GET", "/charts/alc-1.tgz", 410},
		{"GET", "/charts/alc-1.tgz", 200},
		{"GET", "/deep/charts/alc-1.tgz", 200},
	} {
		answer, _, err := ask(t, t.Context(), server, step.method, step.path)
		if err != nil || answer.StatusCode != step.want {
			t.Errorf("step %d: %v, %v; want %d", i, answer, err, step.want)
		}
	}
	if len(told) != 5 || told[0] != "/apis/a/package: POST /apis/**/package 2-3 before status 500" {
		t.Errorf("told: %q", told)
	}
}

func TestMistakesInAScript(t *testing.T) {
	for line, want := range map[string]string{
		"GET /x 1 before":                      "faults.txt:2: a line is METHOD PATH WHICH WHEN WHAT, and this one has 4 words",
		"get /x 1 before reset":                `METHOD "get" is none of *, GET,`,
		"GET x 1 before reset":                 `PATH "x" has to begin with /`,
		"GET /[ 1 before reset":                `PATH "/[": syntax error in pattern`,
		"GET /x 0 before reset":                `WHICH "0" is none of N, N-M, N- and *`,
		"GET /x 3-2 before reset":              `WHICH "3-2" is none of`,
		"GET /x 1 during reset":                `WHEN "during" is neither before nor after`,
		"GET /x 1 before explode":              `WHAT "explode" is none of status, html,`,
		"GET /x 1 before status":               "status needs a status code",
		"GET /x 1 before status 99":            `"99" is no status code`,
		"GET /x 1 before delay soon":           `"soon" is no duration, such as 2s`,
		"GET /x 1 before redirect":             "redirect needs an address",
		"GET /x 1 before body":                 "body needs a text, or @FILE",
		"GET /x 1 before body @nothing":        "reading the body: stat nothing",
		"GET /x 1 before body @.":              "reading the body: . is no file",
		"GET /x 1 before reset now":            "there is more behind reset than it takes: now",
		"GET /x 1 before status 429 in 3s":     "there is more behind status than it takes: in 3s",
		"GET /x 1 before html 502 retry-after": "html needs a duration",
	} {
		_, err := Parse("faults.txt", "# a comment\n"+line+"\n")
		var mistake *Error
		if !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), line) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}

// An answer without a body is not whole because half of nothing is nothing.
func TestHalfOfNothing(t *testing.T) {
	for _, what := range []string{"cut", "hangbody"} {
		for _, status := range []int{http.StatusNotModified, http.StatusNoContent} {
			rules, err := Parse("x", "GET /** * after "+what)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }), rules))
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			answer, _, err := ask(t, ctx, server, "GET", "/")
			cancel()
			server.Close() // waits for the handler
			if err == nil {
				t.Errorf("%s of %d: %s", what, status, answer.Status)
			}
		}
	}
}

func TestBodyFromAFile(t *testing.T) {
	dir := t.TempDir()
	want := "apiVersion: v1\n# an index\nentries: {}\n"
	if err := os.WriteFile(filepath.Join(dir, "old.yaml"), []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := Parse(filepath.Join(dir, "faults.txt"), "GET /index.yaml * before body @old.yaml")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(&counting{}, rules))
	defer server.Close()
	_, body, err := ask(t, t.Context(), server, "GET", "/index.yaml")
	if err != nil || body != want {
		t.Errorf("%q, %v", body, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("POST /apis/**/package 1 after html 502")
	f.Add("GET /index.yaml 2- before delay 2s # late")
	f.Fuzz(func(t *testing.T, script string) {
		rules, err := Parse("x", script)
		if err != nil {
			return
		}
		for _, r := range rules {
			again, err := Parse("x", r.String())
			if err != nil || len(again) != 1 || again[0] != r {
				t.Errorf("%q does not read back: %v, %v", r.String(), again, err)
			}
		}
	})
}
