package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/seat"
)

// step is one step of the story, in a plan or when it is applied; E is what it reaches
// outside the extension, [planning] or [applying]. It has do, or each.
type step[E any] struct {
	// stage is that of the result document which the step is; empty for a step that is
	// none, which is seen by what it decides and where it fails.
	stage string
	// do is taken once for the extension, where it is in one of the states of when on the way to
	// any target; its error ends the extension on the ways of which that is so.
	do func(ctx context.Context, env E, r *release) error
	// each is taken for each target, of all at the same time. Steps with it that follow one
	// another are taken without waiting for the other targets in between.
	each func(ctx context.Context, env E, rt *route) error
	when func(lifecycle.State) bool // the states in which it is taken

	writes bool // it changes something outside: observers keep evidence before it starts
	waits  bool // it needs no slot while it runs, and ends with the first step of the context
	ends   bool // what has come through it is there

	leaves results.StageStatus // the status of the stage when all went well; empty is StageOK
	blames string              // the stage in which an error of it happened, where that is not its own
	doing  string              // what was going on when it was interrupted; empty is "during" its stage
}

// planning is what the steps of a plan reach. There is nothing in it that writes: a step of
// a plan that sends something does not compile.
type planning struct {
	to     []*delivery.Asking // the targets of the run
	others []*delivery.Other  // those that the project has besides
	// keep leaves the archive in the output directory; nil keeps nothing.
	keep    func(r *release) error
	uploads bool // assets are uploaded in this run: the package has the pushed form
}

// applying is what the steps reach that carry out the plan.
type applying struct {
	to   []*delivery.Sending
	keep func(r *release) error
}

// nothing is left to the application of a plan.
func nothing(context.Context, *planning, *route) error { return nil }

// perform takes an extension through the steps that are for its state, until it has ended.
func perform[E any](ctx context.Context, env E, r *release, steps []step[E]) {
	for len(steps) > 0 && !r.over() {
		first := steps[0]
		together := slices.IndexFunc(steps, func(s step[E]) bool { return s.each == nil })
		if together < 0 {
			together = len(steps)
		}
		if together > 0 {
			goAll(ctx, env, r, steps[:together])
			steps = steps[together:]
			continue
		}
		steps = steps[1:]
		ways := slices.DeleteFunc(r.open(), func(rt *route) bool { return !first.when(rt.state) || first.stage != "" && rt.skips(first.stage) })
		if len(ways) > 0 && r.sit(ctx) {
			r.take(r.under(ctx, first.waits), taken{first.stage, "", first.writes, first.leaves, first.blames, first.doing, ways}, func(ctx context.Context) error { return first.do(ctx, env, r) })
		}
	}
}

// under is the context of a step: what has begun to write goes on to its submission, and what
// waits ends as soon as nothing new is to begin. A plan has nothing to lose.
func (r *release) under(ctx context.Context, waits bool) context.Context {
	if r.applying && !waits {
		return graceful.Finish(ctx)
	}
	return ctx
}

// goAll takes an extension through steps that are for each target.
func goAll[E any](ctx context.Context, env E, r *release, steps []step[E]) {
	ways := r.open()
	if !r.sit(ctx) {
		return
	}
	// Each way has the slot of the extension with the others until it waits.
	sits := r.seat.Share(len(ways))
	r.seated = false
	seat.InParallel(ways, func(rt *route) {
		i := slices.Index(ways, rt)
		goOne(ctx, env, rt, steps, func() { sits.Leave(i) })
	})
	r.seated = sits.Join()
}

// goOne takes an extension through steps for one target. stand gives its slot to others.
func goOne[E any](ctx context.Context, env E, rt *route, steps []step[E], stand func()) {
	for _, s := range steps {
		if rt.over() {
			return
		}
		if !s.when(rt.state) || s.stage != "" && rt.skips(s.stage) {
			continue
		}
		if s.waits {
			stand()
		}
		rt.take(rt.under(ctx, s.waits), taken{s.stage, rt.target(), s.writes, s.leaves, s.blames, s.doing, []*route{rt}}, func(ctx context.Context) error { return s.each(ctx, env, rt) })
		if s.ends && !rt.over() {
			rt.endApplied()
		}
	}
}

