package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
)

func init() {
	mistake = func(text string) { panic(text) }
}

// allStates are all states that there are.
func allStates() []lifecycle.State {
	all := []lifecycle.State{lifecycle.Pending{}}
	for _, d := range []lifecycle.Decision{lifecycle.Keep, lifecycle.Send, lifecycle.Wait} {
		all = append(all, lifecycle.Planned{Decision: d}, lifecycle.Applied{Decision: d})
	}
	for _, o := range results.Outcomes() {
		all = append(all, lifecycle.Ended{Outcome: o})
	}
	return all
}

// Every move from one state to another is allowed here, or impossible.
func TestMovesOfARelease(t *testing.T) {
	allowed := map[string][]string{
		"pending":                  {"planned to keep", "planned to release", "planned to wait", "ended as exists", "ended as drift", "ended as blocked", "ended as failed", "ended as not-reached", "ended as left-out"},
		"planned to keep":          {"ended as linted", "ended as packed", "ended as planned", "ended as blocked", "ended as failed", "ended as not-reached"},
		"planned to release":       {"applying release", "ended as planned", "ended as blocked", "ended as failed", "ended as not-reached"},
		"planned to wait":          {"applying wait", "ended as planned", "ended as blocked", "ended as failed", "ended as not-reached"},
		"applying release":         {"applying wait", "ended as released", "ended as drift", "ended as blocked", "ended as failed", "ended as unverified", "ended as not-reached"},
		"applying wait":            {"ended as exists", "ended as drift", "ended as failed", "ended as unverified", "ended as not-reached"},
		"applying keep":            {"ended as drift", "ended as failed", "ended as unverified", "ended as not-reached"}, // which no move leads to
		"ended as whatever it was": nil,
	}
	led := map[string]bool{"pending": true}
	for _, from := range allStates() {
		for _, to := range allStates() {
			want := slices.Contains(allowed[from.String()], to.String())
			if got := lifecycle.MayMove(from, to); got != want {
				t.Errorf("from %s to %s: %v, want %v", from, to, got, want)
			}
			if want && from.String() != "applying keep" {
				led[to.String()] = true
			}
			r := &route{state: from, release: &release{result: results.Extension{Name: "alc"}}}
			if thrown := moved(r, to); (thrown == nil) != want || want && r.state != to || !want && r.state != from {
				t.Errorf("from %s to %s: it is %s, and %v", from, to, r.state, thrown)
			}
		}
	}
	for _, s := range allStates() {
		if led[s.String()] == (s.String() == "applying keep") {
			t.Errorf("a way leads to %s: %v", s, led[s.String()])
		}
	}
}

// moved moves a release, and returns what the impossible move says.
func moved(r *route, to lifecycle.State) (thrown any) {
	defer func() { thrown = recover() }()
	r.move(to)
	return nil
}

// Outside of tests an impossible move ends nothing: the first outcome stands, and any other
// move is made, so that no release is left in the middle.
func TestAnImpossibleMoveInARun(t *testing.T) {
	was, said := mistake, ""
	defer func() { mistake = was }()
	mistake = func(text string) { said = text }
	r := &route{state: lifecycle.Ended{Outcome: results.Failed}, release: &release{result: results.Extension{Name: "alc"}}}
	if r.move(lifecycle.Ended{Outcome: results.Released}); r.state != (lifecycle.Ended{Outcome: results.Failed}) || said != "the extension alc is ended as failed and cannot be ended as released" {
		t.Errorf("%s, %q", r.state, said)
	}
	r = &route{state: lifecycle.Pending{}, release: &release{}}
	if r.move(lifecycle.Ended{Outcome: results.Released}); r.state != (lifecycle.Ended{Outcome: results.Released}) {
		t.Errorf("it is %s", r.state)
	}
}

