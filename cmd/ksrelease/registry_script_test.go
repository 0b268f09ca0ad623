package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ksrelease/ksrelease/internal/testutil/registrytest"
)

// registryInScript starts a registry; the script is skipped where there is none.
func registryInScript(ts *testscript.TestScript, neg bool, args []string) {
	options := registrytest.Options{}
	switch {
	case neg:
		ts.Fatalf("registry cannot be negated")
	case len(args) == 2:
		options.Username, options.Password = args[0], args[1]
	case len(args) != 0:
		ts.Fatalf("usage: registry [USER PASSWORD]")
	}
	ts.Setenv("REGISTRY", registrytest.Start(ts.Value(scriptTest{}).(*testing.T), options).Host)
}
