package pipeline

import (
	"errors"
	"strings"

	"github.com/ksrelease/ksrelease/internal/target"
)

// Double is the target of the tests of this package, for the contract suite.
type Double struct{ *fakeWorld }

// NewDouble makes an empty one.
func NewDouble() Double {
	w := newFakeWorld()
	w.refusesOverwriting = true
	return Double{w}
}

// WithoutKey is the same place without an API key.
func (d Double) WithoutKey() target.Target { return d.withoutKey() }

// WithBadKey is the same place with an API key that it refuses.
func (d Double) WithBadKey() target.Target { return badKey(d) }

// Break makes the calls that begin with prefix fail: done says that they are done all the
// same and in doubt.
func (d Double) Break(prefix string, done bool) {
	d.fault = func(call string) (bool, error) {
		if !strings.HasPrefix(call, prefix) {
			return false, nil
		}
		return done, &fakeError{text: call + " failed", doubt: done}
	}
}

// Hang gives the calls that begin with prefix no answer.
func (d Double) Hang(prefix string) {
	d.hangs = func(call string) bool { return strings.HasPrefix(call, prefix) }
}

// Restore ends what Break and Hang began.
func (d Double) Restore() { d.fault, d.hangs = nil, nil }

// Review ends the review of a submitted version.
func (d Double) Review(name, version, status string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := d.versions[name+"@"+version]
	if v == nil || v.status != target.StatusSubmitted {
		return errors.New("it is not submitted")
	}
	v.status = status
	if status != target.StatusActive {
		v.message = "no English texts"
	}
	return nil
}
