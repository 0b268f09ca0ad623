package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/seat"
)

// checkSteps are the part of a plan that goes by extension.yaml alone. All mistakes are
// looked for, so that one which ends a plan ends nothing here but the extension.
func checkSteps() []step[*checking] {
	return []step[*checking]{
		// Read the extension once more, if it was let go, as many are read.
		{do: readStep[*checking], when: lifecycle.IsPending, blames: results.StageLint, doing: "before it was read"},
		// Hold extension.yaml to its rules.
		{stage: results.StageLint, do: metadataStep, when: lifecycle.IsPending},
	}
}

// checking is what the steps of a check reach outside the extension: nothing. It keeps why
// extensions could not be looked at.
type checking struct {
	mu     sync.Mutex
	errors map[*release]error
}

// Checked is what there is to say of one extension.
type Checked struct {
	Source config.Source
	// Problems are what is wrong in its files, with their severity.
	Problems diagnostic.List
	Twice    *diagnostic.Diagnostic // another extension has this name and version
}

// Check makes the first part of a plan, for who asks for all mistakes at once: it reads and
// orders the extensions as a run does, and holds what their extension.yaml says to the rules.
// The extensions come in the order of Options.Sources. cycles are the mistakes of those that
// need each other. The error is why not all could be looked at.
func (r *Run) Check(ctx context.Context) (all []Checked, cycles diagnostic.List, err error) {
	defer func() { r.cleanUp(ctx, err != nil) }()
	releases := r.readAll(ctx)
	r.prepare(ctx, releases)
	link(releases)
	env := &checking{errors: map[*release]error{}}
	seat.InParallel(releases, func(rel *release) {
		if rel.over() || !rel.sit(ctx) {
			return
		}
		defer rel.stand()
		perform(ctx, env, rel, checkSteps())
		rel.drop()
	})
	for _, rel := range releases {
		switch {
		case ctx.Err() != nil && rel.read.metadata == nil && rel.read.err == nil:
			return nil, nil, fmt.Errorf("%w while reading %s", context.Cause(ctx), rel.source.Display)
		case ctx.Err() != nil:
			return nil, nil, fmt.Errorf("%w while checking %s", context.Cause(ctx), rel.source.Display)
		case env.errors[rel] != nil:
			return nil, nil, fmt.Errorf("checking %s: %w", rel.source.Display, env.errors[rel])
		}
	}
	twice := duplicates(releases)
	for _, rel := range releases {
		checked := Checked{Source: rel.source, Problems: rel.result.Problems()}
		if p, ok := twice[rel]; ok && rel.read.metadata.Name != "" {
			checked.Twice = &p
		}
		all = append(all, checked)
		if rel.order.Cycle != nil {
			p := rel.place
			p.Code, p.Severity, p.Subject = results.CodeCycle, diagnostic.Error, rel.order.Next
			p.Message, p.Hint = rel.order.Cycle.Error(), failure.Hint(rel.order.Cycle)
			cycles = append(cycles, p)
		}
	}
	slices.SortStableFunc(cycles, func(a, b diagnostic.Diagnostic) int { return strings.Compare(a.Message, b.Message) })
	return all, cycles, nil
}

// metadataStep holds the metadata of an extension to the rules.
func metadataStep(ctx context.Context, env *checking, r *release) error {
	ext := r.parcel.Ext
	for i, d := range ext.Metadata.ExternalDependencies {
		if d.Name == r.order.Next {
			r.place = ext.Document.Problem("", "", "externalDependencies", strconv.Itoa(i), "name").In(ext.Path)
		}
	}
	unlooked, _ := r.examine(ctx, r.run.Examiner.ExamineMetadata)
	if unlooked != nil {
		env.mu.Lock()
		env.errors[r] = unlooked
		env.mu.Unlock()
	}
	return unlooked
}
