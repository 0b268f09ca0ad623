package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

func TestCommit(t *testing.T) {
	gittest.Need(t)
	root := t.TempDir()
	if got := Commit(t.Context(), root); got != "" {
		t.Errorf("without a work tree: %q", got)
	}
	gittest.Git(t, root, "init")
	if got := Commit(t.Context(), root); got != "" {
		t.Errorf("without a commit: %q", got)
	}
	gittest.Git(t, root, "commit", "--allow-empty", "-m", "one")
	first := gittest.Git(t, root, "rev-parse", "HEAD")
	sub := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(t.TempDir(), "tree")
	gittest.Git(t, root, "worktree", "add", "--detach", tree)
	gittest.Git(t, tree, "commit", "--allow-empty", "-m", "two")
	second := gittest.Git(t, tree, "rev-parse", "HEAD")
	gittest.Git(t, root, "pack-refs", "--all")
	if os.Geteuid() == 0 { // in a container the work tree is mostly another user's
		if err := os.Chown(root, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	// As git sets it for the hooks of another repository.
	other := t.TempDir()
	gittest.Git(t, other, "init")
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
	gittest.Need(t)
	if _, err := exec.LookPath("touch"); err != nil {
		t.Skip("there is no program to configure")
	}
	root, marks := t.TempDir(), t.TempDir()
	gittest.Git(t, root, "init")
	if err := os.WriteFile(filepath.Join(root, "a.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	gittest.Git(t, root, "add", "a.txt")
	gittest.Git(t, root, "commit", "-m", "one")
	head := gittest.Git(t, root, "rev-parse", "HEAD")
	mark := func(name string) string { return "touch " + filepath.ToSlash(filepath.Join(marks, name)) + "; false" }
	for key, value := range map[string]string{
		"core.fsmonitor": mark("fsmonitor"), "core.pager": mark("pager"), "core.sshCommand": mark("ssh"), "core.editor": mark("editor"),
		"core.askPass": mark("askpass"), "core.gitProxy": mark("proxy"), "core.alternateRefsCommand": mark("alternates"),
		"alias.rev-parse": "!" + mark("alias"), "alias.check-ignore": "!" + mark("alias2"), "pager.rev-parse": mark("pager2"), "filter.x.clean": mark("clean"), "filter.x.process": mark("process"),
		"remote.origin.url": "ext::" + mark("remote"), "remote.origin.promisor": "true", "protocol.ext.allow": "always", "extensions.partialClone": "origin",
		"core.repositoryFormatVersion": "1",
	} {
		gittest.Git(t, root, "config", key, value)
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
	r, err := Open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	// None of these finds the commit, and none fetches it.
	if name, err := r.Resolve(t.Context(), "main"); err == nil {
		t.Errorf("a commit that is gone: %s", name)
	}
	objects, err := r.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	if _, err := objects.Tree(head); ReasonOf(err) != NotFetched {
		t.Errorf("%v", err)
	}
	if err := objects.Checkout(t.Context(), head, []string{"."}, t.TempDir()); err == nil {
		t.Error("a commit that is gone was written")
	}
	if _, err := r.Log(t.Context(), "", head); err == nil {
		t.Error("a commit that is gone has a history")
	}
	_, _ = r.Tags(t.Context())
	_, _ = r.Status(t.Context())
	left, err := os.ReadDir(marks)
	if err != nil || len(left) > 0 {
		t.Errorf("executed: %v, %v", left, err)
	}
}

// What a repository configures is not executed by commands that compare files, list
// commits and peel tags either, here in one with all its objects.
func TestReadingExecutesNothing(t *testing.T) {
	gittest.Need(t)
	if _, err := exec.LookPath("touch"); err != nil {
		t.Skip("there is no program to configure")
	}
	root, marks := t.TempDir(), t.TempDir()
	gittest.Git(t, root, "init")
	gittest.Put(t, root, "a.txt", "one\n")
	gittest.Put(t, root, "sub/b.txt", "one\n")
	gittest.Put(t, root, ".gitattributes", "* filter=x diff=y merge=z text=auto\n*.ident ident\n")
	gittest.Git(t, root, "add", ".")
	gittest.Git(t, root, "commit", "-m", "one")
	first := gittest.Git(t, root, "rev-parse", "HEAD")
	gittest.Git(t, root, "tag", "-a", "v1", "-m", "one")
	gittest.Put(t, root, "a.txt", "two\n")
	gittest.Git(t, root, "commit", "-am", "two")
	signed := strings.Replace(gittest.Git(t, root, "cat-file", "commit", "HEAD"), "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----\n\n", 1)
	gittest.Put(t, marks, "commit", signed+"\n")
	head := gittest.Git(t, root, "hash-object", "-t", "commit", "-w", filepath.Join(marks, "commit"))
	gittest.Git(t, root, "update-ref", "HEAD", head)
	if err := os.Remove(filepath.Join(marks, "commit")); err != nil {
		t.Fatal(err)
	}
	mark := func(name string) string { return "touch " + filepath.ToSlash(filepath.Join(marks, name)) + "; cat" }
	for key, value := range map[string]string{
		"core.fsmonitor": mark("fsmonitor"), "core.pager": mark("pager"), "pager.log": mark("pager2"), "pager.status": mark("pager3"),
		"filter.x.clean": mark("clean"), "filter.x.smudge": mark("smudge"), "filter.x.process": mark("process"), "filter.x.required": "true",
		"filter.x y\"z.clean": mark("clean2"), "diff.external": mark("external"), "diff.y.textconv": mark("textconv"), "diff.y.command": mark("command"),
		"merge.z.driver": mark("merge"), "gpg.program": mark("gpg"), "gpg.ssh.program": mark("gpg2"), "gpg.x509.program": mark("gpg3"), "log.showSignature": "true",
		"core.alternateRefsCommand": mark("alternates"), "interactive.diffFilter": mark("interactive"), "status.submoduleSummary": "true",
		"alias.status": "!" + mark("alias"), "core.hooksPath": marks, "log.diffMerges": "on", "log.follow": "true", "log.mailmap": "true", "format.pretty": "%GG",
		"diff.trustExitCode": "true", "include.path": filepath.ToSlash(filepath.Join(root, "more")),
	} {
		gittest.Git(t, root, "config", key, value)
	}
	gittest.Put(t, root, "more", "[filter \"w\"]\n\tclean = "+mark("clean3")+"\n")
	gittest.Put(t, root, ".git/hooks/post-index-change", "#!/bin/sh\n"+mark("hook")+"\n")
	if err := os.Chmod(filepath.Join(root, ".git", "hooks", "post-index-change"), 0o755); err != nil {
		t.Fatal(err)
	}
	gittest.Put(t, root, ".gitattributes", "* filter=x diff=y text=auto\nw* filter=w\n")
	gittest.Put(t, root, "a.txt", "three\n")
	gittest.Put(t, root, "sub/b.txt", "two\n") // as long as before: git has to look into it
	gittest.Put(t, root, "w.txt", "new\n")

	r, err := Open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Status(t.Context()); err != nil {
		t.Error(err)
	}
	if list, err := r.Log(t.Context(), "", head, "a.txt"); err != nil || len(list) != 2 || list[0].Subject != "two" {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := r.Tags(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := r.List(t.Context(), head); err != nil || len(list) != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	if base, err := r.MergeBase(t.Context(), first, head); err != nil || base != first {
		t.Errorf("%s, %v", base, err)
	}
	objects, err := r.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	out := t.TempDir()
	if err := objects.Checkout(t.Context(), head, []string{"."}, out); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(out, "a.txt")); err != nil || string(data) != "two\n" {
		t.Errorf("%q, %v", data, err)
	}
	left, err := os.ReadDir(marks)
	if err != nil || len(left) > 0 {
		t.Errorf("executed: %v, %v", left, err)
	}
	// A filter whose name -c could not switch off is refused.
	gittest.Git(t, root, "config", "filter.a=b.clean", mark("clean4"))
	if r, err = Open(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Status(t.Context()); ReasonOf(err) != Unsupported {
		t.Errorf("%v", err)
	}
}

// What git ignores is what a .gitignore names and nobody added.
func TestIgnored(t *testing.T) {
	gittest.Need(t)
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
	gittest.Git(t, root, "init")
	for file, text := range map[string]string{".gitignore": "build/\nkept/\nweb*\n", "sub/.gitignore": "made\n"} {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(file)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gittest.Git(t, root, "add", "--force", "kept/extension.yaml")
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
