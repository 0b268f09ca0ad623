// Package museumtest gives tests a ChartMuseum: a handler that answers as ChartMuseum of 2026-04
// does, and that program itself where a machine has it. TestAsTheRealOne holds one to the other.
//
// Nothing that ships may import it.
package museumtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/provenance"
	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"
)

// Options are flags of ChartMuseum.
type Options struct {
	Depth              int    // --depth: how many folders the path of a repository has
	ContextPath        string // --context-path
	Username, Password string // --basic-auth-user, --basic-auth-pass
	Token              string // of --bearer-auth, which takes signed ones
	AnonymousGet       bool   // --auth-anonymous-get
	DisableAPI         bool   // --disable-api
	AllowOverwrite     bool   // --allow-overwrite
	ChartURL           string // --chart-url
	MaxUpload          int64  // --max-upload-size; 0 is 20 MiB
	MaxObjects         int    // --max-storage-objects; 0 is any number
	// PerChartLimit is --per-chart-limit, of which the double has one thing alone: a form with a
	// provenance file fails, and in folders (Depth) its package stays.
	PerChartLimit int
	// Lag is how long the list and the index do not have what was uploaded. The program adds it
	// in the background: a moment, or --cache-interval where several share their storage.
	Lag time.Duration
}

// Museum is a museum in memory. It is safe for concurrent use.
type Museum struct {
	options Options

	mu      sync.Mutex
	tenants map[string]*tenant
	forced  int
}

// tenant is one repository of a museum.
type tenant struct {
	files map[string]file
	index *repo.IndexFile
}

type file struct {
	content []byte
	saved   time.Time
}

// New makes an empty museum.
func New(options Options) *Museum {
	if options.MaxUpload == 0 {
		options.MaxUpload = 20 << 20
	}
	return &Museum{options: options, tenants: map[string]*tenant{}}
}

// Forced is how many uploads asked to overwrite what is there.
func (m *Museum) Forced() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.forced
}

// Put writes a file to the storage of a repository, as somebody else does who uses the same
// storage: the list has it only when it is made anew.
func (m *Museum) Put(repository, name string, content []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tenant(repository).files[name] = file{content, time.Now()}
}

// Files are the files in the storage of a repository.
func (m *Museum) Files(repository string) map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	files := map[string][]byte{}
	for name, f := range m.tenant(repository).files {
		files[name] = f.content
	}
	return files
}

// tenant is for holders of the lock.
func (m *Museum) tenant(name string) *tenant {
	t := m.tenants[name]
	if t == nil {
		t = &tenant{files: map[string]file{}, index: &repo.IndexFile{APIVersion: repo.APIVersionV1, Entries: map[string]repo.ChartVersions{}}}
		m.tenants[name] = t
	}
	return t
}

// route is what a request is about.
type route struct {
	api  bool
	repo string
	rest []string // the path behind the repository
}

// parse takes a path apart, as --context-path and --depth say.
func (m *Museum) parse(of string) (r route, ok bool) {
	if m.options.ContextPath != "" {
		if of, ok = strings.CutPrefix(of, m.options.ContextPath); !ok {
			return route{}, false
		}
	}
	parts := strings.Split(strings.TrimPrefix(of, "/"), "/")
	if parts[0] == "api" && !regexp.MustCompile(`\.(yaml|tgz|prov)$`).MatchString(of) {
		r.api, parts = true, parts[1:]
	}
	if len(parts) < m.options.Depth {
		return route{}, false
	}
	r.repo, r.rest = strings.Join(parts[:m.options.Depth], "/"), parts[m.options.Depth:]
	return r, true
}

// handler answers a request that is allowed.
type handler func(w http.ResponseWriter, q *http.Request, t *tenant, rest []string)

