package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ksrelease/ksrelease/internal/faults"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// monorepo is a project with an extension in each state that a plan knows.
func monorepo(t *testing.T) *rehearsal {
	bare := extensionFiles("bare") // without files to upload, so that its size is exact
	delete(bare, "extensions/bare/static/icon.svg")
	delete(bare, "extensions/bare/static/shot.svg")
	bare["extensions/bare/extension.yaml"] = strings.NewReplacer("static/icon.svg", "https://example.com/icon.svg", "screenshots: [static/shot.svg]\n", "").
		Replace(bare["extensions/bare/extension.yaml"])
	broken := extensionFiles("broken")
	broken["extensions/broken/templates/config.yaml"] = "{{ nothing"
	files := projectFiles("",
		extensionFiles("alc"), bare, broken, extensionFiles("on-alc", "alc"), extensionFiles("on-broken", "broken"), extensionFiles("on-large", "large"),
		extensionFiles("draft"), extensionFiles("there"), extensionFiles("active"), extensionFiles("drifted"), extensionFiles("of-another"), extensionFiles("drifted-of-another"),
		extensionFiles("rejected"), extensionFiles("large"))
	files[".ksrelease.yaml"] = strings.Replace(files[".ksrelease.yaml"], "[{path: extensions/*}]", "[{path: extensions/*}, {path: extensions/large, size: {limit: 300B}}]", 1)
	r := rehearse(t, files)
	r.pushDraft("draft", nil)
	for _, name := range []string{"there", "active", "drifted", "rejected"} {
		r.submitAs(name, nil)
	}
	r.submitAs("of-another", ofAnotherTool(t, ""))
	r.submitAs("drifted-of-another", ofAnotherTool(t, "values.yaml"))
	r.write("extensions/drifted/values.yaml", "global: {changed: true}\n")
	if err := r.market.Approve("active", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if err := r.market.Reject("rejected", "1.0.0", "no"); err != nil {
		t.Fatal(err)
	}
	return r
}

// rehearsed is one case: a state, and what goes wrong while it is planned.
type rehearsed struct {
	begin func(*testing.T) *rehearsal
	incident
}

// rehearsals is every state with every fault in every request of its plan.
func rehearsals(t *testing.T) []rehearsed {
	afflicted := afflictions(t)
	states := []rehearsed{{monorepo, incident{scene: scene{name: "monorepo"}}}}
	for _, s := range scenes() {
		if s.rules == "" || strings.HasPrefix(s.rules, "GET ") {
			states = append(states, rehearsed{s.begin, incident{scene: s}})
		}
	}
	var list []rehearsed
	for _, state := range states {
		list = append(list, state) // nothing goes wrong
		for _, at := range state.spots(t) {
			for _, a := range afflicted {
				if a.hits(at) {
					for _, often := range howOften()[:3] {
						state.spot, state.affliction, state.times = at, a, often
						list = append(list, state)
					}
				}
			}
		}
	}
	return list
}

// spots are the requests of a plan, the first to each address.
func (c rehearsed) spots(t *testing.T) (list []spot) {
	synctest.Test(t, func(t *testing.T) {
		r := c.begin(t)
		r.setFaults(c.scene.script(t))
		for _, w := range r.run("--dry-run").asked {
			if at := (spot{w.method, w.path, 1}); !slices.Contains(list, at) {
				list = append(list, at)
			}
		}
	})
	return list
}

// P8 of docs/reliability.md: what a dry run says is what a run does then.
func TestTheDryRunIsTheRealPath(t *testing.T) {
	all := rehearsals(t)
	usual := 120
	if testing.Short() {
		usual = 16 // the race detector makes each several times as long
	}
	cases := soak.Cases(t, usual, len(all))
	rand.New(rand.NewPCG(8, 8)).Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	groups := map[string][]rehearsed{}
	for _, c := range all[:cases] {
		groups[c.scene.name] = append(groups[c.scene.name], c)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range groups[name] {
				synctest.Test(t, c.play)
			}
		})
	}
}

func (c rehearsed) String() string {
	if c.spot.method == "" {
		return c.scene.name + ": nothing wrong"
	}
	return c.incident.String()
}

