// Package atomicfile puts a file in its place as a whole or not at all: who
// reads it sees the old file or the new one, and a process that is killed
// leaves one of the two. It works the same on every system.
//
// What does not belong here: files that are changed in place, locks, and the
// marketplace, which syncs directories besides and stays below an os.Root.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// Write replaces the file at path. Its mode is perm less the umask, whatever
// the mode of an earlier file. The new content survives the death of the
// process, but is not synced, which costs many times as much: for what can be
// made again after a power failure. The folder has to be there.
func Write(path string, data []byte, perm fs.FileMode) error {
	return write(path, data, perm, func(*os.File) error { return nil })
}

// WriteSynced replaces the file at path as Write does, and has the new content
// on disk before it takes the place of the old.
func WriteSynced(path string, data []byte, perm fs.FileMode) error {
	return write(path, data, perm, (*os.File).Sync)
}

// prefix begins the names of files that are not in their place yet.
const prefix = ".ksrelease-"

// aside is a name like that of such a file: 26 random characters (rand.Text).
var aside = regexp.MustCompile(`^\.ksrelease-[A-Z2-7]{26}$`)

// RemoveLeftovers removes what writers that were killed left in a folder. Nobody
// else may write there meanwhile: call it under a lock.
func RemoveLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if aside.MatchString(entry.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

// write fills a file beside the one to be replaced: only within one file system
// is a change of name a single step.
func write(path string, data []byte, perm fs.FileMode, sync func(*os.File) error) error {
	beside := filepath.Join(filepath.Dir(path), prefix+rand.Text())
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return named(err, path)
	}
	_, err = file.Write(data)
	if err == nil {
		err = sync(file)
	}
	// Closed before it is renamed: Windows renames no open file.
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		_ = os.Remove(beside)
		return named(err, path)
	}
	return nil
}

// named tells of the file that was asked for, not of the one beside it.
func named(err error, path string) error {
	cause := err
	var (
		onPath *fs.PathError
		onLink *os.LinkError
	)
	switch {
	case errors.As(err, &onPath):
		cause = onPath.Err
	case errors.As(err, &onLink):
		cause = onLink.Err
	}
	return &fs.PathError{Op: "replace", Path: path, Err: cause}
}
