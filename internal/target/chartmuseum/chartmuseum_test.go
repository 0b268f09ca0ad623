package chartmuseum_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/chartmuseum"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

const access = "set KSRELEASE_MUSEUM_USERNAME and KSRELEASE_MUSEUM_PASSWORD"

// connect makes a target of a handler; path is that of the repository.
func connect(t *testing.T, handler http.Handler, path string, change func(*chartmuseum.Options)) *chartmuseum.Target {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	web := transport.New(transport.Options{Attempts: 1})
	t.Cleanup(web.Close)
	options := chartmuseum.Options{URL: server.URL + path, Setting: "targets[0].url", Access: access, Transport: web}
	if change != nil {
		change(&options)
	}
	museum, err := chartmuseum.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return museum
}

// recorder notes the requests that reach a handler.
type recorder struct {
	next http.Handler
	mu   sync.Mutex
	seen []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.seen = append(r.seen, q.Method+" "+q.URL.RequestURI())
	r.mu.Unlock()
	r.next.ServeHTTP(w, q)
}

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.seen
	r.seen = nil
	return seen
}

// The API is looked for once; a release of a version that is not there is three requests.
func TestRequests(t *testing.T) {
	seen := &recorder{next: museumtest.New(museumtest.Options{})}
	museum := connect(t, seen, "", nil)
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	publish(t, museum, "alc", "1.0.0", "one")
	want := []string{"GET /api/charts?offset=0&limit=1", "GET /api/charts/alc/1.0.0", "GET /charts/alc-1.0.0.tgz", "POST /api/charts"}
	if got := seen.take(); !slices.Equal(got, want) {
		t.Errorf("publishing: %q", got)
	}
	// The same bytes again: its list says so by the digest.
	publish(t, museum, "alc", "1.0.0", "one")
	if got := seen.take(); !slices.Equal(got, want[1:2]) {
		t.Errorf("publishing again: %q", got)
	}
	index, err := museum.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entry, ok, err := index.Lookup(t.Context(), "alc", "1.0.0")
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if archive, err := museum.Fetch(t.Context(), entry); err != nil || string(archive) != string(pkg.Data) {
		t.Errorf("%d bytes, %v", len(archive), err)
	}
}

func publish(t *testing.T, museum *chartmuseum.Target, name, version, content string) {
	t.Helper()
	if s, err := museum.Publish(t.Context(), targettest.Package(t, name, version, content)); err != nil || s.Status != target.StatusActive {
		t.Fatalf("publishing %s %s: %+v, %v", name, version, s, err)
	}
}

// The museum reads a version as a range: what it answers is another version then.
func TestARangeIsNoVersion(t *testing.T) {
	store := museumtest.New(museumtest.Options{})
	// KubeSphere takes no build metadata, so this one comes from elsewhere.
	built, err := tarball.First("alc", []unpack.File{{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: alc\nversion: 1.0.0+b1\n")}})
	if err != nil {
		t.Fatal(err)
	}
	store.Put("", "alc-1.0.0+b1.tgz", built)
	museum := connect(t, store, "", nil)
	for _, version := range []string{"1.0.0", "v1.0.0", "1.0.0-rc.1"} {
		publish(t, museum, "alc", version, version)
	}
	for version, there := range map[string]bool{
		"1.0.0": true, "v1.0.0": true, "1.0.0+b1": true, "1.0.0-rc.1": true,
		"1.0": false, "1": false, "x": false, "latest": false, ">0": false, "1.0.0+b2": false, "v1.0.0+b1": false, "1.0.0-rc": false,
	} {
		s, err := museum.Snapshot(t.Context(), "alc", version)
		if err != nil || (s.Status == target.StatusActive) != there {
			t.Errorf("%s: %+v, %v", version, s, err)
		}
	}
}

// stale answers for the list of a museum with one from before.
type stale struct {
	museum *museumtest.Museum
	before func(w http.ResponseWriter, q *http.Request) bool
}

func (s stale) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if s.before == nil || !s.before(w, q) {
		s.museum.ServeHTTP(w, q)
	}
}

// What is in the storage is there, whatever the list says of it: several museums may share it.
func TestTheStorageCounts(t *testing.T) {
	store := museumtest.New(museumtest.Options{})
	museum := connect(t, store, "", nil)
	publish(t, museum, "other", "1.0.0", "one") // a list that is not empty is not made anew
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	store.Put("", "alc-1.0.0.tgz", pkg.Data)
	if s, err := museum.Snapshot(t.Context(), "alc", "1.0.0"); err != nil || s.Status != target.StatusActive {
		t.Errorf("%+v, %v", s, err)
	}
	publish(t, museum, "alc", "1.0.0", "one")
	_, err := museum.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "two"))
	if err == nil || failure.InDoubt(err) || failure.Temporary(err) || failure.Hint(err) == "" {
		t.Errorf("other bytes: %v", err)
	}
	// A file of that name that is something else.
	store.Put("", "alc-1.1.0.tgz", pkg.Data)
	_, err = museum.Publish(t.Context(), targettest.Package(t, "alc", "1.1.0", "one"))
	if err == nil || !strings.Contains(err.Error(), "that of alc 1.0.0") || failure.InDoubt(err) {
		t.Errorf("a file that is taken: %v", err)
	}
	if s, err := museum.Snapshot(t.Context(), "alc", "1.1.0"); err != nil || s.Status != target.StatusNone {
		t.Errorf("%+v, %v", s, err)
	}
	store.Put("", "alc-1.2.0.tgz", []byte("\x1f\x8b no archive"))
	if s, err := museum.Snapshot(t.Context(), "alc", "1.2.0"); err == nil {
		t.Errorf("a file that nobody can read: %+v", s)
	}
}

