package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// State is how a file of the work tree differs from the commit that is checked out.
type State string

// The states.
const (
	StateChanged   State = "changed"   // other content, mode or kind than in HEAD, or gone
	StateUntracked State = "untracked" // nobody added it
	StateIgnored   State = "ignored"   // a .gitignore names it, and nobody added it
	// StateUnwatched is a file that git was asked not to look at (git update-index
	// --assume-unchanged, --skip-worktree): it may differ or not.
	StateUnwatched State = "unwatched"
)

// Status is a file, or a whole folder, of the work tree that is not as in HEAD.
type Status struct {
	// Path is relative to Repository.Top, with slashes. It ends with a slash where it is a
	// whole folder.
	Path  string
	State State
	// Gone says that the file is not there any more.
	Gone bool
	// Submodule says that it is a submodule, with another commit than HEAD has.
	Submodule bool
}

// Status are the files of the work tree that are not as in HEAD, below the paths, or all of
// them; folders with nothing else in them are listed as one. Paths are relative to Top, with
// slashes. Of submodules that are checked out, the same is listed; one with another commit
// than HEAD has is listed itself, too. A file whose line ends alone differ may be among those
// that changed.
func (r *Repository) Status(ctx context.Context, paths ...string) ([]Status, error) {
	return r.status(ctx, paths, 0)
}

// mostNested is how deep submodules may lie in each other.
const mostNested = 8

func (r *Repository) status(ctx context.Context, paths []string, depth int) ([]Status, error) {
	filters, err := r.withoutFilters(ctx)
	if err != nil {
		return nil, err
	}
	var (
		known   string
		unknown error
		listed  = make(chan struct{})
	)
	go func() {
		known, unknown = r.run(ctx, "ls-files", "-v", "--stage", "-z")
		close(listed)
	}()
	// git would look into submodules itself, with what they configure.
	printed, err := r.run(ctx, append(append(filters, "status", "--porcelain=v2", "-z", "--no-renames", "--no-ahead-behind",
		"--untracked-files=normal", "--ignored=matching", "--ignore-submodules=dirty", "--"), paths...)...)
	<-listed
	if err != nil {
		return nil, fmt.Errorf("comparing the work tree with HEAD: %w", err)
	}
	list, err := parseStatus(printed)
	if err != nil {
		return nil, err
	}
	if unknown != nil {
		return nil, fmt.Errorf("listing the files that git knows: %w", unknown)
	}
	for _, line := range fields(known) {
		about, path, _ := strings.Cut(line, "\t")
		tag, stage, ok := strings.Cut(about, " ")
		if !ok {
			return nil, fmt.Errorf("git ls-files printed an entry that is unknown: %q", line)
		}
		within, takes := below(paths, path)
		switch {
		case !takes:
		case strings.HasPrefix(stage, "160000 "):
			more, err := r.submodule(ctx, path, within, depth)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
		case tag == "S" || tag != strings.ToUpper(tag):
			list = append(list, Status{Path: path, State: StateUnwatched})
		}
	}
	return list, nil
}

// below narrows paths to a file or submodule: takes says that one of them is it or above it, and
// within are those in it, relative to it. Without paths all is taken.
func below(paths []string, name string) (within []string, takes bool) {
	if len(paths) == 0 {
		return nil, true
	}
	for _, p := range paths {
		if p == "." || p == name || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/") {
			return nil, true
		}
		if rest, ok := strings.CutPrefix(p, name+"/"); ok && rest != "" {
			within = append(within, rest)
		}
	}
	return within, len(within) > 0
}

// submodule is the status of a submodule; nothing where it is not checked out.
func (r *Repository) submodule(ctx context.Context, path string, within []string, depth int) ([]Status, error) {
	dir := filepath.Join(r.Top, filepath.FromSlash(path))
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err != nil || depth >= mostNested {
		return nil, nil
	}
	module, err := Open(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("the submodule %s: %w", path, err)
	}
	list, err := module.status(ctx, within, depth+1)
	if err != nil {
		return nil, fmt.Errorf("the submodule %s: %w", path, err)
	}
	for i := range list {
		list[i].Path = path + "/" + list[i].Path
	}
	return list, nil
}

// parseStatus reads what git status prints with --porcelain=v2 -z (git-status, "Porcelain
// Format Version 2").
func parseStatus(printed string) ([]Status, error) {
	var list []Status
	entries := fields(printed)
	for i := 0; i < len(entries); i++ {
		entry := entries[i]
		kind, rest, _ := strings.Cut(entry, " ")
		switch kind {
		case "#":
		case "?":
			list = append(list, Status{Path: rest, State: StateUntracked})
		case "!":
			list = append(list, Status{Path: rest, State: StateIgnored})
		case "1", "2", "u":
			before := map[string]int{"1": 7, "2": 8, "u": 9}[kind] // fields before the path
			parts := strings.SplitN(rest, " ", before+1)
			if len(parts) != before+1 || len(parts[0]) != 2 {
				return nil, fmt.Errorf("git status printed an entry that is unknown: %q", entry)
			}
			list = append(list, Status{
				Path: parts[before], State: StateChanged, Gone: parts[0][1] == 'D' || parts[0] == "D.", Submodule: strings.HasPrefix(parts[1], "S"),
			})
			if kind == "2" { // where it was before
				i++
			}
		default:
			return nil, fmt.Errorf("git status printed an entry that is unknown: %q", entry)
		}
	}
	return list, nil
}
