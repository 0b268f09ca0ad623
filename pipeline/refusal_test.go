package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/access"
)

var refused401 = &fakeError{text: "401 Unauthorized: the key has expired", unauthed: true}

// An API key that expires while a run waits for reviews ends the waiting at once:
// what was sent is reported as sent.
func TestAKeyThatExpiresEndsTheWaitForReviews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		expired := time.Now().Add(3 * time.Minute)
		w.fault = func(call string) (bool, error) {
			if call != "index" && !strings.HasPrefix(call, "fetch") && !strings.HasPrefix(call, "asset") && time.Now().After(expired) {
				return false, refused401
			}
			return false, nil
		}
		w.serve = func(e *target.Entry, _ time.Time) bool { return e.Name != "unseen" }
		var sources []config.Source
		for _, name := range []string{"alc", "bee", "unseen"} {
			s := sourceOf(t, name, "1.0.0")
			s.Settings.Verify = config.Verify{Until: config.UntilActive, Timeout: 48 * time.Hour}
			sources = append(sources, s)
		}
		run := New(Options{Sources: sources, Targets: to(w), Parallelism: 4})
		result, err := run.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(expired); took > time.Minute {
			t.Errorf("it went on for %s", took)
		}
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Unverified, "bee": results.Unverified, "unseen": results.Unverified})
		for i, want := range []string{
			"submitted, and in the Helm repository; the API key was refused before its review was seen",
			"submitted, and in the Helm repository; the API key was refused before its review was seen",
			"submitted, and not in the Helm repository yet; the API key was refused before its review was seen",
		} {
			if x := result.Extensions[i]; x.Reason != want || x.SnapshotID == "" {
				t.Errorf("%s: %q, snapshot %q", x.Name, x.Reason, x.SnapshotID)
			}
			if cause := result.Extensions[i].Error; cause == nil || *cause != (results.Error{
				Stage: results.StageVerify, Message: "the marketplace refused the API key: 401 Unauthorized: the key has expired", Hint: "run ksrelease login, or set KSRELEASE_TOKEN",
			}) {
				t.Errorf("%s: the cause is %+v", result.Extensions[i].Name, cause)
			}
		}
		if !failure.Unauthorized(run.AuthRefused()) {
			t.Errorf("no refusal: %v", run.AuthRefused())
		}
	})
}

// A refusal is one wherever in an error it stands; what says of itself that it is none
// is none.
func TestUnauthorizedIsFoundInAnyError(t *testing.T) {
	other := &fakeError{text: "502"}
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {other, false}, {refused401, true}, {fmt.Errorf("x: %w", refused401), true},
		{errors.Join(other, refused401), true}, {errors.Join(refused401, other), true}, {errors.Join(other, other), false},
		{fmt.Errorf("%w, %w", errors.New("x"), fmt.Errorf("y: %w", refused401)), true}, {&access.RefusedError{First: refused401}, true},
		{target.ErrNoToken, true},
	} {
		if failure.Unauthorized(test.err) != test.want {
			t.Errorf("%v: %v", test.err, !test.want)
		}
	}
}

// A key that is refused while a run plans ends the plan, dry or not: nothing is sent,
// and only who asked has failed.
func TestAKeyThatIsRefusedEndsThePlan(t *testing.T) {
	for _, dry := range []bool{true, false} {
		w := newFakeWorld()
		w.fault = func(call string) (bool, error) {
			if call == "snapshot bee@1.0.0" {
				return false, refused401
			}
			return false, nil
		}
		sources := []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bee", "1.0.0"), sourceOf(t, "cee", "1.0.0")}
		result := do(t, w, Options{Sources: sources, DryRun: dry})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.NotReached, "bee": results.Failed, "cee": results.NotReached})
		if x := result.Extensions[0]; x.Reason != "the API key was refused" || x.AsAsked || x.Error != nil {
			t.Errorf("dry %v: %q, %+v", dry, x.Reason, x.Error)
		}
		if len(w.writes) > 0 {
			t.Errorf("dry %v: %q", dry, w.writes)
		}
	}
}

// After the first refusal nothing more is sent, whoever's turn it is.
func TestNothingIsSentAfterARefusal(t *testing.T) {
	for _, at := range []string{"upload", "push", "submit", "snapshot"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				expired, after := false, 0
				w.fault = func(call string) (bool, error) {
					what, _, _ := strings.Cut(call, " ")
					if what == "index" || what == "fetch" || what == "asset" {
						return false, nil
					}
					if expired {
						after++
					}
					if what == at && (what != "snapshot" || len(w.writes) > 0) {
						expired = true
					}
					if expired {
						return false, refused401
					}
					return false, nil
				}
				var sources []config.Source
				for i := range 20 {
					sources = append(sources, sourceOf(t, fmt.Sprintf("ext-%02d", i), "1.0.0"))
				}
				run := New(Options{Sources: sources, Targets: to(w), Parallelism: 1})
				result, err := run.Do(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if after != 0 {
					t.Errorf("%d requests after the first refusal", after)
				}
				if !failure.Unauthorized(run.AuthRefused()) {
					t.Error("no refusal")
				}
				causes := map[results.Error]bool{}
				for _, x := range result.Extensions {
					if x.Error != nil {
						causes[*x.Error] = true
					} else if x.Outcome == results.NotReached && x.Reason != "the API key was refused before its turn" {
						t.Errorf("%s: %q", x.Name, x.Reason)
					}
				}
				if len(causes) > 1 || result.Totals[results.NotReached] < 18 {
					t.Errorf("%v %v", causes, result.Totals)
				}
			})
		})
	}
}

