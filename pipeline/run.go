package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/hooks"
	"github.com/ksrelease/ksrelease/internal/indexwatch"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shards"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/access"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// Options is what a run is made of.
type Options struct {
	Sources []config.Source // the extensions, with the settings of each
	Only    []string        // names of the extensions to look at; empty is all
	// Choose picks some of what is declared, when all was read: it gets the versions of each
	// name, of which one is empty where an extension cannot be read. Its error is one of usage.
	// Nil takes all. What Only leaves out is declared all the same.
	Choose func(declared map[string][]string) (*results.Selection, error)
	Shard  shards.Shard // the part of these that this run is for; the zero value is all
	// Since narrows the run to the sources of Among, by path; nil takes all. What it leaves
	// out is declared all the same.
	Since *results.Since
	Among map[string]bool

	// Targets are where to release to, each under a name of its own; none where the run looks
	// at each extension by itself.
	Targets []target.Place
	// NamesTargets says that the project names its targets: results say what became of an
	// extension in each of them, also where there is one.
	NamesTargets bool

	WorkTree WorkTree     // nil: nothing is known of what is committed
	Dirty    config.Dirty // what becomes of packages that are not as committed, if their settings do not say; empty warns
	Resolver Resolver     // nil leaves dependencies that are not under charts/ out
	Examiner Examiner     // nil looks at extensions in this process, without limits
	Hooks    Hooks        // nil runs no hooks

	Revision string       // the commit of the work tree, for the result document; empty where it is not known
	Command  string       // the name of the command, for the result document; empty is "run"
	Tool     results.Tool // the program, for the result document

	DryRun       bool     // plan, and stop
	Divide       int      // of a dry run: at most so many parts of what is planned, see Parts; 0 is none
	Through      string   // the last stage; empty is the whole way
	Skip         []string // stages to leave out
	AllOrNothing bool     // send nothing unless the whole plan is clean
	AllowMissing bool     // release what requires an extension that is nowhere
	Sizes        bool     // report of every package that is made where its bytes go
	Parallelism  int      // extensions at work at once; at least 1
	Message      string   // of the submission, to the reviewers
	// Earlier is what extensions were before, by the path of their source, for rules that
	// compare; nil where nothing of it is known.
	Earlier  map[string]*lint.Earlier
	Baseline Baseline // findings that are not reported again; nil knows none
	Ignore   []string // absolute paths of what the run writes, which is part of no extension

	// Agreed is given what is planned, before anything is sent, and says what of it is not as
	// somebody has approved it. Nothing is sent then. It may be nil.
	Agreed func(now []results.Extension) []results.Moved
	// Withdraw is the command that takes a version back, for hints; nil is the plain one.
	Withdraw func(name, version string) string
	Display  func(path string) string // how to show a path to the user; nil shows it as it is
	Observer results.Observer         // may be nil
	// Kept waits until all that the observer was given is where it survives the process. It
	// is called before a stage that changes the marketplace begins, and after it ended, and
	// holds up that extension alone; nil waits for nothing. It returns when ctx is done.
	Kept func(ctx context.Context)
	// Announce announces what was released, or in a dry run says what it would announce, when all
	// extensions have ended. Nil announces nothing.
	Announce func(ctx context.Context, run *results.Document) []results.Announcement
	// Noting makes the requests under a context report their retries; nil reports
	// none.
	Noting func(ctx context.Context, report func(string)) context.Context
}

// Run releases a set of extensions once. Make it with [New] and start it with
// [Run.Do].
type Run struct {
	Options
	target  *access.Access // to Options.Targets
	toPlan  []step[*planning]
	toApply []step[*applying]
	started time.Time
	slots   *semaphore.Weighted
	// applying is set between plan and application, while nobody else is at work.
	applying bool

	parts []Part // of what is planned

	held       atomic.Int64 // content that was read and not planned yet, in bytes
	heldAtMost int64
	declared   map[string][]string // the versions of all extensions that could be read, by name
	chosen     *results.Selection  // by Choose; nil before that, and without it
	announced  []results.Announcement
	all        []*release // of all sources

	feed *results.Feed

	mu          sync.Mutex
	authRefused error
}

