// Package gittest makes git repositories for tests, with the git command and no configuration
// but that of the repository.
//
// It is for tests: nothing that ships may import it.
package gittest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// Repository is a work tree that a test fills.
type Repository struct {
	testing.TB
	Dir string // absolute, links resolved where New made it
}

// New makes an empty repository with the branch main. Without git the test is skipped.
func New(t testing.TB) *Repository {
	t.Helper()
	Need(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := At(t, dir)
	r.Git("init", "-q")
	return r
}

// At is a work tree in a folder, which may become one: a clone, a submodule.
func At(t testing.TB, dir string) *Repository { return &Repository{t, dir} }

// Git runs git at the top.
func (r *Repository) Git(args ...string) string {
	r.Helper()
	return Git(r, r.Dir, args...)
}

// Put writes a file; its name has slashes.
func (r *Repository) Put(name, text string) {
	r.Helper()
	Put(r, r.Dir, name, text)
}

// Remove removes a file or a folder.
func (r *Repository) Remove(name string) {
	r.Helper()
	if err := os.RemoveAll(filepath.Join(r.Dir, filepath.FromSlash(name))); err != nil {
		r.Fatal(err)
	}
}

// Commit commits all that is there, also where nothing changed, and gives the commit.
func (r *Repository) Commit(message string) string {
	r.Helper()
	r.Git("add", "-A")
	r.Git("commit", "-q", "--allow-empty", "-m", message)
	return r.Git("rev-parse", "HEAD")
}

// Need skips a test where there is no git.
func Need(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
}

// Program makes a shell script that takes the place of git for who finds it in PATH, and gives its folder.
func Program(t testing.TB, script string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "git"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Git runs git in a folder, and gives what it prints, without blanks around it. The environment
// of the test, which may lead to another repository, is left out.
func Git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	home, err := filepath.Abs(dir) // where there is no configuration of a user
	if err != nil {
		t.Fatal(err)
	}
	git := exec.CommandContext(t.Context(), "git", append([]string{
		"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main", "-c", "core.autocrlf=false", "-c", "protocol.file.allow=always",
	}, args...)...)
	git.Dir = dir
	git.Env = []string{"PATH=" + os.Getenv("PATH"), "SystemRoot=" + os.Getenv("SystemRoot"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"}
	out, err := git.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Put writes a file below a folder; its name has slashes.
func Put(t testing.TB, dir, name, text string) {
	t.Helper()
	trees.WriteFile(t, dir, name, text)
}
