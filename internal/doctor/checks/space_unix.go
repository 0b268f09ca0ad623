//go:build linux || darwin || freebsd

package checks

import "golang.org/x/sys/unix"

// freeSpace is how much a user may still write to the disk of a folder, in bytes.
func freeSpace(folder string) (free uint64, ok bool) {
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return 0, false
	}
	return uint64(disk.Bavail) * uint64(disk.Bsize), true
}

// isWritable asks the system whether this user may write into a folder.
func isWritable(folder string) bool { return unix.Access(folder, unix.W_OK|unix.X_OK) == nil }
