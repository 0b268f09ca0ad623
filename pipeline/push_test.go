package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// An answer that is an error is no verdict: whether the world did what it was
// asked is read back.
func TestPushGoesByTheStateNotByTheAnswer(t *testing.T) {
	doubtful := &fakeError{text: "connection reset", temporary: true, doubt: true}
	refused := &fakeError{text: "400 Bad Request: no"}
	other := &otherContent{fakeError{text: "it is there with other content"}}
	busy := &fakeError{text: "503 Service Unavailable", temporary: true, doubt: true}
	tests := []struct {
		name  string
		call  string
		times int // how often it goes wrong
		done  bool
		err   error
		want  results.Outcome
	}{
		{"push lost, done", "push", 1, true, doubtful, results.Released},
		{"push lost, not done", "push", 1, false, doubtful, results.Released},
		{"push busy twice", "push", 2, false, busy, results.Released},
		{"push refused", "push", 1, false, refused, results.Failed},
		{"push of what is there with other content", "push", 1, false, other, results.Drift},
		{"push busy for ever", "push", 99, false, busy, results.Failed},
		{"submit lost, done", "submit", 1, true, doubtful, results.Released},
		{"submit lost, not done", "submit", 1, false, doubtful, results.Released},
		{"submit refused although done", "submit", 1, true, refused, results.Released},
		{"submit refused", "submit", 1, false, refused, results.Failed},
		{"submit busy for ever", "submit", 99, false, busy, results.Failed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				wrong := 0
				w.fault = func(call string) (bool, error) {
					if strings.HasPrefix(call, test.call+" ") && wrong < test.times {
						wrong++
						return test.done, test.err
					}
					return false, nil
				}
				var notes []string
				result := do(t, w, Options{
					Sources: []config.Source{sourceOf(t, "alc", "1.0.0")},
					Observer: results.ObserverFunc(func(e results.Event) {
						if e.Kind == results.EventNote {
							notes = append(notes, e.Message)
						}
					}),
				})
				wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
				submitted := 0
				for _, v := range w.versions {
					if v.status == target.StatusSubmitted {
						submitted++
					}
				}
				if (submitted == 1) != (test.want == results.Released) || len(w.versions) > 1 {
					t.Errorf("%d versions, %d submitted", len(w.versions), submitted)
				}
				if test.name == "push busy twice" && (len(notes) != 2 || !strings.Contains(notes[0], "trying again in 1s, 2 of 5")) {
					t.Errorf("notes: %q", notes)
				}
			})
		})
	}
}

func TestPushInDoubtIsSaidToBe(t *testing.T) {
	w := newFakeWorld()
	lost := false
	w.fault = func(call string) (bool, error) {
		if strings.HasPrefix(call, "submit ") {
			lost = true
			return true, &fakeError{text: "connection reset", temporary: true, doubt: true}
		}
		if lost && strings.HasPrefix(call, "snapshot ") {
			return false, &fakeError{text: "connection refused", temporary: true}
		}
		return false, nil
	}
	w.serve = func(*target.Entry, time.Time) bool { return false }
	result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
	e := result.Extensions[0].Error
	if !strings.Contains(e.Message, "whether the submission arrived is not known") || !strings.Contains(e.Hint, "run again") {
		t.Errorf("error: %+v", e)
	}
	// And the next run goes on from there.
	w.fault, w.serve = nil, nil
	wantOutcomes(t, do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}}), map[string]results.Outcome{"alc": results.Exists})
}

// What the marketplace does not say, the Helm repository may show.
func TestASubmissionInDoubtIsSeenInTheIndex(t *testing.T) {
	for what, answer := range map[string]error{
		"it cannot be read back":  &fakeError{text: "403 Forbidden"},
		"it is read back as gone": nil,
	} {
		w := newFakeWorld()
		w.fault = func(call string) (bool, error) {
			if strings.HasPrefix(call, "submit ") {
				w.snapshot = func(target.Snapshot) (target.Snapshot, error) { return target.Snapshot{}, answer }
				return true, &fakeError{text: "connection reset", temporary: true, doubt: true}
			}
			return false, nil
		}
		result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
		if x := result.Extensions[0]; x.Outcome != results.Released {
			t.Errorf("%s: %s: %s", what, x.Outcome, x.Reason)
		}
	}
}