// handler finds who answers a request; write says that it needs the right to push.
func (m *Museum) handler(q *http.Request, r route) (answer handler, write bool) {
	is := func(method string, api bool, pattern ...string) bool {
		if q.Method != method || r.api != api || len(r.rest) != len(pattern) {
			return false
		}
		for i, p := range pattern {
			if p != "*" && p != r.rest[i] {
				return false
			}
		}
		return true
	}
	switch {
	case is("GET", false, "index.yaml"):
		return m.getIndex, false
	case is("HEAD", false, "index.yaml"):
		return func(http.ResponseWriter, *http.Request, *tenant, []string) {}, false
	case is("GET", false, "charts", "*"):
		return m.getFile, false
	case m.options.DisableAPI:
		return nil, false
	case is("GET", true, "charts"):
		return m.getCharts, false
	case is("GET", true, "charts", "*"):
		return m.getChart, false
	case is("GET", true, "charts", "*", "*"), is("HEAD", true, "charts", "*", "*"):
		return m.getVersion, false
	case is("POST", true, "charts"):
		return m.postCharts, true
	case is("POST", true, "prov"):
		return m.postProvenance, true
	case is("DELETE", true, "charts", "*", "*"):
		return m.deleteVersion, true
	}
	return nil, false
}

// ServeHTTP answers a request.
func (m *Museum) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	q.Body = http.MaxBytesReader(w, q.Body, m.options.MaxUpload)
	if q.ContentLength > m.options.MaxUpload {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, "request too large")
		return
	}
	switch at := strings.TrimPrefix(q.URL.Path, m.options.ContextPath); {
	case q.Method == http.MethodGet && at == "/health":
		say(w, http.StatusOK, map[string]any{"healthy": true})
		return
	case q.Method == http.MethodGet && at == "/info":
		say(w, http.StatusOK, map[string]any{"version": ""})
		return
	}
	r, ok := m.parse(q.URL.Path)
	if !ok {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	answer, write := m.handler(q, r)
	switch {
	case answer == nil:
		refuse(w, http.StatusNotFound, "not found")
		return
	case !m.allowed(q, write):
		w.Header().Set("WWW-Authenticate", `Basic realm="ChartMuseum"`)
		refuse(w, http.StatusUnauthorized, "unauthorized")
		return
	}
	m.mu.Lock()
	t := m.tenant(r.repo)
	m.mu.Unlock()
	answer(w, q, t, r.rest)
}

func (m *Museum) allowed(q *http.Request, write bool) bool {
	if m.options.Username == "" && m.options.Token == "" || m.options.AnonymousGet && !write {
		return true
	}
	if m.options.Token != "" {
		return q.Header.Get("Authorization") == "Bearer "+m.options.Token
	}
	username, password, ok := q.BasicAuth()
	return ok && username == m.options.Username && password == m.options.Password
}

// list is the list of a repository; it is made from the storage where it is empty, and at no
// other time. The caller holds the lock.
func (m *Museum) list(t *tenant) *repo.IndexFile {
	if len(t.index.Entries) == 0 {
		for name, f := range t.files {
			if strings.HasSuffix(name, ".tgz") {
				m.add(t, name, f)
			}
		}
	}
	return t.index
}

// add adds a file to the list, in place of an entry of that version.
func (m *Museum) add(t *tenant, name string, f file) {
	loaded, err := loader.LoadArchive(bytes.NewReader(f.content))
	if err != nil {
		return
	}
	digest, err := provenance.Digest(bytes.NewReader(f.content))
	if err != nil {
		return
	}
	at := "charts/" + name
	if m.options.ChartURL != "" {
		at = m.options.ChartURL + "/" + at
	}
	entry := &repo.ChartVersion{Metadata: loaded.Metadata, URLs: []string{at}, Digest: digest, Created: f.saved}
	entries := slices.DeleteFunc(t.index.Entries[loaded.Metadata.Name], func(v *repo.ChartVersion) bool { return v.Version == loaded.Metadata.Version })
	t.index.Entries[loaded.Metadata.Name] = append(entries, entry)
	t.index.SortEntries()
}

