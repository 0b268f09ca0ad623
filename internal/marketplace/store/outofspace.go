package store

import (
	"errors"
	"runtime"
	"syscall"
)

// OutOfSpace says whether an error is for want of space: the disk is full, or what this
// user or process may have of it.
func OutOfSpace(err error) bool {
	if runtime.GOOS == "windows" {
		const handleDiskFull, diskFull = syscall.Errno(39), syscall.Errno(112) // of winerror.h
		return errors.Is(err, handleDiskFull) || errors.Is(err, diskFull)
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
