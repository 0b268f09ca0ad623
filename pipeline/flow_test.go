package pipeline

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// farAway gives each request of a world a round trip, and notes when it was sent.
func farAway(w *fakeWorld, trip time.Duration) (sent func(call string) time.Duration) {
	begun, at := time.Now(), map[string]time.Duration{}
	w.hangs = func(call string) bool {
		w.mu.Lock()
		if _, ok := at[call]; !ok {
			at[call] = time.Since(begun)
		}
		w.mu.Unlock()
		time.Sleep(trip)
		return false
	}
	return func(call string) time.Duration {
		w.mu.Lock()
		defer w.mu.Unlock()
		if when, ok := at[call]; ok {
			return when
		}
		return -1
	}
}

// A release takes the round trips that have to follow one another, and not one more: index, key,
// version; assets, package, submission; its state and the index at the same time; the archive.
func TestARunWaitsForNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const trip = 50 * time.Millisecond
		w := newFakeWorld()
		farAway(w, trip)
		begun := time.Now()
		result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Released})
		if took := time.Since(begun); took != 8*trip {
			t.Errorf("it took %s, want %s", took, 8*trip)
		}
	})
}

// Several at the same time take as long as one, whatever is read of the index for others.
func TestSeveralWaitForNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const trip = 50 * time.Millisecond
		w := newFakeWorld()
		farAway(w, trip)
		options := Options{}
		for _, name := range []string{"alc", "bee", "cat", "dog"} {
			options.Sources = append(options.Sources, sourceOf(t, name, "1.0.0"))
		}
		begun := time.Now()
		do(t, w, options)
		if took := time.Since(begun); took > 9*trip {
			t.Errorf("it took %s", took)
		}
	})
}

// slowExaminer examines extensions, one of them for a long time.
type slowExaminer struct {
	worker.InProcess
	one   string
	takes time.Duration
}

func (s slowExaminer) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	if ext.Metadata.Name == s.one {
		time.Sleep(s.takes)
	}
	return s.InProcess.Examine(ctx, ext, opts, limits)
}

// While one extension is looked at another is released; but not where the plan of all has to be
// known, nor one that requires the first.
func TestPlanAndApplicationOverlap(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		waits  bool
	}{
		"alone":            {func(*Options) {}, false},
		"--all-or-nothing": {func(o *Options) { o.AllOrNothing = true }, true},
		"an approved plan": {func(o *Options) { o.Agreed = func([]results.Extension) []results.Moved { return nil } }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const long = time.Minute
				w := newFakeWorld()
				sent := farAway(w, 50*time.Millisecond)
				var planned *results.Document
				var order []string
				options := Options{
					Sources:  []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bee", "1.0.0"), sourceOf(t, "cat", "1.0.0", "bee")},
					Examiner: slowExaminer{one: "bee", takes: long},
					Observer: results.ObserverFunc(func(e results.Event) {
						switch {
						case e.Kind == results.EventPlanned:
							planned = e.Result
							order = append(order, "planned")
							if !e.Planning {
								t.Error("the end of the plan is none")
							}
						case e.Kind == results.EventEnded:
							order = append(order, e.Extension.Name)
						case e.Writes && e.Planning:
							t.Errorf("%s writes while it is planned", e.Extension.Name)
						}
					}),
				}
				c.change(&options)
				result := do(t, w, options)
				wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Released, "bee": results.Released, "cat": results.Released})
				if at := sent(w.writes[0]); c.waits != (at >= long) {
					t.Errorf("the first write, %s, came after %s", w.writes[0], at)
				}
				if i := slices.Index(order, "planned"); c.waits != (i == 0) || order[len(order)-1] != "cat" {
					t.Errorf("in this order: %q", order)
				}
				want := results.Released
				if c.waits {
					want = results.NotReached
				}
				if got := planned.Extensions[0].Outcome; got != want {
					t.Errorf("when all was planned, the first was %s, want %s: %q", got, want, order)
				}
			})
		})
	}
}

// brokenOf is a source that lint stops.
func brokenOf(t *testing.T, name string) config.Source {
	t.Helper()
	source := sourceOf(t, name, "1.0.0")
	write(t, filepath.Join(source.Path, "templates", "bad.yaml"), "{{ fail \"no\" }}\n")
	return source
}