func (m *Museum) getIndex(w http.ResponseWriter, _ *http.Request, t *tenant, _ []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	server := map[string]string{}
	if m.options.ContextPath != "" {
		server["contextPath"] = m.options.ContextPath
	}
	list := m.list(t)
	body, err := yaml.Marshal(map[string]any{
		"apiVersion": list.APIVersion, "entries": list.Entries, "generated": time.Now().Round(time.Second), "serverInfo": server,
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/x-yaml")
	_, _ = w.Write(body)
}

func (m *Museum) getFile(w http.ResponseWriter, _ *http.Request, t *tenant, rest []string) {
	name, kind := rest[1], "application/x-tar"
	switch {
	case strings.HasSuffix(name, "tgz.prov"):
		kind = "application/pgp-signature"
	case !strings.HasSuffix(name, "tgz"):
		refuse(w, http.StatusInternalServerError, "unsupported file extension")
		return
	}
	m.mu.Lock()
	f, ok := t.files[name]
	m.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "object not found")
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(f.content)
}

func (m *Museum) getCharts(w http.ResponseWriter, q *http.Request, t *tenant, _ []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entries := m.list(t).Entries
	if q.URL.Query().Get("limit") == "1" && len(entries) > 1 {
		first := ""
		for name := range entries {
			if first == "" || name < first {
				first = name
			}
		}
		entries = map[string]repo.ChartVersions{first: entries[first]}
	}
	say(w, http.StatusOK, entries)
}

func (m *Museum) getChart(w http.ResponseWriter, _ *http.Request, t *tenant, rest []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if versions := m.list(t).Entries[rest[1]]; versions != nil {
		say(w, http.StatusOK, versions)
		return
	}
	refuse(w, http.StatusNotFound, "chart not found")
}

// getVersion reads the version as a range.
func (m *Museum) getVersion(w http.ResponseWriter, _ *http.Request, t *tenant, rest []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	version := rest[2]
	if version == "latest" {
		version = ""
	}
	found, err := m.list(t).Get(rest[1], version)
	if err != nil {
		refuse(w, http.StatusNotFound, err.Error())
		return
	}
	say(w, http.StatusOK, found)
}

func (m *Museum) deleteVersion(w http.ResponseWriter, _ *http.Request, t *tenant, rest []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := rest[1] + "-" + rest[2] + ".tgz"
	if _, ok := t.files[name]; !ok {
		refuse(w, http.StatusNotFound, "open "+name+": no such file or directory")
		return
	}
	delete(t.files, name)
	delete(t.files, name+".prov")
	entries := slices.DeleteFunc(t.index.Entries[rest[1]], func(v *repo.ChartVersion) bool { return v.Version == rest[2] })
	if t.index.Entries[rest[1]] = entries; len(entries) == 0 {
		delete(t.index.Entries, rest[1])
	}
	say(w, http.StatusOK, map[string]any{"deleted": true})
}

// overwrites says whether an upload may overwrite, and counts those that ask for it: the value
// of force does not matter.
func (m *Museum) overwrites(q *http.Request) bool {
	forced := q.URL.Query().Has("force")
	if forced {
		m.forced++
	}
	return forced || m.options.AllowOverwrite
}

func (m *Museum) postCharts(w http.ResponseWriter, q *http.Request, t *tenant, _ []string) {
	if strings.HasPrefix(q.Header.Get("Content-Type"), "multipart/form-data") {
		m.postForm(w, q, t)
		return
	}
	content, err := io.ReadAll(q.Body)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	name, err := packageName(content)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := t.files[name]
	switch {
	case there && !m.overwrites(q):
		refuse(w, http.StatusConflict, "file already exists")
		return
	case !there && m.full(t):
		refuse(w, http.StatusInsufficientStorage, "repo has reached storage limit")
		return
	}
	m.save(t, name, content)
	say(w, http.StatusCreated, map[string]any{"saved": true})
}

func (m *Museum) full(t *tenant) bool {
	return m.options.MaxObjects > 0 && len(t.files) >= m.options.MaxObjects
}

// save stores a package, and adds it to the list, later.
func (m *Museum) save(t *tenant, name string, content []byte) {
	f := file{content, time.Now()}
	t.files[name] = f
	if m.options.Lag == 0 {
		m.add(t, name, f)
		return
	}
	time.AfterFunc(m.options.Lag, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.add(t, name, f)
	})
}

