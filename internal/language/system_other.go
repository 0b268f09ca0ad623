//go:build !windows

package language

// ofSystem is the language that the system has besides its locale.
func ofSystem() string { return "" }
