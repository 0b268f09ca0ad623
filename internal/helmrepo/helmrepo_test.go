package helmrepo

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/transport"
)

const (
	canary     = "ca0a41e5-password"
	smallIndex = "apiVersion: v1\nentries:\n  alc:\n  - {name: alc, version: 1.2.0, digest: abc, urls: [charts/alc-1.2.0.tgz]}\n"
	archive    = "\x1f\x8b the bytes of a package"
)

func newRepository(t testing.TB, options Options) *Repository {
	t.Helper()
	options.Transport = transport.New(transport.Options{UserAgent: "ksrelease/1.2.3", Attempts: 2, FirstWait: time.Nanosecond})
	t.Cleanup(options.Transport.Close)
	repository, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// The index comes compressed, once; after that it is asked for conditionally,
// by whatever the server gave, and is the same *Index while it has not changed.
func TestIndexIsConditional(t *testing.T) {
	for _, tt := range []struct{ name, give, value, ask string }{
		{"ETag", "ETag", `"1"`, "If-None-Match"},
		{"Last-Modified", "Last-Modified", "Sun, 22 Nov 2026 08:00:00 GMT", "If-Modified-Since"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var full, notModified int
			var changed atomic.Bool
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != "GET" || r.URL.Path != "/charts/index.yaml" || r.Header.Get("Accept-Encoding") != "gzip" || r.Header.Get("User-Agent") != "ksrelease/1.2.3" {
					t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
				}
				if !changed.Load() && r.Header.Get(tt.ask) == tt.value {
					notModified++
					w.WriteHeader(304)
					return
				}
				full++
				w.Header().Set(tt.give, tt.value)
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = io.WriteString(z, smallIndex)
				_ = z.Close()
			})
			repository := newRepository(t, Options{URL: server.URL + "/charts/"})
			first, err := repository.Index(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if again, err := repository.Index(t.Context()); err != nil || again != first {
					t.Errorf("%p, want %p, error %v", again, first, err)
				}
			}
			changed.Store(true)
			if other, err := repository.Index(t.Context()); err != nil || other == first {
				t.Errorf("the changed index: %p, %v", other, err)
			}
			if entry, ok := first.Version("alc", "1.2.0"); full != 2 || notModified != 3 || !ok || entry.Digest != "abc" {
				t.Errorf("%d full answers, %d not modified, entry %v", full, notModified, entry)
			}
		})
	}
}

// Many callers at once cost two requests at most: the one under way, which may
// be older than their question, and one for all of them.
func TestIndexIsShared(t *testing.T) {
	var requests atomic.Int32
	begun, release := make(chan struct{}), make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			close(begun)
			<-release
		}
		respond(200, smallIndex)(w, r)
	})
	repository := newRepository(t, Options{URL: server.URL})
	var all sync.WaitGroup
	ask := func() {
		if _, err := repository.Index(t.Context()); err != nil {
			t.Error(err)
		}
	}
	all.Go(ask)
	<-begun
	var asking sync.WaitGroup
	for range 50 {
		asking.Add(1)
		all.Go(func() { asking.Done(); ask() })
	}
	asking.Wait()
	cancelled, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := repository.Index(cancelled); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller that gives up: %v", err)
	}
	close(release)
	all.Wait()
	// A goroutine may have been about to ask when the first answer came.
	if n := requests.Load(); n < 2 || n > 10 {
		t.Errorf("%d requests for 51 callers", n)
	}
}

