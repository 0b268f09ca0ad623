package pipeline

import (
	"context"
	"slices"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/hooks"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/seat"
)

// hasHooks says that hooks are run for an extension.
func (rel *release) hasHooks() bool {
	s := rel.source.Settings
	return rel.run.Hooks != nil && len(s.Before)+len(s.After) > 0
}

// hooks are those of an extension; what becomes of them is in its result.
func (rel *release) hooks() hooks.Extension {
	return hooks.Extension{
		Path: rel.source.Path, Settings: rel.source.Settings, Result: &rel.result,
		Observe: func(h results.Hook) { rel.tell(hooks.Event(h), nil) },
	}
}

// prepare runs the hooks that come before extensions are read, of all at once, and reads
// these again: what hooks wrote is part of them. One whose hook failed ends with that in the
// plan, as one does that cannot be read.
func (r *Run) prepare(ctx context.Context, releases []*release) {
	hooked := slices.DeleteFunc(slices.Clone(releases), func(rel *release) bool { return !rel.hasHooks() || rel.over() })
	seat.InParallel(hooked, func(rel *release) {
		if !seat.Claim(ctx, r.slots) {
			rel.end(results.NotReached, graceful.Interruption(ctx)+" before its turn")
			return
		}
		defer r.slots.Release(1)
		rel.begun = true
		err := r.Hooks.Before(ctx, rel.hooks())
		switch {
		case err != nil && graceful.Over(ctx):
			rel.end(results.NotReached, graceful.Interruption(ctx)+" during "+results.StageBefore)
		case err != nil:
			rel.parcel.Ext, rel.read.err = nil, &failure.Staged{Stage: results.StageBefore, Err: err}
		default:
			rel.read, rel.parcel.Ext = contents{}, nil
			if rel.load(graceful.Finish(ctx)) != nil {
				rel.end(results.NotReached, graceful.Interruption(graceful.Finish(ctx))+" before it was read")
				return
			}
			r.letGo(rel)
		}
	})
	if len(hooked) > 0 {
		r.declare()
	}
}

// cleanUp runs the hooks that come when all extensions have ended, and nobody reads any of
// them: those of extensions whose hooks have begun, and then those of the project. What fails
// here is a warning, as all that was to be released is. failed says that the run ended before it
// had a plan.
func (r *Run) cleanUp(ctx context.Context, failed bool) {
	if r.Hooks == nil {
		return
	}
	begun := slices.DeleteFunc(slices.Clone(r.all), func(rel *release) bool { return !rel.begun })
	seat.InParallel(begun, func(rel *release) {
		// These hooks end in bounded time after ctx, and so does the wait for them.
		if r.slots.Acquire(context.WithoutCancel(ctx), 1) != nil {
			return
		}
		defer r.slots.Release(1)
		r.warnOfHook(rel.result.Name+": ", r.Hooks.After(ctx, rel.hooks()))
	})
	outcome := hooks.OutcomeOK
	switch {
	case graceful.Over(ctx):
		outcome = hooks.OutcomeInterrupted
	case failed, slices.ContainsFunc(r.all, func(rel *release) bool { return rel.over() && !rel.result.AsAsked }):
		outcome = hooks.OutcomeFailed
	}
	r.warnOfHook("", r.Hooks.End(ctx, outcome, func(h results.Hook) { r.emit(hooks.Event(h)) }))
}

func (r *Run) warnOfHook(lead string, err error) {
	if err != nil {
		r.Warn(lead + err.Error())
	}
}
