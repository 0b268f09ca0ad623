//go:build !unix

package signals

// Stops does nothing where programs are not stopped.
func Stops(func() func(), func()) {}