func TestBadIndexes(t *testing.T) {
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"not there": {respond(404, "<title>404 Not Found</title>"),
			"reading the index of the Helm repository: 404 Not Found: 404 Not Found (GET HOST/index.yaml); there is no Helm repository at HOST: repository.url must be the address that `helm repo add` takes"},
		"not allowed": {respond(401, ""),
			"reading the index of the Helm repository: 401 Unauthorized (GET HOST/index.yaml); set KSRELEASE_REPOSITORY_USERNAME and KSRELEASE_REPOSITORY_PASSWORD"},
		"a page": {respond(200, "<html><title>Welcome</title></html>"),
			"reading the index of the Helm repository: 200 OK: Welcome: a page came instead of an index: check repository.url and the proxy settings (GET HOST/index.yaml)"},
		"a login page": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				respond(200, "<html><title>Sign in</title></html>")(w, r)
				return
			}
			http.Redirect(w, r, "/login", http.StatusFound)
		}, "200 OK: Sign in: a page came instead of an index, after a redirect to HOST/login: check repository.url and the proxy settings (GET HOST/index.yaml)"},
		"empty":         {respond(200, ""), "200 OK: the index is empty: unexpected EOF (GET HOST/index.yaml, 2 attempts)"},
		"no apiVersion": {respond(200, "{}"), "200 OK: the index has no apiVersion, so Helm and KubeSphere refuse it (GET HOST/index.yaml)"},
		"down":          {respond(503, "upstream busy"), "503 Service Unavailable: upstream busy (GET HOST/index.yaml, 2 attempts)"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, smallIndex)
		}, "200 OK: the answer was cut off after 106 bytes: unexpected EOF (GET HOST/index.yaml, 2 attempts)"},
		"cut off while compressed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, smallIndex)
			_ = z.Flush() // and no end
		}, "200 OK: the answer was cut off after 106 bytes: unexpected EOF (GET HOST/index.yaml, 2 attempts)"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, tt.handler)
			index, err := newRepository(t, Options{URL: server.URL}).Index(t.Context())
			want := strings.ReplaceAll(tt.want, "HOST", server.URL)
			if index != nil || err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%v, error\n%v\nwant\n%s", index, err, want)
			}
		})
	}
}

// A good index is not forgotten over a bad answer, and a bad answer is not kept.
func TestBadAnswerInBetween(t *testing.T) {
	answers := []http.HandlerFunc{respond(200, smallIndex), respond(200, "junk"), respond(404, ""), respond(200, smallIndex)}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		next := answers[0]
		answers = answers[1:]
		next(w, r)
	})
	repository := newRepository(t, Options{URL: server.URL})
	for i, wantErr := range []bool{false, true, true, false} {
		if _, err := repository.Index(t.Context()); (err != nil) != wantErr {
			t.Errorf("answer %d: %v", i, err)
		}
	}
}

func TestContextReachesTheSocket(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"never answers": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hangs in the body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "\x1f\x8bapiVersion: v1\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		server := serve(t, handler)
		repository := newRepository(t, Options{URL: server.URL})
		for method, call := range map[string]func(context.Context) error{
			"Index": func(ctx context.Context) error { _, err := repository.Index(ctx); return err },
			"Fetch": func(ctx context.Context) error {
				_, err := repository.Fetch(ctx, Entry{Name: "alc", Version: "1.2.0", URLs: []string{"x.tgz"}})
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			start := time.Now()
			err := call(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
				t.Errorf("%s, %s: after %s: %v", method, name, time.Since(start), err)
			}
		}
	}
}

// KubeSphere's rule: the first URL; a relative one against scheme and host
// alone, where Helm would keep the path of the repository.
func TestPackageURL(t *testing.T) {
	repository := newRepository(t, Options{URL: "https://me:" + canary + "@repo.example:8443/charts/stable/"})
	for _, tt := range []struct {
		urls []string
		want string
	}{
		{[]string{"https://cdn.example/a.tgz?sig=1", "https://other/b.tgz"}, "https://cdn.example/a.tgz?sig=1"},
		{[]string{"charts/alc-1.2.0.tgz"}, "https://repo.example:8443/charts/alc-1.2.0.tgz"},
		{[]string{"/alc-1.2.0.tgz"}, "https://repo.example:8443/alc-1.2.0.tgz"},
		{[]string{"../../alc-1.2.0.tgz"}, "https://repo.example:8443/alc-1.2.0.tgz"},
		{[]string{"//cdn.example/alc.tgz"}, "https://cdn.example/alc.tgz"},
		{nil, "its entry in the index has no URL, so KubeSphere cannot download it"},
		{[]string{"", "https://other/b.tgz"}, "its entry in the index has no URL, so KubeSphere cannot download it"},
		{[]string{"oci://cdn.example/a:1.2.0"}, "oci://cdn.example/a:1.2.0"},
		{[]string{"ftp://me:" + canary + "@cdn.example/a"}, `its URL "ftp://xxxxx@cdn.example/a" in the index is neither http nor https nor oci, so KubeSphere cannot download it`},
		{[]string{"http://a b/\x00"}, `its URL "http://a b/\x00" in the index is no address`},
	} {
		u, err := repository.PackageURL(Entry{URLs: tt.urls})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = u.String()
		}
		if got != tt.want {
			t.Errorf("%q: %s, want %s", tt.urls, got, tt.want)
		}
	}
}

