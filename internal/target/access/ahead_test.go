package access

import (
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/target"
)

// The key is proved before a version is asked for, and nothing is asked with one that is refused.
// A refusal counts when somebody wants the answer.
func TestAhead(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		asked int // after two times
	}{
		"all is well": {nil, 4}, "a refused key": {unauthorized{}, 2},
	} {
		place := &able{key: true}
		place.err = c.err
		noted := 0
		a := New(target.Marketplace(place), func(error) { noted++ })
		var answers []Answer
		for range 2 { // each extension of a plan gets an answer of its own
			answer := a.ForPlan().Ahead(t.Context(), "alc", "1.0.0")
			if answer.Refuses() != (c.err != nil) || a.Refused().Err() != nil || noted > 0 {
				t.Errorf("%s: %v before somebody wants to know; noted %d", name, a.Refused().Err(), noted)
			}
			answers = append(answers, answer)
		}
		for _, answer := range answers {
			if s, err := answer.Take(); failure.Unauthorized(err) != (c.err != nil) || Unsent(err) || c.err == nil && s.ID != "1" {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
		}
		if place.asked != c.asked || (a.Refused().Err() != nil) != (c.err != nil) || (noted > 0) != (c.err != nil) {
			t.Errorf("%s: asked %d times, noted %d; refused: %v", name, place.asked, noted, a.Refused().Err())
		}
	}
}
