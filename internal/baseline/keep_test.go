package baseline

import "testing"

// What a baseline knows of an extension that was looked at in part is kept with what
// was found; of one that was looked at as a whole it is not.
func TestKeepOfWhatWasLookedAtInPart(t *testing.T) {
	old := &Baseline{known: map[string]findings{}}
	for _, name := range []string{"part", "whole", "unread"} {
		known := newFindings()
		known.known[finding{}] = 2
		old.known[name] = known
	}
	var r Recorder
	r.Sift("part", nil)
	r.Sift("whole", nil)
	r.Keep(old, "part")
	if n, extensions := r.Count(); n != 4 || extensions != 2 {
		t.Errorf("%d findings of %d extensions, want 4 of 2", n, extensions)
	}
}