// agreeable says yes to submissions, and does not do the first so many.
type agreeable struct {
	*fakeWorld
	times int
}

func (a *agreeable) Submit(ctx context.Context, id, message string) error {
	if a.times--; a.times >= 0 {
		return nil
	}
	return a.fakeWorld.Submit(ctx, id, message)
}

// A status of success is no proof of a submission.
func TestASubmissionIsReadBackWhateverTheAnswer(t *testing.T) {
	for times, want := range map[int]results.Outcome{0: results.Released, 1: results.Released, 4: results.Released, 99: results.Failed} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Targets: to(&agreeable{w, times})})
			wantOutcomes(t, result, map[string]results.Outcome{"alc": want})
			if e := result.Extensions[0].Error; want == results.Failed && (!strings.Contains(e.Message, "the version is a draft still") || e.Hint == "") {
				t.Errorf("%+v", e)
			}
		})
	}
}

// A key that is refused only when the state is read back is refused.
func TestAKeyRefusedAtTheReadBack(t *testing.T) {
	w := newFakeWorld()
	w.fault = func(call string) (bool, error) {
		if strings.HasPrefix(call, "push ") {
			w.snapshot = func(target.Snapshot) (target.Snapshot, error) {
				return target.Snapshot{}, &fakeError{text: "401 Unauthorized", unauthed: true}
			}
			return false, &fakeError{text: "502 Bad Gateway", temporary: true, doubt: true}
		}
		return false, nil
	}
	run := New(Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Targets: to(w), Parallelism: 4})
	result, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed})
	e := result.Extensions[0].Error
	if run.AuthRefused() == nil || !strings.Contains(e.Hint, "ksrelease login") || !strings.Contains(e.Message, "whether the package arrived is not known") {
		t.Errorf("%v, %+v", run.AuthRefused(), e)
	}
}

// Only what was really sent may end as unverified: the plan imagines that it
// sends.
func TestARunCutBeforeItSubmitsIsNotReached(t *testing.T) {
	for _, stage := range []string{"upload ", "push ", "submit "} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w.fault = func(call string) (bool, error) {
				if strings.HasPrefix(call, stage) {
					<-ctx.Done()
					return false, ctx.Err()
				}
				return false, nil
			}
			run := New(Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Targets: to(w), Parallelism: 4})
			w.snapshot = func(s target.Snapshot) (target.Snapshot, error) { return s, ctx.Err() }
			result, err := run.Do(ctx)
			if err != nil {
				t.Fatal(err)
			}
			wantOutcomes(t, result, map[string]results.Outcome{"alc": results.NotReached})
			if reason := result.Extensions[0].Reason; !strings.Contains(reason, "what it sent is in doubt") {
				t.Errorf("%s: %q", stage, reason)
			}
		})
	}
}

// Somebody else was quicker: that is neither overwritten nor a failure, but
// compared.
func TestAVersionSubmittedMeanwhileIsCompared(t *testing.T) {
	for _, test := range []struct {
		status string
		other  bool
		want   results.Outcome
	}{
		{target.StatusSubmitted, false, results.Exists},
		{target.StatusActive, false, results.Exists},
		{target.StatusSubmitted, true, results.Drift},
		{"rejected", false, results.Failed},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			source, theirs := sourceOf(t, "alc", "1.0.0"), sourceOf(t, "alc", "1.0.0")
			if test.other {
				write(t, theirs.Path+"/values.yaml", "global: {other: true}\n")
			}
			there := pushedForm(t, theirs)
			w.fault = func(call string) (bool, error) {
				if call == "push alc@1.0.0" {
					w.fault = nil
					w.versions["alc@1.0.0"] = &fakeVersion{id: "516955082294619999", status: test.status, pkg: there}
					return false, &fakeError{text: "409 Conflict: the version is submitted", doubt: true}
				}
				return false, nil
			}
			var notes []string
			result := do(t, w, Options{
				Sources: []config.Source{source},
				Observer: results.ObserverFunc(func(e results.Event) {
					if e.Kind == results.EventNote {
						notes = append(notes, e.Message)
					}
				}),
			})
			wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
			if pushes := strings.Count(strings.Join(w.writes, "\n"), "push "); pushes != 1 || w.versions["alc@1.0.0"].pkg != there {
				t.Errorf("writes: %q", w.writes)
			}
			x := result.Extensions[0]
			told := strings.Join(notes, "\n")
			if test.want == results.Failed {
				if !strings.Contains(x.Error.Message, `as "rejected"`) {
					t.Errorf("error: %+v", x.Error)
				}
			} else if !strings.Contains(told, "it was "+test.status+" meanwhile, by another run or somebody else (409 Conflict: the version is submitted); what is there is compared") {
				t.Errorf("told: %s", told)
			}
			if x.SnapshotID != "516955082294619999" {
				t.Errorf("snapshot %s", x.SnapshotID)
			}
		})
	}
}

