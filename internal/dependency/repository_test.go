package dependency

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
)

func redisFrom(repository, version string) string {
	return "dependencies:\n  - name: redis\n    version: \"" + version + "\"\n    repository: " + repository + "\n"
}

// shop is a repository at /stable with three versions of redis; the addresses in
// its index are relative, and so Helm's rule matters.
func shop(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	var entries []entry
	for _, version := range []string{"1.2.0", "1.10.0", "2.0.0-rc.1"} {
		data := chartPackage(t, "redis", version)
		s.put("/stable/pkgs/redis-"+version+".tgz", data)
		entries = append(entries, entry{version, "pkgs/redis-" + version + ".tgz", digestOf(data)})
	}
	s.index("/stable", "redis", entries...)
	return s
}

func TestHighestVersionWithoutLock(t *testing.T) {
	s := shop(t)
	for asked, want := range map[string]string{
		"^1.2.0": "1.10.0", "": "1.10.0", "~1.2": "1.2.0", "1.2.0": "1.2.0", ">=1.0.0-0": "2.0.0-rc.1", "2.0.0-rc.1": "2.0.0-rc.1",
	} {
		p := write(t, redisFrom(s.URL+"/stable/", asked), nil)
		ext := p.mustResolve(t, p.options(t))
		expectCharts(t, ext, "redis "+want)
		s.expect(t, "GET /stable/index.yaml", "GET /stable/pkgs/redis-"+want+".tgz")
		if r := ext.Resolved[0]; r.Locked || r.Name != "redis" || r.Version != want {
			t.Errorf("%q: %+v", asked, r)
		}
	}
}

func TestLockDecides(t *testing.T) {
	s := shop(t)
	p := write(t, redisFrom(s.URL+"/stable", "^1.0.0"), nil)
	p.put(t, "ext/Chart.lock", lockFor(t, p, "1.2.0"))
	options := p.options(t)
	options.Cache = filepath.Join(t.TempDir(), "charts")
	first := p.mustResolve(t, options)
	expectCharts(t, first, "redis 1.2.0")
	s.expect(t, "GET /stable/index.yaml", "GET /stable/pkgs/redis-1.2.0.tgz")
	if !first.Resolved[0].Locked {
		t.Error("it is not told to be locked")
	}

	// What is locked and was downloaded once costs no request, and is the same.
	s.put("/stable/index.yaml", []byte("apiVersion: v1\nentries: {}\n"))
	second := p.mustResolve(t, options)
	s.expect(t)
	if first.ContentDigest() != second.ContentDigest() {
		t.Error("two digests of one lock")
	}
}

