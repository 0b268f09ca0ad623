package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/hooks"
	imagerelease "github.com/ksrelease/ksrelease/internal/images/release"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/lookahead"
	"github.com/ksrelease/ksrelease/internal/packagecache"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/seat"
	"github.com/ksrelease/ksrelease/internal/services"
	"github.com/ksrelease/ksrelease/internal/shards"
	"github.com/ksrelease/ksrelease/internal/sourceindex"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// What others name of what a run is handed (internal/services).
type (
	Baseline = services.Baseline
	Resolver = services.Resolver
	WorkTree = services.WorkTree
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
	// Others are targets of the project that nothing is released to in this run: what they have of
	// a version is what those of Targets get. Their index is read, and nothing else.
	Others []target.Place
	// NamesTargets says that the project names its targets: results say what became of an
	// extension in each of them, also where there is one.
	NamesTargets bool

	Read     *sourceindex.Index     // nil knows of no extension what it was before
	Packages *packagecache.Packages // nil knows no package that was made before
	// WorkTree waits for what git says of what is committed; nil, or nil from it: nothing is known.
	WorkTree func() WorkTree
	Dirty    config.Dirty      // what becomes of packages that are not as committed, if their settings do not say; empty warns
	Resolver services.Resolver // nil leaves dependencies that are not under charts/ out
	Examiner services.Examiner // nil looks at extensions in this process, without limits
	Hooks    services.Hooks    // nil runs no hooks
	Signer   services.Signer   // nil signs nothing
	// Images asks registries for images, and copies them to mirrors; nil does neither.
	Images *imagerelease.Images

	Revision services.Revision // the commit of the work tree, for the result document
	Shown    []results.Place   // where it releases to, for the result document
	Command  string            // the name of the command, for the result document; empty is "run"
	Tool     results.Tool      // the program, for the result document

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
	Baseline services.Baseline // findings that are not reported again; nil knows none
	Strict   bool              // what lint warns of stops an extension, too
	Ignore   []string          // absolute paths of what the run writes, which is part of no extension

	// Agreed is given what is planned, before anything is sent, and says what of it is not as
	// somebody has approved it. Nothing is sent then. It may be nil.
	Agreed func(now []results.Extension) []results.Moved
	// Withdraw is the command that takes a version back, for hints; nil is the plain one.
	Withdraw func(name, version string) string
	Display  func(path string) string // how to show a path to the user; nil shows it as it is
	Observer results.Observer         // may be nil
	// Kept waits until all that the observer was given is where it survives the process. It
	// is called before a stage that changes a target begins, and after it ended, and
	// holds up that extension alone; nil waits for nothing. It returns when ctx is done.
	Kept func(ctx context.Context)
	// Announce announces what was released, or in a dry run says what it would announce, when all
	// extensions have ended. Nil announces nothing.
	Announce func(ctx context.Context, run *results.Document) []results.Announcement
	// Noting makes the requests under a context report what they do; nil reports none.
	Noting func(ctx context.Context, report func(results.Event)) context.Context
}

// Run releases a set of extensions once. Make it with [New] and start it with [Run.Do].
type Run struct {
	Options
	sites   []*delivery.Site // of Options.Targets
	stages  []string         // StageNames
	toPlan  []step[*planning]
	toApply []step[*applying]
	started time.Time
	slots   *semaphore.Weighted // for extensions that are read and planned
	senders *semaphore.Weighted // for those that are released
	planned atomic.Bool         // all are planned, and the plan is carried out

	looks *lookahead.Looks
	parts []Part // of what is planned

	held       atomic.Int64 // content that was read and not planned yet, in bytes
	heldAtMost int64
	declared   map[string][]string // the versions of all extensions that could be read, by name
	chosen     *results.Selection  // by Choose; nil before that, and without it
	announced  []results.Announcement
	all        []*release // of all sources

	warm sync.Once // the examiner gets ready
	feed *results.Feed

	refusals delivery.Refusals
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
		Options: opts, toApply: applySteps(), stages: StageNames(),
		heldAtMost: heldAtMost, feed: results.NewFeed(opts.Observer), looks: lookahead.New(opts.Examiner),
	}
	r.toPlan = r.through(planSteps())
	r.slots, r.senders = semaphore.NewWeighted(int64(max(1, opts.Parallelism))), semaphore.NewWeighted(int64(max(1, opts.Parallelism)))
	r.sites = r.newSites()
	return r
}

