//go:build !linux && !darwin

package sourceindex

import "io/fs"

// Here nothing says for certain that a file has not changed, so that all are read.

func stateOf(string) (state, bool) { return state{}, false }

func stateFrom(string, fs.FileInfo) (state, bool) { return state{}, false }

func trusted(string) bool { return false }
