// Package git asks git about the work tree that holds a folder, and its history, without
// executing what a repository configures. Git is never required: without it, or without a
// work tree, the answer of Commit and Ignored is that nothing is known, and Open has an error
// that says what is missing. Tags, and branches of remotes, alone are written, as the user's own
// git does.
package git

import (
	"context"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// commit is the object name of a commit, by SHA-1 or SHA-256.
var commit = lazyregexp.New(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// Commit is the commit that is checked out in the work tree that holds a folder;
// empty without git, a work tree or a commit.
func Commit(ctx context.Context, dir string) string {
	printed, err := runIn(ctx, dir, "", "rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD")
	if name := strings.TrimSpace(printed); err == nil && commit.MatchString(name) {
		return name
	}
	return ""
}

// Ignored are those of the paths, relative to a folder, that git ignores there: by
// .gitignore, and not tracked. There are none without git or a work tree.
func Ignored(ctx context.Context, dir string, paths []string) []string {
	if len(paths) == 0 {
		return nil
	}
	// It exits with 1 where there are none.
	printed, _ := runIn(ctx, dir, strings.Join(paths, "\x00")+"\x00", "check-ignore", "-z", "--stdin")
	return strings.FieldsFunc(printed, func(r rune) bool { return r == 0 })
}
