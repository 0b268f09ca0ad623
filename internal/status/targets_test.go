package status

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// place is a target with one version of each extension, or one that fails.
type place struct {
	target.Target
	fails error
}

func (p place) Index(context.Context) (target.Index, error) { return shelf{}, p.fails }

func (p place) Snapshot(_ context.Context, name, version string) (target.Snapshot, error) {
	if version != "1.0.0" {
		return target.Snapshot{}, nil
	}
	return target.Snapshot{ID: "7", Status: target.StatusActive}, nil
}

type shelf struct{ target.Index }

func (shelf) Versions(context.Context, string) ([]string, error) {
	return []string{"0.9.0", "1.0.0", "0.10.0"}, nil
}

type refusal struct{}

func (refusal) Error() string      { return "no" }
func (refusal) Unauthorized() bool { return true }

// One target that cannot be asked keeps nothing back of the others, and its error names it; that of
// a refused key counts before others.
func TestAskTargets(t *testing.T) {
	gone := errors.New("connection refused")
	for _, c := range []struct {
		down, refused bool
		want          string
	}{{false, false, ""}, {true, false, "down: connection refused"}, {true, true, "locked: no"}} {
		places := []target.Place{{Target: place{}, Name: "down"}, {Target: place{}, Name: "locked"}, {Target: place{}, Name: "cloud", Kind: target.KindMarketplace}}
		if c.down {
			places[0].Target = place{fails: gone}
		}
		if c.refused {
			places[1].Target = place{fails: refusal{}}
		}
		all := []Extension{}
		for _, version := range []string{"1.0.0", "1.1.0", ""} {
			x := results.Extension{Name: "alc", Version: version}
			for _, p := range places {
				x.Targets = append(x.Targets, results.Target{Name: p.Name, Kind: p.Kind, Outcome: results.Planned})
			}
			all = append(all, Of(x))
		}
		err := AskTargets(t.Context(), places, all, 4)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) || failure.Unauthorized(err) != c.refused {
			t.Errorf("%+v: %v, want %q", c, err, c.want)
		}
		said := make([]string, len(all))
		for i, x := range all {
			said[i] = x.Market + " " + x.Targets[0].Status + " " + strings.Join(x.Repository, ",")
		}
		first := "active"
		if c.down {
			first = "unknown"
		}
		want := []string{"active " + first + " 1.0.0,0.10.0,0.9.0", "none " + strings.Replace(first, "active", "none", 1) + " 1.0.0,0.10.0,0.9.0", "unknown unknown "}
		if strings.Join(said, "; ") != strings.Join(want, "; ") {
			t.Errorf("%+v: %q, want %q", c, said, want)
		}
	}
}