// script afflicts the reads of the plan alone: what a run meets later, no plan
// can know. dry is the dry run, where it has been.
func (c rehearsed) script(t *testing.T, dry *performance) []faults.Rule {
	if c.spot.method == "" {
		return c.scene.script(t)
	}
	script := c.incident.script(t)
	rule := &script[len(script)-1]
	// How often a limit is met, or a connection found closed that was kept open, is
	// a matter of chance, and of no consequence where the plan is at its end with it.
	chance := (rule.Fault.Status == http.StatusTooManyRequests || rule.Fault.Kind == faults.Reset) && dry != nil && dry.failedPlan()
	if rule.To == 0 && dry != nil && !chance {
		for _, w := range dry.asked {
			if c.spot.is(w) {
				rule.To++
			}
		}
	}
	return script
}

// failedPlan says that some request of the plan was given up.
func (p *performance) failedPlan() bool {
	return slices.ContainsFunc(p.result.Extensions, func(x results.Extension) bool {
		return x.Error != nil && x.Error.Stage == "plan"
	})
}

func (c rehearsed) play(t *testing.T) {
	r := c.begin(t)
	r.setFaults(c.script(t, nil))
	dry := r.run("--dry-run")
	for _, w := range dry.asked {
		if w.write() {
			t.Errorf("%s\n\ta dry run sent %s", c, w)
		}
	}
	r.setFaults(c.script(t, dry))
	run := r.run()
	if dry.of("alc").Outcome == "absent" || len(dry.result.Extensions) != len(run.result.Extensions) {
		t.Fatalf("%s\n\t%d extensions in the plan, %d in the run", c, len(dry.result.Extensions), len(run.result.Extensions))
	}
	for _, planned := range dry.result.Extensions {
		if complaint := c.compare(planned, run.of(planned.Name)); complaint != "" {
			t.Errorf("%s\n\t%s: %s\n\tdry run: %s %q %+v\n\trun:     %s %q %+v", c, planned.Name, complaint,
				planned.Outcome, planned.Reason, planned.Error, run.of(planned.Name).Outcome, run.of(planned.Name).Reason, run.of(planned.Name).Error)
		}
	}
	if !c.mayLie() && dry.code != run.code {
		t.Errorf("%s\n\texit code %d dry, %d then", c, dry.code, run.code)
	}
}

// mayLie says that an answer takes for absent what is there: no plan can see
// through that, and the run finds out by being refused.
func (c rehearsed) mayLie() bool {
	f := c.affliction.fault
	return c.spot.lookup() && (f.Status == http.StatusNotFound || f.Location == marketURL+"/nowhere")
}

// jitter is what differs from run to run in a message: the backoff has chance in it.
var jitter = regexp.MustCompile(`next attempt would be in [\d.a-z]+|, \d+ attempts`)

// compare holds what was planned for an extension against what became of it.
func (c rehearsed) compare(planned, done results.Extension) string {
	want := []results.Outcome{planned.Outcome}
	if planned.Outcome == results.Planned {
		want = []results.Outcome{results.Released}
		if strings.HasSuffix(planned.Reason, "a run waits for it, and sends nothing") {
			want = []results.Outcome{results.Exists, results.Drift} // it can be compared then
		}
		if c.mayLie() {
			want = append(want, results.Exists, results.Failed)
		}
	}
	if !slices.Contains(want, done.Outcome) {
		return fmt.Sprintf("want %s", want)
	}
	if planned.Outcome != results.Planned && jitter.ReplaceAllString(planned.Reason, "") != jitter.ReplaceAllString(done.Reason, "") {
		return "the reasons differ"
	}
	if p, d := planned.Error, done.Error; planned.Outcome == results.Failed &&
		(p.Stage != d.Stage || p.Hint != d.Hint || jitter.ReplaceAllString(p.Message, "") != jitter.ReplaceAllString(d.Message, "")) {
		return "the errors differ"
	}
	p, d := planned.Package, done.Package
	switch {
	case (p == nil) != (d == nil):
		return fmt.Sprintf("packages: %+v, %+v", p, d)
	case p == nil:
	case p.ContentDigest != d.ContentDigest, p.Limit != d.Limit:
		return fmt.Sprintf("packages: %+v, %+v", *p, *d)
	case p.SizeWithin == 0 && (p.Size != d.Size || p.Digest != d.Digest):
		return fmt.Sprintf("the size was exact, but %+v, %+v", *p, *d)
	case max(p.Size-d.Size, d.Size-p.Size) > p.SizeWithin:
		return fmt.Sprintf("size %d, within %d, but %d", p.Size, p.SizeWithin, d.Size)
	}
	return ""
}
