//go:build !unix

package regularfile

// AtOnce is nothing here: see open_unix.go.
const AtOnce = 0
