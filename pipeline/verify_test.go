package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/indexwatch"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// KubeSphere swallows each failure on the way to a version, so released is
// only what can be walked to; slow is unverified, never failed.
func TestVerifyWalksAsKubeSphereDoes(t *testing.T) {
	tests := []struct {
		name   string
		serve  func(w *fakeWorld, e *target.Entry, at time.Time) bool
		change func(data []byte) []byte
		want   results.Outcome
		reason string
	}{
		{name: "at once", want: results.Released},
		{
			name:  "late",
			serve: func(w *fakeWorld, _ *target.Entry, at time.Time) bool { return at.Sub(w.started) > 4*time.Minute },
			want:  results.Released,
		},
		{
			name:   "too late",
			serve:  func(w *fakeWorld, _ *target.Entry, at time.Time) bool { return at.Sub(w.started) > 6*time.Minute },
			want:   results.Unverified,
			reason: "not seen within 5m0s: it is not in the Helm repository yet",
		},
		{
			name: "wrong digest for a while",
			serve: func(w *fakeWorld, e *target.Entry, at time.Time) bool {
				if at.Sub(w.started) < time.Minute {
					e.Digest = strings.Repeat("0", 64)
				}
				return true
			},
			want: results.Released,
		},
		{
			name:   "wrong digest",
			serve:  func(_ *fakeWorld, e *target.Entry, _ time.Time) bool { e.Digest = strings.Repeat("0", 64); return true },
			want:   results.Unverified,
			reason: "the index lists the digest 000000000000",
		},
		{
			name:   "an archive that does not load",
			serve:  func(_ *fakeWorld, e *target.Entry, _ time.Time) bool { e.Digest = ""; return true },
			change: func(data []byte) []byte { return data[:len(data)/2] },
			want:   results.Unverified,
			reason: "its archive does not load in Helm",
		},
		{
			name:  "digest with its algorithm before it",
			serve: func(_ *fakeWorld, e *target.Entry, _ time.Time) bool { e.Digest = "sha256:" + e.Digest; return true },
			want:  results.Released,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				if test.serve != nil {
					w.serve = func(e *target.Entry, at time.Time) bool { return test.serve(w, e, at) }
				}
				w.archive = test.change
				result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
				wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
				if got := result.Extensions[0].Reason; !strings.Contains(got, test.reason) {
					t.Errorf("reason: got %q, want %q", got, test.reason)
				}
			})
		})
	}
}

// A marketplace may pack anew: what counts then is the content.
func TestVerifyComparesContentWhereBytesDiffer(t *testing.T) {
	for _, other := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			source := sourceOf(t, "alc", "1.0.0")
			elsewhere := sourceOf(t, "alc", "1.0.0")
			if other {
				write(t, elsewhere.Path+"/values.yaml", "global: {other: true}\n")
			}
			again := repacked(t, elsewhere)
			w.archive = func([]byte) []byte { return again }
			w.serve = func(e *target.Entry, _ time.Time) bool { e.Digest = ""; return true }
			result := do(t, w, Options{Sources: []config.Source{source}})
			want := map[bool]results.Outcome{false: results.Released, true: results.Unverified}[other]
			wantOutcomes(t, result, map[string]results.Outcome{"alc": want})
			if other && !strings.Contains(result.Extensions[0].Reason, "the repository serves other content than was sent (values.yaml") {
				t.Errorf("reason: %q", result.Extensions[0].Reason)
			}
		})
	}
}

