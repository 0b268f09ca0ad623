package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gitIn runs git for a test, with no configuration but that of the repository.
func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	git := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	git.Dir = dir
	git.Env = append(kept("PATH", "SystemRoot"), "HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1")
	out, err := git.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func needGit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
}

func TestCommit(t *testing.T) {
	needGit(t)
	root := t.TempDir()
	if got := Commit(t.Context(), root); got != "" {
		t.Errorf("without a work tree: %q", got)
	}
	gitIn(t, root, "init")
	if got := Commit(t.Context(), root); got != "" {
		t.Errorf("without a commit: %q", got)
	}
	gitIn(t, root, "commit", "--allow-empty", "-m", "one")
	first := gitIn(t, root, "rev-parse", "HEAD")
	sub := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(t.TempDir(), "tree")
	gitIn(t, root, "worktree", "add", "--detach", tree)
	gitIn(t, tree, "commit", "--allow-empty", "-m", "two")
	second := gitIn(t, tree, "rev-parse", "HEAD")
	gitIn(t, root, "pack-refs", "--all")
	if os.Geteuid() == 0 { // in a container the work tree is mostly another user's
		if err := os.Chown(root, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	// As git sets it for the hooks of another repository.
	other := t.TempDir()
	gitIn(t, other, "init")
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	for dir, want := range map[string]string{root: first, sub: first, tree: second} {
		if got := Commit(t.Context(), dir); got != want {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
	}
	t.Run("without git", func(t *testing.T) {
		t.Setenv("PATH", other)
		if got := Commit(t.Context(), root); got != "" {
			t.Errorf("%q", got)
		}
	})
}

// What a repository configures is not executed.
func TestExecutesNothing(t *testing.T) {
	needGit(t)
	if _, err := exec.LookPath("touch"); err != nil {
		t.Skip("there is no program to configure")
	}
	root, marks := t.TempDir(), t.TempDir()
	gitIn(t, root, "init")
	if err := os.WriteFile(filepath.Join(root, "a.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	gitIn(t, root, "add", "a.txt")
	gitIn(t, root, "commit", "-m", "one")
	head := gitIn(t, root, "rev-parse", "HEAD")
	mark := func(name string) string { return "touch " + filepath.ToSlash(filepath.Join(marks, name)) + "; false" }
	for key, value := range map[string]string{
		"core.fsmonitor": mark("fsmonitor"), "core.pager": mark("pager"), "core.sshCommand": mark("ssh"), "core.editor": mark("editor"),
		"core.askPass": mark("askpass"), "core.gitProxy": mark("proxy"), "core.alternateRefsCommand": mark("alternates"),
		"alias.rev-parse": "!" + mark("alias"), "alias.check-ignore": "!" + mark("alias2"), "pager.rev-parse": mark("pager2"), "filter.x.clean": mark("clean"), "filter.x.process": mark("process"),
		"remote.origin.url": "ext::" + mark("remote"), "remote.origin.promisor": "true", "protocol.ext.allow": "always", "extensions.partialClone": "origin",
		"core.repositoryFormatVersion": "1",
	} {
		gitIn(t, root, "config", key, value)
	}
	if err := os.WriteFile(filepath.Join(root, ".gitattributes"), []byte("* filter=x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The commit is gone: a partial clone would fetch it as soon as somebody reads it.
	object := filepath.Join(root, ".git", "objects", head[:2], head[2:])
	if err := os.Remove(object); err != nil {
		t.Fatal(err)
	}
	if got := Commit(t.Context(), root); got != head {
		t.Errorf("%q, want %q", got, head)
	}
	if err := os.WriteFile(filepath.Join(root, ".gitignore"), []byte("*.log\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := Ignored(t.Context(), root, []string{"a.txt", "b.log"}); !slices.Equal(got, []string{"b.log"}) {
		t.Errorf("ignored: %q", got)
	}
	left, err := os.ReadDir(marks)
	if err != nil || len(left) > 0 {
		t.Errorf("executed: %v, %v", left, err)
	}
}

// What git ignores is what a .gitignore names and nobody added.
func TestIgnored(t *testing.T) {
	needGit(t)
	root := t.TempDir()
	paths := []string{"build/a/extension.yaml", "kept/extension.yaml", "web\nside/extension.yaml", "sub/made/extension.yaml", "sub/x/extension.yaml"}
	for _, name := range paths {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := Ignored(t.Context(), root, paths); len(got) > 0 {
		t.Errorf("without a work tree: %q", got)
	}
	gitIn(t, root, "init")
	for file, text := range map[string]string{".gitignore": "build/\nkept/\nweb*\n", "sub/.gitignore": "made\n"} {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(file)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gitIn(t, root, "add", "--force", "kept/extension.yaml")
	if got, want := Ignored(t.Context(), root, paths), []string{paths[0], paths[2], paths[3]}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Ignored(t.Context(), filepath.Join(root, "sub"), []string{"made/extension.yaml", "x/extension.yaml"}); !slices.Equal(got, []string{"made/extension.yaml"}) {
		t.Errorf("from a folder below: %q", got)
	}
	if got := Ignored(t.Context(), root, nil); len(got) > 0 {
		t.Errorf("of nothing: %q", got)
	}
}
