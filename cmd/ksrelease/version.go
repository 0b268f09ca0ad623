package main

import "runtime"

type versionCommand struct{}

// Run prints the version of ksrelease and of what it was built with.
func (c *versionCommand) Run(a *app) error {
	a.stdout.Print("ksrelease %s (%s, %s/%s)", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
