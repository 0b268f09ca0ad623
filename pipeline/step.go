package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/indexwatch"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target/access"
)

// step is one step of the story, in a plan or when it is applied; E is what it reaches
// outside the extension, [planning] or [applying].
type step[E any] struct {
	// stage is that of the result document which the step is; empty for a step that is
	// none, which is seen by what it decides and where it fails.
	stage string
	do    func(ctx context.Context, env E, r *release) error // nil does nothing
	when  func(lifecycle.State) bool                         // the states in which it is taken

	writes bool // it changes something outside: observers keep evidence before it starts
	waits  bool // it needs no slot while it runs, and ends with the first step of the context

	leaves results.StageStatus // the status of the stage when all went well; empty is StageOK
	blames string              // the stage in which an error of it happened, where that is not its own
	doing  string              // what was going on when it was interrupted; empty is "during" its stage
}

// outside is what steps reach outside the extension.
type outside struct {
	target  access.Reader
	index   *indexwatch.Watcher
	unasked bool // the target cannot be asked
	// keep leaves the archive in the output directory; nil keeps nothing.
	keep func(r *release) error
}

// planning is what the steps of a plan reach. There is nothing in it that writes: a step of
// a plan that sends something does not compile.
type planning struct {
	outside
	uploads bool // assets are uploaded in this run: the package has the pushed form
}

// applying is what the steps reach that carry out the plan.
type applying struct {
	outside
	send    access.Writer
	reviews bool // what is sent is a draft until it is submitted
	message string
	// refused is done when the target has refused the key, which is its cause.
	refused context.Context
	slots   *semaphore.Weighted // for what costs work while waiting
}

// perform takes an extension through the steps that are for its state, until it has ended.
func perform[E any](ctx context.Context, env E, r *release, steps []step[E]) {
	for _, s := range steps {
		if r.over() {
			return
		}
		if !s.when(r.state) || s.stage != "" && r.run.skips(s.stage) {
			continue
		}
		work := func(ctx context.Context) error { return nil }
		if s.do != nil {
			work = func(ctx context.Context) error { return s.do(ctx, env, r) }
		}
		r.take(ctx, taken{s.stage, s.writes, s.leaves, s.blames, s.doing}, work)
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
	writes        bool
	leaves        results.StageStatus
	blames, doing string
}

// take does what a step does, and brings what came of it into result and state.
func (r *release) take(ctx context.Context, s taken, work func(context.Context) error) {
	var err error
	if s.stage == "" {
		err = work(r.noting(ctx))
	} else {
		s.blames, s.doing = s.stage, "during "+s.stage
		err = r.record(ctx, s, work)
	}
	var (
		end   *ending
		other *failure.Staged
	)
	switch {
	case err == nil:
	case errors.As(err, &end):
		if end.cause != nil {
			r.blame(s.blames, end.cause)
		}
		r.end(end.outcome, end.reason)
	case ctx.Err() != nil && r.sent.done():
		r.end(results.Unverified, graceful.Interruption(ctx)+" before it was seen in the Helm repository")
	case ctx.Err() != nil:
		// Whether a write went through is not known, and nothing is assumed.
		reason := graceful.Interruption(ctx) + " " + s.doing
		if s.writes {
			reason += "; what it sent is in doubt, the next run reads it back"
		}
		r.end(results.NotReached, reason)
	case errors.As(err, &other):
		r.fail(other.Stage, other.Err)
	default:
		r.fail(s.blames, err)
	}
}

// record does what a stage does and keeps in the result how far it came.
func (r *release) record(ctx context.Context, s taken, work func(context.Context) error) error {
	record := &r.result.Stages[slices.IndexFunc(r.result.Stages, func(x results.Stage) bool { return x.Name == s.stage })]
	emit := func(kind results.EventKind, message string) {
		r.run.emit(results.Event{
			Kind: kind, Stage: s.stage, Status: record.Status,
			Writes: s.writes, Message: message, Milliseconds: record.Milliseconds,
		}, r)
		if s.writes {
			r.run.Kept(ctx)
		}
	}
	record.Status = results.StageStarted
	emit(results.EventStageStarted, "")
	start := time.Now()
	err := work(r.noting(ctx))
	record.Milliseconds = time.Since(start).Milliseconds()

	var end *ending
	message := ""
	switch {
	case err == nil:
		record.Status = results.StageOK
		if s.leaves != "" {
			record.Status = s.leaves
		}
	case errors.As(err, &end) && (end.outcome == results.Exists || end.outcome == results.Drift):
		record.Status = results.StageOK
	case end == nil && ctx.Err() != nil && !r.sent.done():
		// It was cut off, and stays as it is: what a write has sent is in doubt.
	default:
		record.Status = results.StageFailed
	}
	if err != nil {
		message = err.Error()
	}
	emit(results.EventStageFinished, message)
	return err
}

// notSent is the end of an extension of which a write was not sent, as the key was refused
// before; nil for another error. what completes "the API key was refused before …".
func notSent(err error, what string) error {
	if access.Unsent(err) {
		return &ending{outcome: results.NotReached, reason: "the API key was refused before " + what}
	}
	return nil
}

// ending is how a step ends an extension in another way than failing.
type ending struct {
	outcome results.Outcome
	reason  string
	cause   error // what went wrong in the step, with its hint; nil where nothing did
}

func (e *ending) Error() string { return string(e.outcome) + ": " + e.reason }