// What the index says of the content is no proof that it is there, and proof enough
// that something else is: comments are content to us and not to Helm.
func TestAnnotationOfOtherContent(t *testing.T) {
	other := "v2:sha256:" + strings.Repeat("0e", 32)
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		source := sourceOf(t, "alc", "1.0.0")
		again := repacked(t, source)
		w.archive = func([]byte) []byte { return again }
		w.serve = func(e *target.Entry, _ time.Time) bool { e.Digest, e.ContentDigest = "", other; return true }
		x := do(t, w, Options{Sources: []config.Source{source}}).Extensions[0]
		if x.Outcome != results.Unverified || !strings.Contains(x.Reason, "the repository serves other content than was sent (its content digest is another, and its files are the same)") {
			t.Errorf("%s: %q", x.Outcome, x.Reason)
		}
	})
	// An index that is late says it for a while.
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(e *target.Entry, at time.Time) bool {
			if at.Sub(w.started) < time.Minute {
				e.Digest, e.ContentDigest = strings.Repeat("0", 64), other
			}
			return true
		}
		wantOutcomes(t, do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}}), map[string]results.Outcome{"alc": results.Released})
	})
	// Of what others have submitted it is the verdict, whether its archive can be had or not.
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		source := sourceOf(t, "alc", "1.0.0")
		wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}}), map[string]results.Outcome{"alc": results.Released})
		from := time.Now().Add(time.Minute)
		w.serve = func(e *target.Entry, at time.Time) bool { e.ContentDigest = other; return at.After(from) }
		w.fault = func(call string) (bool, error) {
			if strings.HasPrefix(call, "fetch") {
				return false, errors.New("404 Not Found")
			}
			return false, nil
		}
		wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}}), map[string]results.Outcome{"alc": results.Drift})
	})
}

// A version of another tool is compared by what it means, and its pictures by what is
// at their addresses, whatever these are called.
func TestVersionsOfOtherTools(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(w *fakeWorld, dir string)
		want   results.Outcome
	}{
		{"the same", func(*fakeWorld, string) {}, results.Exists},
		{"a comment", func(_ *fakeWorld, dir string) {
			file := filepath.Join(dir, "extension.yaml")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, string(text)+"# more\n")
		}, results.Exists},
		{"another picture at the address", func(w *fakeWorld, _ string) {
			for address := range w.assets {
				w.assets[address] = []byte("<svg/>")
			}
		}, results.Drift},
	} {
		w := newFakeWorld()
		source := sourceOf(t, "alc", "1.0.0")
		wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}}), map[string]results.Outcome{"alc": results.Released})
		w.versions["alc@1.0.0"].unmarked = true
		test.change(w, source.Path)
		x := do(t, w, Options{Sources: []config.Source{source}}).Extensions[0]
		if x.Outcome != test.want {
			t.Errorf("%s: %s %q", test.name, x.Outcome, x.Reason)
		}
	}
}

// slowly is a repository whose packages take longer than an index is good for.
type slowly struct{ *fakeWorld }

func (s slowly) Fetch(ctx context.Context, e target.Entry) ([]byte, error) {
	time.Sleep(2 * indexwatch.LastPoll)
	return s.fakeWorld.Fetch(ctx, e)
}

// What the index lists by the time that the archive has come is what counts.
func TestAnIndexThatChangesMeanwhile(t *testing.T) {
	for _, changes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			w.serve = func(e *target.Entry, at time.Time) bool {
				if changes && at.Sub(w.started) > indexwatch.LastPoll {
					e.URLs = []string{"elsewhere/" + e.URLs[0]}
				}
				return true
			}
			wantOutcomes(t, do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Targets: to(slowly{w})}), map[string]results.Outcome{"alc": results.Released})
			fetched := slices.DeleteFunc(slices.Clone(w.reads), func(call string) bool { return call != "fetch alc@1.0.0" })
			if want := map[bool]int{false: 1, true: 2}[changes]; len(fetched) != want {
				t.Errorf("changes %v: %d downloads", changes, len(fetched))
			}
		})
	}
}

// repacked is the pushed package of an extension in other bytes.
func repacked(t *testing.T, source config.Source) []byte {
	t.Helper()
	w := newFakeWorld()
	result := do(t, w, Options{Sources: []config.Source{source}})
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Released})
	return trees.Recompressed(t, w.versions["alc@1.0.0"].pkg.Data)
}

func TestVerifyUntilActive(t *testing.T) {
	tests := []struct {
		name   string
		review func(*fakeVersion)
		want   results.Outcome
		told   string
	}{
		{"approved", func(v *fakeVersion) { v.status = target.StatusActive }, results.Released, ""},
		{"rejected", func(v *fakeVersion) { v.status = "rejected" }, results.Failed, `the review ended with the status "rejected"`},
		{"withdrawn", func(v *fakeVersion) { v.status = target.StatusDraft }, results.Failed, "the submission was taken back"},
		{"never", func(*fakeVersion) {}, results.Unverified, "it is in the repository, and not reviewed yet"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				time.AfterFunc(2*time.Minute, func() {
					w.mu.Lock()
					defer w.mu.Unlock()
					test.review(w.versions["alc@1.0.0"])
				})
				source := sourceOf(t, "alc", "1.0.0")
				source.Settings.Verify.Until = config.UntilActive
				result := do(t, w, Options{Sources: []config.Source{source}})
				wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
				if x := result.Extensions[0]; !strings.Contains(x.Reason, test.told) {
					t.Errorf("reason: %q", x.Reason)
				}
			})
		})
	}
}

