//go:build !(linux || darwin || freebsd)

package checks

import "os"

// freeSpace is not known on this system.
func freeSpace(string) (free uint64, ok bool) { return 0, false }

// isWritable goes by the mode of a folder.
func isWritable(folder string) bool {
	info, err := os.Stat(folder)
	return err == nil && info.Mode().Perm()&0o200 != 0
}
