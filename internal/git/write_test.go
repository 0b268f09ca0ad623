package git

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// ownRepository is a repository with a commit, in which the user's own git is that of the test.
func ownRepository(t *testing.T) (root, head string, r *Repository) {
	t.Helper()
	gittest.Need(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	root = filepath.Join(t.TempDir(), "repository")
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	gittest.Git(t, root, "init")
	gittest.Put(t, root, "a.txt", "one\n")
	gittest.Git(t, root, "add", ".")
	gittest.Git(t, root, "commit", "-m", "one")
	gittest.Git(t, root, "config", "user.name", "Tagger")
	gittest.Git(t, root, "config", "user.email", "tagger@example.com")
	return root, gittest.Git(t, root, "rev-parse", "HEAD"), open(t, root)
}

func TestMakeTags(t *testing.T) {
	root, head, r := ownRepository(t)
	// As git sets them for hooks of another repository, and a key that is no business of git's.
	t.Setenv("GIT_DIR", t.TempDir())
	t.Setenv("GIT_INDEX_FILE", filepath.Join(t.TempDir(), "index"))
	if err := r.MakeTags(t.Context(), head, []NewTag{{"foo/v1.0.0", "foo 1.0.0"}, {"bar/v2.0.0", "bar 2.0.0\n\nWith a body."}}); err != nil {
		t.Fatal(err)
	}
	got := gittest.Git(t, root, "for-each-ref", "--format=%(refname) %(objecttype) %(*objectname) %(taggername) %(taggeremail) %(contents:subject)", "refs/tags")
	want := "refs/tags/bar/v2.0.0 tag " + head + " Tagger <tagger@example.com> bar 2.0.0\n" +
		"refs/tags/foo/v1.0.0 tag " + head + " Tagger <tagger@example.com> foo 1.0.0"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	gittest.Git(t, root, "fsck", "--strict")
	if err := r.MakeTags(t.Context(), head, nil); err != nil {
		t.Errorf("nothing to make: %v", err)
	}
	// A file of settings that is included for this repository alone.
	more := filepath.Join(t.TempDir(), "more")
	gittest.Put(t, filepath.Dir(more), "more", "[user]\n\tname = At Work\n")
	gittest.Git(t, root, "config", "--unset", "user.name")
	gittest.Put(t, os.Getenv("HOME"), ".gitconfig", "[includeIf \"gitdir:"+filepath.ToSlash(root)+"/\"]\n\tpath = "+filepath.ToSlash(more)+"\n")
	if err := r.MakeTags(t.Context(), head, []NewTag{{"foo/v1.1.0", "foo 1.1.0"}}); err != nil {
		t.Fatal(err)
	}
	if got := gittest.Git(t, root, "for-each-ref", "--format=%(taggername)", "refs/tags/foo/v1.1.0"); got != "At Work" {
		t.Errorf("the tag was made by %q", got)
	}
}

// All tags are made or none, whatever goes wrong and whenever.
func TestMakeTagsMakesAllOrNone(t *testing.T) {
	root, head, r := ownRepository(t)
	gittest.Git(t, root, "tag", "bar/v2.0.0")
	gittest.Git(t, root, "tag", "taken")
	tags := gittest.Git(t, root, "show-ref", "--tags")
	for name, all := range map[string][]NewTag{
		"there already":  {{"foo/v1.0.0", "foo"}, {"bar/v2.0.0", "bar"}},
		"in the way":     {{"foo/v1.0.0", "foo"}, {"taken/v1.0.0", "taken"}},
		"no name of git": {{"foo/v1.0.0", "foo"}, {"-d", "an option"}},
		"twice":          {{"foo/v1.0.0", "foo"}, {"foo/v1.0.0", "foo"}},
	} {
		err := r.MakeTags(t.Context(), head, all)
		if ReasonOf(err) != NoTag || !strings.Contains(err.Error(), "none") {
			t.Errorf("%s: %v", name, err)
		}
		if now := gittest.Git(t, root, "show-ref", "--tags"); now != tags {
			t.Errorf("%s: the tags are\n%s", name, now)
		}
	}
	gittest.Git(t, root, "config", "--unset", "user.name")
	gittest.Git(t, root, "config", "user.useConfigOnly", "true")
	if err := r.MakeTags(t.Context(), head, []NewTag{{"foo/v1.0.0", "foo"}}); ReasonOf(err) != NoTag || !strings.Contains(err.(*Error).Hint(), "user.name") {
		t.Errorf("without a name: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.MakeTags(ctx, head, []NewTag{{"foo/v1.0.0", "foo"}}); err == nil {
		t.Error("made although the command was ended")
	}
	if now := gittest.Git(t, root, "show-ref", "--tags"); now != tags {
		t.Errorf("the tags are\n%s", now)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "ksrelease-tags-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestTagsAreSigned(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("there is no ssh-keygen")
	}
	root, head, r := ownRepository(t)
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	gittest.Git(t, root, "config", "gpg.format", "ssh")
	gittest.Git(t, root, "config", "user.signingKey", key+".pub")
	gittest.Git(t, root, "config", "tag.gpgSign", "true")
	if err := r.MakeTags(t.Context(), head, []NewTag{{"foo/v1.0.0", "foo 1.0.0"}}); err != nil {
		t.Fatal(err)
	}
	if got := gittest.Git(t, root, "cat-file", "tag", "foo/v1.0.0"); !strings.Contains(got, "BEGIN SSH SIGNATURE") {
		t.Errorf("the tag is not signed:\n%s", got)
	}
	gittest.Git(t, root, "config", "user.signingKey", key+"-that-is-not-there.pub")
	if err := r.MakeTags(t.Context(), head, []NewTag{{"foo/v1.1.0", "foo 1.1.0"}}); ReasonOf(err) != NoTag {
		t.Errorf("without the key: %v", err)
	}
	if got := gittest.Git(t, root, "tag"); got != "foo/v1.0.0" {
		t.Errorf("the tags are %q", got)
	}
}

func TestMakeTagsInOtherRepositories(t *testing.T) {
	root, head, _ := ownRepository(t)
	tree := filepath.Join(t.TempDir(), "tree")
	gittest.Git(t, root, "worktree", "add", "--detach", tree)
	if err := open(t, tree).MakeTags(t.Context(), head, []NewTag{{"foo/v1.0.0", "foo 1.0.0"}}); err != nil {
		t.Errorf("in a work tree: %v", err)
	}
	if got := gittest.Git(t, root, "tag"); got != "foo/v1.0.0" {
		t.Errorf("the tags are %q", got)
	}
	sha256 := t.TempDir()
	gittest.Git(t, sha256, "init", "--object-format=sha256")
	gittest.Git(t, sha256, "config", "user.name", "a")
	gittest.Git(t, sha256, "config", "user.email", "a@example.com")
	gittest.Git(t, sha256, "commit", "--allow-empty", "-m", "one")
	if err := open(t, sha256).MakeTags(t.Context(), gittest.Git(t, sha256, "rev-parse", "HEAD"), []NewTag{{"foo/v1.0.0", "foo 1.0.0"}}); err != nil {
		t.Errorf("with SHA-256: %v", err)
	}
}

func TestPushTags(t *testing.T) {
	root, head, r := ownRepository(t)
	if _, err := r.PushRemote(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no remote") {
		t.Errorf("without a remote: %v", err)
	}
	remote := t.TempDir()
	gittest.Git(t, remote, "init", "--bare")
	gittest.Git(t, root, "remote", "add", "upstream", remote)
	r = open(t, root)
	all := []string{"foo/v1.0.0", "bar/v2.0.0"}
	if err := r.MakeTags(t.Context(), head, []NewTag{{all[0], "foo"}, {all[1], "bar"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is there already is no error
		to, err := r.PushRemote(t.Context(), "")
		if to != "upstream" || err != nil {
			t.Fatalf("%q, %v", to, err)
		}
		if err := r.PushTags(t.Context(), to, all); err != nil {
			t.Fatal(err)
		}
	}
	if got := gittest.Git(t, remote, "tag"); got != "bar/v2.0.0\nfoo/v1.0.0" {
		t.Errorf("the remote has %q", got)
	}
	// The remote has another tag: nothing is sent, and nothing is moved.
	there := gittest.Git(t, remote, "rev-parse", "foo/v1.0.0")
	gittest.Git(t, root, "tag", "-f", "-a", "-m", "another", "foo/v1.0.0")
	gittest.Git(t, root, "tag", "-a", "-m", "new", "new/v1.0.0")
	err := r.PushTags(t.Context(), "upstream", append(slices.Clone(all), "new/v1.0.0"))
	if ReasonOf(err) != NoTag || !strings.Contains(err.Error(), "nothing was pushed: upstream has another tag foo/v1.0.0") {
		t.Errorf("another tag: %v", err)
	}
	if got := gittest.Git(t, remote, "tag"); got != "bar/v2.0.0\nfoo/v1.0.0" || gittest.Git(t, remote, "rev-parse", "foo/v1.0.0") != there {
		t.Errorf("the remote has %q", got)
	}
	for name, wrong := range map[string]string{"-d": `"-d" is the name of no remote`, "https://u:secret@example.com/x": `"an address" is the name of no remote`, "origin": `"origin" is the name of no remote`} {
		if _, err := r.PushRemote(t.Context(), name); err == nil || !strings.Contains(err.Error(), wrong) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.RemoveAll(remote); err != nil {
		t.Fatal(err)
	}
	if err := r.PushTags(t.Context(), "upstream", all); ReasonOf(err) != NoTag || !strings.Contains(err.Error(), "nothing was pushed to upstream: ") {
		t.Errorf("without the repository: %v", err)
	}
}

// The user's own hooks run, and see no key of a release.
func TestHooksSeeNoKey(t *testing.T) {
	root, head, r := ownRepository(t)
	t.Setenv("KSRELEASE_TOKEN", "kck-hidden")
	out := filepath.Join(t.TempDir(), "environment")
	hook := filepath.Join(root, ".git", "hooks", "reference-transaction")
	gittest.Put(t, root, ".git/hooks/reference-transaction", "#!/bin/sh\nenv > '"+out+"'\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.MakeTags(t.Context(), head, []NewTag{{"foo/v1.0.0", "foo 1.0.0"}}); err != nil {
		t.Fatal(err)
	}
	seen, err := os.ReadFile(out)
	if err != nil || strings.Contains(string(seen), "kck-hidden") || !strings.Contains(string(seen), "HOME=") {
		t.Errorf("%v\n%s", err, seen)
	}
}
