//go:build !unix

package signals

// Stops does nothing where programs are not stopped.
func Stops(func() func(), func()) {}

// Resumed calls nothing there.
func Resumed(func()) (end func()) { return func() {} }
