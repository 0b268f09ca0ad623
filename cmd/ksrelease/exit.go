package main

import (
	"errors"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/results"
)

// exitFlags have a script see more in the exit code.
type exitFlags struct {
	DetailedExitCode bool `help:"End with exit code 4, not 0, where there is nothing to do: nothing was sent, or with --dry-run would be."`
	FailIfEmpty      bool `help:"End with exit code 2, not 0, where no extension is chosen at all, such as with --since where nothing changed."`
}

// ended is how a run ends that came to its end, by these flags. One that went wrong ends as it does
// without them.
func (f exitFlags) ended(result *results.Document, err error) error {
	switch {
	case err != nil:
		return err
	case f.FailIfEmpty && len(result.Extensions) == 0:
		return app.Usage(errors.New("no extension was chosen, which --fail-if-empty does not let pass"), "name what is to be released, or leave out --fail-if-empty")
	case f.DetailedExitCode && !result.HasWork():
		return &app.OutcomeError{Code: app.ExitNothingToDo}
	}
	return nil
}
