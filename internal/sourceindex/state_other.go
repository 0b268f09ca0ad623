//go:build !linux && !darwin

package sourceindex

import "io/fs"

// state is what the system says of a file or folder.
type state struct {
	path                string
	device, inode, mode uint64
	size                int64
	modified, changed   int64
}

// Here nothing says for certain that a file has not changed, so that all are read.

func stateOf(string) (state, bool) { return state{}, false }

func stateFrom(string, fs.FileInfo) (state, bool) { return state{}, false }

func trusted(string) bool { return false }
