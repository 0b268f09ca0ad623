package marketplace

import (
	"errors"
	"net/http"
	"runtime"
	"syscall"
)

// outOfSpace says whether an error is for want of space: the disk is full, or what this
// user or process may have of it.
func outOfSpace(err error) bool {
	if runtime.GOOS == "windows" {
		const handleDiskFull, diskFull = syscall.Errno(39), syscall.Errno(112) // of winerror.h
		return errors.Is(err, handleDiskFull) || errors.Is(err, diskFull)
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// tellingOfSpace answers for a full disk with a status that clients do not take for a
// passing trouble, and with what to do.
func (m *Marketplace) tellingOfSpace(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := next(w, r)
		if outOfSpace(err) {
			return refuse(http.StatusInsufficientStorage, "%v: there is no space left for the marketplace in %s; free some and ask again", err, m.store.dir)
		}
		return err
	}
}
