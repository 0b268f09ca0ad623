package oci_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/pipeline"
)

// The promises of docs/reliability.md on a registry, with whole runs: P2 (never overwrites),
// P4 (truth by reading) and P9 (verified means visible). P1 and P10, for which processes are
// killed and race, are in internal/reliability.

// hasty is a client that does not wait long.
var hasty = transport.Options{
	FirstWait: time.Millisecond, LongestWait: 5 * time.Millisecond, Attempts: 3,
	ReadTimeout: time.Second, WriteTimeout: time.Second, Patience: 3 * time.Second,
}

// release runs alc 1.0.0 to a target.
func release(t *testing.T, to target.Target, source string) results.Extension {
	return releaseWithin(t, to, source, 5*time.Second)
}

// releaseWithin is release with the time in which the version has to be seen.
func releaseWithin(t *testing.T, to target.Target, source string, timeout time.Duration) results.Extension {
	settings := config.Default(source).Defaults
	settings.Verify.Timeout = timeout
	place := target.Place{Target: to, Name: "oci", Kind: "oci", Noun: "the registry"}
	result, err := pipeline.New(pipeline.Options{
		Sources: []config.Source{{Path: source, Display: "alc", Settings: settings}}, Targets: []target.Place{place},
	}).Do(t.Context())
	if err != nil || len(result.Extensions) != 1 {
		t.Errorf("the run ended with %v", err)
		return results.Extension{}
	}
	return result.Extensions[0]
}

// truth is what a registry has of alc 1.0.0, read past all that goes wrong: the digests of its
// manifest and of its package; empty where it has none.
type truth struct{ manifest, layer string }

func read(t *testing.T, host, folder string) truth {
	c := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	m, there, err := c.Manifest(t.Context(), registry.Reference{Host: host, Repository: folder + "/alc", Tag: "1.0.0"})
	if err != nil {
		t.Errorf("reading the registry: %v", err)
	}
	var chart ocispec.Manifest
	if !there || json.Unmarshal(m.Data, &chart) != nil || len(chart.Layers) == 0 {
		return truth{}
	}
	return truth{m.Digest.String(), chart.Layers[0].Digest.String()}
}