// Helm's rule keeps the path of the repository, KubeSphere's drops it.
func TestChartURL(t *testing.T) {
	repository := newRepository(t, Options{URL: "https://me:" + canary + "@repo.example:8443/charts/st%2Fable/"})
	for _, tt := range []struct{ url, want string }{
		{"https://cdn.example/a.tgz?sig=1", "https://cdn.example/a.tgz?sig=1"},
		{"pkgs/alc-1.2.0.tgz", "https://repo.example:8443/charts/st%2Fable/pkgs/alc-1.2.0.tgz"},
		{"../alc-1.2.0.tgz", "https://repo.example:8443/charts/alc-1.2.0.tgz"},
		{"/alc-1.2.0.tgz", "https://repo.example:8443/alc-1.2.0.tgz"},
		{"//cdn.example/alc.tgz", "https://cdn.example/alc.tgz"},
		{"oci://registry.example/alc:1.2.0", "oci://registry.example/alc:1.2.0"},
		{"", "its entry in the index has no URL"},
		{"http://a b/\x00", `its URL "http://a b/\x00" in the index is no address`},
	} {
		got := ""
		if u, err := repository.ChartURL(Entry{URLs: []string{tt.url}}); err != nil {
			got = err.Error()
		} else {
			got = u.String()
		}
		if got != tt.want {
			t.Errorf("%q: %s, want %s", tt.url, got, tt.want)
		}
	}
}

// What is said of a repository names the setting that its address stands in.
func TestSettingAndAccess(t *testing.T) {
	status := http.StatusNotFound
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	repository := newRepository(t, Options{URL: server.URL, Setting: "repository", Access: "ask for a key"})
	for code, want := range map[int]string{404: ": repository must be the address", 403: "; ask for a key"} {
		status = code
		if _, err := repository.Index(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", code, err)
		}
	}
	if _, err := New(Options{URL: "ftp://x", Setting: "repository"}); err == nil || err.Error() != `repository "ftp://x" must begin with https:// (or http://)` {
		t.Errorf("%v", err)
	}
}

// Credentials go to the repository's own host, and to no other that the index
// names or that a redirect leads to.
func TestCredentialsStayAtHome(t *testing.T) {
	withKey := func(r *http.Request) bool {
		user, password, ok := r.BasicAuth()
		return ok && user == "me" && password == canary
	}
	foreign := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("credentials at another host: %v", r.Header)
		}
		respond(200, archive)(w, r)
	})
	var requests int
	home := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		if !withKey(r) {
			t.Errorf("%s without credentials", r.URL)
		}
		switch r.URL.Path {
		case "/index.yaml":
			respond(200, smallIndex)(w, r)
		case "/moved.tgz":
			http.Redirect(w, r, foreign.URL, http.StatusFound)
		default:
			respond(200, archive)(w, r)
		}
	})
	for name, options := range map[string]Options{
		"from options": {URL: home.URL, Username: "me", Password: canary},
		"from the URL": {URL: strings.Replace(home.URL, "http://", "http://me:"+canary+"@", 1)},
		"options win":  {URL: strings.Replace(home.URL, "http://", "http://x:y@", 1), Username: "me", Password: canary},
	} {
		requests = 0
		repository := newRepository(t, options)
		if strings.Contains(repository.base.String(), canary) || strings.Contains(repository.base.String(), "@") {
			t.Errorf("%s: URL is %s", name, repository.base.String())
		}
		if _, err := repository.Index(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, address := range []string{"x.tgz", home.URL + "/y.tgz", "moved.tgz", foreign.URL + "/z.tgz"} {
			data, err := repository.Fetch(t.Context(), Entry{Name: "alc", Version: "1.2.0", URLs: []string{address}})
			if err != nil || string(data) != archive {
				t.Errorf("%s, %s: %q, %v", name, address, data, err)
			}
		}
		if requests != 4 {
			t.Errorf("%s: %d requests at home, want 4", name, requests)
		}
	}
}