// A review takes its time, and what was in the index before it may be gone
// when it is approved.
func TestWhatWasApprovedIsLookedForOnceMore(t *testing.T) {
	for _, gone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newFakeWorld()
			w.serve = func(_ *target.Entry, at time.Time) bool { return !gone || at.Sub(w.started) < time.Minute }
			time.AfterFunc(2*time.Minute, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.versions["alc@1.0.0"].status = target.StatusActive
			})
			source := sourceOf(t, "alc", "1.0.0")
			source.Settings.Verify.Until = config.UntilActive
			result := do(t, w, Options{Sources: []config.Source{source}})
			wantOutcomes(t, result, map[string]results.Outcome{"alc": map[bool]results.Outcome{false: results.Released, true: results.Unverified}[gone]})
		})
	}
}

// Extensions that wait share what is read of the index.
func TestWaitingSharesTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(_ *target.Entry, at time.Time) bool { return at.Sub(w.started) > 4*time.Minute }
		var sources []config.Source
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			sources = append(sources, sourceOf(t, name, "1.0.0"))
		}
		result := do(t, w, Options{Sources: sources})
		if result.Totals[results.Released] != len(sources) {
			t.Fatalf("totals: %v", result.Totals)
		}
		polls := 0
		for _, r := range w.reads {
			if r == "index" {
				polls++
			}
		}
		if polls > 60 {
			t.Errorf("%d extensions waiting four minutes downloaded the index %d times", len(sources), polls)
		}
	})
}

// What the index lists was not taken back, whatever one answer says.
func TestAReviewThatIsNotShownIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		source := sourceOf(t, "alc", "1.0.0")
		source.Settings.Verify.Until = config.UntilActive
		asked := 0
		w.snapshot = func(s target.Snapshot) (target.Snapshot, error) {
			switch asked++; {
			case s.Status != target.StatusSubmitted:
				return s, nil
			case asked < 4:
				return target.Snapshot{}, nil
			}
			s.Status = target.StatusActive
			return s, nil
		}
		wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}}), map[string]results.Outcome{"alc": results.Released})
		if asked != 4 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// Drift is other content, and not an answer that was cut or exchanged.
func TestOnlyOtherContentIsDrift(t *testing.T) {
	for _, test := range []struct {
		name    string
		mark    string // the annotation in the index
		digest  string // that of the index; "-" is the right one
		archive []byte // what is downloaded; nil is the right one
		want    results.Outcome
		says    string
	}{
		{"the annotation is cut", "sha256:0e5204ef", "-", nil, results.Exists, ""},
		{"the annotation is another", "v2:sha256:" + strings.Repeat("0e", 32), "-", nil, results.Drift, "other content"},
		{"another archive came", "", "-", []byte("\x1f\x8b and junk"), results.Failed, "the index lists the digest"},
		{"another archive came, and there is no digest", "", "", []byte("\x1f\x8b and junk"), results.Failed, "comparing with the version in the repository"},
		{"what was published is junk", "", hex.EncodeToString(junkDigest[:]), junk, results.Drift, "what is there cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newFakeWorld()
			source := sourceOf(t, "alc", "1.0.0")
			wantOutcomes(t, do(t, w, Options{Sources: []config.Source{source}}), map[string]results.Outcome{"alc": results.Released})
			w.serve = func(e *target.Entry, _ time.Time) bool {
				e.ContentDigest = test.mark
				if test.digest != "-" {
					e.Digest = test.digest
				}
				return true
			}
			if test.archive != nil {
				w.archive = func([]byte) []byte { return test.archive }
			}
			result := do(t, w, Options{Sources: []config.Source{source}})
			x := result.Extensions[0]
			if x.Outcome != test.want || !strings.Contains(x.Reason, test.says) || x.Error != nil && x.Error.Hint == "" {
				t.Errorf("%s: %s, %+v", x.Outcome, x.Reason, x.Error)
			}
		})
	}
}