// pushedForm is the package with which a source is released.
func pushedForm(t *testing.T, source config.Source) *extension.Package {
	t.Helper()
	w := newFakeWorld()
	wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}, Skip: []string{results.StageVerify}, AllowMissing: true}), map[string]results.Outcome{filepath.Base(source.Path): results.Released})
	return w.versions[filepath.Base(source.Path)+"@1.0.0"].pkg
}

// A submission hands in whatever the draft holds. Where another run put its
// package there between the push and the submission, nobody is told released
// for it who did not send it, and what is there to the end is no failure of the
// index but drift.
func TestADraftReplacedBeforeItsSubmissionIsDrift(t *testing.T) {
	for _, test := range []struct {
		name   string
		change string // in values.yaml; empty is a comment in extension.yaml
		until  time.Duration
		want   results.Outcome
		reason string
	}{
		{"other values", "global: {other: true}\n", time.Hour, results.Drift, "(values.yaml differs; another run, or somebody else, replaced the draft before it was submitted): bump version"},
		{"other values for a while, out of a cache", "global: {other: true}\n", time.Minute, results.Released, ""},
		{"another comment", "", time.Hour, results.Drift, "(extension.yaml differs; another run, or somebody else, replaced the draft before it was submitted): bump version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				source, theirs := sourceOf(t, "alc", "1.0.0"), sourceOf(t, "alc", "1.0.0")
				if test.change != "" {
					write(t, theirs.Path+"/values.yaml", test.change)
				} else {
					metadata, err := os.ReadFile(theirs.Path + "/extension.yaml")
					if err != nil {
						t.Fatal(err)
					}
					write(t, theirs.Path+"/extension.yaml", "# theirs\n"+string(metadata))
				}
				there := pushedForm(t, theirs)
				var ours *extension.Package
				w.fault = func(call string) (bool, error) {
					if strings.HasPrefix(call, "submit ") {
						v := w.versions["alc@1.0.0"]
						ours, v.pkg = v.pkg, there
					}
					return false, nil
				}
				time.AfterFunc(test.until, func() {
					w.mu.Lock()
					defer w.mu.Unlock()
					w.versions["alc@1.0.0"].pkg = ours
				})
				result := do(t, w, Options{Sources: []config.Source{source}})
				wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
				if reason := result.Extensions[0].Reason; !strings.Contains(reason, test.reason) {
					t.Errorf("reason: %s", reason)
				}
			})
		})
	}
}

// A server that asks to slow down has not failed: writes are not given up for
// how often it does, but for how long.
func TestLimitsUseUpNoAttempts(t *testing.T) {
	for _, test := range []struct {
		slow     bool
		refusals int
		want     results.Outcome
	}{{true, 20, results.Released}, {true, 1000, results.Failed}, {false, 4, results.Released}, {false, 5, results.Failed}} {
		for _, what := range []string{"push ", "submit "} {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				refused := 0
				w.fault = func(call string) (bool, error) {
					if strings.HasPrefix(call, what) && refused < test.refusals {
						refused++
						return false, &fakeError{text: "503 Service Unavailable", doubt: true, slow: test.slow}
					}
					return false, nil
				}
				result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
				wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
				if took := time.Since(w.started); took > delivery.LimitedTime+time.Minute {
					t.Errorf("took %s", took)
				}
			})
		}
	}
}