// New prepares a run; nothing is read yet.
func New(opts Options) *Run {
	if opts.Display == nil {
		opts.Display = func(path string) string { return path }
	}
	if opts.Examiner == nil {
		opts.Examiner = worker.InProcess{}
	}
	if opts.Through == "" {
		opts.Through = results.StageVerify
	}
	if opts.Kept == nil {
		opts.Kept = func(context.Context) {}
	}
	opts.Command = cmp.Or(opts.Command, "run")
	r := &Run{
		Options: opts, toPlan: planSteps(), toApply: applySteps(),
		slots: semaphore.NewWeighted(int64(max(1, opts.Parallelism))), heldAtMost: heldAtMost, feed: results.NewFeed(opts.Observer),
	}
	r.target = access.New(r.place(), r.noteAuth)
	return r
}

// place is the target; nil where there is none.
func (r *Run) place() target.Target {
	if len(r.Targets) == 0 {
		return nil
	}
	return r.Targets[0].Target
}

// Do plans, and unless the run is dry, applies the plan. Errors are those of
// usage; what happens to an extension is its outcome.
//
// When ctx ends the run begins nothing new and waits for nothing. If ctx is one of package
// graceful, what has begun to write goes on to its submission until the second step of ctx.
func (r *Run) Do(ctx context.Context) (*results.Document, error) {
	if len(r.Targets) > 1 {
		return nil, errors.New("a run releases to one target")
	}
	p, err := r.plan(ctx)
	if err != nil {
		r.cleanUp(ctx, true)
		return nil, err
	}
	if r.DryRun || !r.sends() {
		if r.Divide > 0 {
			r.parts = partsOf(p.open(), r.Divide)
		}
		for _, rel := range p.open() {
			rel.endPlanned()
		}
	} else {
		r.keepTo(p)
		r.apply(ctx, p)
	}
	if r.Announce != nil && r.decides() { // also where it was interrupted
		r.announced = r.Announce(graceful.Finish(ctx), r.document(p))
	}
	r.cleanUp(ctx, false)
	return r.emitRun(results.EventRunFinished, p, ""), nil
}

// plan is what a run is going to do, decided by reading alone.
type plan struct {
	releases []*release // in dependency order
	unasked  bool       // the target was not asked for want of a key
	index    *indexwatch.Watcher
}

// plan reads all extensions, those with hooks once more when these have run, puts them in order,
// and takes each through the steps of the plan. Errors are those of usage, which concern the run as a whole: two extensions of one
// name and version, or a name in Only that is nowhere.
func (r *Run) plan(ctx context.Context) (*plan, error) {
	r.started = time.Now()
	releases, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	link(releases)
	releases = r.share(releases) // by what is there before hooks, which is the same in all jobs
	hooked := slices.ContainsFunc(releases, (*release).hasHooks)
	if hooked {
		// Who follows the run, and its reports, have to know of it while hooks are at work.
		r.begin(&plan{releases: releases})
		r.prepare(ctx, releases)
		if err := distinct(releases); err != nil {
			return nil, err
		}
		linkAgain(releases)
	}
	p := &plan{
		releases: inOrder(releases), unasked: r.target.Closed(), index: indexwatch.New(r.place()),
	}
	if !hooked {
		r.begin(p)
	}
	if len(p.releases) == 0 && !r.Shard.IsWhole() {
		r.Note(fmt.Sprintf("shard %s has nothing to do: there is less work than shards", r.Shard))
	}

	env := &planning{
		outside: outside{target: r.target.ForPlan(), index: p.index, unasked: p.unasked},
		uploads: r.sends() && !r.skips(results.StageUpload),
	}
	if r.Through == results.StagePackage && !r.DryRun {
		env.keep = keepPackage
	}
	// Nothing is lost when reading is cut short, so it ends with ctx, and not gracefully.
	r.each(ctx, p.releases, func(ctx context.Context, rel *release) { r.planOne(ctx, env, rel) })
	if r.decides() { // lint and package look at each extension by itself
		for _, rel := range p.open() {
			rel.blockOn()
		}
	}
	if r.target.Refused().Err() != nil {
		for _, rel := range p.open() {
			rel.end(results.NotReached, "the API key was refused")
		}
	}
	r.warnOfIndex(p)
	r.emitRun(results.EventPlanned, p, r.remark(p))
	return p, nil
}