// A refusal of the key counts where it stops something: what lint stops would not have been sent,
// although the marketplace is asked for it while lint looks.
func TestAKeyIsRefusedToThoseWhoWouldBeSent(t *testing.T) {
	for _, dry := range []bool{false, true} {
		for want, sources := range map[bool][]config.Source{
			false: {brokenOf(t, "alc"), brokenOf(t, "bee")},
			true:  {brokenOf(t, "alc"), sourceOf(t, "bee", "1.0.0")},
		} {
			run := New(Options{Sources: sources, Targets: to(badKey{newFakeWorld()}), DryRun: dry, Parallelism: 4})
			result, err := run.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed, "bee": results.Failed})
			if refused := run.AuthRefused() != nil; refused != want || result.AuthRefused != want {
				t.Errorf("a dry run: %v; refused: %v, %v, want %v", dry, refused, result.AuthRefused, want)
			}
		}
	}
}

// Nothing is sent where the key is refused to another extension, however long lint takes for that,
// unless lint stops it.
func TestARefusalToAnotherKeepsBack(t *testing.T) {
	for name, c := range map[string]struct {
		bee  func(*testing.T, string) config.Source
		want results.Outcome
	}{
		"would be sent": {func(t *testing.T, name string) config.Source { return sourceOf(t, name, "1.0.0") }, results.NotReached},
		"lint stops it": {brokenOf, results.Released},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFakeWorld()
				w.fault = func(call string) (bool, error) {
					if call == "snapshot bee@1.0.0" {
						return false, errBadKey
					}
					return false, nil
				}
				run := New(Options{
					Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), c.bee(t, "bee")}, Targets: to(w), Parallelism: 1,
					Examiner: slowExaminer{one: "bee", takes: time.Minute},
				})
				result, err := run.Do(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				wantOutcomes(t, result, map[string]results.Outcome{"alc": c.want, "bee": results.Failed})
				if refused := run.AuthRefused() != nil; refused != (c.want == results.NotReached) {
					t.Errorf("refused: %v", refused)
				}
			})
		})
	}
}

// toiling is a world whose index comes after ten tries, and that tries to say what it has of some
// versions until nobody wants to know.
type toiling struct {
	*fakeWorld
	of string // a name
}

type retryKey struct{}

func (w toiling) try(ctx context.Context, what string, tries int) {
	for range tries {
		select {
		case <-time.After(time.Second):
			ctx.Value(retryKey{}).(func(results.Event))(results.Event{Kind: results.EventNote, Message: what + ": 503, trying again in 1s"})
		case <-ctx.Done():
			return
		}
	}
}

func (w toiling) Index(ctx context.Context) (target.Index, error) {
	w.try(ctx, "index", 10)
	return w.fakeWorld.Index(ctx)
}

func (w toiling) Snapshot(ctx context.Context, name, version string) (target.Snapshot, error) {
	if name == w.of {
		w.try(ctx, name, math.MaxInt)
	}
	return w.fakeWorld.Snapshot(ctx, name, version)
}

// What is asked ahead ends with the extension that it is for, and a retry of what others wait for is
// not reported in the name of one that has ended.
func TestNothingIsReportedOfWhatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := toiling{newFakeWorld(), "bee"}
		began, over, notes := time.Now(), map[string]time.Duration{}, map[string]int{}
		run := New(Options{
			Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), brokenOf(t, "bee"), sourceOf(t, "cat", "1.0.0")},
			Targets: to(w), Parallelism: 4, Skip: []string{results.StageVerify},
			Examiner: slowExaminer{one: "bee", takes: 13500 * time.Millisecond},
			Resolver: resolverFunc(func(_ context.Context, _ string, ext *extension.Extension) (*extension.Extension, error) {
				if ext.Metadata.Name == "alc" { // in whose name the index is asked for
					time.Sleep(4500 * time.Millisecond)
					return nil, errors.New("no such chart")
				}
				time.Sleep(time.Millisecond)
				return ext, nil
			}),
			Noting: func(ctx context.Context, report func(results.Event)) context.Context {
				return context.WithValue(ctx, retryKey{}, report)
			},
			Observer: results.ObserverFunc(func(e results.Event) {
				name := ""
				if e.Extension != nil {
					name = e.Extension.Name
				}
				if at, ok := over[name]; ok {
					t.Errorf("%s of %s after %s, which ended after %s", e.Kind, name, time.Since(began), at)
				}
				switch e.Kind {
				case results.EventEnded:
					over[name] = time.Since(began)
				case results.EventNote:
					notes[name+" "+e.Message[:5]]++
				}
			}),
		})
		result, err := run.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Failed, "bee": results.Failed, "cat": results.Released})
		if notes["alc index"] != 4 || notes[" index"] != 6 || notes["bee bee: "] != 3 {
			t.Errorf("%v", notes)
		}
	})
}
