// Package helmtest gives tests the stock helm command, in the very version whose
// library this project is built on, so that "a stock helm works" is tried and not
// believed.
//
// It is for tests and the bench: nothing that ships may import it. It knows nothing of
// charts or marketplaces.
package helmtest

import (
	"errors"
	"testing"
)

// Binary returns the path of a helm command of the version that go.mod requires, as
// Build does.
//
// The test is skipped, saying why, under -short when the command is not built yet, and
// where Go cannot fetch the modules; a build that fails with all modules at hand fails
// the test.
func Binary(tb testing.TB) string {
	tb.Helper()
	place, err := locate()
	var homeless *cacheError
	switch {
	case errors.As(err, &homeless):
		tb.Skipf("no stock helm: %v", err)
	case err != nil:
		tb.Fatal(err)
	case !place.built() && testing.Short():
		tb.Skipf("no stock helm: %s is not built yet and -short is set", place.binary)
	}
	binary, err := Build(tb.Context())
	var unreachable *fetchError
	switch {
	case errors.As(err, &unreachable), errors.As(err, &homeless):
		tb.Skipf("no stock helm: %v", err)
	case err != nil:
		tb.Fatal(err)
	}
	return binary
}