// What a reviewer says is passed on, with a command that works.
func TestTheReviewersMessageIsPassedOn(t *testing.T) {
	source := sourceOf(t, "alc", "1.0.0")
	w := newFakeWorld()
	w.versions["alc@1.0.0"] = &fakeVersion{id: "7", status: "rejected"}
	w.snapshot = func(s target.Snapshot) (target.Snapshot, error) {
		if s.Status == "rejected" {
			s.Message = "no English texts"
		}
		return s, nil
	}
	check := func(x results.Extension, message, hint string) {
		t.Helper()
		if x.Outcome != results.Failed || x.ReviewMessage != "no English texts" || x.Error == nil || x.Error.Message != message || x.Error.Hint != hint {
			t.Errorf("%s %q %+v", x.Outcome, x.ReviewMessage, x.Error)
		}
	}
	withdraw := func(name, version string) string { return "ksrelease withdraw --local " + name + "@" + version }
	const hint = "bump version in extension.yaml, or make it a draft again, which a run replaces: "
	check(do(t, w, Options{Sources: []config.Source{source}}).Extensions[0],
		`the marketplace has version 1.0.0 as "rejected" (no English texts), and it is not in the repository`, hint+"ksrelease withdraw alc@1.0.0")
	check(do(t, w, Options{Sources: []config.Source{source}, DryRun: true, Withdraw: withdraw}).Extensions[0],
		`the marketplace has version 1.0.0 as "rejected" (no English texts), and it is not in the repository`, hint+"ksrelease withdraw --local alc@1.0.0")

	synctest.Test(t, func(t *testing.T) {
		w.versions = map[string]*fakeVersion{}
		source := sourceOf(t, "alc", "1.0.0")
		source.Settings.Verify = config.Verify{Until: config.UntilActive, Timeout: time.Hour}
		time.AfterFunc(time.Minute, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.versions["alc@1.0.0"].status = "rejected"
		})
		check(do(t, w, Options{Sources: []config.Source{source}}).Extensions[0], `the review ended with the status "rejected" (no English texts)`, hint+"ksrelease withdraw alc@1.0.0")
	})
}

// What was refused was not done, and what was never sent is in no doubt: nothing is read
// back with a key that is refused, and no extension has the failure of another.
func TestARefusedWriteIsInNoDoubt(t *testing.T) {
	for _, at := range []string{"push", "submit"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				refuses := false
				w.hangs = func(call string) bool { // bee is on its way to the same stage when alc is refused
					before := map[string]string{"push": "upload", "submit": "push"}[at]
					if strings.HasPrefix(call, before) && strings.Contains(call, "bee") {
						time.Sleep(time.Second)
					}
					return false
				}
				w.fault = func(call string) (bool, error) {
					if strings.HasPrefix(call, at) {
						refuses = true
						return false, refused401
					}
					return false, nil
				}
				result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bee", "1.0.0")}, Parallelism: 2})
				wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed, "bee": results.NotReached})
				if x := result.Extensions[0]; !refuses || x.Error == nil || strings.Contains(x.Error.Message, "is not known") {
					t.Errorf("alc: %+v", x.Error)
				}
				if x := result.Extensions[1]; !strings.HasPrefix(x.Reason, "the API key was refused before ") || x.Error != nil {
					t.Errorf("bee: %q, %+v", x.Reason, x.Error)
				}
			})
		})
	}
}

// An answer that refuses the key is no proof that nothing was done: what the Helm repository
// lists was submitted, and nobody needs the key to see it.
func TestARefusedSubmissionThatIsListed(t *testing.T) {
	for _, test := range []struct {
		until config.Until
		want  results.Outcome
	}{{config.UntilIndexed, results.Released}, {config.UntilActive, results.Unverified}} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			w.hangs = func(string) bool { time.Sleep(time.Millisecond); return false } // no answer comes in no time
			refuses, after := false, 0
			w.fault = func(call string) (bool, error) {
				what, _, _ := strings.Cut(call, " ")
				switch {
				case what == "submit":
					refuses = true
					return true, refused401
				case refuses && (what == "snapshot" || what == "push"):
					after++
				}
				return false, nil
			}
			source := sourceOf(t, "alc", "1.0.0")
			source.Settings.Verify = config.Verify{Until: test.until, Timeout: time.Hour}
			x := do(t, w, Options{Sources: []config.Source{source}}).Extensions[0]
			if x.Outcome != test.want || x.SnapshotID == "" || after != 0 {
				t.Errorf("%s: %s: %s, snapshot %q; asked %d times after the refusal", test.until, x.Outcome, x.Reason, x.SnapshotID, after)
			}
		})
	}
}

// Each extension of a plan gets an answer of its own: who was refused has failed, and the
// others are not reached, whoever asked first.
func TestAPlanDoesNotDependOnWhoAskedFirst(t *testing.T) {
	w := newFakeWorld()
	w.fault = func(call string) (bool, error) {
		if call == "snapshot alc@1.0.0" {
			return false, refused401
		}
		return false, nil
	}
	options, want := Options{}, map[string]results.Outcome{"alc": results.Failed}
	options.Sources = append(options.Sources, sourceOf(t, "alc", "1.0.0"))
	for _, name := range []string{"bar", "cat", "dog", "elk", "fox", "gnu", "hen"} {
		options.Sources = append(options.Sources, sourceOf(t, name, "1.0.0"))
		want[name] = results.NotReached
	}
	wantOutcomes(t, do(t, w, options), want)
}
