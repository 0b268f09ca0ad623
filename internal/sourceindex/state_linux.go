package sourceindex

import (
	"slices"
	"syscall"
)

func timesOf(s *syscall.Stat_t) (modified, changed syscall.Timespec) { return s.Mtim, s.Ctim }

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
