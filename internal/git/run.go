package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	// gitTime bounds how long git may take for an answer, which is some milliseconds: it
	// may wait for a file system, or for a pipe in the place of a file.
	gitTime = 10 * time.Second
	// longTime is that of commands that go through a whole tree or history.
	longTime = 2 * time.Minute
	// mostPrinted is how much git may print for one command, in bytes: the paths of a
	// million files are some 100 MB.
	mostPrinted = 256 << 20
)

// command is git for a folder, with these arguments. It has no input yet.
//
// The folder may be a stranger's, and so may the configuration in its .git, which can
// name programs. None of them is started:
//
//   - hooks and core.fsmonitor are switched off here, and so is what shows signatures
//     (log.showSignature starts gpg.program);
//   - nothing is fetched, which could start core.sshCommand, remote.NAME.vcs and others: a
//     partial clone fetches by itself what it lacks. GIT_NO_LAZY_FETCH forbids that from git
//     2.44 on, and GIT_ALLOW_PROTOCOL, which goes before all configuration, in any version;
//   - filters, which change a file before it is compared, are emptied by whoever compares
//     (Repository.withoutFilters);
//   - no command here shows a diff, which could start diff.external or a textconv.
//
// The environment is left out: GIT_DIR, as git sets it for hooks, means another repository,
// and keys of a run are no business of git's. Whom the folder belongs to, which git asks in
// order not to obey its configuration, does not matter then; in a container it is mostly
// another user.
func command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	git := exec.CommandContext(ctx, "git", append([]string{
		"-c", "safe.directory=*", "-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull,
		"-c", "log.showSignature=false", "--no-pager",
	}, args...)...)
	git.Dir = dir
	git.Env = append(kept("PATH", "SystemRoot"), "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_ALLOW_PROTOCOL=none")
	git.WaitDelay = time.Second
	return git
}

// runIn gives what git prints for a command in a folder, which gets input.
func runIn(ctx context.Context, dir, input string, args ...string) (string, error) {
	return runFor(ctx, gitTime, dir, input, args...)
}

// runFor is runIn within a time. The error of a git that ended by itself is a *failedError.
func runFor(ctx context.Context, limit time.Duration, dir, input string, args ...string) (string, error) {
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	git := command(timed, dir, args...)
	git.Stdin = strings.NewReader(input)
	printed, said := &bounded{most: mostPrinted}, &bounded{most: 16 << 10}
	git.Stdout, git.Stderr = printed, said
	err := git.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case timed.Err() != nil:
		return "", &failedError{command: nameOf(args), said: fmt.Sprintf("it took longer than %s", limit)}
	case printed.full:
		return "", &failedError{command: nameOf(args), said: fmt.Sprintf("it printed more than %d MiB", mostPrinted>>20)}
	case errors.As(err, &exit):
		return printed.String(), &failedError{command: nameOf(args), code: exit.ExitCode(), said: lastLine(said.String())}
	case err != nil:
		return "", err
	}
	return printed.String(), nil
}

// nameOf is the command in the arguments of git: the first that is no option.
func nameOf(args []string) string {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-c":
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}

// failedError is that of a git that ended with an error.
type failedError struct {
	command string
	code    int    // its exit code; 0 for one that was ended
	said    string // what it wrote of that, one line
}

func (e *failedError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("git %s ended with code %d", e.command, e.code)
	}
	return "git " + e.command + ": " + e.said
}

// exitCode is that of the git that an error is of; 0 where it is of something else.
func exitCode(err error) int {
	var failed *failedError
	if errors.As(err, &failed) {
		return failed.code
	}
	return 0
}

// lastLine is the last line of what git wrote to standard error, where the cause is.
func lastLine(said string) string {
	lines := slices.DeleteFunc(strings.Split(said, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
	if len(lines) == 0 {
		return ""
	}
	return strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), "fatal: ")
}

// bounded keeps what is written to it, up to a size. A git that writes more fails by that.
type bounded struct {
	bytes.Buffer
	most int
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		b.full = true
		return 0, errors.New("too much")
	}
	return b.Buffer.Write(p)
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