// begin reports the start of the run, and the hooks of the project that were run before it.
func (r *Run) begin(p *plan) {
	r.emitRun(results.EventRunStarted, p, "")
	if r.Hooks == nil {
		return
	}
	for _, h := range r.Hooks.Project() {
		r.emit(hooks.Event(h), nil)
	}
}

// open are the releases that have not ended.
func (p *plan) open() []*release {
	return slices.DeleteFunc(slices.Clone(p.releases), (*release).over)
}

// remark is what holds for the plan as a whole.
func (r *Run) remark(p *plan) string {
	if r.DryRun && r.decides() && p.unasked && len(p.open()) > 0 {
		return "the marketplace was not asked: " + target.ErrNoToken.Error()
	}
	return ""
}

// keepTo ends everything that is open where the plan is not the one that was approved.
func (r *Run) keepTo(p *plan) {
	if r.Agreed == nil {
		return
	}
	now := make([]results.Extension, len(p.releases))
	for i, rel := range p.releases {
		now[i] = rel.result.Snapshot()
	}
	moved := r.Agreed(now)
	if len(moved) == 0 {
		return
	}
	why := map[[2]string]string{}
	for _, m := range moved {
		why[[2]string{m.Name, m.Version}] = m.What
	}
	for _, rel := range p.open() {
		id := [2]string{rel.result.Name, rel.result.Version}
		if what, ok := why[id]; ok {
			rel.end(results.Blocked, "not as planned: "+what)
		} else {
			rel.end(results.Blocked, fmt.Sprintf("nothing is sent: %s is not as planned", moved[0].Name))
		}
		delete(why, id)
	}
	for _, m := range moved { // what has ended, or is not here, says it itself
		if what, ok := why[[2]string{m.Name, m.Version}]; ok {
			r.Warn(fmt.Sprintf("%s is not as planned: %s", m.Name, what))
		}
	}
}

// apply does what the plan says, in dependency order and in parallel.
func (r *Run) apply(ctx context.Context, p *plan) {
	if culprit := p.unclean(); r.AllOrNothing && culprit != nil {
		for _, rel := range p.open() {
			rel.end(results.Blocked, fmt.Sprintf("nothing is sent with --all-or-nothing: %s is %s", culprit.result.Name, culprit.result.Outcome))
		}
	}
	for _, rel := range p.releases {
		rel.forgetEstimates()
	}
	r.applying = true
	env := &applying{
		outside: outside{target: r.target, index: p.index, unasked: p.unasked, keep: keepIfPossible},
		send:    r.target, reviews: r.target.Reviews(), message: r.Message,
		refused: r.target.Refused(), slots: r.slots,
	}
	r.each(ctx, p.releases, func(ctx context.Context, rel *release) {
		defer close(rel.done)
		r.applyOne(ctx, env, rel)
	})
}

// Parts are what several jobs would release, each about as much, after a dry run with Divide.
// What requires each other is in one part.
func (r *Run) Parts() []Part { return r.parts }

// AuthRefused is the first refusal of the API key by the marketplace, or
// target.ErrNoToken where there was none and one was needed; nil where all was well.
func (r *Run) AuthRefused() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.authRefused
}

func (r *Run) noteAuth(err error) {
	if failure.Unauthorized(err) {
		r.mu.Lock()
		if r.authRefused == nil {
			r.authRefused = err
		}
		r.mu.Unlock()
	}
}

// each gives every release its own goroutine and waits for all of them: the
// only place where the pipeline starts any. Work is held back by slots, not
// here, because an extension that only waits should take no place.
func (r *Run) each(ctx context.Context, releases []*release, do func(context.Context, *release)) {
	var group errgroup.Group
	for _, rel := range releases {
		group.Go(func() error {
			do(ctx, rel)
			return nil
		})
	}
	_ = group.Wait() // failures are outcomes of extensions, not of the group
}

