package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Options is what a run is made of.
type Options struct {
	Sources []config.Source // the extensions, with the settings of each
	Only    []string        // names of the extensions to look at; empty is all

	// Target is where to release to; nil where the run looks at each extension by itself.
	Target   Target
	Resolver Resolver // nil leaves dependencies that are not under charts/ out
	Examiner Examiner // nil looks at extensions in this process, without limits

	Revision string // the commit of the work tree, for the result document; empty where it is not known
	Command  string // the name of the command, for the result document; empty is "run"
	Tool     Tool   // the program, for the result document

	DryRun       bool     // plan, and stop
	Through      string   // the last stage; empty is the whole way
	Skip         []string // stages to leave out
	AllOrNothing bool     // send nothing unless the whole plan is clean
	AllowMissing bool     // release what requires an extension that is nowhere
	Sizes        bool     // tell of every package that is made where its bytes go
	Parallelism  int      // extensions at work at once; at least 1
	Message      string   // what the submission tells the reviewers
	Baseline     Baseline // findings that are not told again; nil knows none
	Ignore       []string // absolute paths of what the run writes, which is part of no extension

	// Withdraw is the command that takes a version back, for remedies; nil is the plain one.
	Withdraw func(name, version string) string
	Display  func(path string) string // how to show a path to the user; nil shows it as it is
	Observer Observer                 // may be nil
	// Kept waits until all that the observer was given is where it survives the process. It
	// is called before a stage that changes the marketplace begins, and after it ended, and
	// holds up that extension alone; nil waits for nothing. It returns when ctx is done.
	Kept func(ctx context.Context)
	// Noting makes the requests under a context tell of their retries; nil tells
	// of none.
	Noting func(ctx context.Context, tell func(string)) context.Context
}

// Run releases a set of extensions once. Make it with [New] and start it with
// [Run.Do].
type Run struct {
	Options
	target  abilities // of Options.Target
	started time.Time
	slots   *semaphore.Weighted
	// applying is set between the two phases, while nobody else is at work.
	applying bool

	held       atomic.Int64 // content that was read and not planned yet, in bytes
	heldAtMost int64
	declared   map[string][]string // the versions of all extensions that could be read, by name
	releases   []*release          // those of this run; not changed while it is at work

	mu          sync.Mutex // one event at a time
	finished    bool       // the last event is out
	warnings    []string
	authRefused error
}

// New prepares a run; nothing is read yet.
func New(opts Options) *Run {
	if opts.Observer == nil {
		opts.Observer = ObserverFunc(func(Event) {})
	}
	if opts.Display == nil {
		opts.Display = func(path string) string { return path }
	}
	if opts.Examiner == nil {
		opts.Examiner = inProcess{}
	}
	if opts.Through == "" {
		opts.Through = StageVerify
	}
	if opts.Kept == nil {
		opts.Kept = func(context.Context) {}
	}
	opts.Command = cmp.Or(opts.Command, "run")
	return &Run{Options: opts, target: abilitiesOf(opts.Target), slots: semaphore.NewWeighted(int64(max(1, opts.Parallelism))), heldAtMost: heldAtMost}
}

// Do plans, and unless the run is dry, applies the plan. Errors are those of
// usage; what happens to an extension is its outcome.
//
// When ctx ends the run begins nothing new and waits for nothing. If ctx is one of package
// graceful, what has begun to write goes on to its submission until the second step of ctx.
func (r *Run) Do(ctx context.Context) (*Result, error) {
	p, err := r.plan(ctx)
	if err != nil {
		return nil, err
	}
	if r.DryRun || !r.sends() {
		for _, rel := range p.releases {
			rel.endPlanned()
		}
	} else {
		r.apply(ctx, p)
	}
	return r.emitRun(EventRunFinished, p, ""), nil
}

// plan is what a run is going to do, decided by reading alone.
type plan struct {
	releases []*release // in dependency order
	unasked  bool       // the target was not asked for want of a key
	target   *keyed
	index    *watchedIndex
}

