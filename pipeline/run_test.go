package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

func TestStagesAreThoseOfTheDesign(t *testing.T) {
	want := []string{"lint", "package", "upload", "size", "push", "verify"}
	if got := StageNames(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReleaseThenExistsThenDrift(t *testing.T) {
	w := newFakeWorld()
	alc := sourceOf(t, "alc", "1.2.0")
	sources := []config.Source{alc}

	wantOutcomes(t, do(t, w, Options{Sources: sources}), map[string]results.Outcome{"alc": results.Released})
	if want := []string{"upload alc@1.2.0", "push alc@1.2.0", "submit 516955082294610001"}; !slices.Equal(w.writes, want) {
		t.Errorf("writes: got %q, want %q", w.writes, want)
	}

	w.writes, w.reads = nil, nil
	wantOutcomes(t, do(t, w, Options{Sources: sources}), map[string]results.Outcome{"alc": results.Exists})
	if len(w.writes) != 0 || !slices.Equal(w.reads, []string{"index"}) {
		t.Errorf("a run with nothing to do: writes %q, reads %q", w.writes, w.reads)
	}

	write(t, filepath.Join(alc.Path, "templates", "config.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {level: debug}\n")
	result := do(t, w, Options{Sources: sources})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Drift})
	if result.AsAsked() || !strings.Contains(result.Extensions[0].Reason, "bump version in extension.yaml") || len(w.writes) != 0 {
		t.Errorf("drift: as asked %v, reason %q, writes %q", result.AsAsked(), result.Extensions[0].Reason, w.writes)
	}
}

// The table of DESIGN.md: what the marketplace says, what the index says, and
// what is done then.
func TestDecision(t *testing.T) {
	tests := []struct {
		name     string
		status   string // in the marketplace; "" is nothing
		indexed  bool
		other    bool // other content is there
		unmarked bool
		unknown  bool // to the marketplace, but in the index
		want     results.Outcome
		writes   int
	}{
		{name: "nothing, nothing", want: results.Released, writes: 3},
		{name: "nothing, there", status: target.StatusActive, indexed: true, unknown: true, want: results.Exists},
		{name: "nothing, there, other content", status: target.StatusActive, indexed: true, unknown: true, other: true, want: results.Drift},
		{name: "draft, nothing", status: target.StatusDraft, other: true, want: results.Released, writes: 3},
		{name: "submitted, there", status: target.StatusSubmitted, indexed: true, want: results.Exists},
		{name: "submitted, there, other content", status: target.StatusSubmitted, indexed: true, other: true, want: results.Drift},
		{name: "active, there", status: target.StatusActive, indexed: true, want: results.Exists},
		{name: "active, there, without annotation", status: target.StatusActive, indexed: true, unmarked: true, want: results.Exists},
		{name: "active, there, without annotation, other content", status: target.StatusActive, indexed: true, unmarked: true, other: true, want: results.Drift},
		{name: "submitted, not there in time", status: target.StatusSubmitted, want: results.Unverified},
		{name: "rejected, not there", status: "rejected", want: results.Failed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				alc := sourceOf(t, "alc", "1.2.0")
				if test.status != "" {
					there := sourceOf(t, "alc", "1.2.0")
					if test.other {
						write(t, filepath.Join(there.Path, "values.yaml"), "global: {other: true}\n")
					}
					do(t, w, Options{Sources: []config.Source{there}})
					v := w.versions["alc@1.2.0"]
					v.status, v.unmarked = test.status, test.unmarked
					w.writes = nil
					if test.unknown {
						w.snapshot = func(target.Snapshot) (target.Snapshot, error) { return target.Snapshot{}, nil }
					}
					if !test.indexed && test.status != target.StatusDraft {
						w.serve = func(*target.Entry, time.Time) bool { return false }
					}
				}
				result := do(t, w, Options{Sources: []config.Source{alc}})
				wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
				if len(w.writes) != test.writes {
					t.Errorf("writes: %q", w.writes)
				}
			})
		})
	}
}