// keepPackages stores the packages of a form that has failed: the program takes them back from
// the root of its storage, where those of folders are not. (Where it comes to the provenance file
// first it stores none.)
func (m *Museum) keepPackages(t *tenant, files map[string][]byte) {
	for name, content := range files {
		if path.Ext(name) == ".tgz" {
			m.save(t, name, content)
		}
	}
}

// postForm takes a package, a provenance file, or both.
func (m *Museum) postForm(w http.ResponseWriter, q *http.Request, t *tenant) {
	files := map[string][]byte{}
	for _, field := range []string{"chart", "prov"} {
		from, _, err := q.FormFile(field)
		if err != nil {
			continue
		}
		content, err := io.ReadAll(from)
		if err != nil {
			refuse(w, http.StatusInternalServerError, err.Error())
			return
		}
		nameOf := map[string]func([]byte) (string, error){"chart": packageName, "prov": provenanceName}[field]
		name, err := nameOf(content)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		files[name] = content
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range files {
		if _, there := t.files[name]; there && !m.overwrites(q) {
			refuse(w, http.StatusConflict, "chart already exists")
			return
		}
	}
	for name := range files {
		if m.options.PerChartLimit > 0 && path.Ext(name) == ".prov" {
			if m.options.Depth > 0 {
				m.keepPackages(t, files)
			}
			refuse(w, http.StatusInternalServerError, "invalid chart package")
			return
		}
	}
	if len(files) == 0 {
		refuse(w, http.StatusBadRequest, "no package or provenance file found in form fields chart and prov")
		return
	}
	for name, content := range files {
		if path.Ext(name) == ".prov" {
			t.files[name] = file{content, time.Now()}
		} else {
			m.save(t, name, content)
		}
	}
	say(w, http.StatusCreated, map[string]any{"saved": true})
}

func (m *Museum) postProvenance(w http.ResponseWriter, q *http.Request, t *tenant, _ []string) {
	content, err := io.ReadAll(q.Body)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	name, err := provenanceName(content)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := t.files[name]; there && !m.overwrites(q) {
		refuse(w, http.StatusConflict, "file already exists")
		return
	}
	t.files[name] = file{content, time.Now()}
	say(w, http.StatusCreated, map[string]any{"saved": true})
}

// packageName is the name of the file of a package, by what is in it.
func packageName(content []byte) (string, error) {
	loaded, err := loader.LoadArchive(bytes.NewReader(content))
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s-%s.tgz", loaded.Metadata.Name, loaded.Metadata.Version)
	if path.Base(name) != name {
		return "", fmt.Errorf("%s is improperly formatted", name)
	}
	return name, nil
}

var (
	nameLine    = regexp.MustCompile("\nname:[ *](.+)")
	versionLine = regexp.MustCompile("\nversion:[ *](.+)")
)

func provenanceName(content []byte) (string, error) {
	name, version := nameLine.FindSubmatch(content), versionLine.FindSubmatch(content)
	if !bytes.HasPrefix(content, []byte("-----BEGIN PGP SIGNED MESSAGE-----")) || name == nil || version == nil {
		return "", fmt.Errorf("invalid provenance file")
	}
	return fmt.Sprintf("%s-%s.tgz.prov", name[1], version[1]), nil
}

func say(w http.ResponseWriter, status int, what any) {
	body, err := json.Marshal(what)
	if err != nil {
		panic(err) // maps and structs of strings
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func refuse(w http.ResponseWriter, status int, why string) {
	say(w, status, map[string]any{"error": why})
}