// packed is the package that a run makes of a folder.
func packed(t *testing.T, source string) *extension.Package {
	t.Helper()
	ext, err := extension.Load(source, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := ext.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// inTurns has cases at work at the same time: most of their time they wait.
func inTurns(cases int, work func(i int)) {
	var group errgroup.Group
	group.SetLimit(24)
	for i := range cases {
		group.Go(func() error { work(i); return nil })
	}
	_ = group.Wait() // no error
}

// P4: each request of a release goes wrong in each way. What the run says is what the registry
// has, what passes is got over, and one more run finishes.
func TestTruthByReading(t *testing.T) {
	soak.Long(t)
	r := registrytest.Start(t, registrytest.Options{})
	source := targettest.Folder(t, "alc", "1.0.0", "one")
	var scripts []string
	for _, request := range []string{"GET /v2/**/manifests/*", "HEAD /v2/**/manifests/*", "POST /v2/**", "PUT /v2/**/uploads/*", "PUT /v2/**/manifests/*", "GET /v2/**/blobs/*", "GET /v2/**/tags/list"} {
		for _, which := range []string{"1", "2", "3", "1-2", "*"} {
			for _, what := range []string{
				"before status 500", "before status 503", "before html 502", "before status 429", "before status 404", "before reset", "before hang",
				"before login", "before empty", "before shape", "after status 500", "after reset", "after cut", "after hangbody", "after html 504",
			} {
				scripts = append(scripts, request+" "+which+" "+what)
			}
		}
	}
	rand.Shuffle(len(scripts), func(i, j int) { scripts[i], scripts[j] = scripts[j], scripts[i] })
	var mu sync.Mutex
	said := map[results.Outcome]int{}
	scripts = scripts[:soak.Cases(t, 24, len(scripts))]
	inTurns(len(scripts), func(i int) {
		script, folder := scripts[i], fmt.Sprintf("f%d", i)
		front := newFront(t, r)
		front.breaks(t, script)
		timeout := 5 * time.Second
		if passes(script) { // it is over sooner, but on a machine with much to do
			timeout = time.Minute
		}
		x := releaseWithin(t, newTarget(t, front.host+"/"+folder, hasty), source, timeout)
		mu.Lock()
		said[x.Outcome]++
		mu.Unlock()
		has := read(t, r.Host, folder)
		switch {
		case x.Outcome == results.Released && has.layer == "":
			t.Errorf("%s: released, and it is not there", script)
		case x.Outcome == results.Failed && has.layer != "" && !strings.Contains(script, "GET"):
			t.Errorf("%s: failed, and it is there: %s %+v", script, x.Reason, x.Error)
		case x.Outcome != results.Released && x.Outcome != results.Failed && x.Outcome != results.Unverified:
			t.Errorf("%s: %s %s", script, x.Outcome, x.Reason)
		case x.Outcome == results.Failed && (x.Error == nil || x.Error.Hint == ""):
			t.Errorf("%s: a failure without a hint: %+v", script, x.Error)
		case x.Outcome != results.Released && passes(script):
			t.Errorf("%s: %s %s %+v, though it passes", script, x.Outcome, x.Reason, x.Error)
		}
		want := results.Released
		if has.layer != "" {
			want = results.Exists
		}
		if again := release(t, newTarget(t, r.Host+"/"+folder, hasty), source); again.Outcome != want {
			t.Errorf("%s: one more run ends with %s (%s %+v), want %s", script, again.Outcome, again.Reason, again.Error, want)
		}
	})
	t.Logf("outcomes: %v", said)
}

// passes says that a fault is over when it is tried again, and is one that may be.
func passes(script string) bool {
	words := strings.Fields(script)
	for _, final := range []string{"login", "empty", "shape", "404"} {
		if strings.Contains(script, final) {
			return false
		}
	}
	return words[2] != "*"
}

// P2: a version that is there with other content stays as it is, whoever pushed it and when,
// and whatever goes wrong with the reads.
func TestNeverOverwrites(t *testing.T) {
	soak.Long(t)
	r := registrytest.Start(t, registrytest.Options{})
	source := targettest.Folder(t, "alc", "1.0.0", "one")
	ours, others := packed(t, source), targettest.Package(t, "alc", "1.0.0", "two")
	direct := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	// Who has pushed it.
	there := map[string]func(folder string){
		"ksrelease": func(folder string) { publish(t, newTarget(t, r.Host+"/"+folder, hasty), others) },
		"another tool": func(folder string) { // without annotations
			at := registry.Reference{Host: r.Host, Repository: folder + "/alc", Tag: "1.0.0"}
			layer := registry.Describe("application/vnd.cncf.helm.chart.content.v1.tar+gzip", others.Data)
			text := []byte(`{"name":"alc","version":"1.0.0","apiVersion":"v2"}`)
			chart := registry.Describe("application/vnd.cncf.helm.config.v1+json", text)
			for data, blob := range map[string]ocispec.Descriptor{string(others.Data): layer, string(text): chart} {
				if err := direct.PushData(t.Context(), at, blob, []byte(data)); err != nil {
					t.Error(err)
				}
			}
			manifest, _ := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, Config: chart, Layers: []ocispec.Descriptor{layer}})
			if _, err := direct.PushManifest(t.Context(), at, ocispec.MediaTypeImageManifest, manifest); err != nil {
				t.Error(err)
			}
		},
		"an image": func(folder string) {
			registrytest.PushImage(t, direct, r.Host+"/"+folder+"/alc:1.0.0", "an image")
		},
	}
	var names []string
	for name := range there {
		names = append(names, name)
	}
	reads := []string{"", "HEAD /v2/** * before status 500", "GET /v2/**/blobs/* * before status 404", "GET /v2/**/manifests/* 2 before reset", "GET /v2/**/manifests/* 1-2 before hang", "GET /v2/**/manifests/* * after cut", "GET /v2/**/tags/list * before status 500"}
	inTurns(soak.Cases(t, 24, 300), func(i int) {
		folder, name, script, late := fmt.Sprintf("o%d", i), names[rand.IntN(len(names))], reads[rand.IntN(len(reads))], rand.IntN(2) == 0
		what := fmt.Sprintf("%s by %s, late %t, with %q", folder, name, late, script)
		front := newFront(t, r)
		front.breaks(t, script)
		if !late {
			there[name](folder)
		} else {
			// It comes about when the plan has looked: with the first upload.
			next := front.handler
			var once sync.Once
			front.handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if q.Method == "POST" {
					once.Do(func() { there[name](folder) })
				}
				next.ServeHTTP(w, q)
			})
		}
		x := release(t, newTarget(t, front.host+"/"+folder, hasty), source)
		has := read(t, r.Host, folder)
		if has.layer == ours.Digest {
			t.Errorf("%s: it was overwritten: %s", what, x.Outcome)
		}
		if has.layer == "" && !late {
			t.Errorf("%s: it is gone", what)
		}
		if x.Outcome == results.Released || x.Outcome == results.Exists {
			if has.layer != "" {
				t.Errorf("%s: %s", what, x.Outcome)
			}
		}
	})
}

