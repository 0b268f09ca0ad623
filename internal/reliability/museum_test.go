package reliability

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// Promises P1 and P10 for targets that are servers without reviews: a ChartMuseum, which is the
// double and, where there is one, the program; and a service of the kind webhook.

// keeper is such a server, with a record of what it was asked. Hooks are as those of a market.
type keeper struct {
	t       testing.TB
	address string
	next    http.Handler
	// held is what it has, by NAME-VERSION.tgz.
	held func() map[string][]byte
	// classify reads from a request what it is and which extension it is about.
	classify func(r *http.Request, body []byte) (class, string)

	connections *connections

	mu       sync.Mutex
	hook     hook
	requests []*request
	counts   map[string]int
}

const (
	askAPI class = "api" // where the API is
)

// listen serves it.
func (s *keeper) listen(t testing.TB) *keeper {
	s.t, s.hook, s.counts, s.connections = t, pass, map[string]int{}, newConnections()
	server := httptest.NewUnstartedServer(s)
	server.Config.ConnState = s.connections.note
	server.Start()
	s.address = server.URL
	t.Cleanup(server.Close)
	return s
}

func (s *keeper) through(h hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = h
}

func (s *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil { // the client went away while it sent
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	q := &request{method: r.Method, path: r.URL.Path}
	q.class, q.extension = s.classify(r, body)
	s.mu.Lock()
	key := fmt.Sprint(q.class, " ", q.extension)
	s.counts[key]++
	q.nth = s.counts[key]
	s.requests = append(s.requests, q)
	h := s.hook
	s.mu.Unlock()
	answer := httptest.NewRecorder()
	take := sync.OnceFunc(func() {
		s.next.ServeHTTP(answer, r)
		s.mu.Lock()
		q.status = answer.Code
		s.mu.Unlock()
	})
	if !h(*q, take) {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// settle waits until the server has dealt with all that was sent before.
func (s *keeper) settle() {
	s.t.Helper()
	s.connections.settle(s.t, s.address)
}

func (s *keeper) record() (all []request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.requests {
		all = append(all, *q)
	}
	return all
}

// packageOf is the name of the extension in a package.
func packageOf(body []byte) string {
	loaded, err := loader.LoadArchive(bytes.NewReader(body))
	if err != nil {
		return ""
	}
	return loaded.Metadata.Name
}

func classifyMuseum(r *http.Request, body []byte) (class, string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.Method == http.MethodPost:
		return sendDraft, packageOf(body)
	case parts[0] == "index.yaml":
		return askIndex, ""
	case parts[0] == "charts":
		name, _, _ := strings.Cut(parts[1], "-"+theVersion)
		return askChart, name
	case len(parts) > 2:
		return askVersion, parts[2]
	}
	return askAPI, ""
}

// double is a museum of this process. The moment that the program takes to list what was
// uploaded is a random one.
func double(t testing.TB) *keeper {
	store := museumtest.New(museumtest.Options{Lag: 20 * time.Millisecond})
	t.Cleanup(func() {
		if store.Forced() > 0 {
			t.Error("it was asked to overwrite something")
		}
	})
	s := &keeper{next: store, held: func() map[string][]byte { return store.Files("") }, classify: classifyMuseum}
	return s.listen(t)
}

// chartMuseum is the program.
func chartMuseum(t testing.TB) *keeper {
	folder := scratch(t)
	s := &keeper{next: proxy(t, museumtest.Start(t, folder, "--disable-statefiles")), classify: classifyMuseum}
	s.held = func() map[string][]byte { return files(t, filepath.Join(folder, "*")) }
	return s.listen(t)
}

// proxy hands requests to the program at address. That does what it was asked also where who
// asked goes away, so that it is known when it is at its end.
func proxy(t testing.TB, address string) http.Handler {
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	behind := httputil.NewSingleHostReverseProxy(at)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		behind.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())))
	})
}

// files are files by their names.
func files(t testing.TB, pattern string) map[string][]byte {
	held := map[string][]byte{}
	all, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		held[filepath.Base(file)] = data
	}
	return held
}

// serviceProgram is the service of the examples.
var serviceProgram = sync.OnceValues(func() (string, error) {
	if _, err := program(); err != nil { // it makes the folder
		return "", err
	}
	file := filepath.Join(builtIn, "server")
	out, err := exec.Command("go", "build", "-o", file, "github.com/ksrelease/ksrelease/examples/targets/server").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

// signingKey is that of the service.
const signingKey = "signing-9b1f"

// service is that of the examples, as a process.
func service(t testing.TB) *keeper {
	file, err := serviceProgram()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, folder := listener.Addr().String(), scratch(t)
	_ = listener.Close()
	cmd := exec.Command(file, address, folder)
	cmd.Env = []string{"SECRET=" + signingKey}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal("the service does not answer")
		}
	}
	type asked struct {
		Action, Name string
		Package      []byte
	}
	s := &keeper{next: proxy(t, "http://"+address)}
	s.classify = func(_ *http.Request, body []byte) (class, string) {
		var q asked
		if err := json.Unmarshal(body, &q); err != nil {
			return otherwise, ""
		}
		return map[string]class{"publish": sendDraft, "index": askIndex, "snapshot": askVersion, "fetch": askChart}[q.Action], q.Name
	}
	s.held = func() map[string][]byte {
		held := map[string][]byte{}
		for name, data := range files(t, filepath.Join(folder, "*.json")) {
			var kept struct{ Package []byte }
			if err := json.Unmarshal(data, &kept); err != nil {
				t.Errorf("%s is not whole: %v", name, err)
			}
			held[strings.ReplaceAll(strings.TrimSuffix(name, ".json"), "@", "-")+".tgz"] = kept.Package
		}
		return held
	}
	return s.listen(t)
}