// A version that was submitted and is not indexed yet is waited for, and
// then compared.
func TestSubmittedBeforeIsWaitedFor(t *testing.T) {
	for _, other := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			source := sourceOf(t, "alc", "1.2.0")
			do(t, w, Options{Sources: []config.Source{source}})
			w.writes = nil
			from := time.Now().Add(time.Minute)
			w.serve = func(_ *target.Entry, at time.Time) bool { return at.After(from) }
			want := results.Exists
			if other {
				write(t, filepath.Join(source.Path, "values.yaml"), "global: {other: true}\n")
				want = results.Drift
			}
			result := do(t, w, Options{Sources: []config.Source{source}})
			wantOutcomes(t, result, map[string]results.Outcome{"alc": want})
			if len(w.writes) != 0 || time.Now().Before(from) {
				t.Errorf("writes %q after %s", w.writes, time.Since(w.started))
			}
			// The marketplace was asked, and nobody has approved it.
			if review := result.Extensions[0].Review; (review == results.ReviewOpen) == other {
				t.Errorf("as %s the review is %q", want, review)
			}
			if review := do(t, w, Options{Sources: []config.Source{source}}).Extensions[0].Review; review != "" {
				t.Errorf("the review of what is listed, which nobody asked for, is %q", review)
			}
		})
	}
}

func TestUnreadableIsNotAbsent(t *testing.T) {
	for _, call := range []string{"index", "folder", "snapshot alc@1.2.0"} {
		w := newFakeWorld()
		w.fault = func(c string) (bool, error) {
			if c == call {
				return false, &fakeError{text: "502 Bad Gateway", temporary: true}
			}
			return false, nil
		}
		result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.2.0")}})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
		if len(w.writes) != 0 || result.Extensions[0].Error.Stage != "plan" {
			t.Errorf("%s: writes %q, error %+v", call, w.writes, result.Extensions[0].Error)
		}
	}
}

// A version that is not found among entries which cannot all be read may be there: it
// is not sent. One that is found is there.
func TestAnEntryThatCannotBeReadIsNotAbsent(t *testing.T) {
	for _, dry := range []bool{true, false} {
		w := newFakeWorld()
		source := sourceOf(t, "alc", "1.2.0")
		w.broken = failure.WithHint(errors.New("the entry of alc in line 9: it is a text"), "the entry has to be corrected")
		x := do(t, w, Options{Sources: []config.Source{source}, DryRun: dry}).Extensions[0]
		if x.Outcome != results.Failed || x.Error == nil || x.Error.Message != w.broken.Error() || x.Error.Hint != "the entry has to be corrected" || len(w.writes) > 0 {
			t.Errorf("%s %q %+v, writes %q", x.Outcome, x.Reason, x.Error, w.writes)
		}
		w.broken = nil
		wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}}), map[string]results.Outcome{"alc": results.Released})
		w.broken = errors.New("another entry")
		wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}, DryRun: dry}), map[string]results.Outcome{"alc": results.Exists})
	}
	// While it is waited for the reason says so, with what can be done.
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(*target.Entry, time.Time) bool { return false }
		w.fault = func(call string) (bool, error) {
			if strings.HasPrefix(call, "submit") {
				w.broken = failure.WithHint(errors.New("the entry of alc in line 9: it is a text"), "the entry has to be corrected")
			}
			return false, nil
		}
		x := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.2.0")}}).Extensions[0]
		if x.Outcome != results.Unverified || !strings.HasSuffix(x.Reason, "the entry of alc in line 9: it is a text: the entry has to be corrected") {
			t.Errorf("%s %q", x.Outcome, x.Reason)
		}
	})
}

