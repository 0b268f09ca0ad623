package pipeline

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// A run for some of the targets takes what another one has of the version, keeps back what that one
// has with other content, and goes on where it cannot be read. Nothing is written to it, and results
// do not have it.
func TestTargetsThatAreLeftOut(t *testing.T) {
	source, other := sourceOf(t, "alc", "1.0.0"), sourceOf(t, "alc", "1.0.0")
	write(t, other.Path+"/values.yaml", "global: {a: 1}\n")
	for name, c := range map[string]struct {
		has     config.Source
		lost    bool
		policy  config.Drift
		want    results.Outcome
		isSame  bool
		warning string
	}{
		"the same content":          {has: source, want: results.Released, isSame: true},
		"other content":             {has: other, want: results.Blocked},
		"other content, as allowed": {has: other, policy: config.WarnDrift, want: results.Released},
		"unreadable":                {has: source, lost: true, want: results.Released, warning: "what left has could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			one, left := newMuseum(), newMuseum()
			there := otherBytes(t, packed(t, c.has))
			left.put(there)
			if c.lost {
				left.w.fault = func(string) (bool, error) { return false, errors.New("it is down") }
			}
			asked := source
			asked.Settings.Push.Drift = c.policy
			result := do(t, one.w, Options{
				Sources: []config.Source{asked}, NamesTargets: true,
				Targets: []target.Place{one.at("one")}, Others: []target.Place{left.at("left")},
			})
			x := result.Extensions[0]
			wantTargets(t, x, c.want, map[string]results.Outcome{"one": c.want})
			if c.want == results.Released && bytes.Equal(one.has("alc@1.0.0"), there.Data) != c.isSame {
				t.Errorf("the bytes are those of the other target: %v, want %v", !c.isSame, c.isSame)
			}
			if len(left.w.writes) > 0 {
				t.Errorf("written to the other target: %q", left.w.writes)
			}
			if c.want == results.Blocked && !strings.HasPrefix(x.Reason, "left has the version with other content") {
				t.Errorf("%q", x.Reason)
			}
			if warned := slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.HasPrefix(w, c.warning) }); c.warning != "" && !warned {
				t.Errorf("warned of %q", result.Warnings)
			}
		})
	}
}
