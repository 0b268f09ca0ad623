package sourceindex

import "syscall"

func timesOf(s *syscall.Stat_t) (modified, changed syscall.Timespec) { return s.Mtimespec, s.Ctimespec }

// isLocal is MNT_LOCAL of statfs(2).
const isLocal = 0x1000

// trusted reports whether the change times where a file lies are to go by: those of APFS. HFS+ counts
// in seconds, and is known by that; what a network has is another machine's.
func trusted(path string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(path, &s) == nil && s.Flags&isLocal != 0
}
