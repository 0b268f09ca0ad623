package commits

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/git"
)

// Checkout is a temporary folder to which parts of a commit are written, where they lie in the
// work tree. It may be used by several goroutines. Remove removes it.
type Checkout struct {
	// Commit is that of the repository of the project.
	Commit string
	// Dir stands for the top of the work tree; absolute, links resolved.
	Dir string
	// PassAbsent leaves the folder of a submodule empty that lies in what is written and is not
	// checked out, as it is in the work tree. Otherwise that is an error.
	PassAbsent bool

	repository *Repository
	mu         sync.Mutex
	written    []string // in the repository of the project
}

// Checkout makes the folder for a commit. Nothing is in it yet.
func (r *Repository) Checkout(commit string) (*Checkout, error) {
	dir, err := os.MkdirTemp("", "ksrelease-commit-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the commit: %w", err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("making a folder for the commit: %w", err)
	}
	return &Checkout{Commit: commit, Dir: real, repository: r}, nil
}

// Remove removes the folder.
func (c *Checkout) Remove() { _ = os.RemoveAll(c.Dir) } // it is one for temporary files

// Within is where the commit has what a path of the work tree means, relative to the top, with
// slashes; ok is false for one that lies elsewhere. Links in dir are followed; below, which has slashes,
// need not be there.
func (c *Checkout) Within(dir, below string) (rel string, ok bool, err error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", false, err
	}
	rel, ok = git.Within(c.repository.Top, filepath.Join(real, filepath.FromSlash(below)))
	return rel, ok, nil
}

// Root is where the folder of the config is: the top, where the config lies elsewhere.
func (c *Checkout) Root(dir string) string {
	rel, ok, err := c.Within(dir, ".")
	if err != nil || !ok {
		return c.Dir
	}
	return filepath.Join(c.Dir, filepath.FromSlash(rel))
}

// Write writes what the commit has at a path, with the submodules in it, and says where that is;
// ok is false where there is nothing.
func (c *Checkout) Write(ctx context.Context, name string) (at string, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, err := c.repository.Find(ctx, c.Commit, name)
	if err != nil || place == nil {
		return "", false, err
	}
	in := place.InProject()
	if !slices.ContainsFunc(c.written, func(w string) bool { return w == "." || w == in || strings.HasPrefix(in, w+"/") }) {
		if err := c.write(ctx, place); err != nil {
			return "", false, err
		}
		c.written = append(c.written, in)
	}
	return filepath.Join(c.Dir, filepath.FromSlash(in)), true, nil
}

// WriteDependencies writes the folders of the dependencies (file://) that an extension lacks, which
// Write has written to a folder.
func (c *Checkout) WriteDependencies(ctx context.Context, dir string, of *extension.Extension) error {
	name, ok := git.Within(c.Dir, dir)
	if !ok {
		return fmt.Errorf("%s is not in the folder of the commit", dir)
	}
	for _, i := range of.MissingDependencies() {
		folder, ok := strings.CutPrefix(of.Metadata.Dependencies[i].Repository, "file://")
		at := path.Join(name, folder)
		if !ok || path.IsAbs(folder) || !filepath.IsLocal(filepath.FromSlash(at)) {
			continue
		}
		if _, _, err := c.Write(ctx, at); err != nil {
			return fmt.Errorf("reading %s: %w", at, err)
		}
	}
	return nil
}

func (c *Checkout) write(ctx context.Context, place *Place) error {
	dir := filepath.Join(c.Dir, filepath.FromSlash(place.Repository.prefix))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a folder for the commit: %w", err)
	}
	if err := place.Repository.Objects.Checkout(ctx, place.Commit, []string{place.Path}, dir); err != nil {
		return err
	}
	if place.Entry.Mode != git.ModeFolder {
		return nil
	}
	return c.writeModules(ctx, place.Repository, place.Entry.Object, place.Path)
}

// writeModules writes the submodules in a folder.
func (c *Checkout) writeModules(ctx context.Context, r *Repository, object, at string) error {
	entries, err := r.Objects.Tree(object)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(at, entry.Name)
		switch entry.Mode {
		case git.ModeFolder:
			err = c.writeModules(ctx, r, entry.Object, name)
		case git.ModeSubmodule:
			var module *Repository
			if module, err = r.module(ctx, name, entry.Object); err == nil {
				err = c.write(ctx, &Place{Repository: module, Commit: entry.Object, Path: ".", Entry: git.Entry{Mode: git.ModeFolder, Object: entry.Object}})
			} else if c.PassAbsent && errors.Is(err, errNotCheckedOut) {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
