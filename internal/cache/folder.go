package cache

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/fileowner"
)

// A cache is a folder that may have been chosen by a variable and may have been there before, so that
// all below it is reached through an os.Root:
//
//	CACHEDIR.TAG           says to backups that this is a cache (https://bford.info/cachedir/)
//	entries/lint-1/HEX     an entry of the kind lint/1
//	entries/trim           when the folder was trimmed last, and what it had then
//	entries/grown          what was written since
//
// entries is of the user of this process or root, and nobody else may write to it. Folders above
// are not looked at, for whoever can write to those can take away the cache, and cannot put another
// one in its place.

const entriesName = "entries"

// tag is the file CACHEDIR.TAG.
const tag = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder has what ksrelease can make again: see `ksrelease cache --help`.\n"

// folder is that folder on the disk.
type folder struct {
	base  string // absolute
	root  *os.Root
	kinds sync.Map // name of a kind → *os.Root
}

// openFolder makes a folder and opens it. The error says why it cannot be used, and has a hint.
func openFolder(dir string) (*folder, error) {
	base, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(base, entriesName)
	before, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = errors.Join(os.MkdirAll(base, 0o700), mkdir(path)); err == nil {
			_ = writeNew(filepath.Join(base, "CACHEDIR.TAG"), tag)
			before, err = os.Lstat(path)
		}
	}
	if err != nil {
		return nil, failure.WithHint(fmt.Errorf("the folder %s cannot be used: %w", base, failure.WithoutPath(err)), "%s", hint)
	}
	return openEntries(base, before)
}

// existing opens a folder that may have entries; nil, nil where it has none.
func existing(dir string) (*folder, error) {
	base, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	before, err := os.Lstat(filepath.Join(base, entriesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failure.WithoutPath(err)
	}
	return openEntries(base, before)
}

func openEntries(base string, before fs.FileInfo) (*folder, error) {
	if !before.IsDir() {
		return nil, &UntrustedError{fmt.Sprintf("the folder %s cannot be used: %s in it is no folder", base, entriesName)}
	}
	root, err := os.OpenRoot(filepath.Join(base, entriesName))
	if err != nil {
		return nil, failure.WithHint(fmt.Errorf("the folder %s cannot be used: %w", base, failure.WithoutPath(err)), "%s", hint)
	}
	f := &folder{base: base, root: root}
	if err := f.trusted(before); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

const hint = "name another folder with KSRELEASE_CACHE_DIR"

// trusted says who else could have written what is in the folder. Looked at is the folder that is
// open, which nobody can exchange.
func (f *folder) trusted(before fs.FileInfo) error {
	info, err := f.root.Stat(".")
	if err != nil {
		return err
	}
	path := filepath.Join(f.base, entriesName)
	owner, others := fileowner.Of(info)
	switch {
	case !os.SameFile(before, info):
		return &UntrustedError{fmt.Sprintf("the folder %s was exchanged while it was opened", path)}
	case others:
		return &UntrustedError{fmt.Sprintf("the folder %s belongs to another user (%s), who could have written any result to it", path, owner)}
	case info.Mode().Perm()&0o022 != 0 && runtime.GOOS != "windows":
		return &UntrustedError{fmt.Sprintf("other users may write to the folder %s, and so any result", path)}
	}
	return nil
}

// UntrustedError says that others could have written what is in a folder.
type UntrustedError struct{ text string }

// Error says who could.
func (e *UntrustedError) Error() string { return e.text }

// Hint says what to do about it.
func (e *UntrustedError) Hint() string { return hint }

func mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

func (f *folder) close() {
	f.kinds.Range(func(_, root any) bool { root.(*os.Root).Close(); return true })
	f.root.Close()
}

// kind opens the folder of a kind, and makes it if it is to be written to.
func (f *folder) kind(name string, mayMake bool) (*os.Root, error) {
	if known, ok := f.kinds.Load(name); ok {
		return known.(*os.Root), nil
	}
	root, err := f.root.OpenRoot(name)
	if errors.Is(err, fs.ErrNotExist) && mayMake {
		if err := f.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		root, err = f.root.OpenRoot(name)
	}
	if err != nil {
		return nil, err
	}
	if known, other := f.kinds.LoadOrStore(name, root); other {
		root.Close()
		return known.(*os.Root), nil
	}
	return root, nil
}

// usedAgain is how old the time of an entry is when it is set anew by who reads it: it says which
// entries were not used for long, and is no reason for a write at each read.
const usedAgain = time.Hour

// open opens an entry. Only a regular file is one, and no pipe is waited for.
func (f *folder) open(kind, name string, now time.Time) (*os.File, int64, error) {
	dir, err := f.kind(kind, false)
	if err != nil {
		return nil, 0, err
	}
	file, err := dir.OpenFile(name, os.O_RDONLY|atOnce, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	if age := now.Sub(info.ModTime()); age > usedAgain || age < -usedAgain {
		_ = dir.Chtimes(name, now, now)
	}
	return file, info.Size(), nil
}

// unfinished begins the names of files that are not in their places yet. Those of killed processes
// are removed with the next trim.
const unfinished = "unfinished-"

// write puts an entry in its place. It is not synced to the disk: a reader verifies what it reads.
func (f *folder) write(kind, name string, entry []byte) error {
	next, err := f.create(kind)
	if err != nil {
		return err
	}
	if _, err := next.Write(entry); err != nil {
		next.drop()
		return err
	}
	return next.place(name)
}

// nextFile is a file that is written.
type nextFile struct {
	*os.File
	dir  *os.Root
	name string
}

func (f *folder) create(kind string) (*nextFile, error) {
	dir, err := f.kind(kind, true)
	if err != nil {
		return nil, err
	}
	name := unfinished + rand.Text()
	file, err := dir.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &nextFile{file, dir, name}, nil
}

func (n *nextFile) drop() {
	n.Close()
	_ = n.dir.Remove(n.name)
}

// errOccupied says that one entry could not be replaced: Windows lets nobody replace a file that is being
// read, and a folder may be in its place. It says nothing of other entries.
var errOccupied = errors.New("what is there cannot be replaced")

// place closes the file and gives it its name.
func (n *nextFile) place(name string) error {
	err := n.Close()
	if err == nil {
		if err = n.dir.Rename(n.name, name); err == nil {
			return nil
		}
		if _, there := n.dir.Lstat(name); there == nil {
			err = errOccupied
		}
	}
	_ = n.dir.Remove(n.name)
	return err
}

// isEntry reports whether a name is that of an entry.
func isEntry(name string) bool {
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}

// onDisk is what a file of that size takes, as most file systems keep it.
func onDisk(size int64) int64 { return (size + 4095) / 4096 * 4096 }