// P9: what is called released can be seen, with the content that was sent. The registry
// shows what was pushed late, never, as something else, or cannot serve it.
func TestReleasedMeansVisible(t *testing.T) {
	soak.Long(t)
	r := registrytest.Start(t, registrytest.Options{})
	source := targettest.Folder(t, "alc", "1.0.0", "one")
	others := targettest.Package(t, "alc", "1.0.0", "two")
	publish(t, newTarget(t, r.Host+"/others", hasty), others)
	outcomes := map[string]results.Outcome{
		"at once": results.Released, "late": results.Released, "never": results.Unverified,
		"something else": results.Drift, "without its package": results.Unverified, "with other bytes": results.Unverified,
	}
	var mu sync.Mutex
	var names []string
	for name := range outcomes {
		names = append(names, name)
	}
	inTurns(soak.Cases(t, 6, 120), func(i int) {
		folder, name := fmt.Sprintf("seen%d", i), names[i%len(names)]
		front := newFront(t, r)
		var sent atomic.Bool
		var looks atomic.Int32
		front.handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			manifest, blob := strings.Contains(q.URL.Path, "/manifests/"), strings.Contains(q.URL.Path, "/blobs/sha256:")
			isRead := sent.Load() && (q.Method == "GET" || q.Method == "HEAD")
			switch {
			case isRead && manifest && (name == "never" || name == "late" && looks.Add(1) <= 2):
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(404)
				return
			case isRead && name == "something else" && (manifest || blob):
				q.URL.Path = strings.Replace(q.URL.Path, "/"+folder+"/", "/others/", 1)
			case isRead && blob && name == "without its package":
				w.WriteHeader(404)
				return
			case isRead && blob && name == "with other bytes":
				answer := httptest.NewRecorder()
				front.next.ServeHTTP(answer, q)
				body := answer.Body.Bytes()
				body[len(body)/2] ^= 1
				w.WriteHeader(answer.Code)
				_, _ = w.Write(body)
				return
			}
			front.next.ServeHTTP(w, q)
			if q.Method == "PUT" && manifest {
				sent.Store(true)
			}
		})
		x := release(t, newTarget(t, front.host+"/"+folder, hasty), source)
		if x.Outcome != outcomes[name] {
			mu.Lock()
			defer mu.Unlock()
			t.Errorf("%s: %s %s %+v, want %s", name, x.Outcome, x.Reason, x.Error, outcomes[name])
		}
	})
}

// A push whose answer is lost is in doubt, and reading decides.
func TestLostAnswerIsRead(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	front := newFront(t, r)
	front.breaks(t, "PUT /v2/**/manifests/* * after reset")
	pkg := targettest.Package(t, "alc", "1.0.0", "one")
	to := newTarget(t, front.host+"/charts", hasty)
	if _, err := to.Publish(t.Context(), pkg); !failure.InDoubt(err) {
		t.Errorf("a lost answer: %v", err)
	}
	if s, err := to.Publish(t.Context(), pkg); err != nil || s.Status != target.StatusActive {
		t.Errorf("once more: %+v, %v", s, err)
	}
}
