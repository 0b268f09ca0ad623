package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/memnet"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// rehearsal is the whole program, from its command line to its exit code, with
// the local marketplace at the other end of a network in memory. It lives in a
// bubble of testing/synctest, where deadlines and waits take no time.
type rehearsal struct {
	t       *testing.T
	dir     string // of the project
	market  *marketplace.Marketplace
	network *memnet.Network

	mu    sync.Mutex
	front http.Handler // what answers: the marketplace, or faults before it
	// asked are the requests that the program sent, done those that reached the
	// marketplace behind the faults: its own record.
	asked, done []wire
	// onDone is told of each request that the marketplace has answered.
	onDone func(wire)
}

// wire is a request, and what became of it.
type wire struct {
	method, path string
	at           time.Time
	status       int    // the marketplace's answer; 0 for what was asked
	fault        string // what went wrong instead, if anything did
}

func (w wire) String() string { return w.method + " " + w.path }

// write says that a request changes the marketplace.
func (w wire) write() bool { return w.method != http.MethodGet && w.method != http.MethodHead }

const (
	marketURL = "http://" + marketplace.DefaultAddr
	// foreignURL is another host; it leads to the same network.
	foreignURL = "http://127.0.0.9"
)

// memoryDir is where the files of rehearsals are, in memory where the system
// has such a place: the marketplace syncs all it writes.
func memoryDir(t testing.TB) string {
	parent := "/dev/shm"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "ksrelease-rehearsal-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// rehearse opens an empty marketplace and a project of these files.
func rehearse(t *testing.T, files map[string]string) *rehearsal {
	r := &rehearsal{t: t, dir: memoryDir(t)}
	for name, text := range files {
		r.write(name, text)
	}
	var err error
	if r.market, err = marketplace.Open(filepath.Join(r.dir, "market"), marketplace.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.market.Close(); err != nil {
			t.Error(err)
		}
	})
	r.setFaults(nil)
	r.network = memnet.Serve(t, http.HandlerFunc(r.serve))
	return r
}

func (r *rehearsal) write(name, text string) {
	r.t.Helper()
	file := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		r.t.Fatal(err)
	}
}

// setFaults puts a script before the marketplace, and begins new records.
func (r *rehearsal) setFaults(script []faults.Rule) {
	handler := faults.New(http.HandlerFunc(r.serveMarket), script)
	handler.OnFault = func(q *http.Request, rule faults.Rule) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := len(r.asked) - 1; i >= 0; i-- { // the latest of its kind
			if a := &r.asked[i]; a.method == q.Method && a.path == q.URL.Path && a.fault == "" {
				a.fault = string(rule.Fault.Kind)
				return
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.front, r.asked, r.done = handler, nil, nil
}

func (r *rehearsal) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.asked = append(r.asked, wire{method: q.Method, path: q.URL.Path, at: time.Now()})
	front := r.front
	r.mu.Unlock()
	time.Sleep(time.Millisecond) // no answer comes in no time
	if q.URL.Path == "/login" {
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Please log in</title>")
		return
	}
	front.ServeHTTP(w, q)
}

func (r *rehearsal) serveMarket(w http.ResponseWriter, q *http.Request) {
	seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	r.market.ServeHTTP(seen, q)
	done := wire{method: q.Method, path: q.URL.Path, at: time.Now(), status: seen.status}
	r.mu.Lock()
	r.done = append(r.done, done)
	told := r.onDone
	r.mu.Unlock()
	if told != nil {
		told(done)
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (r *rehearsal) record() (asked, done []wire) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked), slices.Clone(r.done)
}

// performance is one run of the program and what it said.
type performance struct {
	code        int
	took        time.Duration
	started     time.Time
	result      results.Document
	notes       []note
	stderr      string
	asked, done []wire
}

// note is a remark of the run as it goes on.
type note struct {
	at              time.Time
	extension, text string
}

// of is the result of one extension.
func (p *performance) of(name string) results.Extension {
	for _, x := range p.result.Extensions {
		if x.Name == name {
			return x
		}
	}
	return results.Extension{Name: name, Outcome: "absent"}
}

// rehearsalSecrets looks for secrets in what runs print: they have all of
// internal/testutil/canary in their environment.
var rehearsalSecrets = sync.OnceValue(func() *canary.Watch { return canary.New() })

// run runs the program in the project.
func (r *rehearsal) run(words ...string) *performance {
	r.t.Helper()
	open := func(name string) *os.File {
		f, err := os.Create(filepath.Join(r.dir, name))
		if err != nil {
			r.t.Fatal(err)
		}
		return f
	}
	stdout, stderr := open("stdout"), open("stderr")
	defer stdout.Close()
	defer stderr.Close()
	env := map[string]string{"HOME": r.dir, "XDG_CONFIG_HOME": r.dir}
	for _, variable := range canary.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	// Connections that are kept for reuse belong to the run, as they do where
	// the process ends with it.
	a := &app.App{
		Stdin: os.Stdin, Stdout: output.New(stdout), Stderr: output.New(stderr), Stop: r.t.Context(), Connect: r.network.Dial, InProcess: true,
		Env:       func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		UserCache: func() (string, error) { return filepath.Join(r.dir, "cache"), nil },
	}
	p := &performance{started: time.Now()}
	p.code = execute(a, append([]string{"run", "-f", filepath.Join(r.dir, ".ksrelease.yaml"), "--output", "json"}, words...))
	p.took = time.Since(p.started)
	p.asked, p.done = r.record()
	text, err := os.ReadFile(filepath.Join(r.dir, "stderr"))
	if err != nil {
		r.t.Fatal(err)
	}
	p.stderr = string(text)
	for _, name := range []string{"stdout", "stderr"} {
		data, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			r.t.Fatal(err)
		}
		rehearsalSecrets().Check(r.t, name, data)
	}
	p.read(r.t, filepath.Join(r.dir, "stdout"))
	return p
}

