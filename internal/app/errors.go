package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report"
)

// The exit codes, which scripts rely on (docs/exit-codes.md).
const (
	ExitOK          = 0
	ExitNotReleased = 1   // at least one extension is not released as asked
	ExitUsage       = 2   // usage or configuration
	ExitAuth        = 3   // authentication
	ExitNothingToDo = 4   // there was nothing to do, and somebody asked to see it
	ExitHungUp      = 129 // SIGHUP
	ExitInterrupted = 130 // SIGINT
	ExitTerminated  = 143 // SIGTERM
)

// Exited is panicked with to end a command at once with an exit code, as kong wants after --help.
type Exited int

// guard runs a command and turns its error into words and an exit code: the
// one switch that does.
func (a *App) guard(command func() error) (code int) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case Exited:
			code = int(thrown)
		default: // the runtime would print it as it is
			value, stack := any(thrown), debug.Stack()
			if elsewhere, ok := thrown.(*graceful.Panic); ok {
				value, stack = elsewhere.Value, elsewhere.Stack
			}
			a.failure = fmt.Errorf("this is a mistake in ksrelease: %v\n%s", value, stack)
			a.PrintError(a.failure, "please report it with what is above: "+projectURL+"/issues")
			code = ExitNotReleased
		}
	}()
	err := command()
	if err == nil {
		return ExitOK
	}
	a.failure = err
	a.showKept(err)
	var (
		quiet    *OutcomeError
		problems diagnostic.List
		wrong    *UsageError
	)
	switch {
	case errors.As(err, &quiet):
		if quiet.Code == ExitNothingToDo {
			a.failure = nil // which reports need not say
		}
		return quiet.Code
	case a.cut(err):
		at, _ := strings.CutSuffix(err.Error(), context.Canceled.Error())
		a.PrintError(errors.New(strings.TrimSuffix("interrupted: "+strings.TrimSuffix(at, ": "), ": ")), "")
		return ExitNotReleased
	case errors.As(err, &problems):
		for _, p := range problems.Sorted() {
			a.Stderr.Print("%s", report.Problem(a.Redact.Diagnostic(p), 0))
		}
		return ExitUsage
	case errors.As(err, &wrong):
		a.PrintError(err, wrong.Hint)
		return ExitUsage
	case failure.Unauthorized(err):
		a.PrintError(err, failure.Hint(err))
		return ExitAuth
	default:
		a.PrintError(err, failure.Hint(err))
		return ExitNotReleased
	}
}

// cut reports whether an error is that of work which a signal has ended, and which knows nothing of
// the signal.
func (a *App) cut(err error) bool {
	return a.Stop != nil && a.Stop.Err() != nil && errors.Is(err, context.Canceled) && strings.HasSuffix(err.Error(), context.Canceled.Error())
}

// PrintError prints an error and, apart from it, the hint.
func (a *App) PrintError(err error, hint string) {
	a.Stderr.Print("%s", output.Error("ksrelease", a.Redact.Text(err.Error()), 0))
	if hint != "" {
		a.Stderr.Print("%s", output.Hint("  ", a.Redact.Text(hint), 0))
	}
}

// OutcomeError ends a command whose output has said everything already.
type OutcomeError struct {
	Code int // the exit code
}

func (e *OutcomeError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// UsageError is a mistake in what was typed or configured.
type UsageError struct {
	err  error
	Hint string
}

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

// usageIf is Usage of an error that may be nil.
func usageIf(err error) error {
	if err == nil {
		return nil
	}
	return Usage(err, "")
}

// Usage makes a UsageError. Without a hint of its own it has that of the error, if it has any.
func Usage(err error, hint string) error {
	return &UsageError{err, cmp.Or(hint, failure.Hint(err))}
}
