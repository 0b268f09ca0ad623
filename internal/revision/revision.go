// Package revision names the commit that is checked out, without executing what a
// repository configures.
package revision

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// gitTime bounds how long git may take to name a commit, which is some milliseconds: it
// may wait for a file system, or for a pipe in the place of a file.
const gitTime = 10 * time.Second

// commit is the object name of a commit, by SHA-1 or SHA-256.
var commit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// Of is the commit that is checked out in the work tree that holds a folder;
// empty without git, a work tree or a commit.
//
// The folder may be a stranger's, and so may the configuration in its .git, which can
// name programs. To resolve HEAD git reads references alone: no index (core.fsmonitor),
// no file (filters), no object that it could fetch (core.sshCommand). The environment is
// left out: GIT_DIR, as git sets it for hooks, means another repository, and keys of a run
// are no business of git's. Whom the folder belongs to, which git asks in order not to
// obey its configuration, does not matter then; in a container it is mostly another user.
func Of(ctx context.Context, dir string) string {
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	git := exec.CommandContext(ctx, "git",
		"-c", "safe.directory=*", "-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false", "-c", "core.hooksPath="+os.DevNull,
		"rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD")
	git.Dir = dir
	git.Env = append(kept("PATH", "SystemRoot"), "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0")
	git.WaitDelay = time.Second
	printed, err := git.Output()
	if name := strings.TrimSpace(string(printed)); err == nil && commit.MatchString(name) {
		return name
	}
	return ""
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