// read reads the events of a run.
func (p *performance) read(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	finished := false
	for line := range bytes.Lines(data) {
		var event struct {
			Event, Extension, Message string
			Time                      time.Time
			Result                    *results.Document
		}
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		switch event.Event {
		case "note":
			p.notes = append(p.notes, note{event.Time, event.Extension, event.Message})
		case "run-finished":
			finished, p.result = true, *event.Result
		}
	}
	if !finished {
		t.Fatalf("the run did not finish: exit code %d, %s", p.code, p.stderr)
	}
}

// truth is what the marketplace has of one version, by its own books.
type truth struct {
	snapshots int
	status    string // of the version; empty where there is none
	listed    bool   // in the index
	content   string // content digest in the index
	submits   int    // submissions that the marketplace took, in the record
}

// submitted says that the version was handed in.
func (s truth) submitted() bool { return s.status == "submitted" || s.status == "active" }

// books reads, past all faults, what the marketplace has of a version. done is
// the record in which submissions are counted.
func (r *rehearsal) books(name, version string, done []wire) truth {
	r.t.Helper()
	var s truth
	answer := r.ask("/apis/extension/v1/extensions/" + name + "/snapshots")
	if answer.Code == http.StatusOK {
		var snapshots []struct {
			ID       string `json:"snapshot_id"`
			Status   string
			Metadata struct{ Version string }
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &snapshots); err != nil {
			r.t.Fatal(err)
		}
		for _, x := range snapshots {
			if x.Metadata.Version != version {
				r.t.Errorf("%s has version %s, which nobody asked for", name, x.Metadata.Version)
				continue
			}
			s.snapshots++
			s.status = x.Status
			for _, w := range done {
				if w.status == http.StatusOK && strings.HasSuffix(w.path, "/"+x.ID+"/action:submit") {
					s.submits++
				}
			}
		}
	}
	index, err := helmrepo.Parse(r.ask("/index.yaml").Body.Bytes())
	if err != nil {
		r.t.Fatal(err)
	}
	if entry, ok := index.Version(name, version); ok {
		s.listed, s.content = true, entry.Annotations[extension.ContentDigestAnnotation]
	}
	return s
}

// ask reads from the marketplace itself.
func (r *rehearsal) ask(path string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Header.Set("Authorization", "Bearer "+canary.Token)
	answer := httptest.NewRecorder()
	r.market.ServeHTTP(answer, request)
	return answer
}

