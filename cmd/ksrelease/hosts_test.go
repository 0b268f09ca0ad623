package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
)

// The servers of a release, each with a port of its own.
const (
	hostAPI        = "api"        // of the marketplace
	hostRepository = "repository" // the Helm repository
	hostAssets     = "assets"     // of uploaded icons
	hostPackages   = "packages"   // of packages that the index has elsewhere
	hostCharts     = "charts"     // the Helm repository of a dependency
	hostFiles      = "files"      // of the packages in it
	hostRegistry   = "registry"   // an OCI registry, with a dependency and with packages
)

var hostNames = []string{hostAPI, hostRepository, hostAssets, hostPackages, hostCharts, hostFiles, hostRegistry}

// What the registry asks of those who pull a dependency.
const (
	pullUser     = "puller"
	pullPassword = "reg1stry-9f27c1d05be84a63"
	pullToken    = "t0ken-5c0d9e8a77b14f26"
)

// hosts are the servers of one release. All of them record what they are asked.
type hosts struct {
	t       *testing.T
	dir     string
	market  *marketplace.Marketplace
	servers map[string]*httptest.Server
	options hostOptions

	mu    sync.Mutex
	asked []hostRequest
	blobs map[string][]byte
}

type hostOptions struct {
	packages string // the host at which the index has the packages
	// shift redirects each read to the host that is so many further in hostNames, which
	// answers then in place of the one that was asked. With writes it is done to them, too.
	shift  int
	writes bool
	// private has the registry ask for a key for packages as well.
	private bool
	// open has the Helm repository ask for nothing, and no password set for it.
	open bool
	// shared has the dependency in the Helm repository of the config, which names its
	// package elsewhere.
	shared bool
}

// hostRequest is what came to a host.
type hostRequest struct {
	at            string // the host that got it
	of            string // the host that it was meant for; another one after a redirect
	method, path  string
	authorization string
	rest          []byte // the request without that
}

func (a hostRequest) String() string {
	if a.of != a.at {
		return fmt.Sprintf("%s at %s, redirected by %s", a.method+" "+a.path, a.at, a.of)
	}
	return fmt.Sprintf("%s at %s", a.method+" "+a.path, a.at)
}

// serveHosts starts the servers, and makes a project with one extension.
func serveHosts(t *testing.T, options hostOptions) *hosts {
	t.Helper()
	h := &hosts{t: t, dir: t.TempDir(), servers: map[string]*httptest.Server{}, options: options, blobs: map[string][]byte{}}
	for _, name := range hostNames {
		h.servers[name] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(name, w, r) }))
		t.Cleanup(h.servers[name].Close)
	}
	var err error
	h.market, err = marketplace.Open(filepath.Join(h.dir, "market"), marketplace.Options{FilesURL: h.servers[hostAssets].URL, Token: canary.Token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.market.Close() })
	h.write(".ksrelease.yaml", "version: 1\nextensions: [{path: web}]\nverify: {timeout: 3s}\ncloud: {server: '"+h.servers[hostAPI].URL+"'}\nrepository: {url: '"+h.servers[hostRepository].URL+"'}\n")
	charts := h.servers[hostCharts].URL
	if options.shared {
		charts = h.servers[hostRepository].URL + "/stable"
	}
	h.write("web/extension.yaml", `apiVersion: kubesphere.io/v1alpha1
name: web
version: 1.0.0
displayName: {en: Web}
description: {en: A web server}
category: computing
provider: {en: {name: Example}}
icon: ./icon.svg
dependencies:
  - {name: redis, version: 1.0.0, repository: '`+charts+`'}
  - {name: valkey, version: 1.0.0, repository: 'oci://`+h.registryHost()+`/charts'}
`)
	h.write("web/values.yaml", "global: {}\n")
	h.write("web/icon.svg", `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>`)
	auth := base64.StdEncoding.EncodeToString([]byte(pullUser + ":" + pullPassword))
	h.write("registries.json", `{"auths": {"`+h.registryHost()+`": {"auth": "`+auth+`"}}}`)
	return h
}

func (h *hosts) registryHost() string {
	return strings.TrimPrefix(h.servers[hostRegistry].URL, "http://")
}

func (h *hosts) write(name, text string) {
	h.t.Helper()
	file := filepath.Join(h.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		h.t.Fatal(err)
	}
}