func TestDryRunWritesNothingAndForecastsWhatIsSent(t *testing.T) {
	w := newFakeWorld()
	sources := []config.Source{sourceOf(t, "alc", "1.2.0"), sourceOf(t, "bee", "0.1.0", "alc")}
	planned := do(t, w, Options{Sources: sources, DryRun: true})
	wantOutcomes(t, planned, map[string]results.Outcome{"alc": results.Planned, "bee": results.Planned})
	if len(w.writes) != 0 || !planned.AsAsked() || !planned.DryRun {
		t.Fatalf("writes: %q", w.writes)
	}
	for _, s := range planned.Extensions[0].Stages {
		want := map[string]results.StageStatus{"lint": results.StageOK, "package": results.StageOK, "upload": results.StagePlanned, "size": results.StageOK, "push": results.StagePlanned, "verify": results.StagePlanned}[s.Name]
		if s.Status != want {
			t.Errorf("stage %s: got %s, want %s", s.Name, s.Status, want)
		}
	}
	released := do(t, w, Options{Sources: sources})
	wantOutcomes(t, released, map[string]results.Outcome{"alc": results.Released, "bee": results.Released})
	for i, x := range released.Extensions {
		if p := planned.Extensions[i].Package; x.Package.Digest != p.Digest || x.Package.Size != p.Size {
			t.Errorf("%s: planned %+v, sent %+v", x.Name, p, x.Package)
		}
		if x.Package.Path == "" || planned.Extensions[i].Package.Path != "" {
			t.Errorf("%s: paths %q and %q", x.Name, x.Package.Path, planned.Extensions[i].Package.Path)
		}
	}
}

func TestDryRunWithoutKeySaysThatTheMarketplaceWasNotAsked(t *testing.T) {
	w := newFakeWorld()
	var remark string
	run := New(Options{
		Sources: []config.Source{sourceOf(t, "alc", "1.2.0")}, Targets: to(w.withoutKey()), DryRun: true,
		Observer: results.ObserverFunc(func(e results.Event) {
			if e.Kind == results.EventPlanned {
				remark = e.Message
			}
		}),
	})
	result, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Planned})
	if !strings.Contains(remark, "the marketplace was not asked") || run.AuthRefused() != nil || result.Extensions[0].Reason != "not in the repository; the marketplace was not asked" {
		t.Errorf("remark %q, auth refused %v", remark, run.AuthRefused())
	}
}

func TestRunWithoutKeyFailsOnlyIfThereIsSomethingToSend(t *testing.T) {
	w := newFakeWorld()
	source := sourceOf(t, "alc", "1.2.0")
	start := func() (*Run, *results.Document) {
		run := New(Options{Sources: []config.Source{source}, Targets: to(w.withoutKey())})
		result, err := run.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return run, result
	}
	run, result := start()
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
	if run.AuthRefused() == nil || len(w.writes) != 0 || !strings.Contains(result.Extensions[0].Error.Hint, "ksrelease login") {
		t.Errorf("auth refused %v, writes %q, error %+v", run.AuthRefused(), w.writes, result.Extensions[0].Error)
	}
	do(t, w, Options{Sources: []config.Source{source}})
	run, result = start()
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Exists})
	if run.AuthRefused() != nil {
		t.Error("no key is needed where there is nothing to send")
	}
}

func TestOneThatFailsKeepsBackItsDependentsAndNobodyElse(t *testing.T) {
	w := newFakeWorld()
	w.fault = func(c string) (bool, error) {
		if c == "push base@1.0.0" {
			return false, errors.New("422 not a chart")
		}
		return false, nil
	}
	result := do(t, w, Options{Sources: []config.Source{
		sourceOf(t, "top", "1.0.0", "middle"), sourceOf(t, "middle", "1.0.0", "base"),
		sourceOf(t, "base", "1.0.0"), sourceOf(t, "alone", "1.0.0"),
	}})
	wantOutcomes(t, result, map[string]results.Outcome{"base": results.Failed, "middle": results.Blocked, "top": results.Blocked, "alone": results.Released})
	if slices.ContainsFunc(w.writes, func(c string) bool { return strings.Contains(c, "middle") || strings.Contains(c, "top") }) {
		t.Errorf("writes for a dependent: %q", w.writes)
	}
}

