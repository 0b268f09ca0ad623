package reliability

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The promises on a registry as a target: the real program, and a real registry behind a
// proxy that kills the program at a request.

// registryConfig is that of a monorepo that is released to a registry; ${MARKET} is the folder.
const registryConfig = `version: 1
extensions:
  - path: extensions/*
targets:
  - {kind: oci, url: 'oci://${MARKET}'}
package: {output: '${DIST}'}
verify: {timeout: 20s}
parallelism: 4
`

// writeRegistryMonorepo writes n extensions; content makes them other ones of the same versions.
func writeRegistryMonorepo(t testing.TB, n int, content string) *monorepo {
	t.Helper()
	m := writeMonorepo(t, members(n))
	m.write(t, ".ksrelease.yaml", registryConfig)
	for _, x := range m.members {
		m.write(t, "extensions/"+x.name+"/values.yaml", "content: "+content+"\n")
	}
	return m
}

// registryKeeper is a registry with a record of what it is asked; several may share one.
func registryKeeper(t testing.TB, r *registrytest.Registry) *keeper {
	return (&keeper{next: proxy(t, r.URL()), classify: classifyCharts}).listen(t)
}

// classifyCharts takes METHOD and manifests, tags, blobs or uploads for a class.
func classifyCharts(r *http.Request, _ []byte) (class, string) {
	parts := strings.Split(r.URL.Path, "/") // "", v2, FOLDER, NAME, …
	if len(parts) < 5 {
		return askAPI, ""
	}
	kind := parts[4]
	if len(parts) > 5 && parts[5] == "uploads" {
		kind = "uploads"
	}
	return class(r.Method + "_" + kind), parts[3]
}

// held is what a folder of a registry has of each extension: the digest of the one manifest,
// and that of its package.
type held struct{ manifest, layer string }

