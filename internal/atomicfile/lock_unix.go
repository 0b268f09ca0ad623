//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lock keeps others from taking a file for a leftover, for as long as it is open. Where
// a file system has no locks, nobody removes anything either.
func lock(file *os.File, path string) error {
	if err := flock(file); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return errTaken // somebody is about to remove it
		}
		return nil
	}
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Lstat(path); err != nil || !os.SameFile(opened, there) {
		return errTaken
	}
	return nil
}

// putInPlace gives a file its name while it is locked, and closes it.
func putInPlace(file *os.File, from, to string) error {
	return errors.Join(os.Rename(from, to), file.Close())
}

// removeUnlessOpen removes a file that nobody has locked.
func removeUnlessOpen(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if flock(file) != nil {
		return nil
	}
	// It may have been put in its place before it was locked here.
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Lstat(path); err != nil || !os.SameFile(opened, there) {
		return nil
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// flock locks a file for this process alone, or fails at once (flock(2)).
func flock(file *os.File) error {
	for {
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