func TestDependencyIsSeenBeforeItsDependentIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(e *target.Entry, at time.Time) bool {
			return at.Sub(w.versions[e.Name+"@"+e.Version].submitted) > 20*time.Second
		}
		result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "top", "1.0.0", "base"), sourceOf(t, "base", "1.0.0")}})
		wantOutcomes(t, result, map[string]results.Outcome{"base": results.Released, "top": results.Released})
		base, top := w.versions["base@1.0.0"], w.versions["top@1.0.0"]
		if top.submitted.Sub(base.submitted) < 20*time.Second {
			t.Errorf("top was submitted %s after base", top.submitted.Sub(base.submitted))
		}
	})
}

func TestCycleFailsItsMembersAlone(t *testing.T) {
	w := newFakeWorld()
	result := do(t, w, Options{Sources: []config.Source{
		sourceOf(t, "a", "1.0.0", "b"), sourceOf(t, "b", "1.0.0", "c"), sourceOf(t, "c", "1.0.0", "a"),
		sourceOf(t, "d", "1.0.0", "a"), sourceOf(t, "e", "1.0.0"),
	}})
	wantOutcomes(t, result, map[string]results.Outcome{"a": results.Failed, "b": results.Failed, "c": results.Failed, "d": results.Blocked, "e": results.Released})
	if got := result.Extensions[0].Error.Message; !strings.Contains(got, "a → b → c → a") {
		t.Errorf("error: %q", got)
	}
}

func TestAllOrNothing(t *testing.T) {
	w := newFakeWorld()
	broken := sourceOf(t, "broken", "1.0.0")
	write(t, filepath.Join(broken.Path, "templates", "bad.yaml"), "{{ fail \"no\" }}\n")
	result := do(t, w, Options{AllOrNothing: true, Sources: []config.Source{broken, sourceOf(t, "fine", "1.0.0")}})
	wantOutcomes(t, result, map[string]results.Outcome{"broken": results.Failed, "fine": results.Blocked})
	if len(w.writes) != 0 {
		t.Errorf("writes: %q", w.writes)
	}
}

func TestPushSettingsDecideTheExitCode(t *testing.T) {
	w := newFakeWorld()
	source := sourceOf(t, "alc", "1.0.0")
	do(t, w, Options{Sources: []config.Source{source}})
	source.Settings.Push.Existing = config.FailExisting
	if r := do(t, w, Options{Sources: []config.Source{source}}); r.AsAsked() || r.Extensions[0].Outcome != results.Exists {
		t.Errorf("push.existing: fail: %+v", r.Extensions[0])
	}
	write(t, filepath.Join(source.Path, "values.yaml"), "global: {other: true}\n")
	source.Settings.Push.Drift = config.WarnDrift
	if r := do(t, w, Options{Sources: []config.Source{source}}); !r.AsAsked() || r.Extensions[0].Outcome != results.Drift {
		t.Errorf("push.drift: warn: %+v", r.Extensions[0])
	}
}