// Do plans, and unless the run is dry, applies the plan. Errors are those of
// usage; what happens to an extension is its outcome.
//
// When ctx ends the run begins nothing new and waits for nothing. If ctx is one of package
// graceful, what has begun to write goes on to its submission until the second step of ctx.
func (r *Run) Do(ctx context.Context) (*results.Document, error) {
	defer func() {
		r.looks.Close()
		for _, s := range r.sites {
			s.Index.Close()
		}
	}()
	p, err := r.read(ctx)
	if err != nil {
		r.cleanUp(ctx, true)
		return nil, err
	}
	applies := !r.DryRun && r.sends()
	p.overlaps = applies && !r.AllOrNothing && r.Agreed == nil // else the plan of all has to be known
	plan, apply := r.planning(p), r.applying()
	r.askAhead(ctx, plan, p)
	seat.InTurn(p.releases, func(rel *release) bool {
		if !rel.over() {
			rel.sit(ctx)
		}
		return true // what has ended has others that wait for it
	}, func(rel *release) {
		r.planOne(ctx, plan, rel)
		// What need not wait for others goes on at once, so that what is planned does not pile up.
		if !p.overlaps || rel.over() || len(rel.order.Needs)+len(rel.order.Dependencies) > 0 {
			rel.stand()
		}
		r.conclude(p, rel)
		if p.overlaps {
			r.applyOne(ctx, apply, rel)
		}
	})
	<-p.answered
	switch {
	case p.overlaps:
	case applies:
		r.keepTo(p)
		r.keepBack(p)
		seat.InParallel(p.releases, func(rel *release) { r.applyOne(ctx, apply, rel) })
	default:
		if r.Divide > 0 {
			r.parts = partsOf(p.open(), r.Divide)
		}
		for _, rt := range p.ways() {
			rt.endPlanned()
		}
	}
	if r.Announce != nil && r.decides() { // also where it was interrupted
		r.announced = r.Announce(graceful.Finish(ctx), r.document(p))
	}
	r.cleanUp(ctx, false)
	return r.emitRun(results.EventRunFinished, p, ""), nil
}

// plan is what a run is going to do, decided by reading alone.
type plan struct {
	releases []*release       // in dependency order
	left     atomic.Int64     // how many are not planned
	overlaps bool             // with what is applied
	answered chan struct{}    // closed when targets have answered what the plan asks with a key
	refused  []*delivery.Site // those that have refused it by then
}

// read reads all extensions, those with hooks once more when these have run, and puts them in
// order. Errors are those of usage, which concern the run as a whole: two extensions of one
// name and version, or a name in Only that is nowhere.
func (r *Run) read(ctx context.Context) (*plan, error) {
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
		link(releases)
	}
	p := &plan{releases: inOrder(releases), answered: make(chan struct{})}
	p.left.Store(int64(len(p.releases)))
	if !hooked {
		r.begin(p)
	}
	if len(p.releases) == 0 {
		if !r.Shard.IsWhole() {
			r.Note(fmt.Sprintf("shard %s has nothing to do: there is less work than shards", r.Shard))
		}
		r.finishPlan(p)
	}
	return p, nil
}