// The configs that release to them. The address comes by the variable that a market's does.
const (
	museumConfig = `version: 1
extensions: [{path: extensions/*}]
targets: [{kind: chartmuseum, url: '${MARKET}'}]
package: {output: '${DIST}'}
`
	serviceConfig = `version: 1
extensions: [{path: extensions/*}]
targets: [{kind: webhook, url: '${MARKET}', secret: ` + signingKey + `}]
package: {output: '${DIST}'}
`
)

// keepers are the kinds of servers, each with its config.
var keepers = []struct {
	name, config string
	open         func(testing.TB) *keeper
	real         bool // it is a program that starts anew for each case
	atOnce       int  // cases that run at a time
}{
	{"double of ChartMuseum", museumConfig, double, false, 4},
	{"ChartMuseum", museumConfig, chartMuseum, true, 4},
	{"service", serviceConfig, service, true, 4},
	{"image", imageConfig, imageInRegistry, true, 8}, // its runs wait for seconds until tags have settled
}

// keptRepo is a monorepo that releases to such a server.
func keptRepo(t testing.TB, n int, config string) *monorepo {
	repo := writeMonorepo(t, members(n))
	repo.write(t, ".ksrelease.yaml", config)
	return repo
}

// keeperRun is a run into a server.
func keeperRun(t testing.TB, p *place, s *keeper, who string) *process {
	return p.newProcess(t, s.address, "run", "--output", "json", "--report", p.file(who+".json"))
}

// keeperPoints are the moments at which a release can be killed.
func keeperPoints(t testing.TB, repo *monorepo, open func(testing.TB) *keeper) []point {
	s := open(t)
	clean := keeperRun(t, newPlace(t, repo), s, "clean")
	if clean.run() != 0 {
		t.Fatal(clean.output())
	}
	// How often some requests come depends on which extensions meet.
	return s.points(map[class]int{askIndex: 1 + repo.depth(), sendLayer: 2, sendImage: 1})
}

// points are those before and after each request so far, but for requests of a class that came
// more often than often says.
func (s *keeper) points(often map[class]int) (all []point) {
	for _, q := range s.record() {
		if most, bounded := often[q.class]; bounded && q.nth > most {
			continue
		}
		for _, after := range []bool{false, true} {
			all = append(all, point{class: q.class, extension: q.extension, nth: q.nth, after: after})
		}
	}
	slices.SortStableFunc(all, func(a, b point) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all)
}

// complete holds what is there in the end to what was to be released.
func (s *keeper) complete(repo *monorepo, last *process, document *results.Document) {
	s.t.Helper()
	if document == nil {
		s.t.Fatalf("no result document\n%s", last.output())
	}
	held := s.held()
	for _, x := range document.Extensions {
		if x.Outcome != results.Released && x.Outcome != results.Exists {
			s.t.Errorf("%s is %s: %s", x.Name, x.Outcome, x.Reason)
		}
	}
	for _, x := range repo.members {
		if packageOf(held[x.name+"-"+theVersion+".tgz"]) != x.name {
			s.t.Errorf("%s is not there", x.name)
		}
	}
	if len(held) != len(repo.members) {
		s.t.Errorf("%d files are there: %q", len(held), slices.Sorted(maps.Keys(held)))
	}
	taken := map[string]int{}
	for _, q := range s.record() {
		if q.class == sendDraft && q.taken() {
			taken[q.extension]++
		}
	}
	for name, times := range taken {
		if times > 1 {
			s.t.Errorf("%s was taken %d times", name, times)
		}
	}
	if s.t.Failed() {
		s.t.Log(last.output())
	}
}

// P1: killed at any request, one more run finishes.
func TestKilledAtEachRequestToAKeeper(t *testing.T) {
	for _, kind := range keepers {
		t.Run(kind.name, func(t *testing.T) {
			size, short := 8, 12
			if kind.real {
				size, short = 4, 6
			}
			repo := keptRepo(t, size, kind.config)
			all := keeperPoints(t, repo, kind.open)
			chosen := spread(all, soak.Cases(t, short, len(all)))
			inTurn(len(chosen), kind.atOnce, func(i int) {
				at := chosen[i]
				t.Run(at.String(), func(t *testing.T) {
					s, p := kind.open(t), newPlace(t, repo)
					victim := keeperRun(t, p, s, "first")
					s.through(at.killing(victim))
					if victim.run() >= 0 {
						t.Errorf("the release has no such request\n%s", victim.output())
					}
					s.through(pass)
					s.settle()
					last := keeperRun(t, p, s, "last")
					if last.run() != 0 {
						t.Error(last.output())
					}
					s.complete(repo, last, p.document(t, "last.json"))
				})
			})
			t.Logf("killed at %d points of %d", len(chosen), len(all))
		})
	}
}