// Another process may upload between the look and the upload of this one: 409 is no failure
// where the bytes are the same.
func TestConflict(t *testing.T) {
	for content, wrong := range map[string]bool{"one": false, "two": true} {
		store := museumtest.New(museumtest.Options{Lag: time.Hour})
		first := true
		museum := connect(t, stale{store, func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method == http.MethodPost && first {
				first = false
				store.Put("", "alc-1.0.0.tgz", targettest.Package(t, "alc", "1.0.0", content).Data)
			}
			return false
		}}, "", nil)
		s, err := museum.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one"))
		if (err != nil) != wrong || !wrong && s.Status != target.StatusActive || failure.InDoubt(err) || failure.Unauthorized(err) {
			t.Errorf("%s was there: %+v, %v", content, s, err)
		}
		if store.Forced() > 0 {
			t.Error("it was overwritten")
		}
	}
}

// A 409 after which nothing can be read back is in doubt.
func TestConflictAndNoReading(t *testing.T) {
	posted := false
	museum := connect(t, stale{museumtest.New(museumtest.Options{}), func(w http.ResponseWriter, q *http.Request) bool {
		switch {
		case q.Method == http.MethodPost:
			posted = true
			w.WriteHeader(http.StatusConflict)
			return true
		case posted:
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	}}, "", nil)
	if _, err := museum.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); !failure.InDoubt(err) || !strings.Contains(err.Error(), "what the museum has is not known") {
		t.Error(err)
	}
}

// What is no API of ChartMuseum is said before anything is sent, and nothing is "not there".
func TestNoAPI(t *testing.T) {
	market, err := marketplace.Open(t.TempDir(), marketplace.Options{Token: "kck-11111111-2222-3333-4444-555555555555"})
	if err != nil {
		t.Fatal(err)
	}
	defer market.Close()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "<!DOCTYPE html><title>Charts</title>")
	})
	for name, c := range map[string]struct {
		handler http.Handler
		path    string
	}{
		"--disable-api":            {museumtest.New(museumtest.Options{DisableAPI: true}), ""},
		"not deep enough":          {museumtest.New(museumtest.Options{Depth: 2}), "/org"},
		"too deep":                 {museumtest.New(museumtest.Options{}), "/org"},
		"a static repository":      {http.FileServer(http.Dir(t.TempDir())), ""},
		"only reads":               {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }), ""},
		"a page for everything":    {page, "/a/b"},
		"the marketplace, and its": {market, ""},
		"JSON of something else": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprint(w, `{"items": {}, "total": 0}`)
		}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			museum := connect(t, c.handler, c.path, nil)
			_, asked := museum.Snapshot(t.Context(), "alc", "1.0.0")
			_, sent := museum.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one"))
			for _, err := range []error{asked, sent} {
				if err == nil || !strings.Contains(err.Error(), "there is no API of ChartMuseum at http://127.0.0.1") || !strings.Contains(failure.Hint(err), "targets[0].url") {
					t.Errorf("%v → %s", err, failure.Hint(err))
				}
				if failure.InDoubt(err) || failure.Temporary(err) || failure.Unauthorized(err) {
					t.Errorf("taken for something else: %v", err)
				}
			}
		})
	}
}

// Something else answers with success in the place of the museum, after its API was found.
func TestGarbage(t *testing.T) {
	for _, body := range []string{"", "<html>", "{}", "[]", `{"saved":false}`, `{"name":1}`, `{"saved":true`} {
		broken := false
		museum := connect(t, stale{museumtest.New(museumtest.Options{}), func(w http.ResponseWriter, q *http.Request) bool {
			if broken && !strings.HasSuffix(q.URL.Path, ".tgz") {
				_, _ = fmt.Fprint(w, body)
				return true
			}
			return false
		}}, "", nil)
		publish(t, museum, "alc", "1.0.0", "one")
		broken = true
		if s, err := museum.Snapshot(t.Context(), "alc", "1.0.0"); err == nil {
			t.Errorf("%q is the answer for %+v", body, s)
		}
	}
	for _, body := range []string{"", "<html>", "{}", `{"saved":"yes"}`} {
		museum := connect(t, stale{museumtest.New(museumtest.Options{}), func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method == http.MethodPost {
				_, _ = fmt.Fprint(w, body)
			}
			return q.Method == http.MethodPost
		}}, "", nil)
		if _, err := museum.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one")); !failure.InDoubt(err) {
			t.Errorf("%q to an upload is %v", body, err)
		}
	}
}

