//go:build !unix

package extension

// setUmask does nothing: there is none on this system.
func setUmask(int) {}
