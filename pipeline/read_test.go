package pipeline

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/config"
)

// An extension that is read again keeps its name and version, whatever it has by then: others look at them at the
// same time, which the race detector watches.
func TestNameOfWhatIsReadAgain(t *testing.T) {
	for _, changed := range []bool{false, true} {
		source, targets := sourceOf(t, "alc", "1.0.0"), to(newFakeWorld())
		targets[0].Takes = func(name, version string) bool { return name == "alc" && version == "1.0.0" }
		run := New(Options{Sources: []config.Source{source}, Targets: targets})
		run.heldAtMost = 0
		rel := run.readAll(t.Context())[0]
		if changed {
			write(t, filepath.Join(source.Path, "extension.yaml"), "name: bee\nversion: 2.0.0\n")
		}
		takes := false
		var other sync.WaitGroup
		other.Go(func() { takes = rel.routes[0].takes() })
		err := readStep(t.Context(), struct{}{}, rel)
		other.Wait()
		if (err != nil) != changed || !takes || rel.result.Name != "alc" || rel.result.Version != "1.0.0" {
			t.Errorf("changed: %v; %v, taken: %v, %s %s", changed, err, takes, rel.result.Name, rel.result.Version)
		}
	}
}
