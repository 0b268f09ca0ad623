package pipeline

import (
	"fmt"

	"github.com/ksrelease/ksrelease/internal/lifecycle"
)

// move brings an extension to another state on its way to a target: the one place that does. It
// says whether it is in that state now: the first outcome stands.
func (rt *route) move(to lifecycle.State) bool {
	if !lifecycle.MayMove(rt.state, to) {
		mistake(fmt.Sprintf("the extension %s is %s and cannot be %s", rt.result.Name, rt.state, to))
		if rt.over() {
			return false
		}
	}
	rt.state = to
	return true
}

// mistake is given each impossible move. A release that is under way goes on: to end the
// program would leave others in doubt. Tests replace it, and fail.
var mistake = func(string) {}

// over says that the way has ended.
func (rt *route) over() bool {
	_, over := rt.state.(lifecycle.Ended)
	return over
}

// over says that the extension has ended: all its ways have.
func (r *release) over() bool { return len(r.open()) == 0 }

// open are the ways of the extension that have not ended.
func (r *release) open() (open []*route) {
	for _, rt := range r.routes {
		if !rt.over() {
			open = append(open, rt)
		}
	}
	return open
}

// decided is what is decided on the extension for a target, and what there is to say of it.
func (rt *route) decided() (lifecycle.Decision, string) {
	switch s := rt.state.(type) {
	case lifecycle.Planned:
		return s.Decision, s.Note
	case lifecycle.Applied:
		return s.Decision, s.Note
	}
	return lifecycle.Keep, ""
}
