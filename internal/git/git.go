// Package git asks git about the work tree that holds a folder, without executing what a
// repository configures. Git is never required: without it, or without a work tree, the
// answer is that nothing is known.
package git

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// gitTime bounds how long git may take for an answer, which is some milliseconds: it
// may wait for a file system, or for a pipe in the place of a file.
const gitTime = 10 * time.Second

// commit is the object name of a commit, by SHA-1 or SHA-256.
var commit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// Commit is the commit that is checked out in the work tree that holds a folder;
// empty without git, a work tree or a commit.
func Commit(ctx context.Context, dir string) string {
	printed, err := run(ctx, dir, "", "rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD")
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
	printed, _ := run(ctx, dir, strings.Join(paths, "\x00")+"\x00", "check-ignore", "-z", "--stdin")
	return strings.FieldsFunc(printed, func(r rune) bool { return r == 0 })
}

// run gives what git prints for a command in a folder, which gets input.
//
// The folder may be a stranger's, and so may the configuration in its .git, which can
// name programs. None of them is started: hooks and core.fsmonitor are switched off here,
// and the commands of this package read references, the index and .gitignore files alone,
// so there is nothing to filter and no object to fetch (core.sshCommand). The environment
// is left out: GIT_DIR, as git sets it for hooks, means another repository, and keys of a
// run are no business of git's. Whom the folder belongs to, which git asks in order not to
// obey its configuration, does not matter then; in a container it is mostly another user.
func run(ctx context.Context, dir, input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	git := exec.CommandContext(ctx, "git", append([]string{
		"-c", "safe.directory=*", "-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull,
	}, args...)...)
	git.Dir = dir
	git.Env = append(kept("PATH", "SystemRoot"), "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0")
	git.Stdin = strings.NewReader(input)
	git.WaitDelay = time.Second
	printed, err := git.Output()
	return string(printed), err
}

// kept are those variables of the environment.
func kept(names ...string) (environment []string) {
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}
