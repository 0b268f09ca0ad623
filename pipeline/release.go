package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
)

// action is what the plan decided to do with an extension that has not ended.
type action int

const (
	actRelease action = iota // send it; a draft that is there already is replaced
	actVerify                // it was submitted before, or by others meanwhile: only wait until it is seen
)

func (a action) String() string {
	if a == actVerify {
		return "wait"
	}
	return "release"
}

// release is one extension on its way. It belongs to one goroutine at a time:
// to that of the plan, then to that of the release.
type release struct {
	run    *Run
	source config.Source

	ext      *extension.Extension // nil when it cannot be read, or was let go
	metadata *extension.Metadata  // nil when it cannot be read
	loadErr  error
	cycle    error // in which it stands by its externalDependencies
	// cycleNext is the extension that it needs next on the way round.
	cycleNext string
	// needs are the releases that it waits for; firmly are those of them without
	// which it cannot be released.
	needs        []*release
	firmly       map[*release]bool
	dependencies []dependency

	action     action
	note       string // what the plan has to say of the decision
	loads      bool   // lint has loaded it with Helm
	pkg        *extension.Package
	packedWith extension.URLs // the asset URLs in pkg; nil is the local form
	within     int64          // by how many bytes pkg may come out other, because these are an estimate
	looked     time.Time      // when the plan asked the marketplace for it
	waited     bool           // for others, since the plan
	sent       bool           // the package was submitted by this run
	sentAt     time.Time

	result ExtensionResult
	over   bool          // it has ended
	done   chan struct{} // closed when the goroutine of the release is through
}

func newRelease(run *Run, source config.Source) *release {
	r := &release{run: run, source: source, done: make(chan struct{})}
	r.result = ExtensionResult{
		Name: nameFromPath(source.Path), Path: source.Display, Outcome: NotReached,
		Assets: []AssetResult{}, Findings: []FindingResult{},
	}
	for _, name := range StageNames() {
		r.result.Stages = append(r.result.Stages, StageResult{Name: name, Status: StageSkipped})
	}
	return r
}

// perform runs the stages given, until one of them ends the extension. What was
// found to be submitted already is only waited for.
func (r *release) perform(ctx context.Context, env *environment, stages []Stage) {
	for _, stage := range stages {
		if r.over {
			return
		}
		if r.run.skips(stage.Name) || r.action == actVerify && !stage.waits {
			continue
		}
		r.performOne(ctx, env, stage)
	}
}

func (r *release) performOne(ctx context.Context, env *environment, stage Stage) {
	record := &r.result.Stages[slices.IndexFunc(r.result.Stages, func(s StageResult) bool { return s.Name == stage.Name })]
	tell := func(kind EventKind, message string) {
		e := Event{
			Kind: kind, Stage: stage.Name, Status: record.Status,
			Writes: stage.writes && !env.planning, Message: message, Milliseconds: record.Milliseconds,
		}
		r.run.emit(e, r)
		if e.Writes {
			r.run.Kept(ctx)
		}
	}
	record.Status = StageStarted
	tell(EventStageStarted, "")
	start := time.Now()
	step := stage.apply
	if env.planning {
		step = stage.plan
	}
	var err error
	if step != nil {
		err = step(r.noting(ctx), env, r)
	}
	record.Milliseconds = time.Since(start).Milliseconds()

	var end *ended
	switch {
	case err == nil && env.planning && (stage.writes || stage.waits):
		record.Status = StagePlanned
	case err == nil:
		record.Status = StageOK
	case errors.As(err, &end) && (end.outcome == Exists || end.outcome == Drift):
		record.Status = StageOK
	case end == nil && ctx.Err() != nil && !r.sent:
		// It was cut off, and stays as it is: what a write has sent is in doubt.
	default:
		record.Status = StageFailed
	}
	message := ""
	if err != nil {
		message = err.Error()
	}
	tell(EventStageFinished, message)
	switch {
	case err == nil:
	case end != nil:
		if end.cause != nil {
			r.blame(stage.Name, end.cause)
		}
		r.end(end.outcome, end.reason)
	case ctx.Err() != nil && r.sent:
		r.end(Unverified, interruption(ctx)+" before it was seen in the Helm repository")
	case ctx.Err() != nil:
		r.cutOff(ctx, env, stage)
	default:
		r.fail(stage.Name, err)
	}
}

