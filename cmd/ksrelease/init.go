package main

import (
	"github.com/ksrelease/ksrelease/internal/adopt"
	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/declaring"
)

type initCommand struct {
	Dir           string `short:"C" placeholder:"DIR" help:"Go to this directory first."`
	Gitattributes bool   `help:"Write a .gitattributes, too, by which each checkout has the line ends that were committed; where the config is there already, it alone."`
	CI            string `name:"ci" placeholder:"SYSTEM" enum:"none,github,gitlab,jenkins,make" default:"none" help:"Write the file by which a CI releases the extensions, too: github, gitlab, jenkins, or make for targets of a Makefile; where the config is there already, it alone."`
}

// Run finds the extensions and declares them.
func (c *initCommand) Run(a *app.App) error {
	if err := (app.Place{Dir: c.Dir}).Enter(); err != nil {
		return err
	}
	command := declaring.Command{Gitattributes: c.Gitattributes, Adopt: func(latest bool) (adopt.Options, error) {
		if latest {
			return adopting("latest")
		}
		return adopting(ownVersion(a, ""))
	}}
	if c.CI != "none" {
		command.CI = cifile.System(c.CI)
	}
	return command.Run(a)
}