// The lists of steps are whole: each stage is in the plan once and in order, each step is
// taken in some state that a way leads to, and nothing in a plan writes.
func TestTheListsOfSteps(t *testing.T) {
	type info struct {
		name   string
		when   func(lifecycle.State) bool
		writes bool
	}
	var plan, apply []info
	for _, s := range planSteps() {
		plan = append(plan, info{s.stage + s.doing, s.when, s.writes})
	}
	for _, s := range applySteps() {
		apply = append(apply, info{s.stage + s.doing, s.when, s.writes})
	}
	for _, s := range append(slices.Clone(plan), apply...) {
		if !slices.ContainsFunc(allStates(), s.when) || slices.ContainsFunc(allStates(), func(x lifecycle.State) bool { return strings.HasPrefix(x.String(), "ended") && s.when(x) }) {
			t.Errorf("%s is never taken, or after the end", s.name)
		}
	}
	for _, s := range plan {
		if s.writes || slices.ContainsFunc(allStates(), func(x lifecycle.State) bool { return lifecycle.IsApplied(x) && s.when(x) }) {
			t.Errorf("%s of the plan writes", s.name)
		}
	}
	for _, s := range apply {
		if !slices.ContainsFunc(allStates(), func(x lifecycle.State) bool { return lifecycle.IsApplied(x) && s.when(x) }) {
			t.Errorf("%s is not for what is applied", s.name)
		}
	}
	var stages []string
	for _, s := range applySteps() {
		if s.stage != "" && s.when(lifecycle.Applied{Decision: lifecycle.Send}) { // what was submitted before is verified first
			stages = append(stages, s.stage)
		}
	}
	at := 0
	for _, s := range stages { // in the order of the plan
		next := slices.Index(StageNames()[at:], s)
		if next < 0 {
			t.Fatalf("the stages are %q, and %q when they are applied", StageNames(), stages)
		}
		at += next + 1
	}
}

// How a step is added (docs/design.md): it is a function, and an entry in one of the lists
// in pipeline.go. This one lets nothing go out on the thirteenth.
func TestAStepIsAFunctionAndAnEntry(t *testing.T) {
	cautious := step[*planning]{
		when: lifecycle.IsToPack, blames: stagePlan, doing: "while it looked at the calendar",
		do: func(_ context.Context, _ *planning, r *release) error {
			if r.read.metadata.Name == "alc" {
				return &delivery.Ending{Outcome: results.Blocked, Reason: "it is the thirteenth"}
			}
			return nil
		},
	}
	var noted []string
	proud := step[*applying]{
		when: lifecycle.IsApplied, blames: results.StagePush, doing: "while it said so",
		each: func(_ context.Context, env *applying, r *route) error {
			noted = append(noted, r.result.Name+" is "+r.state.String())
			return nil
		},
	}
	w := newFakeWorld()
	run := New(Options{Targets: to(w), Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0")}})
	run.toPlan = append(run.toPlan, cautious)
	run.toApply = slices.Insert(run.toApply, 0, proud)
	result, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Blocked, "bar": results.Released})
	if !slices.Equal(noted, []string{"bar is applying release"}) || result.Extensions[0].Reason != "it is the thirteenth" {
		t.Errorf("%q, %q", noted, result.Extensions[0].Reason)
	}
}

// What was sent is in doubt no more: an end while it is looked at leaves it unverified, and
// not unreached.
func TestTheEndWhileAVersionIsLookedAt(t *testing.T) {
	w := newFakeWorld()
	stop, interrupt := context.WithCancelCause(t.Context())
	w.archive = func(data []byte) []byte {
		interrupt(errors.New("interrupted"))
		return data
	}
	x := doUnder(t, stop, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}, Skip: []string{results.StageLint}}).Extensions[0]
	if x.Outcome != results.Unverified || x.Reason != "interrupted before it was seen in the Helm repository" || x.Stages[5].Status != results.StageFailed {
		t.Errorf("%s %q %+v", x.Outcome, x.Reason, x.Stages)
	}
}

// What has begun to write goes on to its submission when a run is interrupted; when its time
// is up, it does not.
func TestWhatHasBegunIsSubmitted(t *testing.T) {
	for _, timeUp := range []bool{false, true} {
		w := newFakeWorld()
		stop, interrupt := context.WithCancelCause(t.Context())
		end, endNow := context.WithCancelCause(t.Context())
		w.fault = func(call string) (bool, error) {
			if strings.HasPrefix(call, "upload ") {
				interrupt(errors.New("interrupted"))
				if timeUp {
					endNow(errors.New("the time is up"))
				}
			}
			return false, nil
		}
		ctx, done := graceful.With(stop, end)
		result, err := New(Options{Targets: to(w), Sources: []config.Source{sourceOf(t, "alc", "1.0.0"), sourceOf(t, "bar", "1.0.0", "alc")}}).Do(ctx)
		done()
		endNow(nil)
		if err != nil {
			t.Fatal(err)
		}
		want, writes := results.Unverified, 3
		if timeUp {
			want, writes = results.NotReached, 1
		}
		wantOutcomes(t, result, map[string]results.Outcome{"alc": want, "bar": results.NotReached})
		if len(w.writes) != writes {
			t.Errorf("the time is up: %v: %q", timeUp, w.writes)
		}
		if x := result.Extensions[0]; timeUp && x.Reason != "the time is up during push; what it sent is in doubt, the next run reads it back" && !strings.HasPrefix(x.Reason, "the time is up during upload") {
			t.Errorf("%q", x.Reason)
		}
	}
}
