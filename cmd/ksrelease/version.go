package main

import (
	"runtime"

	"github.com/ksrelease/ksrelease/internal/app"
)

type versionCommand struct{}

// Run prints the version of ksrelease and of what it was built with.
func (c *versionCommand) Run(a *app.App) error {
	a.Stdout.Print("ksrelease %s (%s, %s/%s)", app.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
