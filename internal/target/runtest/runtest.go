// Package runtest holds whole runs against a target to promises P2, P4 and P9 of
// docs/reliability.md: a run never overwrites what is there, says what is true whatever the target
// answers, and calls released what can be seen.
//
// What targettest checks of a target alone is taken for granted here.
package runtest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/pipeline"
)

// Fixture is a new and empty place behind faults (internal/faults).
type Fixture struct {
	Place target.Place
	// Break puts a script of faults before it; an empty one takes them away.
	Break func(script string)
	// Requests are the kinds of requests that it gets, as in a script: METHOD PATH. The first one
	// is that which publishes.
	Requests []string
	// Held is what it has, past all faults: packages by NAME-VERSION.tgz.
	Held func() map[string][]byte
	// Put has it take a package from somebody else.
	Put func(pkg *extension.Package)
	// Damage changes the package that it serves of a version, and nothing that it says of it; nil
	// where that cannot be.
	Damage func(filename string)
}

// Suite is what is tried.
type Suite struct {
	// New makes a fixture. Where lag is more than 0 what was published is in the index after that
	// time only; it is 0 where Lags is false.
	New  func(t *testing.T, lag time.Duration) Fixture
	Lags bool
	// Real says that the target is another process, so that time is that of the clock: what
	// takes minutes is left out.
	Real bool
	// Once says whether a run has to get over a fault of a request that happens once; nil is what
	// a client of HTTP gets over. what is as in a script.
	Once func(request, what string) bool
	// Short and Whole are how many cases of each promise are tried in a usual run, and in a soak:
	// half of it for P2 and P9. With -short it is a fifth.
	Short, Whole int
}

// Run runs the suite.
func (s Suite) Run(t *testing.T) {
	t.Run("P2 never overwrites", s.neverOverwrites)
	t.Run("P4 truth by reading", s.truth)
	t.Run("P9 verified means visible", s.visible)
}

// cases is how many cases are tried.
func (s Suite) cases(t *testing.T, part int) int {
	short := s.Short / part
	if testing.Short() {
		short /= 5
	}
	return soak.Cases(t, short, s.Whole/part)
}

// bubble runs a case in the time that it is made for.
func (s Suite) bubble(t *testing.T, f func(t *testing.T)) {
	if s.Real {
		f(t)
		return
	}
	synctest.Test(t, f)
}

// The extension that is released.
const (
	name    = "alc"
	version = "1.0.0"
	file    = name + "-" + version + ".tgz"
)

// release runs a release of the extension with some content.
func (f Fixture) release(t *testing.T, content string, change func(*pipeline.Options)) (results.Extension, *results.Document) {
	t.Helper()
	settings := config.Default(t.TempDir()).Defaults
	options := pipeline.Options{
		Sources: []config.Source{{Path: targettest.Folder(t, name, version, content), Display: name, Settings: settings}},
		Targets: []target.Place{f.Place},
	}
	if change != nil {
		change(&options)
	}
	result, err := pipeline.New(options).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result.Extensions[0], result
}

// quick keeps a run from waiting for minutes where they are those of the clock.
func (s Suite) quick(o *pipeline.Options) {
	if s.Real {
		o.Sources[0].Settings.Verify.Timeout = 3 * time.Second
	}
}

func said(x results.Extension) string {
	text := fmt.Sprintf("%s %q", x.Outcome, x.Reason)
	if x.Error != nil {
		text += fmt.Sprintf(" %s: %s → %s", x.Error.Stage, x.Error.Message, x.Error.Hint)
	}
	return text
}

// presence is what is there before a run.
type presence string

const (
	nothing presence = "nothing"
	ours    presence = "ours"
	other   presence = "other content"
)

// content is that of a presence; what is released has "ours".
func (p presence) put(t *testing.T, f Fixture) {
	if p != nothing {
		f.Put(targettest.Package(t, name, version, string(p)))
	}
}

// incident is a case of P4.
type incident struct {
	presence presence
	request  string
	which    string // of these requests
	when     string
	what     string
}

func (i incident) String() string {
	return fmt.Sprintf("%s is there; %s", i.presence, strings.TrimSpace(i.script()))
}

func (i incident) script() string {
	return fmt.Sprintf("%s %s %s %s\n", i.request, i.which, i.when, i.what)
}

