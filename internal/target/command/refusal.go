package command

import (
	"fmt"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// exists is a version that is there with other content. Nothing was changed. cause is the answer;
// nil where it was not sent anything.
func exists(who string, pkg *extension.Package, cause error) error {
	return existsError{failure.Settled(fmt.Sprintf("%s has %s %s already, with other content", who, pkg.Name, pkg.Version), cause, "release another version: what is there stays as it is")}
}

type existsError struct{ error }

// HasOther says that the version is there with other content.
func (existsError) HasOther() bool { return true }

// Unwrap gives what the error is besides.
func (e existsError) Unwrap() error { return e.error }

// unclearError is a version that was sent, of which nobody can say whether it is there.
type unclearError struct{ who, name, version string }

func (e *unclearError) Error() string {
	return fmt.Sprintf("%s cannot say whether it has %s %s: it knows no action snapshot", e.who, e.name, e.version)
}

// Hint says what to do.
func (e *unclearError) Hint() string {
	return "run again: it is sent once more then, and has to take the same package twice"
}

// failedError is a request that failed. Its text has no secret.
type failedError struct {
	text         string
	hint         string
	cause        error // nil where there is none with a meaning of its own
	doubt        bool
	later        bool // it may succeed later
	unauthorized bool
}

func (e *failedError) Error() string { return e.text }
func (e *failedError) Unwrap() error { return e.cause }

// InDoubt says that a package may have been taken all the same.
func (e *failedError) InDoubt() bool { return e.doubt }

// Temporary says that the same request may succeed later.
func (e *failedError) Temporary() bool { return e.later }

// Unauthorized says that it wants to be proved who asks.
func (e *failedError) Unauthorized() bool { return e.unauthorized }

// Hint is what can be done.
func (e *failedError) Hint() string { return e.hint }

// Summary is the error in one line.
func (e *failedError) Summary() string { return firstLine(e.text) }
