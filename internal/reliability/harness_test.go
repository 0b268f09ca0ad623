package reliability

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
)

// program is the binary under test as its users have it: built once for all
// tests of this package, without the race detector, which would only be slow.
var program = sync.OnceValues(func() (string, error) {
	if err := lookAtSources("../.."); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "ksrelease-reliability-")
	if err != nil {
		return "", err
	}
	builtIn = dir
	file := filepath.Join(dir, "ksrelease")
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	build := exec.Command("go", "build", "-o", file, "github.com/ksrelease/ksrelease/cmd/ksrelease")
	if detectsRaces() {
		// As it is built where there is no C compiler, so that what other tests have
		// compiled can be used again.
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building ksrelease: %w\n%s", err, out)
	}
	return file, nil
})

// lookAtSources looks at each file that the program is made of. `go test` takes
// a result from its cache as long as what the test has looked at is unchanged,
// and does not know what a compiler has read that the test has started.
func lookAtSources(root string) error {
	return filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || len(entry.Name()) > 2 && entry.Name()[0] == '.'):
			return fs.SkipDir
		case entry.IsDir() || strings.HasSuffix(file, "_test.go"):
			return nil
		case slices.Contains([]string{".go", ".json", ".html", ".mod", ".sum"}, filepath.Ext(file)):
			_, err = os.Stat(file)
		}
		return err
	})
}

// builtIn is the folder of the binary, for TestMain to remove.
var builtIn string

