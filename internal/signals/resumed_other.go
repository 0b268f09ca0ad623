//go:build !unix

package signals

// Resumed does nothing where programs are not stopped.
func Resumed(func()) {}