// P10: ten runs at once, with one content and with two.
func TestTenRunsIntoAKeeper(t *testing.T) {
	inTurn(2*len(keepers), 2, func(i int) {
		kind, contents := keepers[i/2], 1+i%2
		t.Run(fmt.Sprintf("%s, %d contents", kind.name, contents), func(t *testing.T) {
			for range soak.Cases(t, 1, 25) {
				tenRuns(t, kind.open(t), kind.config, contents)
			}
		})
	})
}

func tenRuns(t *testing.T, s *keeper, config string, contents int) {
	repos := make([]*monorepo, contents)
	want := make([]map[string][]byte, contents) // what each of them has in a place of its own
	for i := range repos {
		repos[i] = keptRepo(t, 4, config)
		for _, x := range repos[i].members {
			repos[i].write(t, "extensions/"+x.name+"/values.yaml", fmt.Sprintf("global: {}\ncontent: %d\n", i))
		}
		p := newPlace(t, repos[i])
		pack := p.newProcess(t, s.address, "package")
		if pack.run() != 0 {
			t.Fatal(pack.output())
		}
		want[i] = files(t, filepath.Join(p.file("dist"), "*.tgz"))
	}
	var runs []*process
	var places []*place
	for i := range 10 {
		p := newPlace(t, repos[i%contents])
		places = append(places, p)
		runs = append(runs, keeperRun(t, p, s, "run").start())
	}
	winners := map[string]int{}
	for _, run := range runs {
		<-run.ended
	}
	held := s.held()
	for i := range repos {
		for file := range held {
			if bytes.Equal(held[file], want[i][file]) {
				winners[file] = i
			} else if contents == 1 {
				t.Errorf("%s is another one", file)
			}
		}
	}
	if len(held) != 4 || len(winners) != 4 {
		t.Errorf("%d files are there, %d of them those that were sent", len(held), len(winners))
	}
	for i, run := range runs {
		document := places[i].document(t, "run.json")
		if document == nil {
			t.Fatal(run.output())
		}
		asAsked := true
		for _, x := range document.Extensions {
			won := winners[x.Name+"-"+x.Version+".tgz"] == i%contents
			switch x.Outcome {
			case results.Released, results.Exists:
				if !won {
					t.Errorf("run %d: %s is %s, and what is there is the other one", i, x.Name, x.Outcome)
				}
			case results.Drift:
				asAsked = false
				if won {
					t.Errorf("run %d: %s is drift, and what is there is its own", i, x.Name)
				}
			default:
				t.Errorf("run %d: %s is %s: %s %+v", i, x.Name, x.Outcome, x.Reason, x.Error)
			}
		}
		if code := run.code(); code == 0 != asAsked {
			t.Errorf("run %d: exit code %d", i, code)
		}
	}
	if t.Failed() {
		t.Log(runs[0].output())
	}
}

// P1 for a command: what it has begun goes on when the run is killed, next to the run that
// finishes.
func TestKilledWithACommand(t *testing.T) {
	script, err := filepath.Abs("../../examples/targets/folder.sh")
	if err != nil {
		t.Fatal(err)
	}
	inTurn(soak.Cases(t, 6, 200), 6, func(i int) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			store := scratch(t)
			repo := keptRepo(t, 4, fmt.Sprintf("version: 1\nextensions: [{path: extensions/*}]\npackage: {output: '${DIST}'}\ntargets: [{kind: exec, run: 'sleep 0.02; exec sh %s', env: ['STORE=%s']}]\n", script, store))
			p := newPlace(t, repo)
			first := p.newProcess(t, "", "run", "--output", "json").start()
			began := first.stdout.once(`"event":"run_started"`, 1)
			select {
			case <-began:
			case <-first.ended:
			}
			time.Sleep(time.Duration(rand.New(rand.NewPCG(1, uint64(i))).IntN(1200)) * time.Millisecond)
			first.kill()
			last := p.newProcess(t, "", "run", "--output", "json", "--report", p.file("last.json"))
			if last.run() != 0 {
				t.Fatal(last.output())
			}
			for _, x := range p.document(t, "last.json").Extensions {
				if x.Outcome != results.Released && x.Outcome != results.Exists {
					t.Errorf("%s is %s: %s", x.Name, x.Outcome, x.Reason)
				}
				data, err := os.ReadFile(filepath.Join(store, x.Name, x.Version+".tgz"))
				if err != nil || packageOf(data) != x.Name {
					t.Errorf("%s: %d bytes, %v", x.Name, len(data), err)
				}
			}
		})
	})
}
