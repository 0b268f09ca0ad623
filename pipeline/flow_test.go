package pipeline

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
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
