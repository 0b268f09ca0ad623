package main

import (
	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/app"
)

type helpCommand struct {
	Command []string `arg:"" optional:"" name:"command" help:"The command, such as run or marketplace serve; none: all of them."`
}

// Run prints the help of a command, as --help after it does.
func (c *helpCommand) Run(_ *app.App, parser *kong.Kong) error {
	_, err := parser.Parse(append(c.Command, "--help"))
	return app.Usage(err, "see ksrelease help")
}