func TestDamagedCacheIsFetchedAgain(t *testing.T) {
	s := shop(t)
	p := write(t, redisFrom(s.URL+"/stable", "^1.0.0"), nil)
	p.put(t, "ext/Chart.lock", lockFor(t, p, "1.2.0"))
	options := p.options(t)
	options.Cache = t.TempDir()
	want := p.mustResolve(t, options).ContentDigest()
	for _, pattern := range []string{"sha256/*.tgz", "locked/*.json"} {
		s.requests()
		files, err := filepath.Glob(filepath.Join(options.Cache, pattern))
		if err != nil || len(files) != 1 {
			t.Fatalf("%s: %q, %v", pattern, files, err)
		}
		kept, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], kept[:len(kept)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		if got := p.mustResolve(t, options).ContentDigest(); got != want {
			t.Errorf("%s: another package", pattern)
		}
		if len(s.requests()) == 0 {
			t.Errorf("%s: nothing was asked", pattern)
		}
		if fixed, err := os.ReadFile(files[0]); err != nil || string(fixed) != string(kept) {
			t.Errorf("%s is not fixed: %v", pattern, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(options.Cache, "*", ".ksrelease-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	s := shop(t)
	p := write(t, redisFrom(s.URL+"/stable", "1.2.0"), nil)
	options := p.options(t)
	options.Cache = filepath.Join(p.dir, "values.yaml", "charts") // below a file
	expectCharts(t, p.mustResolve(t, options), "redis 1.2.0")
}

func TestVendoredCostsNothing(t *testing.T) {
	s := shop(t)
	chartYAML := "apiVersion: v2\nname: redis\nversion: 1.4.0\n"
	for name, files := range map[string]map[string]string{
		"folder":            {"ext/charts/redis/Chart.yaml": chartYAML},
		"other folder name": {"ext/charts/store/Chart.yaml": chartYAML},
		"package":           {"ext/charts/redis-1.4.0.tgz": string(chartPackage(t, "redis", "1.4.0"))},
		// What somebody put there by hand is taken in any version, as Helm does.
		"folder of another version": {"ext/charts/redis/Chart.yaml": "apiVersion: v2\nname: redis\nversion: 3.0.0\n"},
		"with a lock of another day": {
			"ext/charts/redis/Chart.yaml": chartYAML, "ext/Chart.lock": "dependencies: []\ndigest: sha256:0\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, repository := range []string{s.URL + "/stable", "oci://" + strings.TrimPrefix(s.URL, "http://") + "/charts", "'@somewhere'"} {
				p := write(t, redisFrom(repository, "^1.2.0"), files)
				ext := p.load(t)
				got, err := New(p.options(t)).Resolve(t.Context(), p.dir, ext)
				if err != nil || got != ext {
					t.Errorf("%s: %v, another extension: %t", repository, err, got != ext)
				}
			}
			s.expect(t)
		})
	}
}

func TestOutdatedPackageGivesWay(t *testing.T) {
	s := shop(t)
	p := write(t, redisFrom(s.URL+"/stable", "^1.2.0"), map[string]string{
		"ext/charts/redis-0.9.0.tgz": string(chartPackage(t, "redis", "0.9.0")),
		"ext/charts/other-0.9.0.tgz": string(chartPackage(t, "other", "0.9.0")),
	})
	ext := p.mustResolve(t, p.options(t))
	expectCharts(t, ext, "other 0.9.0", "redis 1.10.0")
	if len(ext.Replaced) != 1 || ext.Replaced[0] != "charts/redis-0.9.0.tgz" {
		t.Errorf("%q", ext.Replaced)
	}
}

// Two aliases of one chart are one package; two versions are two.
func TestAliases(t *testing.T) {
	s := shop(t)
	one := "  - {name: redis, version: 1.2.0, alias: a, repository: " + s.URL + "/stable}\n"
	p := write(t, "dependencies:\n"+one+strings.Replace(one, "alias: a", "alias: b", 1)+strings.NewReplacer("1.2.0", "1.10.0", "alias: a", "alias: c").Replace(one), nil)
	expectCharts(t, p.mustResolve(t, p.options(t)), "redis 1.10.0", "redis 1.2.0")
	s.expect(t, "GET /stable/index.yaml", "GET /stable/pkgs/redis-1.10.0.tgz", "GET /stable/pkgs/redis-1.2.0.tgz")
}

func TestSharedBetweenExtensions(t *testing.T) {
	s := shop(t)
	p := write(t, redisFrom(s.URL+"/stable", "^1.2.0"), nil)
	r := New(p.options(t))
	var group sync.WaitGroup
	digests := make([]string, 20)
	for i := range digests {
		group.Go(func() {
			ext, err := r.Resolve(t.Context(), p.dir, p.load(t))
			if err != nil {
				t.Error(err)
				return
			}
			pkg, err := ext.Pack(nil)
			if err != nil {
				t.Error(err)
				return
			}
			digests[i] = pkg.Digest
		})
	}
	group.Wait()
	for _, d := range digests {
		if d != digests[0] {
			t.Errorf("two packages of one extension: %s, %s", d, digests[0])
		}
	}
	s.expect(t, "GET /stable/index.yaml", "GET /stable/pkgs/redis-1.10.0.tgz")
}

// A package made of a resolved extension has all its charts: nothing is asked
// for it, and its content is the same.
func TestPackageNeedsNoNetwork(t *testing.T) {
	s := shop(t)
	p := write(t, redisFrom(s.URL+"/stable", "^1.2.0"), nil)
	ext := p.mustResolve(t, p.options(t))
	pkg, err := ext.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.requests()
	packed, err := extension.Read(pkg.Filename, pkg.Data, extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(p.options(t)).Resolve(t.Context(), pkg.Filename, packed)
	if err != nil || again != packed || packed.ContentDigest() != ext.ContentDigest() {
		t.Errorf("%v, %s, %s", err, packed.ContentDigest(), ext.ContentDigest())
	}
	s.expect(t)
	if p.load(t).ContentDigest() == ext.ContentDigest() {
		t.Error("the content digest does not cover the charts")
	}
}

func TestCredentialsGoToOneServerOnly(t *testing.T) {
	type seen struct{ path, user string }
	var mu sync.Mutex
	var log []seen
	watch := func(s *site) {
		s.guard = func(_ http.ResponseWriter, r *http.Request) bool {
			user, _, _ := r.BasicAuth()
			mu.Lock()
			defer mu.Unlock()
			log = append(log, seen{r.URL.Path, user})
			return false
		}
	}
	s, other := shop(t), shop(t)
	watch(s)
	watch(other)
	for own, want := range map[string]string{s.URL + "/else": "me", other.URL: "", "": ""} {
		p := write(t, redisFrom(s.URL+"/stable", "1.2.0"), nil)
		options := p.options(t)
		options.RepositoryURL, options.Username, options.Password = own, "me", "s3cret"
		p.mustResolve(t, options)
		for _, request := range log {
			if request.user != want {
				t.Errorf("with repository.url %q, %s was asked as %q, want %q", own, request.path, request.user, want)
			}
		}
		log = nil
	}
}

func TestDeadServerEndsWithTheContext(t *testing.T) {
	for _, scheme := range []string{"http", "oci"} {
		s := newSite(t)
		entered := make(chan struct{}, 10)
		s.guard = func(_ http.ResponseWriter, r *http.Request) bool {
			entered <- struct{}{}
			<-r.Context().Done()
			return true
		}
		p := write(t, redisFrom(scheme+"://"+strings.TrimPrefix(s.URL, "http://")+"/x", "^1.0.0"), nil)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-entered
			cancel(errors.New("interrupted"))
		}()
		began := time.Now()
		_, err := New(p.options(t)).Resolve(ctx, p.dir, p.load(t))
		if err == nil || !strings.Contains(err.Error(), "interrupted") || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v after %s", scheme, err, time.Since(began))
		}
	}
}

func TestRepositoryErrors(t *testing.T) {
	s := shop(t)
	s.index("/bad", "redis", entry{"1.2.0", "/stable/pkgs/redis-1.2.0.tgz", strings.Repeat("ab", 32)})
	s.index("/swapped", "redis", entry{"1.2.0", "/stable/pkgs/redis-1.10.0.tgz", ""})
	s.index("/gone", "redis", entry{"1.2.0", "/nothing.tgz", ""})
	s.index("/s3", "redis", entry{"1.2.0", "s3://bucket/redis.tgz", ""})
	s.index("/other", "redis", entry{"1.2.0", "/other.tgz", ""})
	s.put("/other.tgz", tarOf(t, map[string]string{"redis/values.yaml": "a: b\n"}))
	s.index("/page", "redis", entry{"1.2.0", "/page.tgz", ""})
	s.put("/page.tgz", []byte("<!doctype html><title>Log in</title>"))
	s.guard = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/closed") {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		if r.URL.Path == "/for-members.tgz" {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	}
	s.index("/secret", "redis", entry{"1.2.0", "/for-members.tgz", ""})
	closed := newSite(t)
	closed.Close()
	for name, tt := range map[string]struct {
		dependencies string
		want         []string // parts of the error, in order
		advice       string
	}{
		"no version": {redisFrom(s.URL+"/stable", "^3.0.0"),
			[]string{`the dependency "redis" from ` + s.URL + "/stable (ext/extension.yaml:12:17): ", `no version satisfies "^3.0.0"; there is 2.0.0-rc.1, 1.10.0, 1.2.0`}, "ask for a version that is there"},
		"no chart": {strings.Replace(redisFrom(s.URL+"/stable", "^3.0.0"), "name: redis", "name: reddis", 1),
			[]string{`"reddis"`, "the repository has no chart of that name"}, "check name and repository: `helm search repo` lists what is there"},
		"no index": {redisFrom(s.URL+"/nowhere", "1.2.0"),
			[]string{"reading the index of the Helm repository: 404 Not Found", "repository must be the address that `helm repo add` takes"}, "check the address of the server and the proxy settings: another one than was meant may have answered"},
		"refused": {redisFrom(s.URL+"/closed", "1.2.0"),
			[]string{"403 Forbidden", "what is not public goes under charts/"}, ""},
		"no answer": {redisFrom(closed.URL, "1.2.0"),
			[]string{"connection refused"}, "try again where the server can be reached, or put the chart under charts/, which needs no network"},
		"digest": {redisFrom(s.URL+"/bad", "1.2.0"),
			[]string{"the package of redis 1.2.0 has another digest than the index says: ", ", not abababababab…"}, "try again; if it stays so, the repository has to be fixed: its package was changed, or its index is old"},
		"another chart": {redisFrom(s.URL+"/swapped", "1.2.0"),
			[]string{"the package of version 1.2.0 holds the chart redis 1.10.0"}, "ask for another version: the repository has to be fixed"},
		"no package": {redisFrom(s.URL+"/gone", "1.2.0"),
			[]string{"downloading package redis 1.2.0: 404 Not Found"}, "the index names a package that is not there: ask for another version, or put the chart under charts/"},
		"a page": {redisFrom(s.URL+"/page", "1.2.0"),
			[]string{"downloading package redis 1.2.0: ", "something else came instead of a package: the answer has 36 B of text/html"}, "try again later, or put the chart under charts/, which needs no network"},
		"a package for those who log in": {redisFrom(s.URL+"/secret", "1.2.0"),
			[]string{"downloading package redis 1.2.0: 401 Unauthorized"}, access},
		"no chart in the package": {redisFrom(s.URL+"/other", "1.2.0"),
			[]string{"what came for version 1.2.0 is no chart: there is no Chart.yaml in it"}, "ask for another version, or put the chart under charts/"},
		"scheme in the index": {redisFrom(s.URL+"/s3", "1.2.0"),
			[]string{"the index says that its package is at s3://bucket/redis.tgz, which is neither http nor oci"}, "put the chart under charts/"},
		"alias": {redisFrom("'@bitnami'", "1.2.0"),
			[]string{`"@bitnami" is the name that a repository has on one machine`}, "write its address instead: `helm repo list` shows it"},
		"long alias": {redisFrom("'alias:bitnami'", "1.2.0"),
			[]string{`"alias:bitnami" is the name that a repository has on one machine`}, "write its address instead: `helm repo list` shows it"},
		"plugin": {redisFrom("s3://bucket/charts", "1.2.0"),
			[]string{"repositories with the scheme s3:// need a plugin of Helm"}, "put the chart under charts/: `helm pull` with the plugin gets it"},
		"no address": {redisFrom("charts.example.com", "1.2.0"),
			[]string{`"charts.example.com" is no address`}, "write one that begins with https://, oci:// or file://"},
		"constraint": {redisFrom(s.URL+"/stable", "newest"),
			[]string{`its version "newest" is no constraint`}, "write a version such as 1.2.3, or a range such as ^1.2.0"},
		"name": {strings.Replace(redisFrom(s.URL+"/stable", "1.2.0"), "name: redis", "name: ../redis", 1),
			[]string{`"../redis" is no name of a chart`}, "write the name alone, and the address in repository"},
		"password": {redisFrom(strings.Replace(s.URL, "://", "://me:s3cret@", 1), "1.2.0"),
			[]string{"its repository holds a user or password, and everybody who gets the package can read them"}, "take them out, and put the chart under charts/"},
		"query": {redisFrom("https://charts.example.com/?a=b", "1.2.0"),
			[]string{`repository "https://charts.example.com/?a=b" must end before the ? or #`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := write(t, tt.dependencies, nil)
			_, err := p.resolve(t, p.options(t))
			expectError(t, err, tt.advice, tt.want...)
		})
	}
}

// expectError holds an error to parts of its text, in order, and its advice.
func expectError(t *testing.T, err error, advice string, parts ...string) {
	t.Helper()
	var told *Error
	if !errors.As(err, &told) {
		t.Fatalf("%v is no error of a dependency", err)
	}
	text, rest := err.Error(), err.Error()
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Errorf("%q does not say %q", text, part)
		}
		rest = after
	}
	if told.Hint() != advice {
		t.Errorf("advice %q, want %q", told.Hint(), advice)
	}
	if strings.Contains(text, "s3cret") || strings.Contains(text, "\n") {
		t.Errorf("%q", text)
	}
	if told.Unauthorized() {
		t.Error("it would be taken for a matter of the marketplace's key")
	}
}

