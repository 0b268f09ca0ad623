// Package lifecycle has the states of an extension on its way through a run, and which moves
// from one to another there are.
package lifecycle

import (
	"slices"

	"github.com/ksrelease/ksrelease/internal/results"
)

// State is where an extension is on its way to a target: pending → planned → applying → ended. It may
// end from each of them, as [MayMove] allows.
type State interface{ String() string }

// The states.
type (
	// Pending: it is read, looked at and not decided on.
	Pending struct{}
	// Planned: the plan has decided. Until it is applied what was decided is prepared.
	Planned struct {
		Decision Decision
		Note     string // what the plan has to say of the decision
	}
	// Applied: the plan is carried out. A decision to send becomes one to wait when
	// somebody else has submitted the version meanwhile; never the other way round.
	Applied struct {
		Decision Decision
		Note     string
	}
	// Ended: nothing happens to it any more.
	Ended struct{ Outcome results.Outcome }
)

// String is the state in messages.
func (Pending) String() string { return "pending" }

// String is the state and its decision.
func (p Planned) String() string { return "planned to " + p.Decision.String() }

// String is the state and its decision.
func (a Applied) String() string { return "applying " + a.Decision.String() }

// String is the state and its outcome.
func (e Ended) String() string { return "ended as " + string(e.Outcome) }

// Decision is what the plan decided to do with an extension that it has not ended.
type Decision int

// The decisions.
const (
	Keep Decision = iota // nothing is released: lint and package look at it alone
	Send                 // send it; a draft that is there already is replaced
	Wait                 // it was submitted before, or by others meanwhile: only wait until it is seen
)

// String is the decision in events.
func (d Decision) String() string {
	switch d {
	case Send:
		return results.DecisionRelease
	case Wait:
		return results.DecisionWait
	}
	return "keep"
}

// MayMove says whether an extension may go from one state to another.
func MayMove(from, to State) bool {
	switch from := from.(type) {
	case Pending:
		switch to := to.(type) {
		case Planned:
			return true
		case Ended: // there is nothing to do, or nothing can be done
			return slices.Contains([]results.Outcome{results.Exists, results.Drift, results.Blocked, results.Failed, results.NotReached, results.LeftOut}, to.Outcome)
		}
	case Planned:
		switch to := to.(type) {
		case Applied:
			return from.Decision != Keep && from.Decision == to.Decision
		case Ended:
			switch to.Outcome {
			case results.Linted, results.Packed:
				return from.Decision == Keep
			case results.Planned, results.Blocked, results.Failed, results.NotReached:
				return true
			}
		}
	case Applied:
		switch to := to.(type) {
		case Applied:
			return from.Decision == Send && to.Decision == Wait
		case Ended:
			switch to.Outcome {
			case results.Released, results.Blocked: // by what became of it in another target
				return from.Decision == Send
			case results.Exists:
				return from.Decision == Wait
			case results.Drift, results.Failed, results.Unverified, results.NotReached:
				return true
			}
		}
	}
	return false
}

// IsPending says that nothing is decided.
func IsPending(s State) bool { return s == Pending{} }

// IsPlanned says that the plan has decided.
func IsPlanned(s State) bool {
	_, ok := s.(Planned)
	return ok
}

// IsToPack says that it is planned, and its package has to be made.
func IsToPack(s State) bool {
	p, ok := s.(Planned)
	return ok && p.Decision != Wait
}

// IsToSend says that the plan is carried out, and something has to be sent.
func IsToSend(s State) bool {
	a, ok := s.(Applied)
	return ok && a.Decision == Send
}

// IsToAwait says that the plan is carried out, and it is only waited for.
func IsToAwait(s State) bool {
	a, ok := s.(Applied)
	return ok && a.Decision == Wait
}

// IsApplied says that the plan is carried out.
func IsApplied(s State) bool {
	_, ok := s.(Applied)
	return ok
}
