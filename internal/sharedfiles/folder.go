package sharedfiles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// Folder is a folder on disk. It need not be there before something is written.
//
// Processes take turns by a lock (flock(2)) on a file in it, which ends with the process that has
// it. The file is removed again, so that it is neither served nor committed.
type Folder struct {
	path  string // absolute
	shown string // in messages
}

// NewFolder is the folder at an absolute path; shown is what messages call it.
func NewFolder(path, shown string) *Folder {
	return &Folder{path: path, shown: shown}
}

// lockName is the file of the lock. No file of a release begins with a dot.
const lockName = ".ksrelease.lock"

// View is the folder itself, as it is whenever it is read.
func (f *Folder) View(ctx context.Context) (View, error) { return folderView{f}, ctx.Err() }

// Close does nothing.
func (f *Folder) Close() error { return nil }

type folderView struct{ *Folder }

// Read reads a file; links may not lead out of the folder.
func (v folderView) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	local, err := localName(name)
	if err != nil {
		return nil, err
	}
	data, err := regularfile.ReadWithin(v.path, filepath.Join(v.path, local), limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", v.show(name), err)
	}
	return data, nil
}

// Names are those of the regular files, links among them.
func (v folderView) Names(ctx context.Context) ([]string, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	entries, err := os.ReadDir(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the folder %s: %w", v.shown, failure.WithoutPath(err))
	}
	var names []string
	for _, entry := range entries {
		if entry.Type().IsRegular() || entry.Type()&fs.ModeSymlink != 0 {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func (f *Folder) show(name string) string { return f.shown + "/" + name }

// Change changes the folder under its lock. Each file is replaced as a whole, and on disk before
// the next one is.
func (f *Folder) Change(ctx context.Context, edit func(context.Context, View) (Change, error)) error {
	if err := os.MkdirAll(f.path, 0o755); err != nil {
		return f.cannotWrite("", err)
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	change, err := edit(ctx, folderView{f})
	if err != nil || len(change.Files) == 0 {
		return err
	}
	if err := atomicfile.RemoveLeftovers(f.path); err != nil {
		return f.cannotWrite("", err)
	}
	for i, file := range change.Files {
		last := i == len(change.Files)-1
		if last { // and it may count on the others
			if err := f.sync(); err != nil {
				return f.cannotWrite("", err)
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := atomicfile.WriteSynced(filepath.Join(f.path, file.Name), file.Data, 0o644); err != nil {
			return f.cannotWrite(file.Name, err)
		}
		if !last {
			continue
		}
		if err := f.sync(); err != nil {
			return &lost{f.cannotWrite("", err), "see whether the disk is in order, and run again: a run goes on from what is there"}
		}
	}
	return nil
}

// lock takes the lock, and gives what gives it back.
func (f *Folder) lock(ctx context.Context) (unlock func(), err error) {
	path := filepath.Join(f.path, lockName)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, failure.WithHint(fmt.Errorf("the folder cannot be locked: %s is no regular file", f.show(lockName)), "remove it")
	}
	unlock, err = lockFile(ctx, path, 0o644)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("waiting for another process to end its work in %s: %w", f.shown, context.Cause(ctx))
	case err != nil:
		return nil, f.cannotWrite(lockName, err)
	}
	return unlock, nil
}

// lockFile takes the lock on a file, which is made for that, and removed before it is given back.
func lockFile(ctx context.Context, path string, perm fs.FileMode) (unlock func(), err error) {
	const asksEvery = 20 * time.Millisecond
	for {
		lock := flock.New(path, flock.SetPermissions(perm))
		got, err := lock.TryLockContext(ctx, asksEvery)
		if err != nil || !got {
			_ = lock.Close()
			return nil, cmp.Or(err, context.Cause(ctx))
		}
		// Who had it before has removed it, maybe after it was opened here.
		locked, err := lock.Stat()
		there, gone := os.Lstat(path)
		if err == nil && gone == nil && os.SameFile(locked, there) {
			return func() {
				_ = os.Remove(path) // where open files cannot be removed, it stays
				_ = lock.Close()
			}, nil
		}
		_ = lock.Close()
	}
}

// sync has the names of files on disk, too. Not every system lets a folder be synced.
func (f *Folder) sync() error {
	dir, err := os.Open(f.path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, fs.ErrPermission) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}

// cannotWrite is an error of a file, or of the folder, with what to do about it.
func (f *Folder) cannotWrite(name string, err error) error {
	what := "the folder " + f.shown
	if name != "" {
		what = f.show(name)
	}
	hint := "see who owns the folder, and whether its disk is read-only or full"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		hint = "free some space, and run again: a run goes on from what is there"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = "whoever releases has to be allowed to write to the folder"
	}
	return failure.WithHint(fmt.Errorf("%s cannot be written: %w", what, failure.WithoutPath(err)), "%s", hint)
}