// planning is what the steps of the plan reach.
func (r *Run) planning(p *plan) *planning {
	env := &planning{uploads: r.sends() && !r.skips(results.StageUpload)}
	for _, s := range r.sites {
		env.to = append(env.to, s.Asking())
	}
	if r.decides() {
		env.others = delivery.Others(r.Others)
	}
	if r.Through == results.StagePackage && !r.DryRun {
		env.keep = keepPackage
	}
	return env
}

// applying is what the steps reach that carry the plan out.
func (r *Run) applying() *applying {
	env := &applying{keep: keepIfPossible}
	for _, s := range r.sites {
		to := s.Sending(r.Message)
		to.Verifies = !r.skips(results.StageVerify)
		env.to = append(env.to, to)
	}
	return env
}

// askAhead has targets asked for what the plan is going to want of them, while extensions are
// looked at.
func (r *Run) askAhead(ctx context.Context, env *planning, p *plan) {
	var all []*delivery.Ahead
	of := map[*delivery.Ahead]*release{}
	prompted := map[*delivery.Asking]bool{}
	for _, rel := range p.releases {
		if !r.decides() || rel.over() || rel.read.err != nil || rel.order.Cycle != nil {
			continue
		}
		for _, rt := range rel.routes {
			if !rt.takes() {
				continue
			}
			to, noting := env.to[rt.at], rt.noting(ctx, rt.target())
			if !prompted[to] {
				prompted[to] = true
				to.Index.Prompt(noting, time.Time{}, 0)
			}
			ahead := rt.Expect(noting, to)
			all, of[ahead] = append(all, ahead), rel
		}
	}
	go func() {
		defer close(p.answered)
		delivery.AskAhead(all, r.Parallelism)
		for _, ahead := range all { // a refusal counts if it stops somebody whom nothing else has stopped
			if ahead.Refuses() {
				<-of[ahead].looked
			}
		}
		p.refused = r.refused() // before any write can be
	}()
}

// conclude ends the plan of an extension, when those of what it requires have ended, and says so
// when it was the last.
func (r *Run) conclude(p *plan, rel *release) {
	for _, rt := range rel.routes {
		rt.overAlone = rt.over()
	}
	close(rel.looked)
	if r.decides() { // lint and package look at each extension by itself
		for _, dep := range rel.order.Needs {
			<-dep.planned
		}
		rel.blockOn()
	}
	for _, rt := range rel.routes {
		rt.overPlanned = rt.over()
	}
	close(rel.planned)
	if !rel.over() {
		select {
		case <-p.answered:
		default:
			rel.stand()
			<-p.answered
		}
		if p.overlaps {
			endRefused(rel.open(), p.refused)
		}
	}
	if p.left.Add(-1) == 0 {
		r.finishPlan(p)
	}
}

// endRefused ends what is on its way to targets that have refused the key.
func endRefused(ways []*route, by []*delivery.Site) {
	for _, rt := range ways {
		if slices.Contains(by, rt.site) {
			rt.end(results.NotReached, rt.site.Key()+" was refused")
		}
	}
}

// refused are the targets that have refused the key so far.
func (r *Run) refused() (all []*delivery.Site) {
	for _, s := range r.sites {
		if s.Access.Refused().Err() != nil {
			all = append(all, s)
		}
	}
	return all
}

// finishPlan says what the plan is.
func (r *Run) finishPlan(p *plan) {
	if !p.overlaps { // nobody is at work, and all has been asked that a plan asks
		endRefused(p.ways(), r.refused())
	}
	r.warnOfIndex()
	r.emitRun(results.EventPlanned, p, r.remark(p))
	r.planned.Store(!r.DryRun && r.sends())
}

// begin reports the start of the run, and the hooks of the project that were run before it.
func (r *Run) begin(p *plan) {
	r.emitRun(results.EventRunStarted, p, "")
	if r.Hooks == nil {
		return
	}
	for _, h := range r.Hooks.Project() {
		r.emit(hooks.Event(h))
	}
}

// open are the releases that have not ended.
func (p *plan) open() []*release {
	return slices.DeleteFunc(slices.Clone(p.releases), (*release).over)
}