// only are those steps that fit.
func only[E any](steps []step[E], fits func(step[E]) bool) (some []step[E]) {
	for _, s := range steps {
		if fits(s) {
			some = append(some, s)
		}
	}
	return some
}

// taken is a step that is taken, whatever it reaches.
type taken struct {
	stage         string
	target        string // empty for all
	writes        bool
	leaves        results.StageStatus
	blames, doing string
	ways          []*route // that it is taken for
}

// isSent says that the package was submitted on all ways.
func (s taken) isSent() bool {
	return !slices.ContainsFunc(s.ways, func(rt *route) bool { return !rt.IsSent() })
}

// take does what a step does, and brings what came of it into result and state.
func (r *release) take(ctx context.Context, s taken, work func(context.Context) error) {
	var err error
	if s.stage == "" {
		err = work(r.noting(ctx, s.target))
	} else {
		s.blames, s.doing = s.stage, "during "+s.stage
		err = r.record(ctx, s, work)
	}
	var (
		ending *delivery.Ending
		other  *failure.Staged
	)
	switch {
	case err == nil:
	case errors.As(err, &ending):
		if ending.Cause != nil {
			for _, rt := range s.ways {
				rt.blame(s.blames, ending.Cause)
			}
		}
		end(s.ways, ending.Outcome, ending.Reason)
	case ctx.Err() != nil && s.isSent():
		for _, rt := range s.ways {
			rt.end(results.Unverified, graceful.Interruption(ctx)+" before it was seen in "+rt.site.Shown())
		}
	case ctx.Err() != nil:
		// Whether a write went through is not known, and nothing is assumed.
		reason := graceful.Interruption(ctx) + " " + s.doing
		if s.writes {
			reason += "; what it sent is in doubt, the next run reads it back"
		}
		end(s.ways, results.NotReached, reason)
	case errors.As(err, &other):
		fail(s.ways, other.Stage, other.Err)
	default:
		fail(s.ways, s.blames, err)
	}
}

// fail ends some ways with an error of a stage.
func fail(ways []*route, stage string, err error) {
	for _, rt := range ways {
		rt.fail(stage, err)
	}
}

// records are the stages of the result that a step changes.
func (r *release) records(s taken) (all []*results.Stage) {
	named := func(x results.Stage) bool { return x.Name == s.stage }
	if !slices.Contains(targetStages, s.stage) {
		return []*results.Stage{&r.result.Stages[slices.IndexFunc(r.result.Stages, named)]}
	}
	for _, rt := range s.ways {
		all = append(all, &rt.known.Stages[slices.IndexFunc(rt.known.Stages, named)])
	}
	return all
}

// record does what a stage does and keeps in the result how far it came.
func (r *release) record(ctx context.Context, s taken, work func(context.Context) error) error {
	records := r.records(s)
	set := func(kind results.EventKind, status results.StageStatus, milliseconds int64, message string) {
		r.tell(results.Event{
			Kind: kind, Target: s.target, Stage: s.stage, Status: status,
			Writes: s.writes, Message: message, Milliseconds: milliseconds,
		}, func() {
			for _, record := range records {
				record.Status, record.Milliseconds = status, milliseconds
			}
		})
		if s.writes {
			r.run.Kept(ctx)
		}
	}
	set(results.EventStageStarted, results.StageStarted, records[0].Milliseconds, "")
	start := time.Now()
	err := work(r.noting(ctx, s.target))
	took := time.Since(start).Milliseconds()

	var ending *delivery.Ending
	status, message := results.StageFailed, ""
	switch {
	case err == nil:
		status = results.StageOK
		if s.leaves != "" {
			status = s.leaves
		}
	case errors.As(err, &ending) && (ending.Outcome == results.Exists || ending.Outcome == results.Drift):
		status = results.StageOK
	case ending == nil && ctx.Err() != nil && !s.isSent():
		// It was cut off, and stays as it is: what a write has sent is in doubt.
		status = results.StageStarted
	}
	if err != nil {
		message = err.Error()
	}
	set(results.EventStageFinished, status, took, message)
	return err
}