// run runs a command with all keys in its environment.
func (h *hosts) run(words ...string) (code int, printed string) {
	h.t.Helper()
	file, err := os.Create(filepath.Join(h.dir, "printed"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer file.Close()
	env := map[string]string{
		"HOME": h.dir, "XDG_CONFIG_HOME": h.dir, "DOCKER_CONFIG": filepath.Join(h.dir, "none"),
		"HELM_REGISTRY_CONFIG": filepath.Join(h.dir, "registries.json"),
	}
	for _, variable := range canary.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		if !h.options.open || !strings.HasPrefix(name, "KSRELEASE_REPOSITORY_") {
			env[name] = value
		}
	}
	a := &app.App{
		Stdin: os.Stdin, Stdout: output.New(file), Stderr: output.New(file), Stop: h.t.Context(), InProcess: true,
		Env:       func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		UserCache: func() (string, error) { return filepath.Join(h.dir, "cache"), nil },
	}
	code = execute(a, append(slices.Clone(words), "-f", filepath.Join(h.dir, ".ksrelease.yaml")))
	data, err := os.ReadFile(file.Name())
	if err != nil {
		h.t.Fatal(err)
	}
	return code, string(data)
}

// want runs a command that has to end well and to say something.
func (h *hosts) want(text string, words ...string) {
	h.t.Helper()
	if code, printed := h.run(words...); code != 0 || !regexp.MustCompile(text).MatchString(printed) {
		h.t.Errorf("%q ended with %d, and had to say %q:\n%s", words, code, text, printed)
	}
}

func (h *hosts) serve(at string, w http.ResponseWriter, r *http.Request) {
	dump, err := httputil.DumpRequest(withoutAuthorization(r), true)
	if err != nil {
		h.t.Error(err)
	}
	of, redirected := at, false
	if rest, ok := strings.CutPrefix(r.URL.Path, "/as/"); ok {
		of, rest, _ = strings.Cut(rest, "/")
		r.URL.Path, r.URL.RawPath, redirected = "/"+rest, "", true
	}
	h.mu.Lock()
	h.asked = append(h.asked, hostRequest{at: at, of: of, method: r.Method, path: r.URL.Path, authorization: r.Header.Get("Authorization"), rest: dump})
	h.mu.Unlock()
	isRead := r.Method == http.MethodGet || r.Method == http.MethodHead
	if h.options.shift > 0 && !redirected && (isRead || h.options.writes) {
		to := hostNames[(slices.Index(hostNames, at)+h.options.shift)%len(hostNames)]
		w.Header().Set("Location", h.servers[to].URL+"/as/"+at+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	if redirected {
		h.admit(of, r)
	}
	h.answer(of, w, r)
}

func withoutAuthorization(r *http.Request) *http.Request {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	same := r.Clone(r.Context())
	same.Body = io.NopCloser(bytes.NewReader(body))
	same.Header.Del("Authorization")
	return same
}

// admit gives a request what a host asks for: where it was redirected, it comes
// without.
func (h *hosts) admit(of string, r *http.Request) {
	switch of {
	case hostAPI:
		r.Header.Set("Authorization", "Bearer "+canary.Token)
	case hostRepository:
		r.Header.Set("Authorization", canary.Basic(canary.Username, canary.Password))
	case hostRegistry:
		r.Header.Set("Authorization", "Bearer "+pullToken)
	}
}

// answer is what a host answers. Each has what it is for, and nothing else.
func (h *hosts) answer(of string, w http.ResponseWriter, r *http.Request) {
	isRead := func(prefix string) bool { return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, prefix) }
	switch {
	case of == hostAPI && strings.HasPrefix(r.URL.Path, "/apis/"), of == hostAssets && isRead("/files/"), of == hostPackages && isRead("/charts/"):
		h.market.ServeHTTP(w, r)
	case of == hostRepository && !h.options.open && r.Header.Get("Authorization") != canary.Basic(canary.Username, canary.Password):
		w.WriteHeader(http.StatusUnauthorized)
	case of == hostRepository && isRead("/index.yaml"):
		_, _ = w.Write(h.index())
	case of == hostRepository && isRead("/charts/") && h.options.packages == hostRepository:
		h.market.ServeHTTP(w, r)
	case of == hostCharts && isRead("/index.yaml"), of == hostRepository && isRead("/stable/index.yaml"):
		_, _ = fmt.Fprintf(w, "apiVersion: v1\nentries:\n  redis:\n  - {name: redis, version: 1.0.0, urls: ['%s/redis-1.0.0.tgz']}\n", h.servers[hostFiles].URL)
	case of == hostFiles && isRead("/redis-1.0.0.tgz"):
		_, _ = w.Write(chartOf(h.t, "redis"))
	case of == hostRegistry:
		h.answerAsRegistry(w, r)
	default:
		http.NotFound(w, r)
	}
}

// index is that of the marketplace, with the packages at another host, and without the
// digests of contents, so that the packages are compared.
func (h *hosts) index() []byte {
	answer := httptest.NewRecorder()
	h.market.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/index.yaml", nil))
	index := regexp.MustCompile(`(?m)^ +ksrelease\.dev/content-digest: .*\n`).ReplaceAll(answer.Body.Bytes(), nil)
	at := "charts/$1-$2.tgz"
	switch h.options.packages {
	case hostPackages:
		at = h.servers[hostPackages].URL + "/" + at
	case hostRegistry:
		at = "oci://" + h.registryHost() + "/extensions/$1:$2"
	}
	return regexp.MustCompile(`charts/([a-z]+)-([0-9.]+)\.tgz`).ReplaceAll(index, []byte(at))
}

// answerAsRegistry is an OCI registry, as far as charts are pulled from one.
func (h *hosts) answerAsRegistry(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		if user, password, _ := r.BasicAuth(); (user != pullUser || password != pullPassword) && r.Header.Get("Authorization") != "Bearer "+pullToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"token": "`+pullToken+`"}`)
		return
	}
	public := strings.HasPrefix(r.URL.Path, "/v2/extensions/") && !h.options.private
	if !public && r.Header.Get("Authorization") != "Bearer "+pullToken {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+h.servers[hostRegistry].URL+`/token",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	repository, reference, isManifest := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/manifests/")
	if !isManifest {
		_, reference, _ = strings.Cut(r.URL.Path, "/blobs/")
	} else if _, known := h.blobs[reference]; !known {
		reference = h.push(repository, reference)
	}
	data, ok := h.blobs[reference]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if isManifest {
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Header().Set("Docker-Content-Digest", reference)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data)
}

