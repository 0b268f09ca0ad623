package results

import (
	"slices"
	"testing"
)

// A warning is said once and is in the result; notes after the end are dropped.
func TestFeed(t *testing.T) {
	var seen []EventKind
	f := NewFeed(ObserverFunc(func(e Event) {
		if e.Time.IsZero() {
			t.Errorf("%s has no time", e.Kind)
		}
		seen = append(seen, e.Kind)
	}))
	f.Warn("w", true)
	f.Warn("w", false)
	f.Note("n")
	f.Emit(Event{Kind: EventEnded})
	result := &Document{}
	f.EmitRun(Event{Kind: EventPlanned, Result: result})
	if result.Finished != nil || !slices.Equal(result.Warnings, []string{"w"}) {
		t.Errorf("%+v", result)
	}
	f.EmitRun(Event{Kind: EventRunFinished, Result: result})
	f.Note("late")
	if result.Finished == nil || !slices.Equal(seen, []EventKind{EventWarning, EventNote, EventEnded, EventPlanned, EventRunFinished}) {
		t.Errorf("%+v, %v", result, seen)
	}
	NewFeed(nil).Note("nobody")
}

// What is changed later does not change a snapshot.
func TestSnapshot(t *testing.T) {
	x := Extension{Stages: []Stage{{Name: "a"}}, Hooks: []Hook{{Run: "a"}}, Assets: []Asset{{File: "a"}}, Package: &Package{Size: 1}}
	now := x.Snapshot()
	x.Stages[0].Name, x.Hooks[0].Run, x.Assets[0].File, x.Package.Size = "b", "b", "b", 2
	if now.Stages[0].Name != "a" || now.Hooks[0].Run != "a" || now.Assets[0].File != "a" || now.Package.Size != 1 {
		t.Errorf("%+v", now)
	}
}