// faults are what may go wrong, and whether a run has to get over it if it happens once.
var faults = []struct {
	what   string
	passes bool
}{
	{"status 500", true}, {"status 503", true}, {"status 503 retry-after 3s", true}, {"status 429 retry-after 3s", true},
	{"status 400", false}, {"status 401", false}, {"status 403", false}, {"status 404", false}, {"status 409", false},
	{"html 502", true}, {"html 404", false}, {"login", false}, {"empty", false}, {"shape", false}, {"cut", true}, {"reset", true},
	{"hang", true}, {"hangbody", true}, {"redirect http://elsewhere.invalid/", false}, {"body {}", false}, {`body {"saved":true}`, false}, {`body {"status":"active"}`, false},
}

func passes(what string) bool {
	for _, f := range faults {
		if f.what == what {
			return f.passes
		}
	}
	return false
}

// incidents are all of them, in an order of no meaning.
func (s Suite) incidents(requests []string) (all []incident) {
	for _, request := range requests {
		for _, f := range faults {
			for _, when := range []string{"before", "after"} {
				for _, which := range []string{"1", "1-3", "2", "*"} {
					for _, p := range []presence{nothing, ours, other} {
						if s.Real && (which != "1" || strings.Contains(f.what, "hang") || strings.Contains(f.what, "retry-after")) {
							continue
						}
						all = append(all, incident{p, request, which, when, f.what})
					}
				}
			}
		}
	}
	rand.New(rand.NewPCG(4, 4)).Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	return all
}

