package sharedfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// remote is a bare repository, and a clone of it with a commit on main. Both are without settings
// of a user.
func remote(t *testing.T) (bare string, work *gittest.Repository) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	work = gittest.New(t)
	bare = t.TempDir()
	gittest.Git(t, bare, "init", "-q", "--bare")
	work.Put("README.md", "# Here\n")
	work.Commit("Begin")
	work.Git("remote", "add", "origin", bare)
	work.Git("push", "-q", "origin", "main")
	return bare, work
}

func branchOf(t *testing.T, home, path string) *Branch {
	t.Helper()
	b := NewBranch(BranchOptions{Home: home, Remote: "origin", Branch: "gh-pages", Path: path})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// A branch is made where it is not there, and added to where it is. The work tree, the index, the
// refs and the objects of the user stay as they are.
func TestBranch(t *testing.T) {
	for _, filters := range []string{"true", "false"} {
		t.Run("filters "+filters, func(t *testing.T) {
			bare, work := remote(t)
			gittest.Git(t, bare, "config", "uploadpack.allowFilter", filters)
			work.Put("README.md", "# Changed\n")
			work.Put("staged", "x")
			work.Git("add", "staged")
			before := snapshotOf(t, work.Dir)
			b := branchOf(t, work.Dir, "charts/stable")
			v, err := b.View(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Read(t.Context(), "count", 10); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("without the branch: %v", err)
			}
			if names, err := v.Names(t.Context()); len(names) > 0 || err != nil {
				t.Errorf("without the branch: %q, %v", names, err)
			}
			for _, mark := range []string{"a", "b"} {
				if err := b.Change(t.Context(), count(mark)); err != nil {
					t.Fatal(err)
				}
			}
			// Somebody else adds something to it.
			other := gittest.At(t, filepath.Join(t.TempDir(), "other"))
			gittest.Git(t, work.Dir, "clone", "-q", "--branch", "gh-pages", bare, other.Dir)
			other.Put("CNAME", "charts.example.com\n")
			other.Put("charts/stable/program", "#!/bin/sh\n")
			if err := os.Chmod(filepath.Join(other.Dir, "charts/stable/program"), 0o755); err != nil {
				t.Fatal(err)
			}
			other.Commit("Name it")
			other.Git("push", "-q")
			if err := branchOf(t, work.Dir, "charts/stable").Change(t.Context(), count("c")); err != nil {
				t.Fatal(err)
			}
			if n := read(t, b, "count"); n != "3" {
				t.Errorf("count is %s", n)
			}
			if v, err = b.View(t.Context()); err != nil {
				t.Fatal(err)
			}
			if names, err := v.Names(t.Context()); err != nil || !slices.Equal(names, []string{"a", "b", "c", "count", "program"}) {
				t.Errorf("files: %q, %v", names, err)
			}
			list := gittest.Git(t, bare, "ls-tree", "-r", "gh-pages")
			for _, want := range []string{"\tCNAME", "100755", "\tcharts/stable/c\n"} {
				if !strings.Contains(list, want) {
					t.Errorf("no %q in\n%s", want, list)
				}
			}
			if log := gittest.Git(t, bare, "log", "--format=%s|%an|%ae", "gh-pages"); log != "Count c|ksrelease|ksrelease@localhost\nName it|a|a@example.com\nCount b|ksrelease|ksrelease@localhost\nCount a|ksrelease|ksrelease@localhost" {
				t.Errorf("log:\n%s", log)
			}
			if roots := gittest.Git(t, bare, "rev-list", "--max-parents=0", "gh-pages", "main"); len(strings.Fields(roots)) != 2 {
				t.Errorf("the branch does not begin by itself: %s", roots)
			}
			gittest.Git(t, bare, "fsck", "--strict")
			if after := snapshotOf(t, work.Dir); after != before {
				t.Errorf("the repository of the user was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// snapshotOf are all files of a folder with their content.
func snapshotOf(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(file)
		fmt.Fprintf(&all, "%s %q\n", file, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// Settings of the user and of the repository hold: who makes the commit, where the remote is.
// Hooks are not started.
func TestBranchObeysSettings(t *testing.T) {
	bare, work := remote(t)
	work.Git("config", "user.name", "Somebody")
	work.Git("config", "user.email", "somebody@example.com")
	work.Git("remote", "set-url", "origin", "museum:extensions.git")
	work.Git("config", "url."+bare+".insteadOf", "museum:extensions.git")
	mark := filepath.Join(t.TempDir(), "hook")
	for _, hook := range []string{"pre-push", "pre-commit", "reference-transaction", "post-commit"} {
		work.Put(".git/hooks/"+hook, "#!/bin/sh\ntouch "+mark+"\n")
		if err := os.Chmod(filepath.Join(work.Dir, ".git/hooks", hook), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b := branchOf(t, work.Dir, "")
	if err := b.Change(t.Context(), count("a")); err != nil {
		t.Fatal(err)
	}
	if who := gittest.Git(t, bare, "log", "-1", "--format=%an <%ae> %cn <%ce>", "gh-pages"); who != "Somebody <somebody@example.com> Somebody <somebody@example.com>" {
		t.Errorf("made by %s", who)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a hook was started")
	}
	// An address needs no repository.
	elsewhere := NewBranch(BranchOptions{Home: t.TempDir(), Remote: bare, Branch: "gh-pages"})
	defer elsewhere.Close()
	if n := read(t, elsewhere, "count"); n != "1" {
		t.Errorf("count is %s", n)
	}
	if shown := elsewhere.Shown(); shown != "the branch gh-pages of the remote" {
		t.Errorf("shown as %s", shown)
	}
}

// Over HTTP, the login that a repository has for its remote holds, as actions/checkout leaves it; it
// is sent once, is no argument of a process, and stands in no file.
func TestBranchLogsIn(t *testing.T) {
	bare, work := remote(t)
	gittest.Git(t, bare, "config", "http.receivepack", "true")
	gittest.Git(t, bare, "config", "uploadpack.allowFilter", "true")
	const login = "Basic eDpzZWNyZXQtOWIxZg=="
	var refused atomic.Int32
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(bare), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=x"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Values("Authorization"); len(got) != 1 || got[0] != login {
			refused.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	defer server.Close()
	work.Git("remote", "set-url", "origin", server.URL+"/"+filepath.Base(bare))
	work.Git("config", "http."+server.URL+"/.extraheader", "AUTHORIZATION: "+login)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	b := branchOf(t, work.Dir, "")
	for _, mark := range []string{"a", "b"} {
		if err := b.Change(t.Context(), count(mark)); err != nil {
			t.Fatal(err)
		}
	}
	if n := read(t, b, "count"); n != "2" || refused.Load() > 0 {
		t.Errorf("count is %s, after %d refusals", n, refused.Load())
	}
	if all := snapshotOf(t, temporary); strings.Contains(all, login) {
		t.Error("the login stands in a file")
	}
	// Without it the error says so, and asks nobody for a password.
	work.Git("config", "--unset", "http."+server.URL+"/.extraheader")
	if _, err := branchOf(t, work.Dir, "").View(t.Context()); git.ReasonOf(err) != git.Unreadable || !strings.Contains(failure.Hint(err), "git ls-remote origin") {
		t.Errorf("%v (%s)", err, failure.Hint(err))
	}
}

// A remote that says no is an error with what to do, and nothing is forced.
func TestBranchRefused(t *testing.T) {
	bare, work := remote(t)
	hook := filepath.Join(bare, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := branchOf(t, work.Dir, "").Change(t.Context(), count("a"))
	if git.ReasonOf(err) != git.Refused || failure.InDoubt(err) || !strings.Contains(failure.Hint(err), "protected branch") || !strings.Contains(err.Error(), "pre-receive hook declined") {
		t.Errorf("%v (%s)", err, failure.Hint(err))
	}
	if refs := gittest.Git(t, bare, "for-each-ref"); strings.Contains(refs, "gh-pages") {
		t.Error("it was pushed")
	}
}

// Where a push was done and nobody heard of it, the branch is read, and shows it.
func TestBranchAnswerLost(t *testing.T) {
	bare, work := remote(t)
	hook := filepath.Join(bare, "hooks", "post-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nkill -9 $PPID\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	edits := 0
	b := branchOf(t, work.Dir, "")
	// As a target does, who sees its files there makes none.
	err := b.Change(t.Context(), func(ctx context.Context, v View) (Change, error) {
		edits++
		if _, err := v.Read(ctx, "a", 10); err == nil {
			return Change{}, nil
		}
		return count("a")(ctx, v)
	})
	if err != nil || edits != 2 {
		t.Errorf("after %d edits: %v", edits, err)
	}
	if n := read(t, b, "count"); n != "1" {
		t.Errorf("count is %s", n)
	}
}

func TestBranchErrors(t *testing.T) {
	bare, work := remote(t)
	for _, test := range []struct{ remote, branch, want string }{
		{"none", "gh-pages", `"none" is the name of no remote`}, {"-x", "gh-pages", "no branch of a remote"}, {"origin", "--all", "no branch of a remote"},
		{"https://user:secret@127.0.0.1:1/x.git", "gh-pages", "cannot be read"}, {filepath.Join(bare, "none"), "gh-pages", "cannot be read"},
		{"ext::sh -c 'touch " + work.Dir + "/executed'", "x", "cannot be read"},
	} {
		b := NewBranch(BranchOptions{Home: work.Dir, Remote: test.remote, Branch: test.branch})
		_, err := b.View(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error()+failure.Hint(err), "secret") || failure.Hint(err) == "" {
			t.Errorf("%+v: %v (%s)", test, err, failure.Hint(err))
		}
		b.Close()
	}
	if _, err := os.Stat(filepath.Join(work.Dir, "executed")); err == nil {
		t.Error("a command was executed")
	}
	// What else is on the branch stays.
	work.Git("checkout", "-q", "--orphan", "gh-pages")
	work.Put("charts", "a file\n")
	work.Put("docs/count/x", "in the way\n")
	if err := os.Symlink("charts", filepath.Join(work.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	work.Commit("Other things")
	work.Git("push", "-q", "origin", "gh-pages")
	for _, path := range []string{"charts", "docs", "link", "charts/x", ".git", "a\nb"} {
		if err := branchOf(t, work.Dir, path).Change(t.Context(), count("a")); git.ReasonOf(err) != git.NoFile || failure.Hint(err) == "" {
			t.Errorf("in %q: %v", path, err)
		}
	}
}

// Many at once on one branch, on one machine and each on its own: each change is there in the end.
func TestBranchRaces(t *testing.T) {
	for _, machines := range []string{"one", "many"} {
		t.Run(machines, func(t *testing.T) {
			bare, work := remote(t)
			var group sync.WaitGroup
			const many = 12
			for i := range many {
				b := branchOf(t, work.Dir, "")
				if machines == "many" {
					b.locks = t.TempDir()
				}
				group.Go(func() {
					if err := b.Change(t.Context(), count(fmt.Sprintf("m%02d", i))); err != nil {
						t.Error(err)
					}
				})
			}
			began := time.Now()
			group.Wait()
			t.Logf("%d changes in %s", many, time.Since(began))
			if n := gittest.Git(t, bare, "show", "gh-pages:count"); n != fmt.Sprint(many) {
				t.Errorf("%s changes are left of %d", n, many)
			}
			if files := strings.Fields(gittest.Git(t, bare, "ls-tree", "--name-only", "gh-pages")); len(files) != many+1 {
				t.Errorf("files: %q", files)
			}
		})
	}
}