// planOne takes an extension through the plan.
func (r *Run) planOne(ctx context.Context, env *planning, rel *release) {
	if rel.over() {
		return
	}
	if !r.takeSlot(ctx) {
		rel.end(results.NotReached, graceful.Interruption(ctx)+" before its turn")
		return
	}
	defer r.slots.Release(1)
	perform(ctx, env, rel, r.through(r.toPlan))
	if r.DryRun || !r.sends() {
		rel.drop()
	}
}

// applyOne carries out what was planned for an extension, when what it waits for has ended.
func (r *Run) applyOne(ctx context.Context, env *applying, rel *release) {
	if rel.over() { // the plan has ended it: nobody is to wait for what it would have waited for
		return
	}
	for _, dep := range rel.order.needs {
		select {
		case <-dep.done:
		case <-ctx.Done():
			rel.end(results.NotReached, graceful.Interruption(ctx)+" before its turn")
			return
		}
		rel.sent.waited = true
	}
	if graceful.Over(ctx) {
		rel.end(results.NotReached, graceful.Interruption(ctx)+" before its turn")
		return
	}
	if rel.blockOn(); rel.over() {
		return
	}
	if !r.takeSlot(ctx) {
		rel.end(results.NotReached, graceful.Interruption(ctx)+" before its turn")
		return
	}
	d, note := rel.decided()
	rel.move(lifecycle.Applied{Decision: d, Note: note})
	// What has begun to write goes on to its submission; waiting takes no slot, and ends
	// as soon as nothing new is to begin.
	perform(graceful.Finish(ctx), env, rel, only(r.toApply, func(s step[*applying]) bool { return !s.waits }))
	r.slots.Release(1)
	perform(ctx, env, rel, only(r.toApply, func(s step[*applying]) bool { return s.waits }))
	if !rel.over() {
		rel.endApplied()
	}
}

// endApplied ends what went through all steps.
func (rel *release) endApplied() {
	_, note := rel.decided()
	switch unseen := rel.run.skips(results.StageVerify); {
	case rel.waits() && unseen:
		rel.end(results.Unverified, note+"; not compared, as --skip verify asks")
	case rel.waits():
		rel.end(results.Exists, "")
	case unseen:
		rel.end(results.Released, "submitted; not verified, as --skip verify asks")
	default:
		rel.end(results.Released, "")
	}
}

// takeSlot waits for a place among the extensions at work; false when the run
// is to begin nothing new.
func (r *Run) takeSlot(ctx context.Context) bool {
	if r.slots.Acquire(ctx, 1) != nil {
		return false
	}
	if graceful.Over(ctx) {
		r.slots.Release(1)
		return false
	}
	return true
}

// blockOn ends a release when something it requires did not get there, and warns
// of what it only can use. Where several versions of an extension may meet a
// dependency, one that got there is enough.
func (rel *release) blockOn() {
	for _, d := range rel.order.dependencies {
		missing := rel.missing(d)
		if missing == nil || rel.over() {
			continue
		}
		outcome := missing.result.Outcome
		switch {
		case !d.required:
			rel.warn(results.RuleDependencies, "optional-failed", missing.result.Name, fmt.Sprintf("it can use %s, which is %s", missing.result.Name, outcome), "externalDependencies")
		case outcome == results.NotReached:
			rel.end(results.NotReached, fmt.Sprintf("it depends on %s, which was not reached", missing.result.Name))
		default:
			rel.end(results.Blocked, fmt.Sprintf("it depends on %s, which is %s", missing.result.Name, outcome))
		}
	}
}

// missing is the release that keeps a dependency from being met: the highest, where
// none of those that may meet it got there. It is nil as long as one may: one that is not
// waited for, as that would close a circle, may still be at work when the plan is applied.
func (rel *release) missing(d dependency) (missing *release) {
	for _, dep := range d.within {
		if rel.run.applying && !dep.through() || !dep.over() {
			return nil
		}
		switch dep.result.Outcome {
		case results.Failed, results.Blocked, results.Unverified, results.NotReached:
			missing = dep
		default:
			return nil
		}
	}
	return missing
}

