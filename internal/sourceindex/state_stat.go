//go:build linux || darwin

package sourceindex

import (
	"io/fs"
	"syscall"
)

// stateOf asks for the state of a file that is no link, or of a folder.
func stateOf(path string) (state, bool) {
	var s syscall.Stat_t
	if err := syscall.Lstat(path, &s); err != nil {
		return state{}, false
	}
	return stateOfSystem(path, &s), true
}

// stateFrom is the state in what was asked for.
func stateFrom(path string, info fs.FileInfo) (state, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return state{}, false
	}
	return stateOfSystem(path, s), true
}

func stateOfSystem(path string, s *syscall.Stat_t) state {
	modified, changed := timesOf(s)
	// The types of these fields are not the same everywhere.
	return state{path, uint64(s.Dev), uint64(s.Ino), uint64(s.Mode), int64(s.Size), modified.Nano(), changed.Nano()}
}