// push puts a chart under a tag, and returns the digest of its manifest.
func (h *hosts) push(repository, tag string) string {
	chart := chartOf(h.t, "valkey")
	if strings.HasPrefix(repository, "extensions/") {
		answer := httptest.NewRecorder()
		h.market.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/charts/"+path.Base(repository)+"-"+tag+".tgz", nil))
		if chart = answer.Body.Bytes(); answer.Code != http.StatusOK {
			return ""
		}
	}
	keep := func(mediaType string, data []byte) map[string]any {
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(data))
		h.blobs[digest] = data
		return map[string]any{"mediaType": mediaType, "digest": digest, "size": len(data)}
	}
	const manifestType = "application/vnd.oci.image.manifest.v1+json"
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": keep("application/vnd.cncf.helm.config.v1+json", []byte("{}")),
		"layers": []any{keep("application/vnd.cncf.helm.chart.content.v1.tar+gzip", chart)},
	})
	if err != nil {
		h.t.Error(err)
	}
	return keep(manifestType, manifest)["digest"].(string)
}

// chartOf is the package of a chart without templates.
func chartOf(t *testing.T, name string) []byte {
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	archive := tar.NewWriter(zipped)
	for _, file := range []struct{ name, text string }{
		{"Chart.yaml", "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"},
		{"values.yaml", "size: 1\n"},
	} {
		err := archive.WriteHeader(&tar.Header{Name: name + "/" + file.name, Mode: 0o644, Size: int64(len(file.text))})
		_, failed := io.WriteString(archive, file.text)
		if err = errors.Join(err, failed); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Error(err)
	}
	return b.Bytes()
}

// check holds that each key went to its own host alone, and that each host was asked.
func (h *hosts) check(watch *canary.Watch) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	own := map[string][]string{
		hostAPI:        {"Bearer " + canary.Token},
		hostRepository: {canary.Basic(canary.Username, canary.Password)},
		hostRegistry:   {canary.Basic(pullUser, pullPassword), "Bearer " + pullToken},
	}
	if h.options.open {
		delete(own, hostRepository)
	}
	came, proved, redirected := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range h.asked {
		came[a.at] = true
		redirected[a.of] = redirected[a.of] || a.of != a.at
		switch {
		case a.authorization == "":
		case a.of != a.at, !slices.Contains(own[a.at], a.authorization), strings.HasPrefix(a.path, "/v2/extensions/"):
			h.t.Errorf("%s came with credentials: %q", a, a.authorization)
		default:
			proved[a.at] = true
		}
		watch.Check(h.t, a.String(), a.rest)
		for _, secret := range []string{pullPassword, pullToken, base64.StdEncoding.EncodeToString([]byte(pullUser + ":" + pullPassword))} {
			if bytes.Contains(a.rest, []byte(secret)) {
				h.t.Errorf("%s holds a key of the registry:\n%s", a, a.rest)
			}
		}
	}
	for _, name := range hostNames {
		if !came[name] && name != hostPackages && !h.options.writes && (name != hostCharts || !h.options.shared) {
			h.t.Errorf("nothing was asked of %s", name)
		}
		if h.options.shift == 0 && own[name] != nil && !proved[name] {
			h.t.Errorf("no key came to %s", name)
		}
		if h.options.shift > 0 && !h.options.writes && name != hostPackages && !redirected[name] {
			h.t.Errorf("no request was redirected by %s", name)
		}
	}
}

