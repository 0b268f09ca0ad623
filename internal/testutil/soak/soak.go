// Package soak says, for tests, how many cases a property is tried on: few
// where somebody waits for the answer, the whole figure under `make soak`.
// The whole figures stand in docs/reliability.md. Nothing that ships may
// import it.
package soak

import (
	"os"
	"testing"
)

// Variable of the environment that asks for the whole figures, if it is not
// empty.
const Variable = "KSRELEASE_SOAK"

// Cases is how many cases a test tries: short in a usual run, the whole figure
// in a soak. The test's log says which of them it was, so that `go test -v`
// shows the figure that was reached.
func Cases(tb testing.TB, short, whole int) int {
	tb.Helper()
	cases := short
	if os.Getenv(Variable) != "" {
		cases = whole
	}
	tb.Logf("%d cases of %d", cases, whole)
	return cases
}

// Long leaves a test out of -short, which is how the race detector runs: one that takes
// long there, and has nothing to show it that others have not, because a single goroutine
// works, or because what it is about is how often something is tried.
func Long(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("it takes long, and shows the race detector nothing that others do not")
	}
}
