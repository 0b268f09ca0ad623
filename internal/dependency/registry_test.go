package dependency

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// quay is a registry with four versions of redis under charts/.
func quay(t *testing.T) *registrySite {
	t.Helper()
	tags := map[string][]byte{"latest": chartPackage(t, "redis", "9.9.9")}
	for _, version := range []string{"1.2.0", "1.10.0", "1.10.0+b1", "2.0.0-rc.1"} {
		tags[tagOf(version)] = chartPackage(t, "redis", version)
	}
	return newRegistrySite(t, map[string]map[string][]byte{"charts/redis": tags})
}

func TestRegistryVersions(t *testing.T) {
	s := quay(t)
	for asked, want := range map[string]string{"^1.2.0": "1.10.0+b1", "~1.2": "1.2.0", "1.2.0": "1.2.0", "1.10.0+b1": "1.10.0+b1", "": "1.10.0+b1"} {
		p := write(t, redisFrom("oci://"+s.host()+"/charts/", asked), nil)
		expectCharts(t, p.mustResolve(t, p.options(t)), "redis "+want)
		log := strings.Join(s.requests(), "\n")
		if exact := asked == want; strings.Contains(log, "tags/list") == exact {
			t.Errorf("%q: %s", asked, log)
		}
	}
}

func TestRegistryLockAndCache(t *testing.T) {
	s := quay(t)
	p := write(t, redisFrom("oci://"+s.host()+"/charts", "^1.0.0"), nil)
	p.put(t, "ext/Chart.lock", lockFor(t, p, "1.2.0"))
	options := p.options(t)
	options.Cache = t.TempDir()
	first := p.mustResolve(t, options)
	expectCharts(t, first, "redis 1.2.0")
	s.requests()
	second := p.mustResolve(t, options)
	s.expect(t)
	if first.ContentDigest() != second.ContentDigest() {
		t.Error("two digests of one lock")
	}
	// Without the lock the registry is asked, and the package is still at hand.
	if err := os.Remove(filepath.Join(p.dir, "Chart.lock")); err != nil {
		t.Fatal(err)
	}
	p.put(t, "ext/extension.yaml", metadata+redisFrom("oci://"+s.host()+"/charts", "1.2.0"))
	p.mustResolve(t, options)
	if log := strings.Join(s.requests(), "\n"); strings.Contains(log, "/blobs/") || !strings.Contains(log, "/manifests/1.2.0") {
		t.Error(log)
	}
}