// plan reads all extensions and the target, takes each extension through what every stage
// does in a plan, and decides. Errors are those of
// usage, which concern the run as a whole: two extensions of one name and version,
// or a name in Only that is nowhere.
func (r *Run) plan(ctx context.Context) (*plan, error) {
	r.started = time.Now()
	releases, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	link(releases)
	r.releases = releases
	p := &plan{
		releases: inOrder(releases), unasked: r.target.closed(),
		target: withKey(r.target, r.noteAuth), index: watch(r.Target),
	}
	r.emitRun(EventRunStarted, p, "")

	target := planReader{p.target}
	env := &environment{
		planning: true,
		target:   target,
		send:     readOnly{target},
		index:    p.index,
		unasked:  p.unasked,
		uploads:  r.sends() && !r.skips(StageUpload),
	}
	if r.Through == StagePackage && !r.DryRun {
		env.keep = keepPackage
	}
	// Nothing is lost when reading is cut short, so it ends with ctx, and not gracefully.
	r.each(ctx, p.releases, func(ctx context.Context, rel *release) { r.planOne(ctx, env, rel) })
	if r.decides() { // lint and package look at each extension by itself
		for _, rel := range p.releases {
			rel.blockOn()
		}
	}
	if p.target.refused.Err() != nil {
		for _, rel := range p.releases {
			rel.end(NotReached, "the API key was refused")
		}
	}
	r.warnOfIndex(p)
	r.emitRun(EventPlanned, p, r.remark(p))
	return p, nil
}

// remark is what holds for the plan as a whole.
func (r *Run) remark(p *plan) string {
	if r.DryRun && r.decides() && p.unasked && slices.ContainsFunc(p.releases, func(rel *release) bool { return !rel.over }) {
		return "the marketplace was not asked: " + ErrNoToken.Error()
	}
	return ""
}

// apply does what the plan says, in dependency order and in parallel.
func (r *Run) apply(ctx context.Context, p *plan) {
	if culprit := p.unclean(); r.AllOrNothing && culprit != nil {
		for _, rel := range p.releases {
			rel.end(Blocked, fmt.Sprintf("nothing is sent with --all-or-nothing: %s is %s", culprit.result.Name, culprit.result.Outcome))
		}
	}
	for _, rel := range p.releases {
		rel.unplan()
	}
	r.applying = true
	env := &environment{
		target: p.target, send: p.target, reviews: r.target.reviews != nil, refused: p.target.refused,
		index: p.index, unasked: p.unasked, uploads: !r.skips(StageUpload),
		message: r.Message, keep: keepIfPossible, slots: r.slots,
	}
	r.each(ctx, p.releases, func(ctx context.Context, rel *release) {
		defer close(rel.done)
		r.applyOne(ctx, env, rel)
	})
}

// AuthRefused is the first refusal of the API key by the marketplace, or
// ErrNoToken where there was none and one was needed; nil where all was well.
func (r *Run) AuthRefused() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.authRefused
}

func (r *Run) noteAuth(err error) {
	if Unauthorized(err) {
		r.mu.Lock()
		if r.authRefused == nil {
			r.authRefused = err
		}
		r.mu.Unlock()
	}
}

// load reads all sources at once and keeps those that were asked for.
func (r *Run) load(ctx context.Context) ([]*release, error) {
	all := make([]*release, 0, len(r.Sources))
	for _, s := range r.Sources {
		all = append(all, newRelease(r, s))
	}
	r.each(ctx, all, func(ctx context.Context, rel *release) {
		if !r.takeSlot(ctx) {
			rel.end(NotReached, interruption(ctx)+" before it was read")
			return
		}
		defer r.slots.Release(1)
		rel.load(graceful.Finish(ctx))
		r.letGo(rel)
	})
	if err := duplicates(all); err != nil {
		return nil, err
	}
	if err := r.unknownNames(all); err != nil && ctx.Err() == nil { // else not all names were read
		return nil, err
	}
	r.declared = map[string][]string{}
	for _, rel := range all {
		if rel.metadata != nil {
			name := rel.metadata.Name
			r.declared[name] = append(r.declared[name], rel.metadata.Version)
		}
	}
	return slices.DeleteFunc(all, func(rel *release) bool { return !r.wants(rel) }), nil
}