// registryHolds reads a folder past all proxies. Each extension has one version, or none.
func registryHolds(t testing.TB, r *registrytest.Registry, folder string, all []member) map[string]held {
	t.Helper()
	c := registry.New(registry.Options{Transport: transport.New(transport.Options{})})
	got := map[string]held{}
	for _, x := range all {
		at := registry.Reference{Host: r.Host, Repository: folder + "/" + x.name}
		tags, _, err := c.Tags(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		if len(tags) == 0 {
			continue
		}
		if !slices.Equal(tags, []string{theVersion}) {
			t.Errorf("%s has the tags %q", at.Name(), tags)
		}
		m, there, err := c.Manifest(t.Context(), at.WithTag(theVersion))
		// A registry lists a tag before it has finished the request that makes it, and
		// goes on with one whose client was killed.
		for i := 0; i < 100 && err == nil && !there; i++ {
			time.Sleep(20 * time.Millisecond)
			m, there, err = c.Manifest(t.Context(), at.WithTag(theVersion))
		}
		var chart ocispec.Manifest
		if err != nil || !there || json.Unmarshal(m.Data, &chart) != nil || len(chart.Layers) != 1 {
			t.Fatalf("%s: %t, %v", at.Name(), there, err)
		}
		if _, err := c.Blob(t.Context(), at, chart.Layers[0], 1<<20); err != nil {
			t.Errorf("the package of %s: %v", at.Name(), err)
		}
		got[x.name] = held{m.Digest.String(), chart.Layers[0].Digest.String()}
	}
	return got
}

// outcomesOf are the outcomes in the result document of a run.
func outcomesOf(t testing.TB, p *place, name string) map[string]results.Outcome {
	t.Helper()
	document := p.document(t, name)
	if document == nil {
		t.Fatalf("there is no %s", name)
	}
	got := map[string]results.Outcome{}
	for _, x := range document.Extensions {
		got[x.Name] = x.Outcome
	}
	return got
}

func releaseToRegistry(t testing.TB, p *place, folder, report string) *process {
	t.Helper()
	return p.newProcess(t, folder, "run", "--output", "json", "--report", p.file(report))
}

// Promise P1 on a registry: killed at any request, one more run finishes, and each version is
// there once, with the bytes that an undisturbed run makes.
func TestKilledAtEachRequestOfARegistry(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	repo := writeRegistryMonorepo(t, 8, "one")
	// in is the folder of a case as its runs are told it.
	in := func(s *keeper, folder string) string { return strings.TrimPrefix(s.address, "http://") + "/" + folder }
	undisturbed := registryKeeper(t, r)
	clean := releaseToRegistry(t, newPlace(t, repo), in(undisturbed, "clean"), "result.json")
	if code := clean.run(); code != 0 {
		t.Fatal(clean.output())
	}
	want := registryHolds(t, r, "clean", repo.members)
	if len(want) != len(repo.members) {
		t.Fatalf("an undisturbed run: %v", want)
	}
	all := undisturbed.points(nil)
	chosen := spread(all, soak.Cases(t, 14, len(all)))
	var kills atomic.Int64
	inTurn(len(chosen), 4, func(i int) {
		at, folder := chosen[i], fmt.Sprintf("killed%d", i)
		t.Run(at.String(), func(t *testing.T) {
			s, place := registryKeeper(t, r), newPlace(t, repo)
			victim := releaseToRegistry(t, place, in(s, folder), "first.json")
			s.through(at.killing(victim))
			if victim.run() < 0 {
				kills.Add(1)
			}
			s.through(pass)
			s.settle()
			before := registryHolds(t, r, folder, repo.members)
			for name, left := range before {
				if left != want[name] {
					t.Errorf("the killed run left %s as %v, want %v", name, left, want[name])
				}
			}
			last := releaseToRegistry(t, place, in(s, folder), "last.json")
			if code := last.run(); code != 0 {
				t.Fatalf("one more run does not finish: %s", last.output())
			}
			got := registryHolds(t, r, folder, repo.members)
			outcomes := outcomesOf(t, place, "last.json")
			for name, held := range want {
				if got[name] != held {
					t.Errorf("%s is %v, want %v", name, got[name], held)
				}
				expected := results.Released
				if _, there := before[name]; there {
					expected = results.Exists
				}
				if outcomes[name] != expected {
					t.Errorf("%s is %s, want %s", name, outcomes[name], expected)
				}
			}
		})
	})
	t.Logf("killed %d times at %d moments of %d", kills.Load(), len(chosen), len(all))
}

// Promise P10 on a registry: ten runs at once. With one content nobody fails, and each
// version is there once. With two contents each version is one of the two. A run may be
// overtaken after its last look: it said what it saw then.
func TestTenRunsAtOnceIntoARegistry(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	one, two := writeRegistryMonorepo(t, 4, "one"), writeRegistryMonorepo(t, 4, "two")
	own := map[*monorepo]map[string]held{}
	for folder, repo := range map[string]*monorepo{"one": one, "two": two} {
		clean := releaseToRegistry(t, newPlace(t, repo), r.Host+"/"+folder, "result.json")
		if code := clean.run(); code != 0 {
			t.Fatal(clean.output())
		}
		own[repo] = registryHolds(t, r, folder, repo.members)
	}
	for round := range soak.Cases(t, 2, 50) {
		same := round%2 == 0
		folder := fmt.Sprintf("race%d", round)
		t.Run(fmt.Sprintf("%s_same_%t", folder, same), func(t *testing.T) {
			var places []*place
			var runs []*process
			for i := range 10 {
				repo := one
				if !same && i%2 == 1 {
					repo = two
				}
				p := newPlace(t, repo)
				places = append(places, p)
				runs = append(runs, releaseToRegistry(t, p, r.Host+"/"+folder, "result.json"))
			}
			for _, run := range runs {
				run.start()
			}
			for _, run := range runs {
				<-run.ended
			}
			got := registryHolds(t, r, folder, one.members)
			told, overtaken := 0, 0
			for i, run := range runs {
				for name, outcome := range outcomesOf(t, places[i], "result.json") {
					mine := got[name] == own[places[i].repo][name]
					switch {
					case same && outcome != results.Released && outcome != results.Exists:
						t.Errorf("run %d: %s is %s: %s", i, name, outcome, run.output())
					case (outcome == results.Released || outcome == results.Exists) && mine:
						told++
					case outcome == results.Released || outcome == results.Exists:
						overtaken++ // after its last look, which the protocol does not exclude
					}
				}
			}
			for name, held := range got {
				if held != own[one][name] && held != own[two][name] {
					t.Errorf("%s is %v, which nobody sent", name, held)
				}
			}
			if len(got) != len(one.members) || told == 0 {
				t.Errorf("%d versions are there, %d released or exist", len(got), told)
			}
			t.Logf("%d right, %d were overtaken after their last look", told, overtaken)
		})
	}
}