// What a museum refuses, and what is said about it.
func TestRefusals(t *testing.T) {
	anybody := museumtest.New(museumtest.Options{Username: "ci", Password: "secret", AnonymousGet: true})
	for name, c := range map[string]struct {
		options      museumtest.Options
		path         string
		hint         string
		unauthorized bool
	}{
		"a password for all":      {museumtest.Options{Username: "ci", Password: "secret"}, "", access, true},
		"a password for uploads":  {museumtest.Options{Username: "ci", Password: "secret", AnonymousGet: true}, "", access, true},
		"a token":                 {museumtest.Options{Token: "let me in", Depth: 1}, "/org", access, true},
		"a package that is large": {museumtest.Options{MaxUpload: 100}, "", "--max-upload-size", false},
		"no more packages":        {museumtest.Options{MaxObjects: 1}, "", "--max-storage-objects", false},
	} {
		t.Run(name, func(t *testing.T) {
			store := museumtest.New(c.options)
			store.Put(strings.Trim(c.path, "/"), "x", nil)
			museum := connect(t, store, c.path, nil)
			_, err := museum.Publish(t.Context(), targettest.Package(t, "alc", "1.0.0", "one"))
			if err == nil || failure.Unauthorized(err) != c.unauthorized || !strings.Contains(failure.Hint(err), c.hint) || failure.InDoubt(err) {
				t.Errorf("%v → %s", err, failure.Hint(err))
			}
		})
	}
	museum := connect(t, anybody, "", nil)
	if _, err := museum.Index(t.Context()); err != nil {
		t.Error(err)
	}
	if s, err := museum.Snapshot(t.Context(), "alc", "1.0.0"); err != nil || s.Status != target.StatusNone {
		t.Errorf("%+v, %v", s, err)
	}
	museum = connect(t, museumtest.New(museumtest.Options{Username: "ci", Password: "secret"}), "", nil)
	if _, err := museum.Index(t.Context()); !failure.Unauthorized(err) || failure.Hint(err) != access {
		t.Errorf("%v → %s", err, failure.Hint(err))
	}
}

// A token goes before user and password, and neither to another host than that of the museum.
func TestCredentialsStayWithTheMuseum(t *testing.T) {
	var leaked string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		leaked = q.Header.Get("Authorization")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer other.Close()
	museum := connect(t, museumtest.New(museumtest.Options{Token: "let me in", ChartURL: other.URL}), "", func(o *chartmuseum.Options) {
		o.Token, o.Username, o.Password = "let me in", "ci", "secret"
	})
	publish(t, museum, "alc", "1.0.0", "one")
	index, err := museum.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entry, _, err := index.Lookup(t.Context(), "alc", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = museum.Fetch(t.Context(), entry)
	if err == nil || failure.Unauthorized(err) || !strings.Contains(failure.Hint(err), "--chart-url") || leaked != "" {
		t.Errorf("%v → %s; the other host got %q", err, failure.Hint(err), leaked)
	}
}

// Below the root of a host KubeSphere finds packages only where the index has addresses.
func TestRemarkOnPaths(t *testing.T) {
	for name, c := range map[string]struct {
		options museumtest.Options
		path    string
		remark  string
	}{
		"root":      {museumtest.Options{}, "", ""},
		"folder":    {museumtest.Options{Depth: 1}, "/org", "/charts/alc-1.0.0.tgz: start ChartMuseum with --chart-url"},
		"addresses": {museumtest.Options{Depth: 1, ChartURL: "https://charts.example.com/org"}, "/org", ""},
	} {
		t.Run(name, func(t *testing.T) {
			museum := connect(t, museumtest.New(c.options), c.path, nil)
			publish(t, museum, "alc", "1.0.0", "one")
			index, err := museum.Index(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(index.Remarks(), "\n"); !strings.Contains(got, c.remark) || (got == "") != (c.remark == "") {
				t.Errorf("remarks: %q", got)
			}
		})
	}
}

// Who waits for somebody else's look for the API stops with its own context.
func TestWaitingForTheAPI(t *testing.T) {
	hang := make(chan struct{})
	museum := connect(t, stale{museumtest.New(museumtest.Options{}), func(http.ResponseWriter, *http.Request) bool {
		<-hang
		return false
	}}, "", nil)
	defer close(hang)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	for range 2 {
		go func() { _, err := museum.Snapshot(ctx, "alc", "1.0.0"); ended <- err }()
	}
	cancel()
	for range 2 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// An address that cannot be right is said at once.
func TestNewRefuses(t *testing.T) {
	if _, err := chartmuseum.New(chartmuseum.Options{URL: "museum", Setting: "targets[0].url"}); err == nil || !strings.Contains(err.Error(), "targets[0].url") {
		t.Error(err)
	}
}