// ways are those of all releases that have not ended.
func (p *plan) ways() (ways []*route) {
	for _, rel := range p.releases {
		ways = append(ways, rel.open()...)
	}
	return ways
}

// remark is what holds for the plan as a whole.
func (r *Run) remark(p *plan) string {
	if !r.DryRun || !r.decides() {
		return ""
	}
	var unasked []string
	for _, s := range r.sites {
		if s.Access.Keyless() && slices.ContainsFunc(p.ways(), func(rt *route) bool { return rt.site == s }) {
			unasked = append(unasked, fmt.Sprintf("%s was not asked: %v", s.Noun, target.NoKeyError{Key: s.Key(), Noun: s.Noun}))
		}
	}
	return strings.Join(unasked, "; ")
}

// keepTo ends everything that is open where the plan is not the one that was approved.
func (r *Run) keepTo(p *plan) {
	if r.Agreed == nil {
		return
	}
	moved := r.Agreed(snapshots(p.releases))
	if len(moved) == 0 {
		return
	}
	open := p.open()
	reasons, others := results.NotAsPlanned(moved, snapshots(open))
	for i, rel := range open {
		rel.end(results.Blocked, reasons[i])
	}
	for _, m := range others { // it has ended, or is not here, and says it itself
		r.Warn(m)
	}
}

// snapshots are what is known of releases now.
func snapshots(releases []*release) []results.Extension {
	all := make([]results.Extension, len(releases))
	for i, rel := range releases {
		all[i] = rel.snapshot()
	}
	return all
}

// keepBack ends everything that is open where the whole plan has to be clean and is not.
func (r *Run) keepBack(p *plan) {
	culprit := p.unclean()
	if !r.AllOrNothing || culprit == nil {
		return
	}
	for _, rel := range p.open() {
		rel.end(results.Blocked, fmt.Sprintf("nothing is sent with --all-or-nothing: %s is %s", culprit.site.Named(culprit.result.Name), culprit.known.Outcome))
	}
}

// AuthRefused is the first refusal of a key by its target, or
// target.ErrNoToken where there was none and one was needed; nil where all was well.
func (r *Run) AuthRefused() error { return r.refusals.First() }

// planOne takes an extension through the steps of the plan. Nothing is lost when reading is cut
// short, so it ends with ctx, and not gracefully.
func (r *Run) planOne(ctx context.Context, env *planning, rel *release) {
	if rel.over() {
		return
	}
	perform(ctx, env, rel, r.toPlan)
	if r.DryRun || !r.sends() {
		rel.drop()
	}
}

// applyOne carries out what was planned for an extension, when what it waits for has ended.
func (r *Run) applyOne(ctx context.Context, env *applying, rel *release) {
	defer close(rel.done)
	defer rel.stand()
	rel.forgetEstimates()
	if rel.over() { // the plan has ended it: nobody is to wait for what it would have waited for
		return
	}
	for _, dep := range rel.order.Needs {
		select {
		case <-dep.done:
		case <-ctx.Done():
			rel.end(results.NotReached, graceful.Interruption(ctx)+" before its turn")
			return
		}
		for _, rt := range rel.routes {
			rt.Waited = true
		}
	}
	if graceful.Over(ctx) {
		rel.end(results.NotReached, graceful.Interruption(ctx)+" before its turn")
		return
	}
	if rel.blockOn(); rel.over() || !rel.changeSeat(ctx) {
		return
	}
	for _, rt := range rel.open() {
		d, note := rt.decided()
		rt.Waits = d == lifecycle.Wait
		rel.change(func() { rt.move(lifecycle.Applied{Decision: d, Note: note}) })
	}
	perform(ctx, env, rel, r.toApply)
	for _, rt := range rel.open() {
		rt.endApplied()
	}
}

