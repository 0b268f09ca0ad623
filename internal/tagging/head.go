package tagging

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/commits"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
)

// Head is the commit that is checked out, written to a folder: what the work tree has besides,
// or otherwise, is not in it. Remove removes the folder.
type Head struct {
	*commits.Checkout
	top string // that of the work tree
}

// CheckOut writes the commit that is checked out to a folder of its own, without filters and
// conversions, and without submodules. The error is a *git.Error where there is no commit yet.
func CheckOut(ctx context.Context, repository *git.Repository) (*Head, error) {
	commit, err := repository.Resolve(ctx, "HEAD")
	if err != nil {
		return nil, err
	}
	opened, err := commits.Open(ctx, repository)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	checkout, err := opened.Checkout(commit)
	if err != nil {
		return nil, err
	}
	if err := opened.Objects.Checkout(ctx, commit, []string{"."}, checkout.Dir); err != nil {
		checkout.Remove()
		return nil, fmt.Errorf("writing the commit to a folder: %w", err)
	}
	return &Head{checkout, repository.Top}, nil
}

// At is where the commit has what a path of the work tree means.
func (h *Head) At(path string) (string, error) {
	below, ok, err := h.Within(path, ".")
	if err != nil {
		return "", err
	}
	if !ok {
		return "", failure.WithHint(fmt.Errorf("%s is not in the work tree of this repository", path), "tags are made where the extension is: run ksrelease tag in its own repository")
	}
	return filepath.Join(h.Dir, filepath.FromSlash(below)), nil
}

// has says that there is a package, or a folder with an extension.yaml: that of a submodule is
// empty.
func has(at string) bool {
	info, err := os.Stat(at)
	if err == nil && info.IsDir() {
		_, err = os.Stat(filepath.Join(at, extension.MetadataFile))
	}
	return err == nil
}

// nested is the repository within the work tree that holds a path, such as a submodule, relative
// to the top; empty where there is none.
func (h *Head) nested(at string) string {
	real, err := filepath.EvalSymlinks(at)
	if err != nil {
		return ""
	}
	for real != h.top && real != filepath.Dir(real) {
		if _, err := os.Lstat(filepath.Join(real, ".git")); err == nil {
			below, _ := git.Within(h.top, real)
			return below
		}
		real = filepath.Dir(real)
	}
	return ""
}

// Nested are the entries of extensions that lie in repositories within the work tree, and are
// tagged there: of those with some names, or of all.
func (h *Head) Nested(all []config.Source, names []string) (entries []Entry) {
	for _, s := range all {
		in := h.nested(s.Path)
		if at, err := h.At(s.Path); err != nil || in == "" || has(at) {
			continue
		}
		ext, err := extension.Load(s.Path, extension.Options{Display: s.Display, Ignore: []string{s.Settings.Package.Output}})
		if err != nil || len(names) > 0 && !slices.Contains(names, ext.Metadata.Name) {
			continue
		}
		entries = append(entries, Entry{
			Name: ext.Metadata.Name, Version: ext.Metadata.Version, Status: None, Reason: "it lies in a repository of its own, " + in + ", such as a submodule, and is tagged there",
			Hint: "run ksrelease tag in " + in + ", with a config of its own (ksrelease init)",
		})
	}
	return entries
}

// Sources are those of the work tree as the commit has them. What it has not is left out, and
// returned by its path as users know it, with the reason; what lies in other repositories within
// the work tree is left out alone.
func (h *Head) Sources(all []config.Source) (there []config.Source, missing map[string]error) {
	missing = map[string]error{}
	for _, s := range all {
		at, err := h.At(s.Path)
		if err == nil {
			switch {
			case has(at):
			case h.nested(s.Path) != "":
				continue
			default:
				err = failure.WithHint(fmt.Errorf("%s is not in the commit that is checked out", s.Display), "commit it first")
			}
		}
		if err != nil {
			missing[s.Display] = err
			continue
		}
		if output, err := h.At(s.Settings.Package.Output); err == nil { // which is part of no extension
			s.Settings.Package.Output = output
		}
		s.Path = at
		there = append(there, s)
	}
	return there, missing
}
