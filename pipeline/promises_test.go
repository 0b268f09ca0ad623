package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Anybody can copy our annotation into another archive.
func TestVerifyDoesNotTrustTheAnnotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		source := sourceOf(t, "alc", "1.0.0")
		w.archive = func(data []byte) []byte { return tampered(t, data, "values.yaml", "global: {tampered: true}\n") }
		w.serve = func(e *target.Entry, _ time.Time) bool { e.Digest = ""; return true }
		result := do(t, w, Options{Sources: []config.Source{source}})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Unverified})
		if reason := result.Extensions[0].Reason; !strings.Contains(reason, "other content than was sent (values.yaml") {
			t.Errorf("reason: %q", reason)
		}
	})
}

// That lint was told to look away does not make a chart load in KubeSphere. The
// plan sees it, sends nothing, and waits for nothing that cannot come.
func TestVerifyLoadsWhatLintHasNot(t *testing.T) {
	for _, severity := range []config.Severity{config.Warning, config.Off} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			source := sourceOf(t, "alc", "1.0.0")
			write(t, filepath.Join(source.Path, "values.yaml"), "a: [\n")
			source.Settings.Lint.Rules = map[string]config.Severity{"chart": severity, "render": config.Off}
			result := do(t, w, Options{Sources: []config.Source{source}})
			wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
			if reason := result.Extensions[0].Reason; !strings.Contains(reason, "KubeSphere would not find it: its archive does not load in Helm") {
				t.Errorf("chart: %s: reason %q", severity, reason)
			}
			if took := time.Since(w.started); took > 0 || len(w.writes) > 0 {
				t.Errorf("took %s, writes %q", took, w.writes)
			}
		})
	}
}

// Why a chart does not load is shown in words of YAML, with what to do about it.
func TestNoTypesOfGoWhereAChartDoesNotLoad(t *testing.T) {
	for values, want := range map[string]string{
		"- a\n":  "cannot load values.yaml: a list stands where a mapping belongs",
		"text\n": "cannot load values.yaml: a text stands where a mapping belongs",
		"a: [\n": "cannot load values.yaml: line 1: did not find expected node content",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			source := sourceOf(t, "alc", "1.0.0")
			write(t, filepath.Join(source.Path, "values.yaml"), values)
			source.Settings.Lint.Rules = map[string]config.Severity{"chart": config.Off, "render": config.Off}
			result := do(t, w, Options{Sources: []config.Source{source}})
			wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
			failed := result.Extensions[0].Error
			if !strings.HasSuffix(failed.Message, "its archive does not load in Helm: "+want) {
				t.Errorf("%q: %q, want %q", values, failed.Message, want)
			}
			if !strings.Contains(failed.Hint, "ksrelease lint") {
				t.Errorf("%q: hint %q", values, failed.Hint)
			}
		})
	}
}

func TestADependencyThatCannotBeReadKeepsBackItsDependents(t *testing.T) {
	w := newFakeWorld()
	base := sourceOf(t, "base", "1.0.0")
	write(t, filepath.Join(base.Path, "extension.yaml"), "name: [\n")
	result := do(t, w, Options{Sources: []config.Source{base, sourceOf(t, "top", "1.0.0", "base")}})
	wantOutcomes(t, result, map[string]results.Outcome{"base": results.Failed, "top": results.Blocked})
	if len(w.writes) != 0 {
		t.Errorf("writes: %q", w.writes)
	}
	// One of a name that another has, too, keeps nobody back.
	double := sourceOf(t, "base", "2.0.0")
	result = do(t, newFakeWorld(), Options{Sources: []config.Source{base, double, sourceOf(t, "top", "1.0.0", "base")}})
	if x := result.Extensions[2]; x.Name != "top" || x.Outcome != results.Released {
		t.Errorf("%s %s %q", x.Name, x.Outcome, x.Reason)
	}
	// An older version that is there is not what this run is about.
	wantOutcomes(t, do(t, w, Options{Sources: []config.Source{sourceOf(t, "base", "0.9.0")}}), map[string]results.Outcome{"base": results.Released})
	result = do(t, w, Options{Sources: []config.Source{base, sourceOf(t, "top", "1.0.0", "base")}})
	wantOutcomes(t, result, map[string]results.Outcome{"base": results.Failed, "top": results.Blocked})
}

// A version that was submitted before and is not listed was compared with
// nothing: no outcome may say that it exists.
func TestSubmittedAndNotListedIsNeverExistsUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		source := sourceOf(t, "alc", "1.0.0")
		do(t, w, Options{Sources: []config.Source{source}})
		w.serve = func(*target.Entry, time.Time) bool { return false }
		for _, test := range []struct {
			options Options
			want    results.Outcome
		}{
			{Options{DryRun: true}, results.Planned},
			{Options{Skip: []string{"verify"}}, results.Unverified},
			{Options{}, results.Unverified},
		} {
			test.options.Sources = []config.Source{source}
			wantOutcomes(t, do(t, w, test.options), map[string]results.Outcome{"alc": test.want})
		}
	})
}