// cutOff ends an extension whose stage the end of the run interrupted. Whether
// a write went through is then not known, and nothing is assumed.
func (r *release) cutOff(ctx context.Context, env *environment, stage Stage) {
	reason := interruption(ctx) + " during " + stage.Name
	if stage.writes && !env.planning {
		reason += "; what it sent is in doubt, the next run reads it back"
	}
	r.end(NotReached, reason)
}

// interruption says in a few words why a context ended.
func interruption(ctx context.Context) string {
	if ctx.Err() == nil {
		ctx = graceful.Finish(ctx) // which may end a moment before
	}
	switch cause := context.Cause(ctx); {
	case cause == nil, errors.Is(cause, context.Canceled):
		return "interrupted"
	case errors.Is(cause, context.DeadlineExceeded):
		return "the time was up"
	default:
		return cause.Error()
	}
}

// fail ends the extension with an error of a stage.
func (r *release) fail(stage string, err error) {
	r.blame(stage, err)
	r.end(Failed, stage+": "+err.Error())
}

// blame records what went wrong in a stage.
func (r *release) blame(stage string, err error) {
	r.run.noteAuth(err)
	r.result.Error = &ErrorResult{Stage: stage, Message: err.Error(), Remedy: Remedy(err)}
}

// end gives the extension its one outcome.
func (r *release) end(outcome Outcome, reason string) {
	if r.over {
		return
	}
	r.over = true
	r.result.Outcome, r.result.Reason = outcome, reason
	push := r.source.Settings.Push
	switch outcome {
	case Released, Planned, Linted, Packed:
		r.result.AsAsked = true
	case Exists:
		r.result.AsAsked = push.Existing != config.FailExisting
		if push.Existing == config.FailExisting && reason == "" {
			r.result.Reason = "it is there already, and push.existing is fail: bump version in extension.yaml"
		}
	case Drift:
		r.result.AsAsked = push.Drift == config.WarnDrift
	}
	r.run.emit(Event{Kind: EventEnded, Message: reason}, r)
	r.drop()
}

// drop lets go of the content, of which a thousand extensions have a lot.
func (r *release) drop() { r.ext, r.pkg = nil, nil }

// noting makes requests under ctx tell their retries in the name of the
// extension.
func (r *release) noting(ctx context.Context) context.Context {
	if r.run.Noting == nil {
		return ctx
	}
	return r.run.Noting(ctx, r.tell)
}

// unplan takes back what the plan has only estimated.
func (r *release) unplan() {
	for i, s := range r.result.Stages {
		if s.Status == StagePlanned {
			r.result.Stages[i].Status, r.result.Stages[i].Milliseconds = StageSkipped, 0
		}
	}
	r.result.Assets = []AssetResult{}
}

// tell notes something that the user should know while it goes on.
func (r *release) tell(message string) {
	r.run.emit(Event{Kind: EventNote, Message: message}, r)
}

// pack makes the archive with the asset URLs given; nil is the local form.
func (r *release) pack(ctx context.Context, urls extension.URLs) error {
	pkg, err := r.packed(ctx, urls)
	if err != nil {
		return err
	}
	r.pkg, r.packedWith = pkg, urls
	r.result.Package = &PackageResult{
		Size: pkg.Size, Limit: r.source.Settings.Size.Limit,
		Digest: pkg.Digest, ContentDigest: pkg.ContentDigest,
	}
	return nil
}

// packed is the archive with the asset URLs given.
func (r *release) packed(ctx context.Context, urls extension.URLs) (*extension.Package, error) {
	ext := r.ext
	return await(ctx, func() (*extension.Package, error) { return ext.Pack(urls) })
}
