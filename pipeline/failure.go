package pipeline

import (
	"errors"
	"fmt"
)

// remedied is an error that comes with advice; fact and advice stay apart so
// that each reporter can set them as it likes.
type remedied struct {
	err    error
	remedy string
}

func (e *remedied) Error() string  { return e.err.Error() }
func (e *remedied) Unwrap() error  { return e.err }
func (e *remedied) Remedy() string { return e.remedy }

// withRemedy attaches what the user can do about err.
func withRemedy(err error, format string, args ...any) error {
	return &remedied{err: err, remedy: fmt.Sprintf(format, args...)}
}

// Remedy is what the user can do about an error; empty where there is no advice.
func Remedy(err error) string {
	var r interface{ Remedy() string }
	if errors.As(err, &r) && r.Remedy() != "" {
		return r.Remedy()
	}
	if Unauthorized(err) {
		return "run ksrelease login, or set KSRELEASE_TOKEN"
	}
	var t temporary
	if errors.As(err, &t) && t.Temporary() || InDoubt(err) {
		return "run again later: a run goes on from what is there"
	}
	return ""
}

// ended is how a stage ends an extension in another way than failing.
type ended struct {
	outcome Outcome
	reason  string
	cause   error // what went wrong in the stage, with its remedy; nil where nothing did
}

func (e *ended) Error() string { return string(e.outcome) + ": " + e.reason }

// ErrNoToken is why nothing can be written without an API key.
var ErrNoToken = noToken{}

type noToken struct{}

func (noToken) Error() string      { return "no API key for the marketplace" }
func (noToken) Unauthorized() bool { return true }
