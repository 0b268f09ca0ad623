package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/ksrelease/ksrelease/internal/delivery"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lifecycle"
	"github.com/ksrelease/ksrelease/internal/order"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// newSites are the targets of a run. One that looks at each extension by itself has one that
// cannot be asked.
func (r *Run) newSites() (sites []*delivery.Site) {
	places := r.Targets
	if len(places) == 0 {
		places = []target.Place{target.Marketplace(nil)}
	}
	for _, p := range places {
		site := delivery.NewSite(p, r.refusals.Note)
		site.ByName = r.namesTargets()
		sites = append(sites, site)
	}
	return sites
}

// namesTargets says that results name each target.
func (r *Run) namesTargets() bool { return r.decides() && (r.NamesTargets || len(r.Targets) > 1) }

// route is the way of an extension to one target. It belongs to one goroutine at a time, but for
// its state and what is known of it, which change under the lock of the release.
type route struct {
	*delivery.Delivery
	*release
	site  *delivery.Site
	at    int // its place among the targets of the run
	state lifecycle.State
	known results.Target

	// It ended in the plan: by itself, and with what it requires.
	overAlone, overPlanned bool
}

// targetStages are the stages that each target has.
var targetStages = []string{results.StageUpload, results.StagePush, results.StageVerify}

func newRoute(r *release, at int) *route {
	s := r.run.sites[at]
	rt := &route{release: r, site: s, at: at, state: lifecycle.Pending{}}
	rt.known = results.Target{Name: s.Name, Kind: s.Kind, URL: s.URL, Outcome: results.NotReached}
	rt.known.Stages = skipped(targetStages)
	rt.Delivery = &delivery.Delivery{Parcel: &r.parcel, Reporter: reporter{rt}, Seat: r.seat}
	return rt
}

// skipped are stages that nothing has come to.
func skipped(names []string) []results.Stage {
	stages := make([]results.Stage, len(names))
	for i, name := range names {
		stages[i] = results.Stage{Name: name, Status: results.StageSkipped}
	}
	return stages
}

// target is its name in events; empty where results do not name targets.
func (rt *route) target() string {
	if rt.site.ByName {
		return rt.site.Name
	}
	return ""
}

// takes says whether the target is given this version.
func (rt *route) takes() bool {
	return rt.site.Takes == nil || rt.site.Takes(rt.parcel.Name, rt.parcel.Version)
}

// skips says whether a stage is left out on this way: by name, or because there is nothing for it
// to do where nothing is pushed, or where the target keeps no assets of the package.
func (rt *route) skips(stage string) bool {
	return rt.run.skips(stage) || stage == results.StageUpload && rt.keeper() != rt
}

// reporter has what becomes of a delivery reported.
type reporter struct{ *route }

func (r reporter) Tell(e results.Event) {
	e.Target = r.target()
	r.tell(e, nil)
}

func (r reporter) Warn(message string) { r.run.Warn(r.site.Named(message)) }

func (r reporter) Learn(change func(*results.Target)) {
	r.change(func() { change(&r.known) })
}

func (r reporter) Wait(note string) {
	r.change(func() { r.move(lifecycle.Applied{Decision: lifecycle.Wait, Note: note}) })
}

// fail ends the way with an error of a stage.
func (rt *route) fail(stage string, err error) {
	rt.blame(stage, err)
	rt.end(results.Failed, stage+": "+err.Error())
}

// blame records what went wrong in a stage.
func (rt *route) blame(stage string, err error) {
	rt.run.refusals.Note(err)
	rt.change(func() { rt.known.Error = &results.Error{Stage: stage, Message: err.Error(), Hint: failure.Hint(err)} })
}

// end gives the way its one outcome. The extension ends with the last of its ways.
func (rt *route) end(outcome results.Outcome, reason string) {
	r := rt.release
	r.mu.Lock()
	defer r.mu.Unlock()
	if !rt.move(lifecycle.Ended{Outcome: outcome}) {
		return
	}
	rt.Dismiss()
	known := &rt.known
	known.Outcome = outcome
	known.AsAsked, known.Reason = rt.parcel.AsAsked(outcome, reason)
	if rt.site.Access.Reviews() {
		known.Review = rt.Review(outcome, !rt.run.skips(results.StageVerify))
	}
	known.Address = rt.site.Address(rt.Entry)
	r.summarize()
	if rt.target() != "" {
		r.emit(results.Event{Kind: results.EventTargetEnded, Target: rt.target(), Message: known.Reason})
		reason = r.result.Reason
	}
	if r.over() {
		r.emit(results.Event{Kind: results.EventEnded, Message: reason})
		r.drop()
	}
}

// endPlanned ends what a plan left open, where the plan is all there is.
func (rt *route) endPlanned() { rt.end(rt.way().Planned(rt.decided())) }

// endApplied ends what went through all steps.
func (rt *route) endApplied() { rt.end(rt.way().Applied(rt.decided())) }

// way is how far the run goes.
func (rt *route) way() lifecycle.Way {
	r := rt.run
	return lifecycle.Way{
		DryRun: r.DryRun, Through: r.Through, Releases: r.decides(), Reviews: rt.site.Access.Reviews(),
		Sends: !r.skips(results.StagePush), Verifies: !r.skips(results.StageVerify),
	}
}

// blockOn ends the way when something that the extension requires did not get to its target, and
// warns of what it only can use. Where several versions of an extension may meet a dependency, one
// that got there is enough.
func (rt *route) blockOn() {
	for _, d := range rt.order.Dependencies {
		missing := rt.missing(d)
		if missing == nil || rt.over() {
			continue
		}
		name, outcome := missing.result.Name, missing.known.Outcome
		switch {
		case !d.Required:
			rt.warn(results.RuleDependencies, "optional-failed", name, fmt.Sprintf("it can use %s, which is %s", name, outcome), "externalDependencies")
		case outcome == results.NotReached:
			rt.end(results.NotReached, fmt.Sprintf("it depends on %s, which was not reached", name))
		default:
			rt.end(results.Blocked, fmt.Sprintf("it depends on %s, which is %s", name, outcome))
		}
	}
}

// missing is the way to the same target of the release that keeps a dependency from being met: the
// highest, where none of those that may meet it got there. It is nil as long as one may: one that
// is not waited for, as that would close a circle, may still be at work when the plan is applied.
func (rt *route) missing(d order.Dependency[*release]) (missing *route) {
	for _, dep := range d.Within {
		other := dep.routes[rt.at]
		switch {
		case rt.applying:
			if !dep.through() || !other.over() {
				return nil
			}
		case slices.Contains(rt.order.Needs, dep):
			if !other.overPlanned {
				return nil
			}
		default: // it waits for this one, or for one that does
			if <-dep.looked; !other.overAlone {
				return nil
			}
		}
		switch other.known.Outcome {
		case results.Failed, results.Blocked, results.Unverified, results.NotReached:
			missing = other
		case results.LeftOut: // what is there instead was looked for in the plan
		default:
			return nil
		}
	}
	return missing
}

// noting makes requests under ctx report their retries in the name of the extension, and of the
// target where that is not empty.
func (r *release) noting(ctx context.Context, target string) context.Context {
	if r.run.Noting == nil {
		return ctx
	}
	return r.run.Noting(ctx, func(e results.Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.over() { // others wait for the answer
			r.run.Note(e.Message)
			return
		}
		e.Target = target
		r.emit(e)
	})
}