func TestMain(m *testing.M) {
	flag.Parse()
	_ = os.Setenv(language.Variable, "en") // for the programs that tests start
	if named := flag.Lookup("test.run"); detectsRaces() && named.Value.String() == "" {
		// The program is built without the detector, so all that it can see are the
		// servers of the tests, which two runs at once keep busy.
		if err := named.Value.Set("^TestTwoRunsAtOnce$"); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	outputs, size := secrets().Searched()
	fmt.Printf("%d outputs and files with %d bytes were searched for secrets\n", outputs, size)
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

// detectsRaces says whether this test was built with the race detector.
func detectsRaces() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// member is one extension of a monorepo that a test writes.
type member struct {
	name  string
	needs []string // names of the extensions it depends on
}

// theVersion is that of every member.
const theVersion = "1.0.0"

// members are n extensions, e00 and so on. Of each four, the third depends on
// the first and the fourth on the second and third, so that there is always
// something ahead, something beside and something behind.
func members(n int) []member {
	name := func(i int) string { return fmt.Sprintf("e%02d", i) }
	all := make([]member, n)
	for i := range all {
		all[i].name = name(i)
		switch i % 4 {
		case 2:
			all[i].needs = []string{name(i - 2)}
		case 3:
			all[i].needs = []string{name(i - 2), name(i - 1)}
		}
	}
	return all
}

// monorepo is a folder with a config and extensions. No run but one with --local
// changes it: what a run writes goes to a place of its own, so many can share one.
type monorepo struct {
	dir     string
	members []member
}

// config names the marketplace and the output of each run by variables.
const config = `version: 1
cloud: {server: '${MARKET}'}
repository: {url: '${MARKET}'}
extensions:
  - path: extensions/*
package: {output: '${DIST}'}
`

// writeMonorepo writes small extensions, each with an icon and two screenshots.
func writeMonorepo(t testing.TB, all []member) *monorepo {
	t.Helper()
	m := &monorepo{dir: scratch(t), members: all}
	m.write(t, ".ksrelease.yaml", config)
	for _, x := range all {
		needs := ""
		if len(x.needs) > 0 {
			needs = "externalDependencies:\n"
		}
		for _, name := range x.needs {
			needs += fmt.Sprintf("  - {name: %s, type: extension, version: %q, required: true}\n", name, ">=1.0.0")
		}
		folder := "extensions/" + x.name + "/"
		m.write(t, folder+"extension.yaml", fmt.Sprintf(`apiVersion: kubesphere.io/v1alpha1
name: %s
version: %s
displayName: {en: %s, zh: %[1]s}
description: {en: An extension, zh: 扩展}
category: computing
provider: {en: {name: Example}, zh: {name: Example}}
icon: ./static/icon.svg
screenshots:
  - ./static/one.png
  - ./static/two.png
%[4]s`, x.name, theVersion, strings.ToUpper(x.name), needs))
		m.write(t, folder+"values.yaml", "global: {}\n")
		m.write(t, folder+"templates/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "+x.name+"}\ndata: {level: info}\n")
		m.write(t, folder+"static/icon.svg", `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><title>`+x.name+`</title></svg>`)
		for _, shot := range []string{"one", "two"} {
			m.write(t, folder+"static/"+shot+".png", picture+x.name+shot)
		}
		for _, page := range []string{"README", "README_zh", "CHANGELOG", "CHANGELOG_zh"} {
			m.write(t, folder+page+".md", "## "+theVersion+"\n")
		}
	}
	return m
}

// picture is the head of a PNG of 1024 × 768.
const picture = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x04\x00\x00\x00\x03\x00\x08\x02\x00\x00\x00\x35\xd8\x82\x5a"

func (m *monorepo) write(t testing.TB, name, text string) {
	t.Helper()
	file := filepath.Join(m.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// class is what kind of request it is, whatever extension it is about.
type class string

const (
	askIndex   class = "index"     // GET /index.yaml
	askUser    class = "user"      // who am I
	askFolder  class = "files-dir" // the folder of uploaded files
	askVersion class = "version"   // the state of a version
	askChart   class = "chart"     // the archive behind the index
	askFile    class = "file"      // an uploaded file
	sendFiles  class = "upload"    // icon and screenshots
	sendDraft  class = "package"   // the package
	sendSubmit class = "submit"
	otherwise  class = "other"
)

// writes says whether the request changes the marketplace.
func (c class) writes() bool { return c == sendFiles || c == sendDraft || c == sendSubmit }

// request is one request that reached the server, as the tests see it.
type request struct {
	arrived   int    // on the clock of the market, which ticks with each arrival and each end
	who       string // the name of the address it came to: see market.listen
	method    string
	path      string
	class     class
	extension string // empty for requests that all extensions share
	nth       int    // from 1: which one of this class, extension and address it is

	// What came of it. The answers of a server are recorded when its work is
	// done, whether or not they reach anybody.
	status   int    // 0 until the marketplace has done what was asked
	finished int    // on the same clock, when that was over
	snapshot string // for sendDraft that was taken
}

func (q request) String() string {
	return fmt.Sprintf("%d–%d: %s of the %s run %s → %d", q.arrived, q.finished, q.class, q.who, q.extension, q.status)
}

// taken says whether the marketplace has done it; for writes.
func (q request) taken() bool { return q.status/100 == 2 }

// hook stands between the server and its work. take lets the marketplace do
// what it is asked, at most once. The answer goes out when the hook returns
// true; otherwise the connection is cut without one. A hook may wait as long
// as it likes, and is called from many goroutines.
type hook func(q request, take func()) (answer bool)

// pass is the hook of a server that behaves.
func pass(_ request, take func()) bool {
	take()
	return true
}

// market is a local marketplace in this process, over real HTTP, with a record
// of all it was asked.
type market struct {
	t      testing.TB
	store  *marketplace.Marketplace
	listen func(who string) string // serves it at one more address, for requests to be told apart

	connections *connections

	mu       sync.Mutex
	changed  *sync.Cond // requests
	hook     hook
	front    http.Handler // the store, or something that misbehaves before it
	late     func(request) bool
	requests []*request
	clock    int
	counts   map[string]int
	names    map[string]string // of extensions, by snapshot
}

// scratch is a folder for the time of a test; in memory where there is such a
// thing, as the marketplace syncs each write and no test here cuts the power.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ksrelease-reliability-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

const token = canary.Token

// secrets looks for secrets in all that processes print and leave behind: every
// one has all of internal/testutil/canary in its environment.
var secrets = sync.OnceValue(func() *canary.Watch { return canary.New() })

// openMarket opens an empty marketplace.
func openMarket(t testing.TB) *market {
	t.Helper()
	m := &market{
		t: t, hook: pass, counts: map[string]int{}, names: map[string]string{}, connections: newConnections(),
	}
	m.changed = sync.NewCond(&m.mu)
	var servers []*http.Server
	m.listen = func(who string) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := marketplace.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serve(who, w, r) }))
		server.ConnState = m.connections.note
		servers = append(servers, server)
		go func() { _ = server.Serve(listener) }() // ends with Close
		return "http://" + listener.Addr().String()
	}
	t.Cleanup(func() {
		for _, server := range servers {
			_ = server.Close()
		}
		if m.store == nil {
			return // it could not be opened
		}
		if err := m.store.Close(); err != nil {
			t.Error(err)
		}
	})
	// One address for uploaded files, as KubeSphere Cloud has, whatever address they
	// were sent to.
	store, err := marketplace.Open(scratch(t), marketplace.Options{FilesURL: m.listen("files"), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	m.store = store
	m.behind(nil)
	return m
}

// through puts a hook before all requests from now on.
func (m *market) through(h hook) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hook = h
}

// isLate has the requests of the index for which late says so answered with an
// empty one: of before anything was submitted. That of KubeSphere Cloud takes
// its time, where that of the local marketplace is up to date at once.
func (m *market) isLate(late func(request) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late = late
}

// settle waits until the server at address has dealt with all that was sent before.
func (m *market) settle(address string) {
	m.t.Helper()
	m.connections.settle(m.t, address)
}

// record is every request so far, in the order of arrival.
func (m *market) record() []request {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []request
	for _, q := range m.requests {
		all = append(all, *q)
	}
	return all
}

// serve notes a request, and answers as the hook wants.
func (m *market) serve(who string, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil { // the client went away while it sent
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
	}
	q, h := m.note(who, r, body)
	answer := httptest.NewRecorder()
	take := sync.OnceFunc(func() {
		m.worker(q).ServeHTTP(answer, r)
		m.noteDone(q, answer)
	})
	if !h(m.look(q), take) {
		panic(http.ErrAbortHandler) // net/http cuts the connection
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// broken is the rest of a body that did not arrive.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// worker is who does what a request asks for.
func (m *market) worker(q *request) http.Handler {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.class == askIndex && m.late != nil && m.late(*q) {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "apiVersion: v1\nentries: {}\n")
		})
	}
	return m.front
}

