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