// The API key goes to the marketplace alone, the password of the Helm repository to the
// repository alone and that of a registry to the registry alone: each is a server of its
// own here, and so are those of assets, of packages and of dependencies. That holds
// wherever the index has the packages, and after redirects from each server to each
// other one.
func TestKeysStayWithTheirHosts(t *testing.T) {
	watch := canary.New()
	release := func(t *testing.T, options hostOptions) {
		h := serveHosts(t, options)
		h.want(`web +1\.0\.0 +released`, "run")
		h.want(`web +1\.0\.0 +submitted +1\.0\.0 +exists`, "status")
		h.want(`web +1\.0\.0 +exists`, "--dry-run")
		h.want(`web`, "withdraw", "web@1.0.0")
		h.check(watch)
	}
	for _, at := range []string{hostRepository, hostPackages, hostRegistry} {
		t.Run("packages at "+at, func(t *testing.T) { release(t, hostOptions{packages: at}) })
	}
	t.Run("a repository that asks for nothing", func(t *testing.T) {
		release(t, hostOptions{packages: hostRepository, open: true})
	})
	t.Run("a dependency in the same repository", func(t *testing.T) {
		release(t, hostOptions{packages: hostRepository, shared: true})
	})
	for shift := 1; shift < len(hostNames); shift++ {
		at := []string{hostRepository, hostPackages, hostRegistry}[shift%3]
		t.Run(fmt.Sprintf("reads redirected by %d, packages at %s", shift, at), func(t *testing.T) {
			release(t, hostOptions{packages: at, shift: shift})
		})
	}
	for shift := 1; shift < len(hostNames); shift++ {
		t.Run(fmt.Sprintf("all redirected by %d", shift), func(t *testing.T) {
			h := serveHosts(t, hostOptions{packages: hostRepository, shift: shift, writes: true})
			if code, printed := h.run("run"); code != 1 {
				t.Errorf("ended with %d:\n%s", code, printed)
			}
			_, _ = h.run("withdraw", "web@1.0.0")
			h.check(watch)
			for _, a := range h.asked {
				if a.of != a.at && a.method != http.MethodGet && a.method != http.MethodHead {
					t.Errorf("a write was sent on: %s", a)
				}
			}
		})
	}
}

// A package that the index has in a registry is pulled from there, to verify and to
// compare, as KubeSphere does it: as nobody. One that only those pull who have logged in
// is not visible to KubeSphere, whatever keys this machine has.
func TestPackageInARegistry(t *testing.T) {
	h := serveHosts(t, hostOptions{packages: hostRegistry})
	h.want(`web +1\.0\.0 +released`, "run")
	h.want(`web +1\.0\.0 +exists`, "--dry-run")
	pulls := 0
	for _, a := range h.asked {
		if a.at == hostRegistry && a.method == http.MethodGet && strings.HasPrefix(a.path, "/v2/extensions/web/blobs/") {
			pulls++
		}
	}
	if pulls < 2 {
		t.Errorf("the package was pulled %d times", pulls)
	}
	// The same version with other content is drift, by what was pulled.
	h.write("web/values.yaml", "global: {changed: true}\n")
	if code, printed := h.run("--dry-run"); code != 1 || !strings.Contains(printed, "1.0.0 is there with other content") {
		t.Errorf("ended with %d:\n%s", code, printed)
	}

	private := serveHosts(t, hostOptions{packages: hostRegistry, private: true})
	code, printed := private.run("run")
	if code != 1 || !strings.Contains(printed, "unverified") || !strings.Contains(printed, "everybody may pull it: helm pull oci://"+private.registryHost()+"/extensions/web:1.0.0") {
		t.Errorf("ended with %d:\n%s", code, printed)
	}
}