// behind puts a handler before the store, and the store alone where it is nil.
func (m *market) behind(handler func(store http.Handler) http.Handler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.front = m.store
	if handler != nil {
		m.front = handler(m.store)
	}
}

func (m *market) look(q *request) request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *q
}

func (m *market) note(who string, r *http.Request, body []byte) (*request, hook) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock++
	q := &request{arrived: m.clock, who: who, method: r.Method, path: r.URL.Path}
	q.class, q.extension = m.classify(r, body)
	key := fmt.Sprint(who, " ", q.class, " ", q.extension)
	m.counts[key]++
	q.nth = m.counts[key]
	m.requests = append(m.requests, q)
	return q, m.hook
}

func (m *market) noteDone(q *request, answer *httptest.ResponseRecorder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock++
	q.status, q.finished = answer.Code, m.clock
	if q.class == sendDraft && q.taken() {
		var pushed struct {
			Snapshot struct {
				ID string `json:"snapshot_id"`
			}
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &pushed); err != nil {
			m.t.Errorf("%s: %v", q, err)
		}
		q.snapshot = pushed.Snapshot.ID
		m.names[q.snapshot] = q.extension
	}
	m.changed.Broadcast()
}

// classify reads from a request what it is and which extension it is about.
func (m *market) classify(r *http.Request, body []byte) (class, string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	last := parts[len(parts)-1]
	switch {
	case last == "index.yaml":
		return askIndex, ""
	case last == "user":
		return askUser, ""
	case last == "usage":
		return askFolder, ""
	case parts[0] == "charts":
		name, _, _ := strings.Cut(last, "-"+theVersion)
		return askChart, name
	case parts[0] == "files" && len(parts) > 2: // files/USER/NAME/…
		return askFile, parts[2]
	case len(parts) == 7 && parts[5] == "versions":
		return askVersion, parts[4]
	case last == "files":
		return sendFiles, uploadedFor(r, body)
	case last == "package":
		return sendDraft, parts[len(parts)-2]
	case last == "action:submit":
		return sendSubmit, m.names[parts[len(parts)-2]]
	}
	return otherwise, ""
}