func TestSizeOverTheLimitIsReportedBeforeAnythingIsSent(t *testing.T) {
	w := newFakeWorld()
	source := sourceOf(t, "alc", "1.0.0")
	source.Settings.Size.Limit = 500
	result := do(t, w, Options{Sources: []config.Source{source}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
	x := result.Extensions[0]
	if len(w.writes) != 0 || x.Error.Stage != "size" || !strings.Contains(x.Error.Message, "over the limit of 500 B") || !strings.Contains(x.Error.Hint, "extension.yaml") {
		t.Errorf("writes %q, error %+v", w.writes, x.Error)
	}
}

func TestSkippedStages(t *testing.T) {
	tests := []struct {
		skip   []string
		want   results.Outcome
		writes []string
	}{
		{[]string{"verify"}, results.Released, []string{"upload alc@1.0.0", "push alc@1.0.0", "submit 516955082294610001"}},
		{[]string{"upload"}, results.Released, []string{"push alc@1.0.0", "submit 516955082294610001"}},
		{[]string{"push"}, results.Planned, nil},
		{[]string{"lint", "size"}, results.Released, []string{"upload alc@1.0.0", "push alc@1.0.0", "submit 516955082294610001"}},
	}
	for _, test := range tests {
		w := newFakeWorld()
		result := do(t, w, Options{Skip: test.skip, Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
		if !slices.Equal(w.writes, test.writes) {
			t.Errorf("--skip %v: writes %q", test.skip, w.writes)
		}
		for _, s := range result.Extensions[0].Stages {
			if slices.Contains(test.skip, s.Name) && s.Status != results.StageSkipped {
				t.Errorf("--skip %v: stage %s is %s", test.skip, s.Name, s.Status)
			}
		}
	}
}

func TestUsageErrors(t *testing.T) {
	w := newFakeWorld()
	one, two := sourceOf(t, "alc", "1.0.0"), sourceOf(t, "alc", "1.0.0")
	two.Display = "other/alc"
	_, err := New(Options{Sources: []config.Source{one, two}, Targets: to(w)}).Do(t.Context())
	var problems diagnostic.List
	if !errors.As(err, &problems) || !strings.Contains(err.Error(), `version 1.0.0 of the extension "alc" is also in alc`) {
		t.Errorf("two of one name and version: %v", err)
	}
	_, err = New(Options{Sources: []config.Source{one}, Only: []string{"alcc"}, Targets: to(w)}).Do(t.Context())
	if err == nil || !strings.Contains(err.Error(), `no extension is named "alcc"`) || !strings.Contains(failure.Hint(err), `did you mean "alc"?`) {
		t.Errorf("unknown name: %v, %s", err, failure.Hint(err))
	}
}

func TestOnlyNarrows(t *testing.T) {
	w := newFakeWorld()
	result := do(t, w, Options{Only: []string{"bee"}, Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bee", "1.0.0")}})
	wantOutcomes(t, result, map[string]results.Outcome{"bee": results.Released})
}

func TestAnExtensionThatCannotBeReadFailsAlone(t *testing.T) {
	w := newFakeWorld()
	bad := sourceOf(t, "bad", "1.0.0")
	write(t, filepath.Join(bad.Path, "extension.yaml"), "name: [\n")
	result := do(t, w, Options{Sources: []config.Source{bad, sourceOf(t, "fine", "1.0.0")}})
	wantOutcomes(t, result, map[string]results.Outcome{"bad": results.Failed, "fine": results.Released})
	if f := result.Extensions[0].Findings; len(f) != 1 || f[0].Code != results.CodeUnreadable || f[0].Rule != "schema" || f[0].Line != 1 {
		t.Errorf("%+v", f)
	}
}

func TestThroughPackageLeavesTheArchiveAndItsChecksum(t *testing.T) {
	source := sourceOf(t, "alc", "1.0.0")
	run := New(Options{Sources: []config.Source{source}, Through: results.StagePackage})
	result, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Packed})
	pkg := result.Extensions[0].Package
	archive, err := os.ReadFile(pkg.Path)
	if err != nil || int64(len(archive)) != pkg.Size {
		t.Fatalf("%d bytes at %s: %v", len(archive), pkg.Path, err)
	}
	sum, err := os.ReadFile(pkg.Path + ".sha256")
	if err != nil || string(sum) != strings.TrimPrefix(pkg.Digest, "sha256:")+"  alc-1.0.0.tgz\n" {
		t.Errorf("checksum %q: %v", sum, err)
	}
}

// The first interrupt ends what has not begun; what is in flight is brought
// to its end, and nobody waits for the index any more.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(*target.Entry, time.Time) bool { return false } // never seen
		stop, interrupt := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { interrupt(errors.New("interrupted")) })
		result := doUnder(t, stop, w, Options{Sources: []config.Source{sourceOf(t, "base", "1.0.0"), sourceOf(t, "top", "1.0.0", "base")}})
		wantOutcomes(t, result, map[string]results.Outcome{"base": results.Unverified, "top": results.NotReached})
		if took := time.Since(w.started); took > 12*time.Second {
			t.Errorf("it took %s", took)
		}
		if reason := result.Extensions[0].Reason; !strings.Contains(reason, "interrupted") {
			t.Errorf("reason: %q", reason)
		}
	})
}

func TestTimeUpNamesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(*target.Entry, time.Time) bool { return false }
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errors.New("--timeout of 10s is over"))
		defer cancel()
		run := New(Options{
			Sources: []config.Source{sourceOf(t, "base", "1.0.0"), sourceOf(t, "top", "1.0.0", "base")},
			Targets: to(w), Parallelism: 2,
		})
		result, err := run.Do(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if o := outcomesOf(result); o["base"] != results.Unverified || o["top"] != results.NotReached {
			t.Errorf("outcomes: %v", o)
		}
		if reason := result.Extensions[0].Reason; !strings.Contains(reason, "--timeout") {
			t.Errorf("reason: %q", reason)
		}
	})
}

// What the end of the time cuts off is neither sent nor seen: it is in doubt, in
// the words and in the stages of the result.
func TestAWriteThatIsCutOffIsInDoubt(t *testing.T) {
	for _, stage := range []string{results.StageUpload, results.StagePush} {
		w := newFakeWorld()
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		w.fault = func(call string) (bool, error) {
			if !strings.HasPrefix(call, stage+" ") {
				return false, nil
			}
			cancel(errors.New("--timeout of 10s is over"))
			return true, context.Canceled
		}
		run := New(Options{
			Sources: []config.Source{sourceOf(t, "alc", "1.0.0")},
			Targets: to(w), Parallelism: 1,
		})
		result, err := run.Do(ctx)
		if err != nil {
			t.Fatal(err)
		}
		x := result.Extensions[0]
		if want := "--timeout of 10s is over during " + stage + "; what it sent is in doubt, the next run reads it back"; x.Outcome != results.NotReached || x.Reason != want {
			t.Errorf("%s: %s", x.Outcome, x.Reason)
		}
		if i := slices.IndexFunc(x.Stages, func(s results.Stage) bool { return s.Name == stage }); x.Stages[i].Status != results.StageStarted {
			t.Errorf("the stage is %s", x.Stages[i].Status)
		}
	}
}

// Waiting takes no place from the extensions that are still at work.
func TestWaitingTakesNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(e *target.Entry, at time.Time) bool {
			return at.Sub(w.versions[e.Name+"@"+e.Version].submitted) > time.Minute
		}
		var sources []config.Source
		for i := range 10 {
			sources = append(sources, sourceOf(t, fmt.Sprintf("ext-%d", i), "1.0.0"))
		}
		run := New(Options{Sources: sources, Targets: to(w), Parallelism: 1})
		result, err := run.Do(t.Context())
		if err != nil || result.Totals[results.Released] != 10 {
			t.Fatalf("%v, %v", result.Totals, err)
		}
		if took := time.Since(w.started); took > 2*time.Minute {
			t.Errorf("ten extensions that wait a minute each took %s", took)
		}
	})
}

