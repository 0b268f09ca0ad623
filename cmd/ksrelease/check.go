package main

import (
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/checking"
)

type checkCommand struct {
	app.Place
	app.Deadline
	app.HookFlags
}

// Run reports every mistake of the config and of every extension.yaml.
func (c *checkCommand) Run(a *app.App) error {
	ctx, cancel := c.Begin(a.Stop)
	defer cancel()
	if !c.Hooks { // whose last ones are run after an interrupt, too
		defer a.Reads.Begin()() // to the end
	}
	a.WarnOnStderr()
	found, err := checking.Of(ctx, a, c.Place, c.Hooks)
	if err != nil {
		return err
	}
	found.Print(a)
	switch {
	case found.OfConfig > 0:
		return &app.OutcomeError{Code: app.ExitUsage}
	case found.Errors > 0:
		return &app.OutcomeError{Code: app.ExitNotReleased}
	}
	return nil
}