// endPlanned ends what a plan left open, where the plan is all there is.
func (rel *release) endPlanned() {
	d, note := rel.decided()
	switch {
	case d == lifecycle.Wait:
		rel.end(results.Planned, note+": a run waits for it, and sends nothing")
	case !rel.run.DryRun && rel.run.Through == results.StageLint:
		rel.end(results.Linted, note)
	case !rel.run.DryRun && rel.run.Through == results.StagePackage:
		rel.end(results.Packed, note)
	case rel.run.skips(results.StagePush) && rel.run.decides():
		rel.end(results.Planned, "nothing was sent, as --skip push asks")
	default:
		rel.end(results.Planned, note)
	}
}

// unclean is an extension that keeps an all-or-nothing run from sending.
func (p *plan) unclean() *release {
	for _, rel := range p.releases {
		if rel.over() && !rel.result.AsAsked {
			return rel
		}
	}
	return nil
}

// through leaves out the stages after the last one of this run.
func (r *Run) through(steps []step[*planning]) []step[*planning] {
	names := StageNames()
	names = names[slices.Index(names, r.Through)+1:]
	return only(steps, func(s step[*planning]) bool { return !slices.Contains(names, s.stage) })
}

// decides says whether this run is about releasing at all.
func (r *Run) decides() bool { return r.Through == results.StageVerify }

// sends says whether this run writes to the target.
func (r *Run) sends() bool { return r.decides() && !r.skips(results.StagePush) }

// skips says whether a stage is left out: by name, or because there is nothing for it to
// do where nothing is pushed, or where the target keeps no assets.
func (r *Run) skips(stage string) bool {
	return slices.Contains(r.Skip, stage) || stage == results.StageVerify && slices.Contains(r.Skip, results.StagePush) ||
		stage == results.StageUpload && !r.target.KeepsAssets()
}

// Warn passes on what somebody should know of the run as a whole; it is in the
// result, too. It may be called from anywhere at any time; what was said is not said
// again.
func (r *Run) Warn(message string) { r.feed.Warn(message, !r.applying) }

// warnOfIndex says in the plan what is wrong with the index as a whole: what is
// sent will not be seen until it is corrected, and what exists is not seen now.
func (r *Run) warnOfIndex(p *plan) {
	at := p.index.Known()
	if at == nil || at.Err != nil {
		return
	}
	if err := at.Index.Refused(); err != nil {
		r.Warn(failure.InOneLine(err) + "; until then KubeSphere shows nothing that is new in this repository")
	}
	for _, remark := range at.Index.Remarks() {
		r.Warn(remark)
	}
}

// Note passes a remark on the run as a whole to the observer: a request that is
// tried again, for one. It may be called from anywhere at any time; when the run
// is finished it is dropped.
func (r *Run) Note(message string) { r.feed.Note(message) }

// emit reports to the observer what happened to an extension, or with nil to the run.
func (r *Run) emit(e results.Event, rel *release) {
	if rel != nil {
		now := rel.result.Snapshot()
		e.Extension = &now
	}
	e.Planning = !r.applying
	r.feed.Emit(e)
}

// document is the result of now, without what is known of the run as a whole in the end.
func (r *Run) document(p *plan) *results.Document {
	result := &results.Document{
		SchemaVersion: 1, Command: r.Command, Tool: r.Tool, Revision: r.Revision, DryRun: r.DryRun, Started: r.started, Selection: r.chosen, Since: r.Since, Announcements: r.announced,
		Extensions: []results.Extension{},
	}
	if !r.Shard.IsWhole() {
		result.Shard = r.Shard.String()
	}
	for _, rel := range p.releases {
		result.Extensions = append(result.Extensions, rel.result.Snapshot())
	}
	slices.SortFunc(result.Extensions, results.InReports)
	result.Totals, result.Committed = results.Totals(result.Extensions), results.AllCommitted(result.Extensions)
	if r.Hooks != nil {
		result.Hooks = r.Hooks.Project()
	}
	return result
}

// emitRun reports the run as a whole; no extension is at work meanwhile.
func (r *Run) emitRun(kind results.EventKind, p *plan, message string) *results.Document {
	result := r.document(p)
	result.AuthRefused = r.AuthRefused() != nil
	r.feed.EmitRun(results.Event{Kind: kind, Planning: !r.applying, Message: message, Result: result})
	return result
}
