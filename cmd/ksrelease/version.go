package main

import (
	"fmt"
	"runtime"
)

type versionCommand struct{}

// Run prints the version of ksrelease and of what it was built with.
func (c *versionCommand) Run(a *app) error {
	_, err := fmt.Fprintf(a.stdout, "ksrelease %s (%s, %s/%s)\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
