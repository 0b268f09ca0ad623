package transport

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/testca"
)

// The context reaches the socket of a real network, with a server that accepts
// and never answers, and with one that stops in the middle.
func TestContextReachesTheSocket(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{"no answer": hang, "no body": hangInBody} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+" "+method, func(t *testing.T) {
				server := httptest.NewServer(handler)
				defer server.Close()
				client := New(Options{})
				defer client.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				start := time.Now()
				_, err := client.Do(ctx, Request{Op: "asking", Method: method, URL: server.URL})
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
					t.Errorf("after %s: %v", time.Since(start), err)
				}
			})
		}
	}
	t.Run("a socket that accepts and says nothing", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		for _, scheme := range []string{"http", "https"} {
			client := New(Options{})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			_, err := client.Do(ctx, Request{Op: "asking", URL: scheme + "://" + listener.Addr().String()})
			cancel()
			client.Close()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", scheme, err)
			}
		}
	})
}

func TestHeaders(t *testing.T) {
	server := &script{answers: []answer{status(200, success)}}
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, server, Options{UserAgent: "ksrelease/1.2.3"})
		_, err := client.Do(t.Context(), Request{
			Op: "asking", Method: http.MethodPost, URL: "http://user:pass%20word@cloud.example/x", JSON: true,
			Body: []byte("{}"), ContentType: "application/json", Header: http.Header{"X-More": {"1"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		header := server.seen()[0].header
		for name, want := range map[string]string{
			"User-Agent": "ksrelease/1.2.3", "Accept": "application/json", "Content-Type": "application/json", "X-More": "1",
			"Content-Length": "2", "Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("user:pass word")),
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
}

func TestRedirects(t *testing.T) {
	to := func(code int, location string) answer { return status(code, "", "Location", location) }
	authorized := func(r Request) Request {
		r.Authorization = "Bearer " + canary.Token
		return r
	}
	ok := status(200, success)
	for _, tt := range []struct {
		name    string
		request Request
		answers []answer
		want    string   // the error; empty: success
		hosts   []string // each with whether it saw credentials
		inDoubt bool
	}{
		{"read on the same host", read, []answer{to(302, "/y"), ok}, "", []string{"cloud.example key", "cloud.example key"}, false},
		{"read on another host", read, []answer{to(301, "http://other.example/y"), ok}, "", []string{"cloud.example key", "other.example"}, false},
		{"read on a subdomain", read, []answer{to(301, "http://sub.cloud.example/y"), ok}, "", []string{"cloud.example key", "sub.cloud.example"}, false},
		{"read on another port", read, []answer{to(307, "http://cloud.example:8080/y"), ok}, "", []string{"cloud.example key", "cloud.example:8080"}, false},
		{"read in a circle", read, []answer{to(302, "/x?token="+canary.Token)}, "asking for x: redirected 10 times, the last time to http://cloud.example/x?token=xxxxx (GET http://cloud.example/x)", nil, false},
		{"write becomes a login page", write, []answer{to(302, "/login?session="+canary.Token), status(200, "<html>")},
			"pushing x: 302 Found: redirected to http://cloud.example/login?session=xxxxx; set the server's own address (POST http://cloud.example/x)", []string{"cloud.example key"}, true},
		{"write that stays one", write, []answer{to(308, "/y"), ok}, "", []string{"cloud.example key", "cloud.example key"}, false},
		{"write to another host", write, []answer{to(307, "http://other.example/y"), ok},
			"pushing x: 307 Temporary Redirect: redirected to http://other.example/y; set the server's own address (POST http://cloud.example/x)", []string{"cloud.example key"}, true},
		{"search that loses its body", search, []answer{to(303, "/y"), ok},
			"searching x: 303 See Other: redirected to http://cloud.example/y; set the server's own address (POST http://cloud.example/x)", []string{"cloud.example key"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{answers: tt.answers}
				client := newClient(t, server, Options{})
				answer, err := client.Do(t.Context(), authorized(tt.request))
				expectOutcome(t, answer, err, tt.want, tt.inDoubt)
				requests := server.seen()
				if tt.hosts != nil && len(requests) != len(tt.hosts) {
					t.Fatalf("%d requests, want %d", len(requests), len(tt.hosts))
				}
				for i, want := range tt.hosts {
					got := requests[i].host
					if requests[i].header.Get("Authorization") != "" {
						got += " key"
					}
					if got != want || requests[i].body != string(tt.request.Body) || requests[i].header.Get("Referer") != "" {
						t.Errorf("request %d: %s, body %q, Referer %q; want %s", i+1, got, requests[i].body, requests[i].header.Get("Referer"), want)
					}
				}
				if answer != nil && answer.Redirected != (len(requests) > 1) {
					t.Errorf("Redirected is %v", answer.Redirected)
				}
			})
		})
	}
}

func TestNoRedirectFromHTTPSToHTTP(t *testing.T) {
	authority := testca.New(t, "An authority")
	server := authority.Serve(t, http.RedirectHandler("http://127.0.0.1:1/x", http.StatusFound))
	client := trusting(t, authority, server)
	_, err := client.Do(t.Context(), Request{Op: "asking", URL: server.URL})
	want := "asking: redirected from https to http://127.0.0.1:1/x, which is not followed; set the server's own address (GET " + server.URL + ")"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWrongAddresses(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(status(200, success)))
	defer plain.Close()
	client := New(Options{Notify: func(r Retry) { t.Errorf("asked again: %s", r) }})
	defer client.Close()
	for address, want := range map[string]string{
		strings.Replace(plain.URL, "http:", "https:", 1): "server gave HTTP response to HTTPS client",
		"ftp://host/x":                           "asking: the address must begin with https:// (or http://) and name a host (GET ftp://host/x)",
		"https:///x":                             "and name a host (GET https:///x)",
		"http://user:" + canary.Token + "@h o/x": "asking: invalid character \" \" in host name (GET http://xxxxx@h o/x)",
	} {
		_, err := client.Do(t.Context(), Request{Op: "asking", Method: http.MethodGet, URL: address})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary.Token) {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}

// advice is what an error says can be done about it.
func advice(err error) string {
	var a interface{ Hint() string }
	if errors.As(err, &a) {
		return a.Hint()
	}
	return ""
}

func TestProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect || r.Header.Get("Proxy-Authorization") == "" {
			status(407, "<title>Squid says no</title>")(w, r)
			return
		}
		_, _ = io.WriteString(w, "proxied "+r.URL.String())
	}))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := func(user *url.Userinfo) *Client {
		with := *address
		with.User = user
		client := New(Options{Proxy: http.ProxyURL(&with)})
		t.Cleanup(client.Close)
		return client
	}
	answer, err := client(url.UserPassword("me", canary.Token)).Do(t.Context(), Request{Op: "asking", URL: "http://cloud.example/x"})
	if err != nil || string(answer.Body) != "proxied http://cloud.example/x" {
		t.Errorf("through the proxy: %v, %v", answer, err)
	}
	for target, want := range map[string]string{
		"http://cloud.example/x":  "asking: 407 Proxy Authentication Required: Squid says no: the proxy wants a user and password: put them into HTTPS_PROXY (GET http://cloud.example/x)",
		"https://cloud.example/x": "asking: the proxy says: Proxy Authentication Required (GET https://cloud.example/x)",
	} {
		if _, err := client(nil).Do(t.Context(), Request{Op: "asking", URL: target}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	gone := New(Options{Attempts: 1, Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1", User: url.UserPassword("me", canary.Token)})})
	defer gone.Close()
	_, err = gone.Do(t.Context(), Request{Op: "pushing", Method: http.MethodPost, URL: "https://cloud.example/x"})
	if failure, ok := As(err); !ok || failure.InDoubt() || strings.Contains(err.Error(), canary.Token) || !strings.Contains(err.Error(), "the proxy refused the connection") {
		t.Errorf("a proxy that is not there: %v", err)
	}
}

// Connections are reused: as many as run in parallel, not one a request, also
// after answers of failure.
func TestConnectionsAreReused(t *testing.T) {
	var connections atomic.Int32
	var requests atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%3 == 0 {
			status(404, strings.Repeat("x", 10_000))(w, r)
			return
		}
		status(200, success)(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := New(Options{Parallelism: 4})
	defer client.Close()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				_, _ = client.Do(t.Context(), Request{Op: "asking", URL: server.URL})
			}
		})
	}
	all.Wait()
	if connections.Load() > 8 || requests.Load() != 100 {
		t.Errorf("%d connections for %d requests", connections.Load(), requests.Load())
	}
}