// Nobody can install a version that was rejected, or tell what is in it.
func TestAVersionOfUnknownStatusIsAFailure(t *testing.T) {
	w := newFakeWorld()
	source := sourceOf(t, "alc", "1.0.0")
	do(t, w, Options{Sources: []config.Source{source}})
	w.versions["alc@1.0.0"].status = "rejected"
	w.writes = nil
	result := do(t, w, Options{Sources: []config.Source{source}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
	e := result.Extensions[0].Error
	if !strings.Contains(e.Message, `has version 1.0.0 as "rejected"`) || e.Hint != "bump version in extension.yaml, or make it a draft again, which a run replaces: ksrelease withdraw alc@1.0.0" || len(w.writes) != 0 {
		t.Errorf("%+v, writes %q", e, w.writes)
	}
}

// The names are known, as far as they can be, however early a run is ended.
func TestEarlyInterruptStillNamesEverything(t *testing.T) {
	w := newFakeWorld()
	stop, interrupt := context.WithCancelCause(t.Context())
	interrupt(errors.New("interrupted"))
	for _, only := range [][]string{nil, {"alc"}} {
		result := doUnder(t, stop, w, Options{Only: only, Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.NotReached})
	}
	if len(w.writes)+len(w.reads) != 0 {
		t.Errorf("writes %q, reads %q", w.writes, w.reads)
	}
}

func TestAfterAnInterruptNoWriteIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		stop, interrupt := context.WithCancelCause(t.Context())
		w.fault = func(call string) (bool, error) {
			if strings.HasPrefix(call, "push ") {
				interrupt(errors.New("interrupted"))
				return false, &fakeError{text: "502 Bad Gateway", doubt: true}
			}
			return false, nil
		}
		doUnder(t, stop, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
		pushes := 0
		for _, c := range w.writes {
			if strings.HasPrefix(c, "push ") {
				pushes++
			}
		}
		if pushes != 1 || time.Since(w.started) > time.Second {
			t.Errorf("%d pushes in %s", pushes, time.Since(w.started))
		}
	})
}

// An index that shows hundreds of versions at once must not be met by
// hundreds of downloads at once.
func TestVerifyDownloadsWithinTheSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		from := time.Now().Add(2 * time.Minute)
		w.serve = func(_ *target.Entry, at time.Time) bool { return at.After(from) }
		var now, most atomic.Int32
		repo := slowFetch{w, func() {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(10 * time.Second) // in the bubble: no wall time
			now.Add(-1)
		}}
		var sources []config.Source
		for i := range 12 {
			sources = append(sources, sourceOf(t, fmt.Sprintf("ext-%d", i), "1.0.0"))
		}
		result := do(t, w, Options{Targets: to(repo), Sources: sources})
		if result.Totals[results.Released] != 12 || most.Load() > 4 {
			t.Errorf("%v, %d downloads at once with parallelism 4", result.Totals, most.Load())
		}
	})
}

type slowFetch struct {
	*fakeWorld
	during func()
}

func (r slowFetch) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	r.during()
	return r.fakeWorld.Fetch(ctx, e)
}

// What the plan saw may be hours old for one that waits for others, or for a
// slot: it is asked for again before anything is sent.
func TestOneThatWaitedLooksAgainBeforeItSends(t *testing.T) {
	for _, needs := range [][]string{{"base"}, nil} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			base, top := sourceOf(t, "base", "1.0.0"), sourceOf(t, "top", "1.0.0", needs...)
			theirs := pushedForm(t, top)
			market := slowPush{w, func(name string) {
				if name != "base" {
					return
				}
				time.Sleep(2 * time.Minute) // in the bubble: no wall time
				w.mu.Lock()
				defer w.mu.Unlock()
				if w.versions["top@1.0.0"] == nil {
					w.versions["top@1.0.0"] = &fakeVersion{id: "516955082294619999", status: target.StatusSubmitted, pkg: theirs}
				}
			}}
			run := New(Options{
				Sources: []config.Source{base, top}, Targets: to(market),
				Parallelism: 1, // so that one waits for the slot of the other, whichever is first
			})
			result, err := run.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if outcomes := outcomesOf(result); outcomes["top"] == results.Released {
				return // it had the slot first, and nobody was before it
			}
			wantOutcomes(t, result, map[string]results.Outcome{"base": results.Released, "top": results.Exists})
			if slices.Contains(w.writes, "upload top@1.0.0") || slices.Contains(w.writes, "push top@1.0.0") {
				t.Errorf("writes: %q", w.writes)
			}
		})
	}
}

type slowPush struct {
	*fakeWorld
	before func(name string)
}

func (m slowPush) Publish(ctx context.Context, pkg *extension.Package) (target.Snapshot, error) {
	m.before(pkg.Name)
	return m.fakeWorld.Publish(ctx, pkg)
}

