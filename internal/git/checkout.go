package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of one Checkout: those of an extension, and some more.
const (
	mostFiles = 100_000
	mostBytes = 1 << 30
)

// Checkout writes what is at some paths in a commit to a folder, as the content of objects is:
// without filters, conversions or attributes, so that nothing is executed. Paths are relative
// to the root of the commit, with slashes; what a commit has not is passed over. Links are
// written as links, and may lead anywhere; what is written stays in the folder all the same.
// Submodules become empty folders, and pointers of git LFS stay pointers.
func (o *Objects) Checkout(ctx context.Context, commit string, paths []string, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the folder to write to: %w", err)
	}
	defer root.Close()
	w := &writer{ctx: ctx, objects: o, root: root}
	for _, name := range paths {
		entry, ok, err := o.at(commit, name)
		if err != nil {
			return fmt.Errorf("reading %s in %s: %w", name, Short(commit), err)
		}
		if !ok {
			continue
		}
		at := path.Clean(name)
		if parent := path.Dir(at); parent != "." {
			if err := root.MkdirAll(filepath.FromSlash(parent), 0o755); err != nil {
				return fmt.Errorf("writing %s: %w", at, err)
			}
		}
		if err := w.write(entry, at, 0); err != nil {
			return fmt.Errorf("reading %s in %s: %w", name, Short(commit), err)
		}
	}
	return nil
}

// at is what is at a path, without following links.
func (o *Objects) at(commit, name string) (Entry, bool, error) {
	entry := Entry{Mode: ModeFolder, Object: commit}
	for _, part := range strings.Split(path.Clean(name), "/") {
		if part == "." {
			continue
		}
		if entry.Mode != ModeFolder {
			return Entry{}, false, nil
		}
		entries, err := o.Tree(entry.Object)
		if err != nil {
			return Entry{}, false, err
		}
		next, ok := entryOf(entries, part)
		if !ok {
			return Entry{}, false, nil
		}
		entry = next
	}
	return entry, true, nil
}

// writer writes the entries of a commit.
type writer struct {
	ctx     context.Context
	objects *Objects
	root    *os.Root
	files   int
	bytes   int64
}

func (w *writer) write(entry Entry, at string, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	name := filepath.FromSlash(at)
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%q is no name that this system has for a file", at)
	}
	if w.files++; w.files > mostFiles {
		return fmt.Errorf("there are more than %d files and folders", mostFiles)
	}
	switch {
	case entry.Mode == ModeFolder:
		return w.folder(entry, at, depth)
	case entry.Mode == ModeSubmodule:
		return w.root.MkdirAll(name, 0o755)
	case entry.Mode != ModeLink && !entry.Mode.IsFile():
		return &Error{Unsupported, fmt.Sprintf("%s has the mode %o, which git does not write", at, entry.Mode), "check the repository with git fsck"}
	}
	data, err := w.objects.Blob(entry.Object)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if w.bytes += int64(len(data)); w.bytes > mostBytes {
		return fmt.Errorf("there are more than %d MiB", mostBytes>>20)
	}
	if entry.Mode == ModeLink {
		return w.link(filepath.FromSlash(string(data)), name)
	}
	return w.root.WriteFile(name, data, 0o644)
}

// link writes a link. The very same one may be there: a folder may be written after one in it.
func (w *writer) link(target, name string) error {
	err := w.root.Symlink(target, name)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if there, unread := w.root.Readlink(name); unread == nil && there == target {
		return nil
	}
	return err
}

func (w *writer) folder(entry Entry, at string, depth int) error {
	if depth > deepest {
		return fmt.Errorf("%s is more than %d folders deep", at, deepest)
	}
	entries, err := w.objects.Tree(entry.Object)
	if err != nil {
		return err
	}
	if err := w.root.MkdirAll(filepath.FromSlash(at), 0o755); err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.EqualFold(entry.Name, ".git") {
			continue // git writes none, and reads it as a repository
		}
		if err := w.write(entry, path.Join(at, entry.Name), depth+1); err != nil {
			return err
		}
	}
	return nil
}