func TestBodyLimits(t *testing.T) {
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.Copy(z, io.LimitReader(zeros{}, 4<<20))
		_ = z.Close()
	}
	for name, handler := range map[string]http.HandlerFunc{
		"declared":   func(w http.ResponseWriter, r *http.Request) { status(200, strings.Repeat("x", 2000))(w, r) },
		"undeclared": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(zeros{}, 1<<20)) },
		"a bomb":     bomb,
	} {
		server := httptest.NewServer(handler)
		client := New(Options{Notify: func(r Retry) { t.Errorf("%s: asked again: %s", name, r) }})
		_, err := client.Do(t.Context(), Request{Op: "asking", URL: server.URL, Limit: 1024})
		want := "asking: 200 OK: the answer is larger than is accepted: more than 1.0 KiB (GET " + server.URL + ")"
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		client.Close()
		server.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestConditionalRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(status(304, "")))
	defer server.Close()
	client := New(Options{})
	defer client.Close()
	r := Request{Op: "asking", URL: server.URL, Check: func(*Response) error { return errors.New("a 304 has no body to check") }}
	if _, err := client.Do(t.Context(), r); err == nil || !strings.Contains(err.Error(), "304 Not Modified") {
		t.Errorf("a 304 that nobody asked for: %v", err)
	}
	r.Header = http.Header{"If-None-Match": {`"1"`}}
	if answer, err := client.Do(t.Context(), r); err != nil || answer.Status != 304 {
		t.Errorf("a 304: %v, %v", answer, err)
	}
}

