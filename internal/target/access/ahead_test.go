package access

import (
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
)

// The key is proved before a version is asked for, and nothing is asked with one that is refused.
func TestAhead(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		asked int // after two times
	}{
		"all is well": {nil, 4}, "a refused key": {unauthorized{}, 2},
	} {
		place := &able{key: true}
		place.err = c.err
		a := New(target.Marketplace(place), func(error) {})
		for range 2 { // each extension of a plan gets an answer of its own
			if s, err := a.ForPlan().Ahead(t.Context(), "alc", "1.0.0"); failure.Unauthorized(err) != (c.err != nil) || Unsent(err) || c.err == nil && s.ID != "1" {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
		}
		if place.asked != c.asked || (a.Refused().Err() != nil) != (c.err != nil) {
			t.Errorf("%s: asked %d times; refused: %v", name, place.asked, a.Refused().Err())
		}
	}
}

// When a plan is applied nothing is asked ahead after a refusal.
func TestAheadAfterARefusal(t *testing.T) {
	place := &able{key: true}
	place.err = unauthorized{}
	a := New(target.Marketplace(place), func(error) {})
	_, first := a.Ahead(t.Context(), "alc", "1.0.0")
	_, second := a.Ahead(t.Context(), "alc", "1.0.0")
	if !failure.Unauthorized(first) || Unsent(first) || !Unsent(second) || place.asked != 1 {
		t.Errorf("%v, then %v; asked %d times", first, second, place.asked)
	}
}
