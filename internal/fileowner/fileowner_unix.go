//go:build unix

package fileowner

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// Of is the user that a file belongs to ("uid 1000"), and whether that is neither the one of
// this process nor root.
func Of(info fs.FileInfo) (owner string, others bool) {
	system, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return "uid " + strconv.FormatUint(uint64(system.Uid), 10), system.Uid != 0 && int64(system.Uid) != int64(os.Geteuid())
}