// A server that repeats the credentials does not get them into an error.
func TestEchoedCredentials(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.WriteHeader(401)
		_, _ = fmt.Fprintf(w, `{"message": "bad key %s of %s %s at http://%s:%s@host"}`, r.Header.Get("Authorization"), user, password, user, password)
	}))
	defer server.Close()
	client := New(Options{})
	defer client.Close()
	basic := BasicAuthorization("me", canary.Token)
	for _, authorization := range []string{"Bearer " + canary.Token, canary.Token, basic} {
		_, err := client.Do(t.Context(), Request{Op: "asking", URL: server.URL, Authorization: authorization})
		if err == nil || strings.Contains(err.Error(), canary.Token) || strings.Contains(err.Error(), strings.TrimPrefix(basic, "Basic ")) || !strings.Contains(err.Error(), "bad key ") {
			t.Errorf("%v", err)
		}
		if failure, _ := As(err); !failure.Unauthorized() {
			t.Errorf("not unauthorized: %v", err)
		}
	}
}

func TestParseServer(t *testing.T) {
	for address, want := range map[string]string{
		"https://host":                       "https://host",
		"https://host/":                      "https://host",
		"http://host:8080/a%2Fb//":           "http://host:8080/a%2Fb",
		"":                                   "cloud.server is empty: give an address such as https://host",
		"host":                               `cloud.server "host" must begin with https:// (or http://)`,
		"host:443":                           `cloud.server "host:443" must begin with https:// (or http://)`,
		"https://":                           `cloud.server "https:" names no host`,
		"https://host?x=1":                   `cloud.server "https://host?x=1" must end before the ? or #`,
		"https://u:" + canary.Token + "@h:x": `cloud.server "https://xxxxx@h:x" is no address: invalid port ":x" after host`,
	} {
		u, err := ParseServer("cloud.server", address)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = u.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestIsPlainRemote(t *testing.T) {
	for address, want := range map[string]bool{
		"https://host": false, "http://host": true, "http://10.0.0.1:80/x": true, "http://localhost:8790": false,
		"http://127.0.0.1:8790": false, "http://[::1]:8790": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := isPlainRemote(u); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}