func (rel *release) load(ctx context.Context) {
	source, ignored := rel.source, append([]string{rel.source.Settings.Package.Output}, rel.run.Ignore...)
	ext, err := await(ctx, func() (*extension.Extension, error) {
		return extension.Load(source.Path, extension.Options{Display: source.Display, Ignore: ignored})
	})
	switch {
	case ctx.Err() != nil:
		rel.end(NotReached, interruption(ctx)+" before it was read")
		return
	case err != nil:
		rel.loadErr = err
		// What depends on it has to wait until it can be read.
		rel.result.Name = cmp.Or(extension.GuessName(rel.source.Path), rel.result.Name)
		return
	}
	rel.ext = ext
	metadata := ext.Metadata
	rel.metadata = &metadata
	rel.result.Version = metadata.Version
	if metadata.Name != "" {
		rel.result.Name = metadata.Name
	}
}

// heldAtMost is how much content, in bytes, a run keeps from reading the names of
// all extensions until each is planned. A thousand of them have more than a
// machine has memory, and most are let go as soon as they are seen to exist.
const heldAtMost = 16 << 20

// letGo drops the content of an extension that is not wanted, or for which there
// is no room until it is planned.
func (r *Run) letGo(rel *release) {
	switch {
	case rel.ext == nil:
	case !r.wants(rel), r.held.Add(rel.ext.ContentSize()) > r.heldAtMost:
		rel.ext = nil
	}
}

// loadAgain reads an extension that was let go. It is planned under the name and
// with the dependencies that were read first.
func (rel *release) loadAgain(ctx context.Context) error {
	before := rel.metadata
	rel.load(ctx)
	if rel.over || rel.loadErr != nil || reflect.DeepEqual(before, rel.metadata) {
		return nil
	}
	rel.result.Name, rel.result.Version = before.Name, before.Version
	return withRemedy(errors.New("its extension.yaml was changed while the run read it"), "run again")
}

// wants says whether Only lets the extension through.
func (r *Run) wants(rel *release) bool {
	return len(r.Only) == 0 || slices.Contains(r.Only, rel.result.Name)
}

// duplicates refuses two extensions of one name and version, which would release
// over each other.
func duplicates(all []*release) error {
	var problems diagnostic.List
	type version struct{ name, version string }
	first := map[version]*release{}
	for _, rel := range all {
		if rel.metadata == nil {
			continue // it could not be read
		}
		this := version{rel.result.Name, rel.result.Version}
		if other, ok := first[this]; ok {
			problems = append(problems, Twice(rel.source.Display, other.source.Display, this.name, this.version))
			continue
		}
		first[this] = rel
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// Twice is the problem of two extensions of one name and version.
func Twice(here, there, name, version string) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Code: config.CodeVersionTwice, Severity: diagnostic.Error, File: here, Subject: name + " " + version,
		Message: fmt.Sprintf("version %s of the extension %q is also in %s", version, name, there),
		Hint:    "a version can be released from one place only: exclude one of them in the config, or change name or version",
	}
}

