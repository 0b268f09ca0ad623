package pipeline

import (
	"fmt"

	"github.com/ksrelease/ksrelease/internal/lifecycle"
)

// move brings an extension to another state: the one place that does. It says whether the
// extension is in that state now: the first outcome stands.
func (r *release) move(to lifecycle.State) bool {
	if !lifecycle.MayMove(r.state, to) {
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
	_, over := r.state.(lifecycle.Ended)
	return over
}

// decided is what is decided on the extension, and what there is to say of it.
func (r *release) decided() (lifecycle.Decision, string) {
	switch s := r.state.(type) {
	case lifecycle.Planned:
		return s.Decision, s.Note
	case lifecycle.Applied:
		return s.Decision, s.Note
	}
	return lifecycle.Keep, ""
}

// waits says that the extension is only waited for, and nothing of it is sent.
func (r *release) waits() bool {
	d, _ := r.decided()
	return d == lifecycle.Wait
}
