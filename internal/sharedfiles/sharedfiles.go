// Package sharedfiles is a folder of files that several processes change at the same time, one
// after the other: one on disk ([Folder]), under a lock, or one on a branch of a remote git
// repository ([Branch]), by commits. Whoever is killed leaves the state before or the state after
// a change; on disk, files of a change may be there before its last one, which is what makes it
// count.
//
// What the files mean is known to others.
package sharedfiles

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// View is one state of the files. It may be used by several goroutines.
type View interface {
	// Read reads a file of at most limit bytes; its name is a path with slashes below the
	// folder. errors.Is finds fs.ErrNotExist where there is none.
	Read(ctx context.Context, name string, limit int64) ([]byte, error)
	// Names are those of the files in the folder itself, sorted.
	Names(ctx context.Context) ([]string, error)
}

// File is a file that is written.
type File struct {
	Name string // without a folder
	Data []byte
}

// Change is what is to be written, in this order. Readers see nothing of it before its last file.
type Change struct {
	Files []File
	// Message says what it is, where that is kept. Its first line is its title.
	Message string
}

// MessageOf is a message with the versions that a change brings below its title, which says so
// itself where none is given.
func MessageOf(title string, versions []string) string {
	if title == "" {
		if title = "Release " + versions[0]; len(versions) > 1 {
			title = fmt.Sprintf("Release %d extensions", len(versions))
		}
	}
	return title + "\n\n" + strings.Join(versions, "\n") + "\n"
}

// Store is such a folder. It is safe for concurrent use.
type Store interface {
	// View is the state as it is now.
	View(ctx context.Context) (View, error)
	// Change changes the files: edit says how, from the state as it is, while nobody else
	// changes it. Where somebody does all the same, edit is called again with the new state.
	// Nothing is done where it gives no files, or an error, which is that of Change then. An
	// error may be in doubt.
	Change(ctx context.Context, edit func(context.Context, View) (Change, error)) error
	// Close frees what the store takes.
	Close() error
}

// ChangeFor is [Store].Change for several items at once, and gives an error, or nil, for each. edit
// puts the error of an item into errs, at its place; errs is empty at each call. An item that has
// none of its own gets that of the change.
func ChangeFor(ctx context.Context, store Store, items int, edit func(ctx context.Context, view View, errs []error) (Change, error)) []error {
	errs := make([]error, items)
	err := store.Change(ctx, func(ctx context.Context, view View) (Change, error) {
		clear(errs)
		return edit(ctx, view, errs)
	})
	for i := range errs {
		if errs[i] == nil {
			errs[i] = err
		}
	}
	return errs
}

// localName is a path with slashes as one of the system; an error where it leads out of the
// folder.
func localName(name string) (string, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) || strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("%q is no file of the folder", name)
	}
	return local, nil
}

// lost is an error of a change of which nobody knows whether it was made.
type lost struct {
	error
	hint string
}

func (l *lost) Unwrap() error { return l.error }

// InDoubt says that it may have been made.
func (l *lost) InDoubt() bool { return true }

// Hint says what to do.
func (l *lost) Hint() string { return l.hint }
