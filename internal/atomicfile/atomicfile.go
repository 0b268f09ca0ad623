// Package atomicfile puts a file in its place as a whole or not at all: who
// reads it sees the old file or the new one, and a process that is killed
// leaves one of the two. It works the same on every system.
//
// What does not belong here: files that are changed in place, and the marketplace, which syncs directories besides and stays below an os.Root.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
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

// WriteStream replaces the file at path as WriteSynced does, for content that does not fit into
// memory: fill writes it to the file that it is handed, once. An error of fill is returned as it is, and nothing is
// left of the file.
func WriteStream(path string, perm fs.FileMode, fill func(*os.File) error) error {
	if err := Replaceable(path); err != nil {
		return named(err, path)
	}
	var failed error
	err := writeOnce(path, func(file *os.File) error {
		if failed = fill(file); failed != nil {
			return failed
		}
		return file.Sync()
	}, perm)
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return named(err, path)
	}
	return nil
}

// Probe finds out whether files can be written to a folder, and leaves none.
func Probe(dir string) error {
	path := filepath.Join(dir, prefix+rand.Text())
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = file.Close()
	if gone := os.Remove(path); !errors.Is(gone, fs.ErrNotExist) { // somebody may have taken it for a leftover
		err = errors.Join(err, gone)
	}
	return err
}

// ProbeBelow finds out whether files can be written in a folder, or in one that would be made
// for it; it leaves neither behind. Errors name the folder that is in the way as show does.
func ProbeBelow(dir string, show func(path string) string) error {
	at, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is no folder", show(at))
		}
		if err == nil {
			break
		}
		parent := filepath.Dir(at)
		if parent == at || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return err
		}
		at = parent
	}
	err = Probe(at)
	var of *fs.PathError
	if errors.As(err, &of) {
		return fmt.Errorf("%s cannot be written: %w", show(at), of.Err)
	}
	return err
}

// Replaceable says whether Write may put a file at path: where nothing is, a regular file, or a
// link to one, which is replaced itself. A device or a named pipe would be lost to all who use
// it, and a link such as /dev/stdout, which leads to an open file of a process, too.
func Replaceable(path string) error {
	if to, err := os.Readlink(path); err == nil && strings.HasPrefix(to, "/proc/") {
		return errNoFile
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return errNoFile
	}
	return nil // a folder that is missing shows when the file is written
}

// errNoFile says what Replaceable found.
var errNoFile = errors.New("what is there is no regular file, and is not replaced")

// prefix begins the names of files that are not in their place yet.
const prefix = ".ksrelease-"

// aside is a name like that of such a file: 26 random characters (rand.Text).
var aside = lazyregexp.New(`^\.ksrelease-[A-Z2-7]{26}$`)

// RemoveLeftovers removes what writers that were killed left in a folder. It may be
// called at any time, also while others write there: a file whose writer is alive is
// locked, and stays, and so does all that is not of the name and kind that writers here
// give to their files. A folder that is not there has no leftovers.
func RemoveLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if aside.MatchString(entry.Name()) && entry.Type().IsRegular() {
			err = errors.Join(err, removeUnlessOpen(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

// attempts is how often a file is begun anew that somebody took for a leftover in the
// moment between its creation and its lock.
const attempts = 20

// errTaken says that this happened.
var errTaken = errors.New("it was removed while it was written")

func write(path string, data []byte, perm fs.FileMode, sync func(*os.File) error) error {
	if err := Replaceable(path); err != nil {
		return named(err, path)
	}
	fill := func(to *os.File) error {
		if _, err := to.Write(data); err != nil {
			return err
		}
		return sync(to)
	}
	var err error
	for range attempts {
		if err = writeOnce(path, fill, perm); !errors.Is(err, errTaken) {
			break
		}
	}
	if err != nil {
		return named(err, path)
	}
	return nil
}

// writeOnce fills a file next to the one to be replaced: only within one file system
// is a change of name a single step. The file is locked until it has its name.
func writeOnce(path string, fill func(*os.File) error, perm fs.FileMode) error {
	next := filepath.Join(filepath.Dir(path), prefix+rand.Text())
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	if err := lock(file, next); err != nil {
		return errors.Join(err, file.Close())
	}
	if err = fill(file); err == nil {
		err = putInPlace(file, next, path)
	} else {
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		_ = os.Remove(next)
	}
	return err
}

// named is an error about the file that was asked for, not about the temporary one.
func named(err error, path string) error {
	return &fs.PathError{Op: "replace", Path: path, Err: failure.WithoutPath(err)}
}