func (r *Run) unknownNames(all []*release) error {
	var names []string
	for _, rel := range all {
		names = append(names, rel.result.Name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var errs []error
	for _, want := range r.Only {
		if slices.Contains(names, want) {
			continue
		}
		err := fmt.Errorf("no extension is named %q", want)
		if near, ok := yamldoc.Nearest(want, names); ok {
			err = withRemedy(err, "did you mean %q?", near)
		} else {
			err = withRemedy(err, "there are: %s", strings.Join(names, ", "))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
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

func (r *Run) planOne(ctx context.Context, env *environment, rel *release) {
	if rel.over {
		return
	}
	if !r.takeSlot(ctx) {
		rel.end(NotReached, interruption(ctx)+" before its turn")
		return
	}
	defer r.slots.Release(1)
	if rel.ext == nil && rel.loadErr == nil {
		if err := rel.loadAgain(ctx); err != nil {
			rel.fail(stagePlan, err)
			return
		}
		if rel.over {
			return
		}
	}
	if rel.loadErr != nil {
		rel.unreadable()
		return
	}
	if rel.resolve(ctx); rel.over {
		return
	}
	before, after := r.stages()
	rel.perform(ctx, env, before)
	if rel.over {
		return
	}
	if rel.cycle != nil { // after lint, whose findings are the more for it
		rel.fail(stagePlan, rel.cycle)
		return
	}
	if r.decides() {
		if err := decide(rel.noting(ctx), env, rel); err != nil {
			rel.failPlan(ctx, err)
		} else {
			r.emit(Event{Kind: EventDecided, Decision: rel.action.String(), Message: rel.note}, rel)
		}
	}
	if rel.over || rel.action == actVerify {
		return
	}
	rel.perform(ctx, env, after)
	if r.DryRun || !r.sends() {
		rel.drop()
	}
}

// unreadable ends an extension that could not be loaded; mistakes with a place
// are findings, so that every report shows where they are.
func (rel *release) unreadable() {
	var problems diagnostic.List
	if errors.As(rel.loadErr, &problems) {
		for _, p := range problems {
			rel.result.Findings = append(rel.result.Findings, FindingResult{
				Code: CodeUnreadable, Rule: "schema", Severity: string(lint.Error), Message: p.Message, Hint: p.Hint,
				File: p.File, Line: p.Range.Start.Line, Column: p.Range.Start.Column, Excerpt: p.Excerpt,
			})
		}
	}
	rel.fail(StageLint, rel.loadErr)
}

// resolve completes the extension with its dependencies, before anything looks
// at it: rules, digests and packages are those of the whole.
func (rel *release) resolve(ctx context.Context) {
	if rel.run.Resolver == nil {
		return
	}
	noting, path, without := rel.noting(ctx), rel.source.Path, rel.ext
	ext, err := await(ctx, func() (*extension.Extension, error) { return rel.run.Resolver.Resolve(noting, path, without) })
	switch {
	case err == nil:
		rel.ext = ext
	case ctx.Err() != nil:
		rel.end(NotReached, interruption(ctx)+" while its dependencies were brought in")
	default:
		rel.fail(StageLint, err)
	}
}

func (rel *release) failPlan(ctx context.Context, err error) {
	var end *ended
	switch {
	case errors.As(err, &end):
		rel.end(end.outcome, end.reason)
	case ctx.Err() != nil:
		rel.end(NotReached, interruption(ctx)+" while planning")
	default:
		rel.fail(stagePlan, err)
	}
}

func (r *Run) applyOne(ctx context.Context, env *environment, rel *release) {
	if rel.over { // the plan has ended it: nobody is to wait for what it would have waited for
		return
	}
	for _, dep := range rel.needs {
		select {
		case <-dep.done:
		case <-ctx.Done():
			rel.end(NotReached, interruption(ctx)+" before its turn")
			return
		}
		rel.waited = true
	}
	if over(ctx) {
		rel.end(NotReached, interruption(ctx)+" before its turn")
		return
	}
	if rel.blockOn(); rel.over {
		return
	}
	if !r.takeSlot(ctx) {
		rel.end(NotReached, interruption(ctx)+" before its turn")
		return
	}
	if rel.action == actRelease {
		if env.refused.Err() != nil {
			r.slots.Release(1)
			rel.end(NotReached, "the API key was refused before its turn")
			return
		}
		if env.unasked {
			r.slots.Release(1)
			rel.fail(stagePlan, ErrNoToken)
			return
		}
		begun := graceful.Finish(ctx) // it may write from here on
		switch err := lookAgain(rel.noting(begun), env, rel); {
		case err == nil:
			rel.perform(begun, env, slices.DeleteFunc(Stages(), func(s Stage) bool { return s.apply == nil || s.waits }))
		case begun.Err() != nil:
			rel.end(NotReached, interruption(begun)+" before its turn")
		default:
			rel.fail(stagePlan, err)
		}
	}
	r.slots.Release(1)
	rel.perform(ctx, env, slices.DeleteFunc(Stages(), func(s Stage) bool { return !s.waits }))
	switch {
	case rel.over:
	case rel.action == actVerify && r.skips(StageVerify):
		rel.end(Unverified, rel.note+"; not compared, as --skip verify asks")
	case rel.action == actVerify:
		rel.end(Exists, "")
	case r.skips(StageVerify):
		rel.end(Released, "submitted; not verified, as --skip verify asks")
	default:
		rel.end(Released, "")
	}
}

// takeSlot waits for a place among the extensions at work; false when the run
// is to begin nothing new.
func (r *Run) takeSlot(ctx context.Context) bool {
	if r.slots.Acquire(ctx, 1) != nil {
		return false
	}
	if over(ctx) {
		r.slots.Release(1)
		return false
	}
	return true
}

// over says that nothing new is to be begun under ctx. Its second step may be there a moment
// before ctx itself has ended.
func over(ctx context.Context) bool { return ctx.Err() != nil || graceful.Finish(ctx).Err() != nil }

// blockOn ends a release when something it requires did not get there, and warns
// of what it only can use. Where several versions of an extension may meet a
// dependency, one that got there is enough.
func (rel *release) blockOn() {
	for _, d := range rel.dependencies {
		missing := d.missing()
		if missing == nil || rel.over {
			continue
		}
		outcome := missing.result.Outcome
		switch {
		case !d.required:
			rel.warn(RuleDependencies, "optional-failed", fmt.Sprintf("it can use %s, which is %s", missing.result.Name, outcome), "externalDependencies")
		case outcome == NotReached:
			rel.end(NotReached, fmt.Sprintf("it depends on %s, which was not reached", missing.result.Name))
		default:
			rel.end(Blocked, fmt.Sprintf("it depends on %s, which is %s", missing.result.Name, outcome))
		}
	}
}

// missing is the release that keeps a dependency from being met: the highest, where
// none of those that may meet it got there. It is nil as long as one may.
func (d dependency) missing() (missing *release) {
	for _, dep := range d.within {
		if !dep.over {
			return nil
		}
		switch dep.result.Outcome {
		case Failed, Blocked, Unverified, NotReached:
			missing = dep
		default:
			return nil
		}
	}
	return missing
}

// endPlanned ends what a plan left open, where the plan is all there is.
func (rel *release) endPlanned() {
	switch {
	case rel.action == actVerify:
		rel.end(Planned, rel.note+": a run waits for it, and sends nothing")
	case !rel.run.DryRun && rel.run.Through == StageLint:
		rel.end(Linted, rel.note)
	case !rel.run.DryRun && rel.run.Through == StagePackage:
		rel.end(Packed, rel.note)
	case rel.run.skips(StagePush) && rel.run.decides():
		rel.end(Planned, "nothing was sent, as --skip push asks")
	default:
		rel.end(Planned, rel.note)
	}
}

// unclean is an extension that keeps an all-or-nothing run from sending.
func (p *plan) unclean() *release {
	for _, rel := range p.releases {
		if rel.over && !rel.result.AsAsked {
			return rel
		}
	}
	return nil
}

// stages are those of this run, split where the decision is taken.
func (r *Run) stages() (before, after []Stage) {
	for _, s := range Stages() {
		if s.Name == StageLint {
			before = append(before, s)
		} else {
			after = append(after, s)
		}
		if s.Name == r.Through {
			break
		}
	}
	return before, after
}

// decides says whether this run is about releasing at all.
func (r *Run) decides() bool { return r.Through == StageVerify }

// sends says whether this run writes to the target.
func (r *Run) sends() bool { return r.decides() && !r.skips(StagePush) }

// skips says whether a stage is left out: by name, or because there is nothing for it to
// do where nothing is pushed, or where the target keeps no assets.
func (r *Run) skips(stage string) bool {
	return slices.Contains(r.Skip, stage) || stage == StageVerify && slices.Contains(r.Skip, StagePush) ||
		stage == StageUpload && r.target.assets == nil
}

// Warn passes on what somebody should know of the run as a whole; it is in the
// result, too. It may be called from anywhere at any time; what was said is not said
// again.
func (r *Run) Warn(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.warnings, message) {
		return
	}
	r.warnings = append(r.warnings, message)
	r.Observer.Observe(Event{Kind: EventWarning, Time: time.Now(), Planning: !r.applying, Message: message})
}

// warnOnce warns of what several extensions, or several looks, find.
func (r *Run) warnOnce(message string) {
	r.mu.Lock()
	known := slices.Contains(r.warnings, message)
	r.mu.Unlock()
	if !known {
		r.Warn(message)
	}
}

// warnOfIndex says in the plan what is wrong with the index as a whole: what is
// sent will not be seen until it is corrected, and what exists is not seen now.
func (r *Run) warnOfIndex(p *plan) {
	at := p.index.known()
	if at == nil || at.err != nil {
		return
	}
	if err := at.index.Refused(); err != nil {
		r.warnOnce(withAdvice(err) + "; until then KubeSphere shows nothing that is new in this repository")
	}
	for _, remark := range at.index.Remarks() {
		r.warnOnce(remark)
	}
}

// Note passes a remark on the run as a whole to the observer: a request that is
// tried again, for one. It may be called from anywhere at any time; when the run
// is finished nobody is told any more.
func (r *Run) Note(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return
	}
	r.Observer.Observe(Event{Kind: EventNote, Time: time.Now(), Message: message})
}

// snapshot is the result of now: nothing of it changes later, so that observers may keep it.
func (rel *release) snapshot() ExtensionResult {
	copied := rel.result
	copied.Stages = slices.Clone(rel.result.Stages)
	copied.Assets = slices.Clone(rel.result.Assets)
	if rel.result.Package != nil {
		pkg := *rel.result.Package
		copied.Package = &pkg
	}
	return copied
}

// emit reports to the observer what happened to an extension.
func (r *Run) emit(e Event, rel *release) {
	copied := rel.snapshot()
	e.Extension = &copied
	e.Planning = !r.applying
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Time = time.Now()
	r.Observer.Observe(e)
}

// emitRun tells of the run as a whole; no extension is at work meanwhile.
func (r *Run) emitRun(kind EventKind, p *plan, message string) *Result {
	result := &Result{SchemaVersion: 1, Command: r.Command, Tool: r.Tool, Revision: r.Revision, DryRun: r.DryRun, Started: r.started}
	for _, rel := range p.releases {
		result.Extensions = append(result.Extensions, rel.snapshot())
	}
	slices.SortFunc(result.Extensions, byNameAndVersion)
	result.Totals = totals(result.Extensions)
	r.mu.Lock()
	defer r.mu.Unlock()
	result.Warnings = slices.Clone(r.warnings)
	result.AuthRefused = r.authRefused != nil
	now := time.Now()
	if kind == EventRunFinished {
		result.Finished, r.finished = &now, true
	}
	r.Observer.Observe(Event{Kind: kind, Time: now, Planning: !r.applying, Message: message, Result: result})
	return result
}