// Observers see each extension end exactly once, in one event at a time.
func TestEveryExtensionEndsExactlyOnce(t *testing.T) {
	w := newFakeWorld()
	var (
		mu   sync.Mutex
		ends = map[string]int{}
	)
	broken := sourceOf(t, "broken", "1.0.0")
	write(t, filepath.Join(broken.Path, "templates", "bad.yaml"), "{{ fail \"no\" }}\n")
	do(t, w, Options{
		Sources: []config.Source{broken, sourceOf(t, "after", "1.0.0", "broken"), sourceOf(t, "fine", "1.0.0")},
		Observer: results.ObserverFunc(func(e results.Event) {
			if !mu.TryLock() {
				t.Error("two events at a time")
				return
			}
			defer mu.Unlock()
			if e.Kind == results.EventEnded {
				ends[e.Extension.Name]++
			}
		}),
	})
	for _, name := range []string{"broken", "after", "fine"} {
		if ends[name] != 1 {
			t.Errorf("%s ended %d times", name, ends[name])
		}
	}
}

// resolverFunc is a Resolver made of a function.
type resolverFunc func(ctx context.Context, source string, ext *extension.Extension) (*extension.Extension, error)

func (f resolverFunc) Resolve(ctx context.Context, source string, ext *extension.Extension) (*extension.Extension, error) {
	return f(ctx, source, ext)
}

// adviceError is an error of a client that brings its own advice.
type adviceError struct{ text, advice string }

func (e *adviceError) Error() string { return e.text }
func (e *adviceError) Hint() string  { return e.advice }

func TestDependenciesArePartOfWhatIsReleased(t *testing.T) {
	w := newFakeWorld()
	data := []byte("first")
	resolver := resolverFunc(func(_ context.Context, source string, ext *extension.Extension) (*extension.Extension, error) {
		if filepath.Base(source) != ext.Metadata.Name {
			t.Errorf("the source of %s is %s", ext.Metadata.Name, source)
		}
		return ext.WithCharts([]extension.Resolved{{Name: "sub", Version: "1.0.0", Data: data}})
	})
	options := Options{Sources: []config.Source{sourceOf(t, "alc", "1.2.0")}, Skip: []string{results.StageLint, results.StageVerify}, Resolver: resolver}
	wantOutcomes(t, do(t, w, options), map[string]results.Outcome{"alc": results.Released})
	sent, err := extension.Read("sent", w.versions["alc@1.2.0"].pkg.Data, extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(sent.Files, func(f extension.File) bool { return f.Name == "charts/sub-1.0.0.tgz" && string(f.Data) == "first" }) {
		t.Error("the dependency is not in the package that was sent")
	}
	wantOutcomes(t, do(t, w, options), map[string]results.Outcome{"alc": results.Exists})
	data = []byte("second")
	wantOutcomes(t, do(t, w, options), map[string]results.Outcome{"alc": results.Drift})
}

func TestADependencyThatCannotBeBroughtInFailsItsExtensionAlone(t *testing.T) {
	w := newFakeWorld()
	resolver := resolverFunc(func(_ context.Context, _ string, ext *extension.Extension) (*extension.Extension, error) {
		if ext.Metadata.Name == "alc" {
			return nil, &adviceError{`the dependency "sub" is nowhere`, "look again"}
		}
		return ext, nil
	})
	result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.2.0"), sourceOf(t, "bee", "1.0.0")}, Skip: []string{results.StageLint}, Resolver: resolver})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed, "bee": results.Released})
	if want := (results.Error{Stage: results.StageLint, Message: `the dependency "sub" is nowhere`, Hint: "look again"}); *result.Extensions[0].Error != want {
		t.Errorf("%+v, want %+v", *result.Extensions[0].Error, want)
	}
}

func TestInterruptWhileDependenciesAreBroughtIn(t *testing.T) {
	w := newFakeWorld()
	stop, interrupt := context.WithCancelCause(t.Context())
	resolver := resolverFunc(func(ctx context.Context, _ string, _ *extension.Extension) (*extension.Extension, error) {
		interrupt(errors.New("interrupted"))
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	result := doUnder(t, stop, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.2.0")}, Resolver: resolver})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.NotReached})
	if want := "interrupted while its dependencies were brought in"; result.Extensions[0].Reason != want {
		t.Errorf("%q, want %q", result.Extensions[0].Reason, want)
	}
}