// One of the two is enough: some repositories take a token for the one or the other.
func TestOneOfUserAndPassword(t *testing.T) {
	for _, tt := range []struct{ user, password, in string }{{"me", "", "x:y@"}, {"", canary, "x:y@"}, {"me", "", ""}, {"", canary, ""}} {
		repository := newRepository(t, Options{URL: "https://" + tt.in + "repo.example", Username: tt.user, Password: tt.password})
		if want := transport.BasicAuthorization(tt.user, tt.password); repository.authorization != want {
			t.Errorf("%+v: %q, want %q", tt, repository.authorization, want)
		}
	}
}

// User and password are for one server: that of the scheme, host and port that the
// config names.
func TestIsOwn(t *testing.T) {
	for _, tt := range []struct {
		base string
		own  []string
		not  []string
	}{
		{
			"https://me:" + canary + "@repo.example/charts",
			[]string{"https://repo.example/x.tgz", "https://repo.example:443/x.tgz", "HTTPS://REPO.example/other/x.tgz"},
			[]string{
				"http://repo.example/x.tgz", "http://repo.example:443/x.tgz", "https://repo.example:8443/x.tgz", "https://evilrepo.example/x.tgz",
				"https://a.repo.example/x.tgz", "https://repo.example.evil.example/x.tgz", "https://repo.example@evil.example/x.tgz", "oci://repo.example/x",
			},
		},
		{
			"http://repo.example:8080",
			[]string{"http://repo.example:8080/x.tgz"},
			[]string{"http://repo.example/x.tgz", "https://repo.example:8080/x.tgz", "http://repo.example:18080/x.tgz"},
		},
	} {
		repository := newRepository(t, Options{URL: tt.base})
		for want, addresses := range map[bool][]string{true: tt.own, false: tt.not} {
			for _, address := range addresses {
				u, err := url.Parse(address)
				if err != nil || repository.IsOwn(u) != want {
					t.Errorf("%s with %s: %v, %v", tt.base, address, !want, err)
				}
			}
		}
	}
}

