package sourceindex

import (
	"io/fs"
	"syscall"
)

// state is what the system says of a file or folder. Times are nanoseconds since 1970.
type state struct {
	path                string
	device, inode, mode uint64
	size                int64
	modified, changed   int64
}

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
	return state{path, uint64(s.Dev), s.Ino, uint64(s.Mode), s.Size, s.Mtimespec.Nano(), s.Ctimespec.Nano()}
}

// isLocal is MNT_LOCAL of statfs(2).
const isLocal = 0x1000

// trusted reports whether the change times where a file lies are to go by: those of APFS. HFS+ counts
// in seconds, and is known by that; what a network has is another machine's.
func trusted(path string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(path, &s) == nil && s.Flags&isLocal != 0
}