// uploadedFor is the extension in the path of the first file, which is
// /files/USER/NAME/VERSION/FILE.
func uploadedFor(r *http.Request, body []byte) string {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	for parts := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		part, err := parts.NextPart()
		if err != nil {
			return ""
		}
		if part.FormName() != "file1_path" {
			continue
		}
		text, _ := io.ReadAll(part)
		if words := strings.Split(string(text), "/"); len(words) > 3 {
			return words[3]
		}
	}
}

// snapshot is a version as the marketplace has it.
type snapshot struct {
	ID       string `json:"snapshot_id"`
	Status   string `json:"status"`
	Metadata struct {
		Version string `json:"version"`
	} `json:"metadata"`
}

// snapshots asks the marketplace itself, past hook and record; none where it
// does not know the extension.
func (m *market) snapshots(name string) []snapshot {
	m.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/apis/extension/v1/extensions/"+name+"/snapshots", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	m.store.ServeHTTP(answer, r)
	if answer.Code == http.StatusNotFound {
		return nil
	}
	var list []snapshot
	if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil || answer.Code != http.StatusOK {
		m.t.Fatalf("snapshots of %s: %d %s (%v)", name, answer.Code, answer.Body, err)
	}
	return list
}

// place is where a run is at home: its HOME, its reports and its packages.
// Several runs may share one, one after another or at once.
type place struct {
	dir  string
	repo *monorepo
}

func newPlace(t testing.TB, repo *monorepo) *place {
	t.Helper()
	p := &place{dir: scratch(t), repo: repo}
	t.Cleanup(func() { secrets().CheckTree(t, p.dir) })
	if err := os.Mkdir(p.file("home"), 0o700); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) file(name string) string { return filepath.Join(p.dir, name) }

// process is one run of the binary. It is made first and started later, so
// that a hook can know the process whose request it holds.
type process struct {
	t       testing.TB
	cmd     *exec.Cmd
	stdout  output
	stderr  output
	started chan struct{}
	ended   chan struct{} // closed once it is dead and all it printed was read
}

// output is what a process printed so far. It may be read and waited for while
// the process prints.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	watches []func(soFar []byte)
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	for _, watch := range o.watches {
		watch(o.text.Bytes())
	}
	return n, err
}

// once is closed when a text was printed so many times, before this call or later.
func (o *output) once(text string, times int) <-chan struct{} {
	reached := make(chan struct{})
	closeIt := sync.OnceFunc(func() { close(reached) })
	o.watch(func(soFar []byte) {
		if bytes.Count(soFar, []byte(text)) >= times {
			closeIt()
		}
	})
	return reached
}

// watch calls f with all that was printed, now and each time that more comes.
func (o *output) watch(f func(soFar []byte)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o.text.Bytes())
	o.watches = append(o.watches, f)
}

// Bytes returns a copy.
func (o *output) Bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.text.Bytes())
}

func (o *output) String() string { return string(o.Bytes()) }

// newProcess prepares the binary with these arguments against the marketplace
// at address.
func (p *place) newProcess(t testing.TB, address string, args ...string) *process {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	run := &process{t: t, started: make(chan struct{}), ended: make(chan struct{})}
	run.cmd = exec.Command(file, args...)
	run.cmd.Dir = p.repo.dir
	run.cmd.Stdout, run.cmd.Stderr = &run.stdout, &run.stderr
	run.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + p.dir,
		"HOME=" + p.file("home"), "XDG_CONFIG_HOME=" + p.file("home/config"), "XDG_CACHE_HOME=" + p.file("home/cache"),
		"MARKET=" + address, "MARKET_HOST=" + strings.TrimPrefix(address, "http://"), "DIST=" + p.file("dist"),
	}
	run.cmd.Env = append(run.cmd.Env, canary.Environment()...)
	return run
}

// start starts it; it is killed with the test at the latest.
func (p *process) start() *process {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	close(p.started)
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is in ProcessState
	}()
	p.t.Cleanup(func() {
		p.kill()
		secrets().Check(p.t, "standard output", p.stdout.Bytes())
		secrets().Check(p.t, "standard error", p.stderr.Bytes())
	})
	return p
}