// Only the marketplace's refusal of the key is one of authentication, and the
// error itself is kept for those who tell of it.
func TestAuthRefusedKeepsTheError(t *testing.T) {
	w := newFakeWorld()
	refused := &fakeError{text: "401 Unauthorized", unauthed: true}
	w.fault = func(call string) (bool, error) {
		if call == "folder" {
			return false, refused
		}
		return false, nil
	}
	run := New(Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Targets: to(w)})
	if _, err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(run.AuthRefused(), refused) {
		t.Errorf("got %v", run.AuthRefused())
	}
}

// What a plan imagined does not stay in the result of a run that never came
// to it.
func TestImaginedStagesDoNotOutliveThePlan(t *testing.T) {
	w := newFakeWorld()
	broken := sourceOf(t, "broken", "1.0.0")
	write(t, filepath.Join(broken.Path, "templates", "bad.yaml"), "{{ fail \"no\" }}\n")
	result := do(t, w, Options{AllOrNothing: true, Sources: []config.Source{broken, sourceOf(t, "fine", "1.0.0")}})
	for _, x := range result.Extensions {
		if len(x.Assets) != 0 {
			t.Errorf("%s: assets %v", x.Name, x.Assets)
		}
		for _, s := range x.Stages {
			if s.Status == results.StagePlanned {
				t.Errorf("%s: stage %s is planned", x.Name, s.Name)
			}
		}
	}
}

// A thousand extensions are not all in memory at once: what there was no room
// for is read again when it is planned, and must not be another by then.
func TestWhatWasLetGoIsReadAgain(t *testing.T) {
	for _, changed := range []bool{false, true} {
		w := newFakeWorld()
		alc, bar := sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0")
		run := New(Options{
			Sources: []config.Source{alc, bar}, Targets: to(w), Parallelism: 4,
			Observer: results.ObserverFunc(func(e results.Event) {
				if file := filepath.Join(alc.Path, "extension.yaml"); changed && e.Kind == results.EventRunStarted {
					write(t, file, "name: alc\nversion: 2.0.0\n")
				}
			}),
		})
		run.heldAtMost = 0
		result, err := run.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]results.Outcome{"alc": results.Released, "bar": results.Released}
		if changed {
			want["alc"] = results.Failed
		}
		wantOutcomes(t, result, want)
		if x := result.Extensions[0]; changed && !strings.Contains(x.Reason, "was changed while the run read it") || x.Version != "1.0.0" {
			t.Errorf("%s: %q", x.Version, x.Reason)
		}
	}
}

// What a run writes into an extension, its packages, reports and baseline, is no part
// of it: the next run finds what it has released.
func TestWhatARunWritesIsPartOfNoExtension(t *testing.T) {
	w := newFakeWorld()
	source := sourceOf(t, "alc", "1.0.0")
	source.Settings.Package.Output = filepath.Join(source.Path, "out")
	report := filepath.Join(source.Path, "report.json")
	options := Options{Sources: []config.Source{source}, Ignore: []string{report}}
	for _, want := range []results.Outcome{results.Released, results.Exists} {
		wantOutcomes(t, do(t, w, options), map[string]results.Outcome{"alc": want})
		write(t, report, "{}")
		if found, err := filepath.Glob(filepath.Join(source.Path, "out", "alc-1.0.0.tgz")); err != nil || len(found) != 1 {
			t.Errorf("%q, %v", found, err)
		}
	}
}

// Until an extension has ended it is not reached, so that what a killed run leaves
// behind is true; and a warning is said once.
func TestNothingIsClaimedBeforehand(t *testing.T) {
	var seen, warned int
	run := New(Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Targets: to(newFakeWorld().withoutKey()), DryRun: true, Observer: results.ObserverFunc(func(e results.Event) {
		switch {
		case e.Kind == results.EventWarning:
			warned++
		case e.Kind == results.EventRunStarted:
			seen++
			if x := e.Result.Extensions[0]; x.Outcome != results.NotReached || x.AsAsked || e.Result.Totals[results.NotReached] != 1 {
				t.Errorf("%s", x.Outcome)
			}
		}
	})})
	run.Warn("once")
	result, err := run.Do(t.Context())
	run.Warn("once")
	if err != nil || seen != 1 || warned != 1 || !slices.Equal(result.Warnings, []string{"once"}) || result.Command != "run" {
		t.Errorf("%v, %d, %d, %q, %q", err, seen, warned, result.Warnings, result.Command)
	}
}

// One that is cut off while it is read is not reached, and no failure.
func TestTheEndWhileReadingIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := newRelease(New(Options{}), sourceOf(t, "alc", "1.0.0"))
	r.read.metadata = &extension.Metadata{} // it was read before, and let go
	r.seated = true
	perform(ctx, &planning{}, r, planSteps())
	if !r.over() || r.result.Outcome != results.NotReached || r.result.Reason != "interrupted before it was read" || r.read.err != nil {
		t.Errorf("%s %q, %v", r.result.Outcome, r.result.Reason, r.read.err)
	}
}