var (
	junk       = []byte("\x1f\x8b that was published so")
	junkDigest = sha256.Sum256(junk)
)

// KubeSphere decodes the extension.yaml of the served archive by itself, in its
// own way, and leaves out what it cannot read without a word. So nothing is sent
// that it would leave out.
func TestExtensionYAMLIsDecodedAsKubeSphereDoes(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(yaml string) string
		want   results.Outcome
		reason string
	}{
		{"a marker first", func(y string) string { return "---\n" + y }, results.Released, ""},
		{"a comment first", func(y string) string { return "# licence\n" + y }, results.Released, ""},
		{"a comment, then a marker", func(y string) string { return "# licence\n---\n" + y }, results.Failed,
			"KubeSphere leaves it out, because it finds no name, no version, no category in the extension.yaml in its archive: it reads only what stands before line 2, which is ---; take out that line"},
		{"a blank line, then a marker", func(y string) string { return "\n---\n" + y }, results.Failed, "before line 2"},
		{"no category", func(y string) string { return strings.Replace(y, "category: computing\n", "", 1) }, results.Failed, "finds no category in the extension.yaml"},
		{"a field of another type", func(y string) string { return y + "repository: {url: x}\n" }, results.Failed,
			"KubeSphere leaves it out, because it cannot decode the extension.yaml in its archive: repository is a mapping, and has to be a text"},
		{"created is no time", func(y string) string { return y + "created: yesterday\n" }, results.Failed, `created is "yesterday"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newFakeWorld()
			source := sourceOf(t, "alc", "1.0.0")
			file := filepath.Join(source.Path, "extension.yaml")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, test.change(string(text)))
			result := do(t, w, Options{Sources: []config.Source{source}, Skip: []string{results.StageLint}})
			wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
			if x := result.Extensions[0]; !strings.Contains(x.Reason, test.reason) {
				t.Errorf("%s", x.Reason)
			}
			// It makes no difference that the chart loads in Helm.
			source.Settings.Lint.Rules = map[string]config.Severity{}
			for _, rule := range lint.Rules() {
				if rule.Name != "chart" {
					source.Settings.Lint.Rules[rule.Name] = config.Off
				}
			}
			observer := results.ObserverFunc(func(e results.Event) {
				if e.Kind == results.EventNote { // a plan waits for nothing
					t.Errorf("said: %q", e.Message)
				}
			})
			again := do(t, newFakeWorld(), Options{Sources: []config.Source{source}, Observer: observer})
			wantOutcomes(t, again, map[string]results.Outcome{"alc": test.want})
			if x := again.Extensions[0]; !strings.Contains(x.Reason, test.reason) {
				t.Errorf("after lint: %s", x.Reason)
			}
			if sent := len(w.writes) > 0; sent != (test.want == results.Released) {
				t.Errorf("sent: %v", w.writes)
			}
		})
	}
}

// Helm and KubeSphere load the whole index or nothing: a version that is listed
// in one that they refuse is not released until it is corrected. The plan warns.
func TestIndexThatHelmRefusesIsNoRelease(t *testing.T) {
	for _, test := range []struct {
		name  string
		fixed time.Duration
		want  results.Outcome
	}{
		{"never corrected", time.Hour, results.Unverified},
		{"corrected in time", 2 * time.Minute, results.Released},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				const fault = "Helm and KubeSphere cannot load the index: the entry of other 1.10 in line 9: version is a number, and has to be a text"
				w.refused = func(at time.Time) error {
					if at.Sub(w.started) < test.fixed {
						return failure.WithHint(errors.New(fault), "the entry of other has to be corrected")
					}
					return nil
				}
				var notes []string
				observer := results.ObserverFunc(func(e results.Event) {
					if e.Kind == results.EventNote {
						notes = append(notes, e.Message)
					}
				})
				source := sourceOf(t, "alc", "1.0.0")
				result := do(t, w, Options{Sources: []config.Source{source}, Observer: observer})
				wantOutcomes(t, result, map[string]results.Outcome{"alc": test.want})
				if x := result.Extensions[0]; test.want == results.Unverified && !strings.Contains(x.Reason, "it is in the index, but "+fault+": the entry of other has to be corrected") {
					t.Errorf("reason: %s", x.Reason)
				}
				if len(result.Warnings) != 1 || result.Warnings[0] != fault+": the entry of other has to be corrected; until then KubeSphere shows nothing that is new in this repository" {
					t.Errorf("warnings: %q", result.Warnings)
				}
				if len(notes) != 1 || !strings.Contains(notes[0], "waiting: it is in the index, but "+fault) {
					t.Errorf("notes: %q", notes)
				}
				// What exists says so, with the warning.
				w.refused = func(time.Time) error { return errors.New(fault) }
				again := do(t, w, Options{Sources: []config.Source{source}})
				wantOutcomes(t, again, map[string]results.Outcome{"alc": results.Exists})
				if len(again.Warnings) != 1 {
					t.Errorf("warnings: %q", again.Warnings)
				}
			})
		})
	}
}

// Why a version is not seen is said at once and when it changes, once each.
func TestReasonIsSaidWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.fault = func(call string) (bool, error) {
			switch {
			case !strings.HasPrefix(call, "fetch"):
			case time.Since(w.started) < time.Minute:
				return false, failure.WithHint(errors.New("downloading package alc 1.0.0: 401 Unauthorized"), "let everybody read it")
			case time.Since(w.started) < 2*time.Minute:
				return false, errors.New("downloading package alc 1.0.0: 404 Not Found")
			}
			return false, nil
		}
		var notes []string
		observer := results.ObserverFunc(func(e results.Event) {
			if e.Kind == results.EventNote {
				notes = append(notes, fmt.Sprint(e.Message, ", after ", time.Since(w.started).Round(time.Second)))
			}
		})
		wantOutcomes(t, do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Observer: observer}), map[string]results.Outcome{"alc": results.Released})
		if len(notes) != 2 || !strings.HasPrefix(notes[0], "waiting: downloading package alc 1.0.0: 401 Unauthorized: let everybody read it, after 1s") || !strings.Contains(notes[1], "404 Not Found") {
			t.Errorf("notes: %q", notes)
		}
	})
}

// A cache that answers for the repository is named in the reason, once while it
// waits.
func TestCacheIsNamedInTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.cached = "a cache answered for the repository, with an index that is 4m12s old and that it keeps for 10m0s"
		w.serve = func(*target.Entry, time.Time) bool { return false }
		notes := 0
		observer := results.ObserverFunc(func(e results.Event) {
			if e.Kind == results.EventNote {
				notes++
				w.cached = strings.Replace(w.cached, "4m12s", "4m27s", 1)
			}
		})
		result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Observer: observer})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Unverified})
		if x := result.Extensions[0]; x.Reason != "not seen within 5m0s: it is not in the Helm repository yet; "+w.cached || notes != 1 {
			t.Errorf("%d notes, reason %q", notes, x.Reason)
		}
	})
}

// What is odd about an index that can be loaded is said once.
func TestRemarksOnTheIndex(t *testing.T) {
	for _, dry := range []bool{true, false} {
		w := newFakeWorld()
		w.remarks = []string{"the entry of other is empty", "another"}
		result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bee", "1.0.0")}, DryRun: dry})
		if !slices.Equal(result.Warnings, w.remarks) || !result.AsAsked() {
			t.Errorf("dry %v: %q", dry, result.Warnings)
		}
	}
}

// A version that is there twice is judged by the last one, and said to be; an
// entry with another name than its chart is nothing to KubeSphere.
func TestOddEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(e *target.Entry, _ time.Time) bool { e.Times = 2; return true }
		source := sourceOf(t, "alc", "1.0.0")
		for _, want := range []results.Outcome{results.Released, results.Exists} {
			result := do(t, w, Options{Sources: []config.Source{source}})
			wantOutcomes(t, result, map[string]results.Outcome{"alc": want})
			if len(result.Warnings) != 1 || result.Warnings[0] != "the index has alc 1.0.0 2 times: KubeSphere takes the last of them, and so does this run" {
				t.Errorf("%s: warnings %q", want, result.Warnings)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newFakeWorld()
		w.serve = func(e *target.Entry, _ time.Time) bool { e.OwnName = "ALC"; return true }
		result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Unverified})
		if x := result.Extensions[0]; !strings.Contains(x.Reason, `its entry has the name "ALC" there`) {
			t.Errorf("reason %q", x.Reason)
		}
	})
}