func TestAllFailuresAreReported(t *testing.T) {
	s := shop(t)
	p := write(t, "dependencies:\n  - {name: redis, version: ^9, repository: "+s.URL+"/stable}\n  - {name: nginx, version: ^9, repository: '@x'}\n  - {name: ok, version: ^9}\n", nil)
	_, err := p.resolve(t, p.options(t))
	expectError(t, err, "redis: ask for a version that is there\nnginx: write its address instead: `helm repo list` shows it",
		`the dependency "redis"`, "; ", `the dependency "nginx"`)
}

func TestLockErrors(t *testing.T) {
	s := shop(t)
	p := write(t, redisFrom(s.URL+"/stable", "^1.0.0"), nil)
	good := lockFor(t, p, "1.2.0")
	p.put(t, "ext/Chart.lock", strings.Replace(good, "1.2.0", "1.10.0", 1))
	const anew = "make it anew: delete it, and `ksrelease lint` shows the one to put in its place"
	_, err := p.resolve(t, p.options(t))
	expectError(t, err, anew, "ext/Chart.lock is out of sync with the dependencies in extension.yaml")

	p.put(t, "ext/Chart.lock", good)
	p.put(t, "ext/extension.yaml", metadata+redisFrom(s.URL+"/stable", "^1.1.0"))
	_, err = p.resolve(t, p.options(t))
	expectError(t, err, anew, "ext/Chart.lock is out of sync")

	p.put(t, "ext/extension.yaml", metadata+redisFrom(s.URL+"/stable", "^1.0.0"))
	p.put(t, "ext/Chart.lock", "just text\n")
	_, err = p.resolve(t, p.options(t))
	if err == nil || !strings.Contains(err.Error(), "ext/Chart.lock:1:1: this is no lock of Helm's") {
		t.Errorf("%v", err)
	}
	s.expect(t)

	p.put(t, "ext/Chart.lock", lockFor(t, write(t, redisFrom(s.URL+"/stable", "^1.0.0"), nil), "1.3.0"))
	_, err = p.resolve(t, p.options(t))
	expectError(t, err, "delete Chart.lock, and `ksrelease lint` shows the one to put in its place; or put the chart under charts/",
		"the version 1.3.0 of Chart.lock is not there any more; there is 2.0.0-rc.1, 1.10.0, 1.2.0")
}