// Of a repository that the config does not name, and of a package that is on another
// server, nothing of what came is quoted.
func TestWhatStrangersAnswerIsDescribed(t *testing.T) {
	const secret = "ca0a41e5-secret"
	answers := map[string]string{
		"a page":         "<html><title>" + secret + "</title></html>",
		"text":           secret,
		"another index":  "apiVersion: v1\nentries: {a: {" + secret + ": [x]}}\n",
		"broken YAML":    "apiVersion: v1\nentries:\n  " + secret + ":\n  - name: x\n     version: y\n",
		"broken JSON":    `{"apiVersion": "v1", "entries": {"` + secret + `": `,
		"another shape":  secret + ": [a]\nother: &" + secret + " {a: b}\n",
		"control":        secret + "\x00\x01",
		"an error":       "500 " + secret,
		"an alias":       "a: *" + secret + "\n",
		"a twofold name": secret + ": 1\n" + secret + ": 2\n",
	}
	for name, body := range answers {
		t.Run(name, func(t *testing.T) {
			status := 200
			if name == "an error" {
				status = 400
			}
			server, stranger := serve(t, respond(status, body)), serve(t, respond(status, body))
			quotes := func(what string, err error, want bool) {
				t.Helper()
				if err == nil || strings.Contains(err.Error(), secret) != want {
					t.Errorf("%s: %v", what, err)
				}
			}
			strangers := newRepository(t, Options{URL: server.URL, Describe: true})
			_, err := strangers.Index(t.Context())
			quotes("the index of a stranger", err, false)
			own := newRepository(t, Options{URL: server.URL})
			here := Entry{Name: "alc", Version: "1.2.0", URLs: []string{"x.tgz"}}
			there := Entry{Name: "alc", Version: "1.2.0", URLs: []string{stranger.URL + "/x.tgz"}}
			for _, fetch := range []func(context.Context, Entry) ([]byte, error){strangers.Fetch, strangers.FetchChart} {
				_, err = fetch(t.Context(), here)
				quotes("a package of a stranger", err, false)
			}
			_, err = own.Fetch(t.Context(), there)
			quotes("a package on another server", err, false)
			leading := serve(t, http.RedirectHandler(stranger.URL+"/x.tgz", http.StatusFound).ServeHTTP)
			_, err = newRepository(t, Options{URL: leading.URL}).Fetch(t.Context(), here)
			quotes("a package to which our own server leads", err, false)
			if name == "text" || name == "a page" || name == "an error" {
				_, err = own.Fetch(t.Context(), here)
				quotes("a package of our own", err, true)
			}
		})
	}
	// That it has no apiVersion says nothing of what it holds.
	_, err := newRepository(t, Options{URL: serve(t, respond(200, "entries: {}")).URL, Describe: true}).Index(t.Context())
	if err == nil || !strings.Contains(err.Error(), noAPIVersion) {
		t.Errorf("%v", err)
	}
}

func TestFetchErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		url     string
		want    string
	}{
		"a page":      {respond(200, "<title>Sign in</title>"), "x.tgz", "downloading package alc 1.2.0: 200 OK: Sign in: a page came instead of a package (GET HOST/x.tgz)"},
		"nothing":     {respond(200, ""), "x.tgz", "downloading package alc 1.2.0: 200 OK: nothing came instead of a package: unexpected EOF (GET HOST/x.tgz, 2 attempts)"},
		"text":        {respond(200, "no such file"), "x.tgz", `downloading package alc 1.2.0: 200 OK: "no such file" came instead of a package (GET HOST/x.tgz)`},
		"other bytes": {respond(200, "PK\x00\x01"), "x.tgz", "downloading package alc 1.2.0: 200 OK: something else came instead of a package (GET HOST/x.tgz)"},
		"not there":   {respond(404, "gone"), "x.tgz?token=" + canary, "downloading package alc 1.2.0: 404 Not Found: gone (GET HOST/x.tgz?token=xxxxx)"},
		"no URL":      {respond(200, ""), "", "downloading package alc 1.2.0: its entry in the index has no URL, so KubeSphere cannot download it"},
		"too large": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99999999") }, "x.tgz",
			"downloading package alc 1.2.0: 200 OK: the answer is larger than is accepted: more than 64 MiB (GET HOST/x.tgz)"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, tt.handler)
			_, err := newRepository(t, Options{URL: server.URL + "/below"}).Fetch(t.Context(), Entry{Name: "alc", Version: "1.2.0", URLs: []string{tt.url}})
			if want := strings.ReplaceAll(tt.want, "HOST", server.URL); err == nil || err.Error() != want {
				t.Errorf("error\n%v\nwant\n%s", err, want)
			}
		})
	}
}

