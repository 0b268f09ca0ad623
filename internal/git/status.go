package git

import (
	"context"
	"fmt"
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
}

// Status are the files of the work tree that are not as in HEAD, below the paths, or all of
// them; folders with nothing else in them are listed as one. Paths are relative to Top, with
// slashes. Of a submodule nothing is listed but that another commit is checked out in it. A
// file whose line ends alone differ may be among those that changed.
func (r *Repository) Status(ctx context.Context, paths ...string) ([]Status, error) {
	filters, err := r.withoutFilters(ctx)
	if err != nil {
		return nil, err
	}
	printed, err := r.run(ctx, append(append(filters, "status", "--porcelain=v2", "-z", "--no-renames", "--no-ahead-behind",
		"--untracked-files=normal", "--ignored=matching", "--ignore-submodules=dirty", "--"), paths...)...)
	if err != nil {
		return nil, fmt.Errorf("comparing the work tree with HEAD: %w", err)
	}
	list, err := parseStatus(printed)
	if err != nil {
		return nil, err
	}
	flagged, err := r.run(ctx, append([]string{"ls-files", "-v", "-z", "--"}, paths...)...)
	if err != nil {
		return nil, fmt.Errorf("listing the files that git knows: %w", err)
	}
	for _, line := range fields(flagged) {
		tag, path, ok := strings.Cut(line, " ")
		if ok && (tag == "S" || tag != strings.ToUpper(tag)) {
			list = append(list, Status{Path: path, State: StateUnwatched})
		}
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
			list = append(list, Status{Path: parts[before], State: StateChanged, Gone: parts[0][1] == 'D' || parts[0] == "D."})
			if kind == "2" { // where it was before
				i++
			}
		default:
			return nil, fmt.Errorf("git status printed an entry that is unknown: %q", entry)
		}
	}
	return list, nil
}