// blockOn ends a release on those ways on which something that it requires did not get there.
func (rel *release) blockOn() {
	for _, rt := range rel.open() {
		rt.blockOn()
	}
}

// unclean is an extension in a target that keeps an all-or-nothing run from sending.
func (p *plan) unclean() *route {
	for _, rel := range p.releases {
		unclean := slices.DeleteFunc(slices.Clone(rel.routes), func(rt *route) bool { return !rt.over() || rt.known.AsAsked })
		for _, rt := range unclean {
			if rt.known.Outcome != results.Blocked { // which may be for another target
				return rt
			}
		}
		if len(unclean) > 0 {
			return unclean[0]
		}
	}
	return nil
}

// through leaves out the stages after the last one of this run.
func (r *Run) through(steps []step[*planning]) []step[*planning] {
	names := r.stages[slices.Index(r.stages, r.Through)+1:]
	return only(steps, func(s step[*planning]) bool { return !slices.Contains(names, s.stage) })
}

// decides says whether this run is about releasing at all.
func (r *Run) decides() bool { return r.Through == results.StageVerify }

// sends says whether this run writes to the target.
func (r *Run) sends() bool { return r.decides() && !r.skips(results.StagePush) }

// skips says whether a stage is left out everywhere: by name, or because there is nothing for it
// to do where nothing is pushed.
func (r *Run) skips(stage string) bool {
	return slices.Contains(r.Skip, stage) || stage == results.StageVerify && slices.Contains(r.Skip, results.StagePush)
}

// Warn passes on what somebody should know of the run as a whole; it is in the
// result, too. It may be called from anywhere at any time; what was said is not said again.
func (r *Run) Warn(message string) { r.feed.Warn(message, !r.planned.Load()) }

// warnOfIndex says in the plan what is wrong with the index as a whole: what is
// sent will not be seen until it is corrected, and what exists is not seen now.
func (r *Run) warnOfIndex() {
	for _, s := range r.sites {
		for _, complaint := range s.Complaints() {
			r.Warn(s.Named(complaint))
		}
	}
}

// Note passes a remark on the run as a whole to the observer: a request that is
// tried again, for one. It may be called from anywhere at any time; when the run
// is finished it is dropped.
func (r *Run) Note(message string) { r.feed.Note(message) }

// emit reports to the observer what happened to the run.
func (r *Run) emit(e results.Event) {
	e.Planning = !r.planned.Load()
	r.feed.Emit(e)
}

// document is the result of now, while no extension changes, without what is known of the run as a whole in the end.
func (r *Run) document(p *plan) *results.Document {
	result := &results.Document{
		SchemaVersion: 1, Command: r.Command, Tool: r.Tool, Revision: r.Revision.Get(), Targets: r.Shown, DryRun: r.DryRun, Started: r.started, Selection: r.chosen, Since: r.Since, Announcements: r.announced,
		Extensions: make([]results.Extension, len(p.releases)),
	}
	for i, rel := range p.releases {
		result.Extensions[i] = rel.result.Snapshot()
	}
	if !r.Shard.IsWhole() {
		result.Shard = r.Shard.String()
	}
	slices.SortFunc(result.Extensions, results.InReports)
	result.Totals, result.Committed = results.Totals(result.Extensions), results.AllCommitted(result.Extensions)
	if r.Hooks != nil {
		result.Hooks = r.Hooks.Project()
	}
	return result
}

// emitRun reports the run as a whole. No extension changes meanwhile, so that what comes before
// and after it goes together.
func (r *Run) emitRun(kind results.EventKind, p *plan, message string) *results.Document {
	for _, rel := range p.releases {
		rel.mu.Lock()
		defer rel.mu.Unlock()
	}
	result := r.document(p)
	result.AuthRefused = r.AuthRefused() != nil
	r.feed.EmitRun(results.Event{Kind: kind, Planning: !r.planned.Load(), Message: message, Result: result})
	return result
}