func TestRegistryKeys(t *testing.T) {
	s := quay(t)
	s.user, s.password = "robot", "s3cret"
	p := write(t, redisFrom("oci://"+s.host()+"/charts", "^1.0.0"), nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	auths := `{"auths": {"` + s.host() + `": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("robot:s3cret")) + `"}}}`
	if err := os.WriteFile(file, []byte(auths), 0o400); err != nil {
		t.Fatal(err)
	}
	options := p.options(t)
	options.RegistryConfigs = []string{filepath.Join(dir, "none.json"), file}
	expectCharts(t, p.mustResolve(t, options), "redis 1.10.0+b1")
	if left, err := os.ReadFile(file); err != nil || string(left) != auths {
		t.Errorf("the file of keys was touched: %v", err)
	}
	if _, err := os.Stat(options.RegistryConfigs[0]); err == nil {
		t.Error("a file of keys was written")
	}

	options.RegistryConfigs = nil
	_, err := p.resolve(t, options)
	expectError(t, err, "log in: helm registry login "+s.host(), "listing the versions in the registry: "+s.host()+" refuses with 401 Unauthorized")

	if err := os.WriteFile(filepath.Join(dir, "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	options.RegistryConfigs = []string{filepath.Join(dir, "broken.json")}
	_, err = p.resolve(t, options)
	expectError(t, err, "fix the file, or log in anew with `helm registry login`", "reading the keys of registries in "+options.RegistryConfigs[0])
}

// Some Helm repositories are only the index of a registry.
func TestIndexThatLeadsToARegistry(t *testing.T) {
	r := quay(t)
	s := newSite(t)
	s.index("", "redis", entry{"1.2.0", "oci://" + r.host() + "/charts/redis:1.2.0", ""}, entry{"1.10.0+b1", "oci://" + r.host() + "/charts/redis", ""})
	for _, version := range []string{"1.2.0", "1.10.0+b1"} {
		p := write(t, redisFrom(s.URL, version), nil)
		expectCharts(t, p.mustResolve(t, p.options(t)), "redis "+version)
	}
}

func TestRegistryErrors(t *testing.T) {
	s := quay(t)
	s.push(t, "charts/image", "1.0.0", "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.config.v1+json", []byte("x"))
	data := chartPackage(t, "cut", "1.0.0")
	s.push(t, "charts/cut", "1.0.0", chartMediaType, configMediaType, data)
	s.put("/v2/charts/cut/blobs/sha256:"+digestOf(data), append(data[:len(data)-1:len(data)-1], 'x'))
	s.push(t, "charts/lost", "1.0.0", chartMediaType, configMediaType, []byte("lost"))
	delete(s.files, "/v2/charts/lost/blobs/sha256:"+digestOf([]byte("lost")))
	s.push(t, "charts/huge", "1.0.0", chartMediaType, configMediaType, make([]byte, 5<<20+1))
	closed := newSite(t)
	closed.Close()
	where := "oci://" + s.host() + "/charts"
	named := func(name, version string) string {
		return strings.Replace(redisFrom(where, version), "name: redis", "name: "+name, 1)
	}
	for name, tt := range map[string]struct{ dependencies, want, advice string }{
		"no version": {named("redis", "^3.0.0"), `no version satisfies "^3.0.0"; there is 2.0.0-rc.1, 1.10.0+b1, 1.10.0 and 1 more`, "ask for a version that is there"},
		"no tag":     {named("redis", "3.0.0"), "reading the manifest in the registry: the registry has no such version", "check name, version and repository: `helm show chart oci://" + s.host() + "/charts/redis`"},
		"no chart":   {named("nginx", "^1"), "listing the versions in the registry: the registry has no such chart", "check name, version and repository: `helm show chart oci://" + s.host() + "/charts/nginx`"},
		"an image":   {named("image", "1.0.0"), "what the registry has as 1.0.0 is no chart of Helm, but an image or something else", "check name and repository"},
		"damaged":    {named("cut", "1.0.0"), "downloading the package 1.0.0 from the registry: mismatched digest", "try again where the registry can be reached, or put the chart under charts/, which needs no network"},
		"lost":       {named("lost", "1.0.0"), "the registry has lost the package", "check name, version and repository: `helm show chart oci://" + s.host() + "/charts/lost`"},
		"huge":       {named("huge", "1.0.0"), "its package has 5.0 MiB, and Helm loads no file larger than 5.0 MiB", "let users of the extension install it by themselves, or ask for a version that is smaller"},
		"closed":     {redisFrom("oci://"+strings.TrimPrefix(closed.URL, "http://")+"/charts", "^1"), "listing the versions in the registry: connection refused (GET " + closed.URL + "/v2/charts/redis/tags/list)", "try again where the registry can be reached, or put the chart under charts/, which needs no network"},
		"address":    {redisFrom("oci://"+s.host()+"/Charts", "1.0.0"), "is no address of a chart in a registry", "write repository: oci://HOST/FOLDER, in lower case and without the name of the chart"},
	} {
		t.Run(name, func(t *testing.T) {
			p := write(t, tt.dependencies, nil)
			_, err := p.resolve(t, p.options(t))
			expectError(t, err, tt.advice, tt.want)
		})
	}
}

func TestRegistryIsAskedAgain(t *testing.T) {
	s := quay(t)
	authorize, busy := s.guard, true
	s.guard = func(w http.ResponseWriter, r *http.Request) bool {
		if busy {
			busy = false
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return authorize(w, r)
	}
	p := write(t, redisFrom("oci://"+s.host()+"/charts", "1.2.0"), nil)
	var told []string
	options := p.options(t)
	options.Transport = transport.New(transport.Options{Notify: func(r transport.Retry) { told = append(told, r.String()) }})
	defer options.Transport.Close()
	expectCharts(t, p.mustResolve(t, options), "redis 1.2.0")
	want := regexp.MustCompile("^asking the registry " + regexp.QuoteMeta(s.host()) + `: 503 Service Unavailable, trying again in [\d.]+m?s, 2 of 6$`)
	if len(told) != 1 || !want.MatchString(told[0]) {
		t.Errorf("told %q", told)
	}
}

type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A request to a registry has a deadline of its own.
func TestRegistryDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://registry.example/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = (&deadlined{silent{}, registryTimeout}).RoundTrip(request)
		if err == nil || err.Error() != "no complete answer within 30s" || time.Since(began) != registryTimeout {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.1.2.3": true, "[::1]:5000": true,
		"registry.example.com": false, "registry.example.com:443": false, "10.0.0.1:5000": false, "localhost.example.com": false,
	} {
		if isLoopback(host) != want {
			t.Errorf("%s: %t", host, !want)
		}
	}
}

// TestRegistryTagsAsWritten: what can be read as a version is a tag, and a range takes
// only tags that are whole versions, as with Helm.
func TestRegistryTagsAsWritten(t *testing.T) {
	tags := map[string][]byte{
		"v1.2.3": chartPackage(t, "redis", "1.2.3"), "v1.3.0": chartPackage(t, "redis", "v1.3.0"),
		"1.2": chartPackage(t, "redis", "1.2.7"), "2": chartPackage(t, "redis", "2.0.0"), "1.4": chartPackage(t, "redis", "9.0.0"),
		"1.7.0_b": chartPackage(t, "redis", "1.7.0+b"), "1.8.0_a": chartPackage(t, "redis", "1.8.0+b"),
	}
	s := newRegistrySite(t, map[string]map[string][]byte{"charts/redis": tags})
	for asked, want := range map[string]string{"v1.2.3": "redis 1.2.3", "v1.3.0": "redis v1.3.0", "1.2": "redis 1.2.7", "2": "redis 2.0.0", "1.7.0+b": "redis 1.7.0+b", "~1.7.0": "redis 1.7.0+b"} {
		p := write(t, redisFrom("oci://"+s.host()+"/charts", asked), nil)
		expectCharts(t, p.mustResolve(t, p.options(t)), want)
		if log := strings.Join(s.requests(), "\n"); strings.Contains(log, "tags/list") == (asked != "~1.7.0") {
			t.Errorf("%q: %s", asked, log)
		}
	}
	for asked, want := range map[string]string{
		"1.2.3":   "the registry has no such version",
		"1.7.0+a": "the registry has no such version",
		"1.8.0+a": "the package of version 1.8.0+a holds the chart redis 1.8.0+b",
		"1.4":     "the package of version 1.4 holds the chart redis 9.0.0",
		"^3.0.0":  `no version satisfies "^3.0.0"; there is 1.8.0+a, 1.7.0+b`,
	} {
		p := write(t, redisFrom("oci://"+s.host()+"/charts", asked), nil)
		_, err := p.resolve(t, p.options(t))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", asked, err)
		}
		var hint interface{ Hint() string }
		if asked == "^3.0.0" && (!errors.As(err, &hint) || !strings.Contains(hint.Hint(), `version: "2"`)) {
			t.Errorf("the hint does not name the tag: %v", hint)
		}
	}
}

// TestExactBuilds: a version with a build in it is that build and no other.
func TestExactBuilds(t *testing.T) {
	there := []string{"1.7.0+a", "1.7.0+c", "1.8.0", "v1.9.0+x"}
	for asked, want := range map[string]string{
		"1.7.0+a": "1.7.0+a", "=1.7.0+c": "1.7.0+c", "= 1.7.0+c": "1.7.0+c", "v1.7.0+a": "1.7.0+a", "1.9.0+x": "v1.9.0+x", "1.7.0": "1.7.0+c", "^1.7.0": "v1.9.0+x",
		"1.7.0+b": "", "1.8.0+b": "", "=1.7.0+b": "",
	} {
		got, err := pick(wantOf(asked), there)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q takes %q (%v), want %q", asked, got, err, want)
		}
	}
}

func wantOf(version string) want {
	return want{Dependency: &chart.Dependency{Name: "redis", Version: version, Repository: "https://charts.example"}}
}