// kill ends it with SIGKILL and returns when it is dead.
func (p *process) kill() {
	p.signal(os.Kill)
	<-p.ended
}

// signal sends a signal and does not wait for what comes of it.
func (p *process) signal(s os.Signal) {
	<-p.started
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// code waits for the end and returns the exit code; -1 where a signal ended it.
func (p *process) code() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}

// run starts the process and waits for its end.
func (p *process) run() (code int) {
	p.t.Helper()
	return p.start().code()
}

// output is what it printed, for the message of a test that fails.
func (p *process) output() string {
	<-p.ended
	stdout := p.stdout.String()
	if len(stdout) > 4096 {
		stdout = "…" + stdout[len(stdout)-4096:]
	}
	return fmt.Sprintf("exit code %d\nstderr:\n%s\nstdout:\n%s", p.cmd.ProcessState.ExitCode(), p.stderr.String(), stdout)
}

// event is a line of `--output json`.
type event struct {
	Event     results.EventKind   `json:"event"`
	Planning  bool                `json:"planning"`
	Extension string              `json:"extension"`
	Stage     string              `json:"stage"`
	Status    results.StageStatus `json:"status"`
	Message   string              `json:"message"`
	Ended     *results.Extension  `json:"ended"`
	Result    *results.Document   `json:"result"`
}

// events are the lines of `--output json`, each of which has to be whole but
// for the last one of a process that was killed: a pipe may be cut anywhere.
func (p *process) events() []event {
	p.t.Helper()
	killed := p.code() < 0
	var all []event
	for line := range bytes.Lines(p.stdout.Bytes()) {
		if !bytes.HasSuffix(line, []byte("\n")) && killed {
			break
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			p.t.Errorf("the event stream has a line that is no whole event: %q (%v)", line, err)
			continue
		}
		all = append(all, e)
	}
	return all
}

// document reads the result document in a place; nil where there is none.
func (p *place) document(t testing.TB, name string) *results.Document {
	t.Helper()
	data, err := os.ReadFile(p.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var result results.Document
	if err := json.Unmarshal(data, &result); err != nil {
		t.Errorf("%s is not whole: %v\n%s", name, err, data)
		return nil
	}
	return &result
}

// inTurn runs so many cases, a few of them at a time: the processes of a case spend much of
// their time waiting, for one another and by their own clocks.
func inTurn(cases, atOnce int, do func(i int)) {
	next := make(chan int)
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range cases {
		next <- i
	}
	close(next)
	group.Wait()
}

// The harness itself: a run that nobody disturbs.
func TestUndisturbed(t *testing.T) {
	repo := writeMonorepo(t, members(8))
	m := openMarket(t)
	at := m.listen("one")
	p := newPlace(t, repo)
	one := p.newProcess(t, at, "run", "--output", "json", "--report", p.file("result.json"))
	if code := one.run(); code != 0 {
		t.Fatal(one.output())
	}
	m.settle(at)
	count := map[class]int{}
	for _, q := range m.record() {
		if q.status >= http.StatusBadRequest && q.class != askVersion {
			t.Errorf("%s", q)
		}
		if count[q.class]++; q.extension == "" && q.class != askIndex && q.class != askUser && q.class != askFolder {
			t.Errorf("%s %s is of no extension that is known", q.method, q.path)
		}
	}
	for _, c := range []class{sendFiles, sendDraft, sendSubmit, askChart} {
		if count[c] != len(repo.members) {
			t.Errorf("%d requests %s, not one for each extension", count[c], c)
		}
	}
	for _, x := range repo.members {
		if s := m.snapshots(x.name); len(s) != 1 || s[0].Status != target.StatusSubmitted || s[0].Metadata.Version != theVersion {
			t.Errorf("%s: %+v", x.name, s)
		}
	}
	if result := p.document(t, "result.json"); result == nil || result.Totals[results.Released] != len(repo.members) {
		t.Errorf("result document: %+v", result)
	}
	events := one.events()
	if len(events) == 0 || events[len(events)-1].Event != results.EventRunFinished {
		t.Errorf("the event stream is not finished: %s", one.output())
	}
}
