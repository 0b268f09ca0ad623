// Package failure reads what errors say of themselves: what they mean, and what can be done
// about them.
package failure

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Whoever makes an error says by these small methods what it means, so that nobody need know
// who made it.
type (
	unauthorized interface{ Unauthorized() bool }
	inDoubt      interface{ InDoubt() bool }
	temporary    interface{ Temporary() bool }
	slowDown     interface{ SlowDown() bool }
	limitReached interface{ LimitReached() bool }
)

// Unauthorized says whether the target refused the key. Where an error
// has several causes (a write that failed and a read-back that did), one is
// enough; what an error says of itself counts for those within it.
func Unauthorized(err error) bool {
	if e, ok := err.(unauthorized); ok {
		return e.Unauthorized()
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return Unauthorized(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), Unauthorized)
	}
	return false
}

// SlowDown says whether a server refused for the load it has.
func SlowDown(err error) bool {
	var s slowDown
	return errors.As(err, &s) && s.SlowDown()
}

// InDoubt says of a write that failed that nobody knows whether it was done: it may be sent
// once more, after its effect was read back. What can be known not to have been done (no
// connection, a rate limit) the clients have tried again already, with more patience than
// the pipeline has.
func InDoubt(err error) bool {
	var d inDoubt
	return errors.As(err, &d) && d.InDoubt()
}

// Temporary says that what failed may well succeed some time later.
func Temporary(err error) bool {
	var t temporary
	return errors.As(err, &t) && t.Temporary()
}

// LimitReached says that something was ended at a limit of time or memory.
func LimitReached(err error) bool {
	var l limitReached
	return errors.As(err, &l) && l.LimitReached()
}

// Staged is an error that happened in another stage than that in which it came up.
type Staged struct {
	Stage string
	Err   error
}

func (e *Staged) Error() string { return e.Err.Error() }

// Unwrap gives the error itself.
func (e *Staged) Unwrap() error { return e.Err }

// InStage is an error that happened in a stage, unless it says itself in which one.
func InStage(stage string, err error) error {
	if staged := new(Staged); err == nil || errors.As(err, &staged) {
		return err
	}
	return &Staged{Stage: stage, Err: err}
}

// Lost is the error of a write whose answer was lost and whose effect cannot be read back; what
// says what is not known.
func Lost(err, readErr error, what string) error {
	hint := "run again when it can be asked again: the next run goes on from what is there"
	if Unauthorized(readErr) {
		hint = Hint(readErr)
	}
	return WithHint(fmt.Errorf("%w; %s is not known, as reading it back failed: %w", err, what, readErr), "%s", hint)
}

// WithoutPath is what the system says of a file, without the path that the os package puts
// into its errors: the caller names the file as the user knows it. Any other error, and nil,
// stays as it is.
func WithoutPath(err error) error {
	var (
		onPath *fs.PathError
		onLink *os.LinkError
	)
	switch {
	case errors.As(err, &onPath):
		return onPath.Err
	case errors.As(err, &onLink):
		return onLink.Err
	}
	return err
}

// hinted is an error that comes with a hint; fact and hint stay apart so
// that each reporter can set them as it likes.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }
func (e *hinted) Hint() string  { return e.hint }

// WithHint attaches what the user can do about err.
func WithHint(err error, format string, args ...any) error {
	return &hinted{err: err, hint: fmt.Sprintf(format, args...)}
}

// notTheKey is a refusal that is not of the key.
type notTheKey struct{ hinted }

// Unauthorized hides that of the error within.
func (*notTheKey) Unauthorized() bool { return false }

// NotTheKey is an error that another key would not change, whatever the error within says of
// itself, with what would.
func NotTheKey(err error, hint string) error { return &notTheKey{hinted{err, hint}} }

// settled is a failure of which all is known.
type settled struct {
	text, hint string
	cause      error
}

func (e *settled) Error() string { return e.text }
func (e *settled) Unwrap() error { return e.cause }
func (e *settled) Hint() string  { return e.hint }

// InDoubt hides that of the cause.
func (*settled) InDoubt() bool { return false }

// Temporary hides that of the cause.
func (*settled) Temporary() bool { return false }

// Settled is a failure that leaves nothing in doubt and that no further attempt changes, whatever
// the answer that led to it says of itself: what is there was read. Without such an answer cause is nil.
func Settled(text string, cause error, hint string) error { return &settled{text, hint, cause} }

// Hint is what the user can do about an error; empty where there is none.
func Hint(err error) string {
	var r interface{ Hint() string }
	if errors.As(err, &r) && r.Hint() != "" {
		return r.Hint()
	}
	if Unauthorized(err) {
		return "run ksrelease login, or set KSRELEASE_TOKEN"
	}
	if Temporary(err) || InDoubt(err) {
		return "run again later: a run goes on from what is there"
	}
	return ""
}

// Summary is an error in a few words, for a line of progress, where it has some by a method
// Summary; else all of it.
func Summary(err error) string {
	var short interface{ Summary() string }
	if errors.As(err, &short) {
		return short.Summary()
	}
	return err.Error()
}

// InOneLine is an error with what can be done about it, in one line, where
// that is more than to wait.
func InOneLine(err error) string {
	if hint := Hint(err); hint != "" && !Temporary(err) {
		return err.Error() + ": " + hint
	}
	return err.Error()
}