// A package that KubeSphere looks for elsewhere than Helm has a hint that says
// so, and only then.
func TestMisplacedPackageIsExplained(t *testing.T) {
	status := 404
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
	for _, tt := range []struct {
		base, url string
		status    int
		want      bool
	}{
		{"/below", "charts/a.tgz", 404, true},
		{"/below", "charts/a.tgz", 401, true},
		{"/below", "charts/a.tgz", 403, true},
		{"/below", "charts/a.tgz", 410, true},
		{"/below", "charts/a.tgz?token=" + canary, 404, true},
		{"/below", "charts/a.tgz", 500, false},
		{"/below", "/below/charts/a.tgz", 404, false},
		{"/below", server.URL + "/a.tgz", 404, false},
		{"", "charts/a.tgz", 404, false},
	} {
		status = tt.status
		_, err := newRepository(t, Options{URL: server.URL + tt.base}).Fetch(t.Context(), Entry{Name: "a", Version: "1.0.0", URLs: []string{tt.url}})
		var advice interface{ Hint() string }
		_, found := err.(interface{ Hint() string })
		if found && errors.As(err, &advice) {
			if strings.Contains(advice.Hint(), canary) {
				t.Errorf("%+v: %s", tt, advice.Hint())
			}
			query := ""
			if strings.Contains(tt.url, "?") {
				query = "?token=xxxxx"
			}
			found = strings.Contains(advice.Hint(), "leads to "+server.URL+"/charts/a.tgz"+query+", and not to "+server.URL+"/below/charts/a.tgz"+query+" as with Helm")
		}
		var misplaced *MisplacedError
		if found != tt.want || errors.As(err, &misplaced) != tt.want {
			t.Errorf("%+v: %v", tt, err)
		}
		if _, ok := transport.As(err); !ok {
			t.Errorf("%+v: the cause is lost: %v", tt, err)
		}
	}
}

// An index has to be that of this moment, and a cache that does not care is found
// out by its Age.
func TestCacheOnTheWay(t *testing.T) {
	header := http.Header{}
	var asked []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Cache-Control"))
		for name, values := range header {
			w.Header()[name] = values
		}
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		w.Header().Set("ETag", `"1"`)
		if strings.HasSuffix(r.URL.Path, ".tgz") {
			respond(200, archive)(w, r)
			return
		}
		respond(200, smallIndex)(w, r)
	})
	repository := newRepository(t, Options{URL: server.URL})
	var held *Index
	var said string
	for _, tt := range []struct {
		header http.Header
		want   string
	}{
		{nil, ""},
		{http.Header{"Age": {"0"}}, ""},
		{http.Header{"Cache-Control": {"max-age=600"}}, ""},
		{http.Header{"Age": {"252"}, "Cache-Control": {"public, max-age=600"}}, "a cache answered for the repository, with an index that is 4m12s old and that it keeps for 10m0s"},
		{http.Header{"Age": {"252"}, "Cache-Control": {"max-age=60, s-maxage=3600"}}, "a cache answered for the repository, with an index that is 4m12s old and that it keeps for 1h0m0s"},
		{http.Header{"Age": {"252"}, "Cache-Control": {"S-MaxAge=3600, Max-Age=60"}}, "a cache answered for the repository, with an index that is 4m12s old and that it keeps for 1h0m0s"},
		{http.Header{"Age": {"252"}, "Cache-Control": {"public", "max-age=\"600\""}}, "a cache answered for the repository, with an index that is 4m12s old and that it keeps for 10m0s"},
		{http.Header{"Age": {"5"}}, "a cache answered for the repository, with an index that is 5s old"},
		{http.Header{"Age": {"99999999999"}, "Cache-Control": {"max-age=x"}}, "a cache answered for the repository, with an index that is 74565h24m16s old"},
		{http.Header{"Age": {"junk"}}, ""},
		{nil, ""},
	} {
		header = tt.header
		index, err := repository.Index(t.Context())
		if held != nil && held.Cached().String() != said {
			t.Errorf("%v: an index that others have was changed", tt.header)
		}
		if err != nil || index.Cached().String() != tt.want {
			t.Errorf("%v: %q, %v; want %q", tt.header, index.Cached(), err, tt.want)
		}
		held, said = index, tt.want
	}
	// A package that was replaced has the same address.
	before := len(asked)
	entry := Entry{Name: "alc", Version: "1.2.0", URLs: []string{"x.tgz"}}
	for _, fetch := range []func(context.Context, Entry) ([]byte, error){repository.Fetch, repository.FetchChart} {
		if _, err := fetch(t.Context(), entry); err != nil {
			t.Error(err)
		}
	}
	if len(asked) != before+2 {
		t.Errorf("%d requests for packages", len(asked)-before)
	}
	for _, got := range asked {
		if got != "no-cache" {
			t.Errorf("Cache-Control: %q", got)
		}
	}
}

