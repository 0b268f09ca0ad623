package pipeline

import (
	"fmt"
	"slices"

	"github.com/ksrelease/ksrelease/internal/results"
)

// state is where an extension is on its way: pending → planned → applying → ended. It may
// end from each of them. [release.move] alone changes it, as [mayMove] allows.
type state interface{ String() string }

// The states.
type (
	// pending: it is read, looked at and not decided on.
	pending struct{}
	// planned: the plan has decided. Until it is applied what was decided is prepared.
	planned struct {
		decision decision
		note     string // what the plan has to say of the decision
	}
	// applied: the plan is carried out. A decision to send becomes one to wait when
	// somebody else has submitted the version meanwhile; never the other way round.
	applied struct {
		decision decision
		note     string
	}
	// ended: nothing happens to it any more.
	ended struct{ outcome results.Outcome }
)

func (pending) String() string   { return "pending" }
func (p planned) String() string { return "planned to " + p.decision.String() }
func (a applied) String() string { return "applying " + a.decision.String() }
func (e ended) String() string   { return "ended as " + string(e.outcome) }

// decision is what the plan decided to do with an extension that it has not ended.
type decision int

// The decisions.
const (
	toKeep decision = iota // nothing is released: lint and package look at it alone
	toSend                 // send it; a draft that is there already is replaced
	toWait                 // it was submitted before, or by others meanwhile: only wait until it is seen
)

// String is the decision in events.
func (d decision) String() string {
	switch d {
	case toSend:
		return "release"
	case toWait:
		return "wait"
	}
	return "keep"
}

// mayMove says whether an extension may go from one state to another.
func mayMove(from, to state) bool {
	switch from := from.(type) {
	case pending:
		switch to := to.(type) {
		case planned:
			return true
		case ended: // there is nothing to do, or nothing can be done
			return slices.Contains([]results.Outcome{results.Exists, results.Drift, results.Blocked, results.Failed, results.NotReached}, to.outcome)
		}
	case planned:
		switch to := to.(type) {
		case applied:
			return from.decision != toKeep && from.decision == to.decision
		case ended:
			switch to.outcome {
			case results.Linted, results.Packed:
				return from.decision == toKeep
			case results.Planned, results.Blocked, results.Failed, results.NotReached:
				return true
			}
		}
	case applied:
		switch to := to.(type) {
		case applied:
			return from.decision == toSend && to.decision == toWait
		case ended:
			switch to.outcome {
			case results.Released:
				return from.decision == toSend
			case results.Exists:
				return from.decision == toWait
			case results.Drift, results.Failed, results.Unverified, results.NotReached:
				return true
			}
		}
	}
	return false
}

// move brings an extension to another state: the one place that does. It says whether the
// extension is in that state now: the first outcome stands.
func (r *release) move(to state) bool {
	if !mayMove(r.state, to) {
		mistake(fmt.Sprintf("the extension %s is %s and cannot be %s", r.result.Name, r.state, to))
		if r.over() {
			return false
		}
	}
	r.state = to
	return true
}

// mistake is given each impossible move. A release that is under way goes on: to end the
// program would leave others in doubt. Tests replace it, and fail.
var mistake = func(string) {}

// over says that the extension has ended.
func (r *release) over() bool {
	_, over := r.state.(ended)
	return over
}

// decided is what is decided on the extension, and what there is to say of it.
func (r *release) decided() (decision, string) {
	switch s := r.state.(type) {
	case planned:
		return s.decision, s.note
	case applied:
		return s.decision, s.note
	}
	return toKeep, ""
}

// waits says that the extension is only waited for, and nothing of it is sent.
func (r *release) waits() bool {
	d, _ := r.decided()
	return d == toWait
}

// The states in which steps are taken.

func isPending(s state) bool { return s == pending{} }

func isToPack(s state) bool {
	p, ok := s.(planned)
	return ok && p.decision != toWait
}

func isToSend(s state) bool {
	a, ok := s.(applied)
	return ok && a.decision == toSend
}

func isApplied(s state) bool {
	_, ok := s.(applied)
	return ok
}
