package pipeline

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ksrelease/ksrelease/config"
)

// An answer that is an error is no verdict: whether the world did what it was
// asked is read back.
func TestPushGoesByTheStateNotByTheAnswer(t *testing.T) {
	doubtful := &fakeError{text: "connection reset", temporary: true, doubt: true}
	refused := &fakeError{text: "400 Bad Request: no"}
	busy := &fakeError{text: "503 Service Unavailable", temporary: true, doubt: true}
	tests := []struct {
		name  string
		call  string
		times int // how often it goes wrong
		done  bool
		err   error
		want  Outcome
	}{
		{"push lost, done", "push", 1, true, doubtful, Released},
		{"push lost, not done", "push", 1, false, doubtful, Released},
		{"push busy twice", "push", 2, false, busy, Released},
		{"push refused", "push", 1, false, refused, Failed},
		{"push busy for ever", "push", 99, false, busy, Failed},
		{"submit lost, done", "submit", 1, true, doubtful, Released},
		{"submit lost, not done", "submit", 1, false, doubtful, Released},
		{"submit refused although done", "submit", 1, true, refused, Released},
		{"submit refused", "submit", 1, false, refused, Failed},
		{"submit busy for ever", "submit", 99, false, busy, Failed},
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
					Observer: ObserverFunc(func(e Event) {
						if e.Kind == EventNote {
							notes = append(notes, e.Message)
						}
					}),
				})
				wantOutcomes(t, result, map[string]Outcome{"alc": test.want})
				submitted := 0
				for _, v := range w.versions {
					if v.status == StatusSubmitted {
						submitted++
					}
				}
				if (submitted == 1) != (test.want == Released) || len(w.versions) > 1 {
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
	result := do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}})
	wantOutcomes(t, result, map[string]Outcome{"alc": Failed})
	e := result.Extensions[0].Error
	if !strings.Contains(e.Message, "whether the submission arrived is not known") || !strings.Contains(e.Remedy, "run again") {
		t.Errorf("error: %+v", e)
	}
	// And the next run goes on from there.
	w.fault = nil
	wantOutcomes(t, do(t, w, Options{Sources: []config.Source{sourceOf(t, "alc", "1.0.0")}}), map[string]Outcome{"alc": Exists})
}

func TestAVersionSubmittedMeanwhileIsNotOverwritten(t *testing.T) {
	w := newFakeWorld()
	other := sourceOf(t, "alc", "1.0.0")
	w.fault = func(call string) (bool, error) {
		if call == "push alc@1.0.0" {
			w.fault = nil
			// Somebody else was quicker.
			w.versions["alc@1.0.0"] = &fakeVersion{id: "516955082294619999", status: StatusSubmitted}
			return false, &fakeError{text: "409 Conflict: the version is submitted", doubt: true}
		}
		return false, nil
	}
	result := do(t, w, Options{Sources: []config.Source{other}})
	wantOutcomes(t, result, map[string]Outcome{"alc": Failed})
	if e := result.Extensions[0].Error; !strings.Contains(e.Message, "the version is submitted meanwhile") {
		t.Errorf("error: %+v", e)
	}
}
