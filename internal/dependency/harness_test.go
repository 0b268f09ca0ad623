package dependency

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// site is a server that remembers what it was asked.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	log   []string
	files map[string][]byte
	// guard may answer a request itself; it says whether it did.
	guard func(http.ResponseWriter, *http.Request) bool
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{files: map[string][]byte{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.log = append(s.log, r.Method+" "+r.URL.RequestURI())
	data, ok := s.files[r.URL.Path]
	guard := s.guard
	s.mu.Unlock()
	switch {
	case guard != nil && guard(w, r):
	case !ok:
		http.NotFound(w, r)
	default:
		_, _ = w.Write(data)
	}
}

func (s *site) put(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = data
}

// requests are those so far, sorted, and forgotten with that.
func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.log
	s.log = nil
	slices.Sort(log)
	return log
}

func (s *site) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := s.requests(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// entry is one version in an index.
type entry struct{ version, url, digest string }

// index puts an index.yaml of one chart in place.
func (s *site) index(path, name string, entries ...entry) {
	text := "apiVersion: v1\nentries:\n  " + name + ":\n"
	for _, e := range entries {
		text += fmt.Sprintf("  - name: %s\n    version: %q\n    digest: %q\n    urls: [%q]\n", name, e.version, e.digest, e.url)
	}
	s.put(path+"/index.yaml", []byte(text))
}

// chart is the package of a chart with one template.
func chartPackage(t testing.TB, name, version string) []byte {
	t.Helper()
	return tarOf(t, map[string]string{
		name + "/Chart.yaml":        "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n",
		name + "/values.yaml":       "size: 1\n",
		name + "/templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n",
	})
}

func tarOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

const metadata = `apiVersion: kubesphere.io/v1alpha1
name: web
version: 1.0.0
displayName: {en: Web}
description: {en: A web server.}
category: dev-tools
provider: {en: {name: Example}}
icon: https://example.com/icon.svg
`

// project is a repository with one extension in ext/.
type project struct{ root, dir string }

// write makes a project; files are below its root, and dependencies end
// extension.yaml.
func write(t testing.TB, dependencies string, files map[string]string) project {
	t.Helper()
	p := project{root: t.TempDir()}
	p.dir = filepath.Join(p.root, "ext")
	p.put(t, "ext/extension.yaml", metadata+dependencies)
	p.put(t, "ext/values.yaml", "global: {}\n")
	for name, text := range files {
		p.put(t, name, text)
	}
	return p
}

func (p project) put(t testing.TB, name, text string) {
	t.Helper()
	file := filepath.Join(p.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p project) load(t testing.TB) *extension.Extension {
	t.Helper()
	ext, err := extension.Load(p.dir, extension.Options{Display: "ext"})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

// fingerprint is a digest of all that is below the root: names, modes, times and
// bytes.
func (p project) fingerprint(t testing.TB) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(p.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(h, path, info.Mode(), info.ModTime())
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			h.Write(data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// options for a resolver that gives up soon, with no cache.
func (p project) options(t testing.TB) Options {
	t.Helper()
	return p.guarded(t, "")
}

// guarded are options with a guard that lets some hosts pass besides.
func (p project) guarded(t testing.TB, allowed string) Options {
	t.Helper()
	guard, err := NewGuard(allowed)
	if err != nil {
		t.Fatal(err)
	}
	web := transport.New(transport.Options{Attempts: 1, Dial: guard.Dial, Admit: guard.Admit})
	t.Cleanup(web.Close)
	return Options{Root: p.root, Transport: web, UserAgent: "ksrelease/test"}
}

func (p project) resolve(t *testing.T, options Options) (*extension.Extension, error) {
	t.Helper()
	before := p.fingerprint(t)
	ext, err := New(options).Resolve(t.Context(), p.dir, p.load(t))
	if p.fingerprint(t) != before {
		t.Error("the source tree is not as it was")
	}
	return ext, err
}

// mustResolve resolves, and loads the result with Helm.
func (p project) mustResolve(t *testing.T, options Options) *extension.Extension {
	t.Helper()
	ext, err := p.resolve(t, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ext.Chart(); err != nil {
		t.Fatal(err)
	}
	return ext
}

// subcharts are the charts under charts/ as Helm loads them: "name version".
func subcharts(t *testing.T, ext *extension.Extension) []string {
	t.Helper()
	loaded, err := ext.Chart()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range loaded.Dependencies() {
		list = append(list, c.Name()+" "+c.Metadata.Version)
	}
	slices.Sort(list)
	return list
}

func expectCharts(t *testing.T, ext *extension.Extension, want ...string) {
	t.Helper()
	if got := subcharts(t, ext); !slices.Equal(got, want) {
		t.Errorf("charts %q, want %q", got, want)
	}
}

// lockFor is the lock that Helm would write, for one dependency.
func lockFor(t testing.TB, p project, version string) string {
	t.Helper()
	ext, err := p.load(t).WithCharts([]extension.Resolved{{Name: "redis", Version: version, Data: chartPackage(t, "redis", version)}})
	if err != nil {
		t.Fatal(err)
	}
	text, ok := ext.ProposedLock()
	if !ok {
		t.Fatal("no lock is proposed")
	}
	return text
}

// registrySite is an OCI registry as far as charts are read from one.
type registrySite struct {
	*site
	user, password string // asked for where they are set
}

// newRegistrySite serves charts: by repository, by tag.
func newRegistrySite(t *testing.T, charts map[string]map[string][]byte) *registrySite {
	t.Helper()
	s := &registrySite{site: newSite(t)}
	s.guard = s.authorize
	s.put("/v2/", []byte("{}"))
	for repository, tags := range charts {
		var names []string
		for tag, data := range tags {
			names = append(names, tag)
			s.push(t, repository, tag, chartMediaType, configMediaType, data)
		}
		slices.Sort(names)
		list, err := json.Marshal(map[string]any{"name": repository, "tags": names})
		if err != nil {
			t.Fatal(err)
		}
		s.put("/v2/"+repository+"/tags/list", list)
	}
	return s
}

func (s *registrySite) push(t *testing.T, repository, tag, layerType, configType string, data []byte) {
	t.Helper()
	descriptor := func(mediaType string, data []byte) map[string]any {
		return map[string]any{"mediaType": mediaType, "digest": "sha256:" + digestOf(data), "size": len(data)}
	}
	config := []byte("{}")
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": descriptor(configType, config), "layers": []any{descriptor(layerType, data)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.put("/v2/"+repository+"/blobs/sha256:"+digestOf(data), data)
	s.put("/v2/"+repository+"/manifests/"+tag, manifest)
	s.put("/v2/"+repository+"/manifests/sha256:"+digestOf(manifest), manifest)
}

// authorize asks for a token as registries do, and sets the headers of
// manifests.
func (s *registrySite) authorize(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/token" {
		user, password, _ := r.BasicAuth()
		if user != s.user || password != s.password {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		fmt.Fprint(w, `{"token": "t0ken-t0ken-t0ken"}`)
		return true
	}
	if s.user != "" && r.Header.Get("Authorization") != "Bearer t0ken-t0ken-t0ken" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.URL+`/token",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	if strings.Contains(r.URL.Path, "/manifests/") {
		s.mu.Lock()
		data, ok := s.files[r.URL.Path]
		s.mu.Unlock()
		if ok {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.Header().Set("Docker-Content-Digest", "sha256:"+digestOf(data))
		}
	}
	return false
}

// host is the address of the registry without a scheme.
func (s *registrySite) host() string { return strings.TrimPrefix(s.URL, "http://") }
