// Package helmtest gives tests the stock helm command, in the very version whose
// library this project is built on, so that "a stock helm works" is tried and not
// believed; and in others, where these may differ.
//
// It is for tests and the bench: nothing that ships may import it. It knows nothing of
// charts or marketplaces.
package helmtest

import "testing"

// Binary returns the path of a helm command of the version that go.mod requires, as
// Build does.
//
// The test is skipped, saying why, under -short when the command is not built yet, and
// where Go cannot fetch the modules; a build that fails with all modules at hand fails
// the test.
func Binary(tb testing.TB) string {
	tb.Helper()
	version, err := requiredVersion()
	if err != nil {
		tb.Fatal(err)
	}
	return BinaryOf(tb, version)
}

// BinaryOf is Binary in another version, such as Helm4.
func BinaryOf(tb testing.TB, version string) string {
	tb.Helper()
	return tool(version).Binary(tb)
}
