package pipeline

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// lookedAt looks at extensions in this process, and notes their names.
type lookedAt struct {
	worker.InProcess
	mu     sync.Mutex
	looked []string
}

func (c *lookedAt) Examine(ctx context.Context, ext *extension.Extension, opts lint.Options, limits lint.Limits) (lint.Report, error) {
	c.mu.Lock()
	c.looked = append(c.looked, ext.Metadata.Name)
	c.mu.Unlock()
	return c.InProcess.Examine(ctx, ext, opts, limits)
}

// What all targets have with the same content is not looked at: nobody is going to get it.
func TestWhatExistsIsNotLinted(t *testing.T) {
	w, m := newFakeWorld(), newMuseum()
	alc := sourceOf(t, "alc", "1.2.0")
	places := func(takes bool) []target.Place {
		all := append(to(w), m.at("museum"))
		all[1].Takes = func(_, _ string) bool { return takes }
		return all
	}
	run := func(only ...target.Place) (*lookedAt, *results.Document) {
		t.Helper()
		c := &lookedAt{}
		return c, do(t, w, Options{Sources: []config.Source{alc}, Targets: only, Examiner: c})
	}
	outcomes := func(x results.Extension) (all []results.Outcome) {
		for _, to := range x.Targets {
			all = append(all, to.Outcome)
		}
		return all
	}

	c, _ := run(to(w)...)
	if len(c.looked) != 1 {
		t.Errorf("what is released: looked at %q", c.looked)
	}
	c, result := run(to(w)...)
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Exists})
	if stage := result.Extensions[0].Stages[0]; len(c.looked) != 0 || stage.Status != results.StageSkipped {
		t.Errorf("what exists: looked at %q, lint is %s", c.looked, stage.Status)
	}

	// Another target that does not get it changes nothing, and one that does has it looked at.
	c, result = run(places(false)...)
	if got, want := outcomes(result.Extensions[0]), []results.Outcome{results.Exists, results.LeftOut}; len(c.looked) != 0 || !slices.Equal(got, want) {
		t.Errorf("left out elsewhere: looked at %q, outcomes %q", c.looked, got)
	}
	c, result = run(places(true)...)
	if got, want := outcomes(result.Extensions[0]), []results.Outcome{results.Exists, results.Released}; len(c.looked) != 1 || !slices.Equal(got, want) {
		t.Errorf("not there elsewhere: looked at %q, outcomes %q", c.looked, got)
	}
	c, result = run(places(true)...)
	if got, want := outcomes(result.Extensions[0]), []results.Outcome{results.Exists, results.Exists}; len(c.looked) != 0 || !slices.Equal(got, want) {
		t.Errorf("there in both: looked at %q, outcomes %q", c.looked, got)
	}

	// A version without a content digest is compared after lint, and one with another is drift.
	w.versions["alc@1.2.0"].unmarked = true
	c, result = run(to(w)...)
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Exists})
	if len(c.looked) != 1 {
		t.Errorf("without a digest: looked at %q", c.looked)
	}
	w.versions["alc@1.2.0"].unmarked = false
	write(t, filepath.Join(alc.Path, "README.md"), "# Other\n")
	c, result = run(to(w)...)
	wantOutcomes(t, result, map[string]results.Outcome{"alc": results.Drift})
	if len(c.looked) != 1 {
		t.Errorf("with other content: looked at %q", c.looked)
	}
}

// Lint alone looks at everything.
func TestLintLooksAtWhatExists(t *testing.T) {
	w := newFakeWorld()
	alc := sourceOf(t, "alc", "1.2.0")
	do(t, w, Options{Sources: []config.Source{alc}})
	c := &lookedAt{}
	do(t, w, Options{Sources: []config.Source{alc}, Through: results.StageLint, Examiner: c})
	if !slices.Equal(c.looked, []string{"alc"}) {
		t.Errorf("looked at %q", c.looked)
	}
}
