package sourceindex

import (
	"io/fs"
	"slices"
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
	return state{path, uint64(s.Dev), uint64(s.Ino), uint64(s.Mode), int64(s.Size), s.Mtim.Nano(), s.Ctim.Nano()}
}

// local are the file systems of this machine that count change times in nanoseconds, by their magic
// numbers (statfs(2)): ext4, xfs, btrfs, tmpfs, overlay, zfs, f2fs, bcachefs. Some of an ext4 that
// once was an ext3 are of whole seconds, and are known by that.
var local = []int64{0xEF53, 0x58465342, 0x9123683E, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xF2F52010, 0xca451a4e}

// trusted reports whether the change times where a file lies are to go by. Not those of a network: a
// machine keeps what it knows of a file there for a while, though another one has changed it.
func trusted(path string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(path, &s) == nil && slices.Contains(local, int64(s.Type)&0xffffffff)
}