// P4: something goes wrong, and what the run says is held against what there is. Then one more
// run, with nothing wrong, finishes.
func (s Suite) truth(t *testing.T) {
	var requests []string
	s.bubble(t, func(t *testing.T) { requests = s.New(t, 0).Requests })
	all := s.incidents(requests)
	outcomes := map[results.Outcome]int{}
	for _, i := range all[:min(len(all), s.cases(t, 1))] {
		s.bubble(t, func(t *testing.T) {
			f := s.New(t, 0)
			i.presence.put(t, f)
			before := f.Held()
			f.Break(i.script())
			first, _ := f.release(t, string(ours), s.quick)
			f.Break("")
			outcomes[first.Outcome]++
			i.judge(t, f, before, first, s.Once)
			second, document := f.release(t, string(ours), s.quick)
			want := []results.Outcome{results.Exists}
			switch {
			case i.presence == other:
				want = []results.Outcome{results.Drift}
			case first.Outcome != results.Released && first.Outcome != results.Exists:
				want = append(want, results.Released)
			}
			if !slices.Contains(want, second.Outcome) || (i.presence != other) != document.AsAsked() {
				t.Errorf("%s\nfirst: %s\nthen: %s, and not %s", i, said(first), said(second), want)
			}
			if got := f.Held()[file]; i.presence != other && !bytes.Equal(got, packed(t, ours)) {
				t.Errorf("%s\nin the end %d bytes are there, which are not ours", i, len(got))
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("outcomes: %v", outcomes)
}

func packed(t *testing.T, p presence) []byte {
	return targettest.Package(t, name, version, string(p)).Data
}

func (i incident) judge(t *testing.T, f Fixture, before map[string][]byte, x results.Extension, once func(request, what string) bool) {
	t.Helper()
	if once == nil {
		once = func(_, what string) bool { return passes(what) }
	}
	held := f.Held()
	switch x.Outcome {
	case results.Released, results.Exists:
		if i.presence == other || !bytes.Equal(held[file], packed(t, ours)) {
			t.Errorf("%s\n%s, but it is not there", i, said(x))
		}
	case results.Drift:
		if i.presence != other {
			t.Errorf("%s\n%s, but nothing else was ever there", i, said(x))
		}
	case results.Failed:
		if x.Error == nil || x.Error.Stage == "" || x.Error.Message == "" || x.Error.Hint == "" {
			t.Errorf("%s\n%s: a part of the error is missing", i, said(x))
		}
		fallthrough
	case results.Unverified:
		if i.which != "*" && i.which != "1-3" && once(i.request, i.what) {
			t.Errorf("%s\n%s, and it happened once", i, said(x))
		}
	default:
		t.Errorf("%s\n%s", i, said(x))
	}
	if i.presence != nothing && !maps.EqualFunc(before, held, bytes.Equal) {
		t.Errorf("%s\n%s, and what was there has changed", i, said(x))
	}
	for other, data := range held {
		if other != file {
			t.Errorf("%s\n%s has come about, with %d bytes", i, other, len(data))
		}
	}
}

// between is a target to which somebody else publishes just before we do.
type between struct {
	target.Target
	put func()
}

func (b between) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	b.put()
	return b.Target.Publish(ctx, pkg)
}

// P2: what is there stays as it is, whenever it came there, whatever the settings are, and
// while up to three kinds of reads go wrong.
func (s Suite) neverOverwrites(t *testing.T) {
	whats := []string{"status 500", "login", "reset", "shape", "empty", "status 404"}
	outcomes := map[results.Outcome]int{}
	for n := range s.cases(t, 2) {
		random := rand.New(rand.NewPCG(2, uint64(n)))
		s.bubble(t, func(t *testing.T) {
			there, late := []presence{ours, other}[random.IntN(2)], random.IntN(2) == 0
			f := s.New(t, 0)
			var script string
			if random.IntN(2) == 0 {
				for range 1 + random.IntN(3) {
					script += fmt.Sprintf("%s %s before %s\n", f.Requests[1+random.IntN(len(f.Requests)-1)], []string{"1", "2", "1-2"}[random.IntN(3)], whats[random.IntN(len(whats))])
				}
			}
			drift, existing := []config.Drift{config.FailDrift, config.WarnDrift}[random.IntN(2)], []config.Existing{config.SkipExisting, config.FailExisting}[random.IntN(2)]
			if late {
				f.Place.Target = between{f.Place.Target, func() { there.put(t, f) }}
			} else {
				there.put(t, f)
			}
			f.Break(script)
			x, _ := f.release(t, string(ours), func(o *pipeline.Options) {
				s.quick(o)
				o.Sources[0].Settings.Push.Drift, o.Sources[0].Settings.Push.Existing = drift, existing
			})
			f.Break("")
			outcomes[x.Outcome]++
			what := fmt.Sprintf("case %d: %s is there (late: %t), drift: %s, existing: %s, %q: %s", n, there, late, drift, existing, script, said(x))
			if got := f.Held(); !bytes.Equal(got[file], packed(t, there)) && (x.Outcome != results.Failed || got[file] != nil) || len(got) > 1 {
				t.Errorf("%s\nit was overwritten", what)
			}
			if there == other && (x.Outcome == results.Released || x.Outcome == results.Exists) {
				t.Error(what)
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("outcomes: %v", outcomes)
}

// P9: what is released can be seen, and its package is what was sent.
func (s Suite) visible(t *testing.T) {
	outcomes := map[results.Outcome]int{}
	for n := range s.cases(t, 2) {
		random := rand.New(rand.NewPCG(9, uint64(n)))
		s.bubble(t, func(t *testing.T) {
			var lag time.Duration
			if s.Lags && random.IntN(3) > 0 {
				lag = time.Duration(random.Int64N(int64(8 * time.Minute)))
			}
			f := s.New(t, lag)
			var script string
			index := f.Requests[1]
			wrong := random.IntN(3) == 0
			if wrong {
				from := 2 + random.IntN(5)
				script = fmt.Sprintf("%s %d-%d before %s\n", index, from, from+random.IntN(10), []string{"status 500", "login", "cut", "reset", "empty"}[random.IntN(5)])
				if s.Real {
					script = fmt.Sprintf("%s 2 before reset\n", index)
				}
			}
			damaged := f.Damage != nil && random.IntN(4) == 0
			if damaged {
				f.Place.Target = after{f.Place.Target, func() { f.Damage(file) }}
			}
			f.Break(script)
			timeout := 5 * time.Minute
			if s.Real && damaged {
				timeout = 2 * time.Second
			}
			x, _ := f.release(t, string(ours), func(o *pipeline.Options) { o.Sources[0].Settings.Verify.Timeout = timeout })
			f.Break("")
			outcomes[x.Outcome]++
			what := fmt.Sprintf("case %d: late by %s, damaged: %t, %q: %s", n, lag, damaged, script, said(x))
			switch {
			case x.Outcome == results.Released:
				at, err := f.Place.Index(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				entry, ok, err := at.Lookup(t.Context(), name, version)
				if err != nil || !ok {
					t.Errorf("%s\nit is not there: %v", what, err)
				}
				if data, err := f.Place.Fetch(t.Context(), entry); err != nil || !bytes.Equal(data, packed(t, ours)) || damaged {
					t.Errorf("%s\n%d bytes are there, which are not what was sent: %v", what, len(data), err)
				}
			case damaged && (x.Outcome == results.Unverified || x.Outcome == results.Drift):
			case !damaged && x.Outcome == results.Unverified && (lag > timeout-30*time.Second || wrong):
			case x.Outcome == results.Failed && wrong && s.Once != nil && !s.Once(index, "reset"): // nothing was sent
				if len(f.Held()) > 0 {
					t.Error(what)
				}
			default:
				t.Error(what)
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("outcomes: %v", outcomes)
}

// after is a target to which something happens just after we have published.
type after struct {
	target.Target
	happen func()
}

func (a after) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	s, err := a.Target.Publish(ctx, pkg)
	if err == nil {
		a.happen()
	}
	return s, err
}