// What would take all memory is an error with a cause and a hint, while it comes.
// The guards are tested under their limits, with harmless input.
func TestIndexesOfAnySizeEnd(t *testing.T) {
	soak.Long(t)
	many := func(head, one string, n int) func(io.Writer) {
		return func(w io.Writer) {
			_, _ = io.WriteString(w, head)
			block := strings.Repeat(one, 1+(64<<10)/len(one))
			for sent := 0; sent < n; sent += len(block) {
				if _, err := io.WriteString(w, block); err != nil {
					return
				}
			}
		}
	}
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		write func(io.Writer)
		want  string
	}{
		"one line":             {many("apiVersion: v1\nentries:\n  alc:\n  - name: ", "x", 20*mib), "a line in line 4 has more than 6 MiB"},
		"one entry":            {many("apiVersion: v1\nentries:\n  alc:\n  - name: alc\n", "    # a comment\n", 20*mib), "the entry in line 4 has more than 6 MiB"},
		"one entry in JSON":    {many(`{"apiVersion": "v1", "entries": {"alc": [{"name": "`, "x", 20*mib), "a value in line 1 has more than 6 MiB"},
		"nested lists":         {many("apiVersion: v1\nentries:\n  alc:\n  - urls: ", "[", mib), "line 4"},
		"nested lists in JSON": {many(`{"entries": `, "[", mib), ""},
		"nested items":         {many("apiVersion: v1\nentries:\n  alc:\n  - ", "- ", mib), ""},
		"flow of small values": {many("apiVersion: v1\nentries: {alc: [", "{},", 3*mib), "it has more than 200000 values"},
		"another layout":       {many("{apiVersion: v1, entries: {alc: [", "{name: alc},", 5*mib), "another layout than Helm writes, and more than 4 MiB"},
		"too much":             {many("apiVersion: v1\nentries:\n", "  # a comment\n", 70*mib), "the answer is larger than is accepted: more than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip") // so that it takes nobody any time
				z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
				tt.write(z)
				_ = z.Close()
			})
			var index *Index
			var err error
			peak := peakOf(func() { index, err = newRepository(t, Options{URL: server.URL}).Index(t.Context()) })
			if err == nil && index.Refused() != nil {
				err = index.Refused()
			}
			var advice interface{ Hint() string }
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &advice) || advice.Hint() == "" || strings.Contains(err.Error(), "KSRELEASE_") {
				t.Errorf("%v", err)
			}
			if peak > 300*mib {
				t.Errorf("it took %d MiB", peak/mib)
			}
		})
	}
}

// A server that labels packages as gzip-encoded does not have them unpacked.
func TestFetchKeepsTheBytes(t *testing.T) {
	packed := strings.Builder{}
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "a tar")
	_ = z.Close()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		respond(200, packed.String())(w, r)
	})
	data, err := newRepository(t, Options{URL: server.URL}).Fetch(t.Context(), Entry{URLs: []string{"x.tgz"}})
	if err != nil || string(data) != packed.String() {
		t.Errorf("%q, %v", data, err)
	}
}

func TestNew(t *testing.T) {
	repository, err := New(Options{UserAgent: "ksrelease/1.2.3"})
	if err != nil || repository.base.String() != DefaultURL {
		t.Errorf("%v, %v", repository, err)
	}
	for address, want := range map[string]string{
		"oci://registry/x": `repository.url "oci://registry/x" must begin with https:// (or http://)`,
		"https://x?y":      `repository.url "https://x?y" must end before the ? or #`,
	} {
		if _, err := New(Options{URL: address}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