// load reads an extension of the project.
func (r *rehearsal) load(name string) *extension.Extension {
	r.t.Helper()
	ext, err := extension.Load(filepath.Join(r.dir, "extensions", name), extension.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	return ext
}

// pushDraft leaves the draft of an extension behind, as a run does that was
// killed before it submitted; other gives it other content.
func (r *rehearsal) pushDraft(name string, edit func(*extension.Package) []byte) string {
	r.t.Helper()
	web := transport.New(transport.Options{Dial: r.network.Dial})
	defer web.Close()
	client, err := cloud.New(cloud.Options{Server: marketURL, Token: canary.Token, Transport: web})
	if err != nil {
		r.t.Fatal(err)
	}
	ext := r.load(name)
	var files []cloud.Upload
	for _, a := range ext.Assets {
		files = append(files, cloud.Upload{Name: a.RemoteName, Path: "/files/local/" + name + "/" + ext.Metadata.Version + "/" + a.RemoteName, Data: a.Data})
	}
	addresses, err := client.UploadFiles(r.t.Context(), "local", "assets", files)
	if err != nil {
		r.t.Fatal(err)
	}
	urls := extension.URLs{}
	for i, a := range ext.Assets {
		urls[a.File] = addresses[i]
	}
	pkg, err := ext.Pack(urls)
	if err != nil {
		r.t.Fatal(err)
	}
	data := pkg.Data
	if edit != nil {
		data = edit(pkg)
	}
	snapshot, err := client.PushPackage(r.t.Context(), "local", name, pkg.Filename, data)
	if err != nil {
		r.t.Fatal(err)
	}
	return snapshot.ID
}

// submitAs pushes and submits an extension as another tool would.
func (r *rehearsal) submitAs(name string, edit func(*extension.Package) []byte) {
	r.t.Helper()
	id := r.pushDraft(name, edit)
	request := httptest.NewRequest(http.MethodPost, "/apis/extension/v1/users/local/snapshots/"+id+"/action:submit", strings.NewReader(`{"message":"x"}`))
	request.Header.Set("Authorization", "Bearer "+canary.Token)
	answer := httptest.NewRecorder()
	r.market.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		r.t.Fatalf("%d %s", answer.Code, answer.Body)
	}
}

// ofAnotherTool is a package without our annotation, with a file changed where
// one is named.
func ofAnotherTool(t *testing.T, changed string) func(*extension.Package) []byte {
	return func(pkg *extension.Package) []byte {
		return rewrite(t, pkg.Data, func(name string, data []byte) []byte {
			switch _, file, _ := strings.Cut(name, "/"); file {
			case "Chart.yaml":
				var chart map[string]any
				if err := yaml.Unmarshal(data, &chart); err != nil {
					t.Fatal(err)
				}
				delete(chart, "annotations")
				data, err := yaml.Marshal(chart)
				if err != nil {
					t.Fatal(err)
				}
				return data
			case changed:
				return append(data, "\n# changed\n"...)
			}
			return data
		})
	}
}

// rewrite passes the files of a package through edit.
func rewrite(t *testing.T, data []byte, edit func(name string, data []byte) []byte) []byte {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	from, to := tar.NewReader(unzipped), tar.NewWriter(zipped)
	for {
		header, err := from.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		content = edit(header.Name, content)
		header.Size = int64(len(content))
		if err := to.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// extensionFiles are those of a small extension, below extensions/.
func extensionFiles(name string, needs ...string) map[string]string {
	dependencies := ""
	for _, n := range needs {
		dependencies += fmt.Sprintf("  - {name: %s, type: extension, version: \">=0.0.1\", required: true}\n", n)
	}
	if dependencies != "" {
		dependencies = "externalDependencies:\n" + dependencies
	}
	at := "extensions/" + name + "/"
	picture := `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><circle cx="4" cy="4" r="%d"/></svg>` + "\n"
	return map[string]string{
		at + "extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: " + name + "\nversion: 1.0.0\ndisplayName: {en: " + name +
			"}\ndescription: {en: An extension}\ncategory: computing\nprovider: {en: {name: Example}}\nicon: static/icon.svg\nscreenshots: [static/shot.svg]\n" + dependencies,
		at + "static/icon.svg": fmt.Sprintf(picture, 2),
		at + "static/shot.svg": fmt.Sprintf(picture, 3),
		at + "values.yaml":     "global: {}\n",
		at + "README.md":       "# About\n",
		at + "CHANGELOG.md":    "## 1.0.0\n",
		at + "templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n" +
			"data: {level: info}\n",
	}
}

// projectFiles are a config with these settings besides, and these extensions.
func projectFiles(settings string, extensions ...map[string]string) map[string]string {
	files := map[string]string{".ksrelease.yaml": "version: 1\ncloud: {server: \"" + marketURL + "\"}\nrepository: {url: \"" + marketURL + "\"}\n" +
		"extensions: [{path: extensions/*}]\n" + settings}
	for _, e := range extensions {
		for name, text := range e {
			files[name] = text
		}
	}
	return files
}
