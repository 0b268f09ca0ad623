//go:build !unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// lock does nothing: Windows removes no file that somebody has open.
func lock(*os.File, string) error { return nil }

// putInPlace closes a file, since Windows renames none that is open, and gives it its
// name.
func putInPlace(file *os.File, from, to string) error {
	if err := file.Close(); err != nil {
		return err
	}
	err := os.Rename(from, to)
	if _, gone := os.Lstat(from); errors.Is(err, fs.ErrNotExist) && errors.Is(gone, fs.ErrNotExist) {
		return errors.Join(errTaken, err)
	}
	return err
}

// removeUnlessOpen removes a file; one that is open stays.
func removeUnlessOpen(path string) error {
	_ = os.Remove(path)
	return nil
}
