package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// repository makes one with a commit of some files, and opens it.
func repository(t *testing.T, files map[string]string) (*Repository, string) {
	t.Helper()
	r := gittest.New(t)
	for name, text := range files {
		r.Put(name, text)
	}
	r.Commit("one")
	return open(t, r.Dir), r.Dir
}

func open(t *testing.T, dir string) *Repository {
	t.Helper()
	r, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOpen(t *testing.T) {
	r, root := repository(t, map[string]string{"a/b/c.txt": "x"})
	head := gittest.Git(t, root, "rev-parse", "HEAD")
	if r.Top != root || r.Head != head || r.Shallow {
		t.Errorf("%+v", r)
	}
	if below := open(t, filepath.Join(root, "a", "b")); below.Top != root {
		t.Errorf("from a folder below: %+v", below)
	}
	gittest.Git(t, root, "checkout", "--detach")
	if r := open(t, root); r.Head != head {
		t.Errorf("detached: %+v", r)
	}
	gittest.Git(t, root, "checkout", "main")
	tree := filepath.Join(t.TempDir(), "工作 树\nx")
	if runtime.GOOS == "windows" {
		tree = filepath.Join(t.TempDir(), "工作 树")
	}
	gittest.Git(t, root, "worktree", "add", "--detach", tree)
	if r := open(t, tree); filepath.Base(r.Top) != filepath.Base(tree) || r.Head != head {
		t.Errorf("a worktree: %+v", r)
	}
	gittest.Git(t, tree, "submodule", "add", filepath.ToSlash(root), "sub")
	if r := open(t, filepath.Join(tree, "sub", "a")); r.Top != filepath.Join(tree, "sub") {
		t.Errorf("a submodule: %+v", r)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	gittest.Git(t, root, "commit", "--allow-empty", "-m", "two")
	gittest.Git(t, root, "clone", "--depth=1", "file://"+filepath.ToSlash(root), clone)
	if r := open(t, clone); !r.Shallow {
		t.Errorf("a shallow clone: %+v", r)
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	gittest.Need(t)
	bare, none, inGit, broken := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	gittest.Git(t, bare, "init", "--bare")
	gittest.Git(t, inGit, "init")
	gittest.Git(t, broken, "init")
	gittest.Put(t, broken, ".git/config", "[core\n")
	for name, tt := range map[string]struct {
		dir  string
		want Reason
		says string
	}{
		"no repository": {none, NoWorkTree, "no git work tree"}, "a bare one": {bare, NoWorkTree, "git cannot use"},
		"the folder .git": {filepath.Join(inGit, ".git"), NoWorkTree, "git"}, "a broken config": {broken, NoWorkTree, "bad config"},
	} {
		_, err := Open(t.Context(), tt.dir)
		if ReasonOf(err) != tt.want || !strings.Contains(err.Error(), tt.says) || failure.Hint(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if runtime.GOOS != "windows" {
		t.Setenv("PATH", gittest.Program(t, "echo git version 2.29.3"))
		if _, err := Open(t.Context(), inGit); ReasonOf(err) != OldGit || !strings.Contains(err.Error(), "2.29") {
			t.Errorf("%v", err)
		}
	}
	t.Setenv("PATH", none)
	if _, err := Open(t.Context(), inGit); ReasonOf(err) != NoGit {
		t.Errorf("%v", err)
	}
}

func TestResolve(t *testing.T) {
	r, root := repository(t, map[string]string{"a": "1"})
	first := r.Head
	if _, err := open(t, root).Resolve(t.Context(), "none"); ReasonOf(err) != UnknownRef || !strings.Contains(failure.Hint(err), "no remote") {
		t.Errorf("%v: %s", err, failure.Hint(err))
	}
	gittest.Git(t, root, "tag", "-a", "图/v1.0.0", "-m", "x")
	gittest.Git(t, root, "commit", "--allow-empty", "-m", "two")
	second := gittest.Git(t, root, "rev-parse", "HEAD")
	gittest.Git(t, root, "update-ref", "refs/remotes/origin/only-there", first)
	gittest.Git(t, root, "config", "remote.origin.url", "https://git.example/x")
	gittest.Git(t, root, "update-ref", "refs/heads/-n", first)
	r = open(t, root)
	for ref, want := range map[string]string{"HEAD": second, "main": second, "HEAD~1": first, "图/v1.0.0": first, first: first, first[:10]: first, "origin/only-there": first, "-n": first} {
		if got, err := r.Resolve(t.Context(), ref); got != want || err != nil {
			t.Errorf("%q: %q, %v", ref, got, err)
		}
	}
	for ref, hint := range map[string]string{
		"none":       "git fetch --tags origin '+refs/heads/*:refs/remotes/origin/*'; a branch of the remote is origin/none then",
		"only-there": "did you mean origin/only-there?", "origin/new": "git fetch origin new:refs/remotes/origin/new",
		"HEAD~9": "git fetch --tags origin '+refs/heads/*:refs/remotes/origin/*'", "--help": "git fetch", "": "name a branch", "a\nb": "git fetch", "main:a": "git fetch", "-x": "git fetch", "@{u}": "git fetch",
	} {
		got, err := r.Resolve(t.Context(), ref)
		if got != "" || ReasonOf(err) != UnknownRef || !strings.HasPrefix(failure.Hint(err), hint) {
			t.Errorf("%q: %q, %v: %s", ref, got, err, failure.Hint(err))
		}
	}
	empty := t.TempDir()
	gittest.Git(t, empty, "init")
	if _, err := open(t, empty).Resolve(t.Context(), "HEAD"); ReasonOf(err) != NoCommit {
		t.Errorf("%v", err)
	}
}

// What a shallow clone lacks has the command that fetches it, and the command does.
func TestShallow(t *testing.T) {
	_, root := repository(t, map[string]string{"a": "1"})
	first := gittest.Git(t, root, "rev-parse", "HEAD")
	gittest.Git(t, root, "branch", "release")
	gittest.Git(t, root, "checkout", "-b", "topic")
	for i := range 3 {
		gittest.Git(t, root, "commit", "--allow-empty", "-m", fmt.Sprint(i))
	}
	gittest.Git(t, root, "tag", "v1")
	gittest.Git(t, root, "commit", "--allow-empty", "-m", "last")
	clone := func() string {
		dir := filepath.Join(t.TempDir(), "clone")
		gittest.Git(t, root, "clone", "--depth=1", "--no-tags", "-b", "topic", "file://"+filepath.ToSlash(root), dir)
		return dir
	}
	for ref, commands := range map[string]string{
		"origin/release": "git fetch --unshallow origin release:refs/remotes/origin/release",
		"HEAD~3":         "git fetch --unshallow --tags origin '+refs/heads/*:refs/remotes/origin/*'",
		first:            "git fetch --unshallow --tags origin '+refs/heads/*:refs/remotes/origin/*'",
		"v1":             "git fetch --unshallow --tags origin '+refs/heads/*:refs/remotes/origin/*'; a branch of the remote is origin/v1 then",
	} {
		dir := clone()
		r := open(t, dir)
		_, err := r.Resolve(t.Context(), ref)
		if ReasonOf(err) != Shallow || failure.Hint(err) != commands {
			t.Errorf("%s: %v: %s", ref, err, failure.Hint(err))
			continue
		}
		if runtime.GOOS == "windows" {
			continue
		}
		command, _, _ := strings.Cut(failure.Hint(err), ";")
		fetch := exec.Command("sh", "-c", command)
		fetch.Dir = dir
		if out, err := fetch.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		if _, err := open(t, dir).Resolve(t.Context(), ref); err != nil {
			t.Errorf("%s after %s: %v", ref, command, err)
		}
	}
	dir := clone()
	gittest.Git(t, dir, "remote", "rename", "origin", "upstream")
	objects, err := open(t, dir).Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	if _, err := objects.Tree(first); ReasonOf(err) != NotFetched || failure.Hint(err) != "git fetch --unshallow upstream" {
		t.Errorf("%v: %s", err, failure.Hint(err))
	}
	gittest.Git(t, dir, "remote", "rename", "upstream", "origin")
	gittest.Git(t, dir, "fetch", "--depth=1", "origin", "release:refs/remotes/origin/release")
	r := open(t, dir)
	base, err := r.Resolve(t.Context(), "origin/release")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.MergeBase(t.Context(), base, r.Head); ReasonOf(err) != Shallow || failure.Hint(err) != "git fetch --unshallow origin" {
		t.Errorf("%v: %s", err, failure.Hint(err))
	}
}

func TestMergeBase(t *testing.T) {
	r, root := repository(t, nil)
	first := r.Head
	gittest.Git(t, root, "checkout", "-b", "topic")
	gittest.Git(t, root, "commit", "--allow-empty", "-m", "topic")
	topic := gittest.Git(t, root, "rev-parse", "HEAD")
	gittest.Git(t, root, "checkout", "main")
	gittest.Git(t, root, "commit", "--allow-empty", "-m", "main")
	head := gittest.Git(t, root, "rev-parse", "HEAD")
	if got, err := r.MergeBase(t.Context(), topic, head); got != first || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	gittest.Git(t, root, "checkout", "--orphan", "other")
	gittest.Git(t, root, "commit", "--allow-empty", "-m", "other")
	other := gittest.Git(t, root, "rev-parse", "HEAD")
	if _, err := r.MergeBase(t.Context(), other, head); ReasonOf(err) != Unrelated {
		t.Errorf("%v", err)
	}
}

func TestStatus(t *testing.T) {
	r, root := repository(t, map[string]string{
		"a/kept": "1", "a/改 变": "1", "a/gone": "1", "a/moved": "a longer text\n", "a/assumed": "1", "b/staged": "1", ".gitignore": "*.log\nbuild/\n", "*x": "1", "yx": "1",
	})
	if got, err := r.Status(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("of a clean work tree: %+v, %v", got, err)
	}
	gittest.Put(t, root, "a/改 变", "2")
	gittest.Put(t, root, "b/staged", "2")
	gittest.Git(t, root, "add", "b/staged")
	gittest.Put(t, root, "b/staged", "1") // as in HEAD again, but not in the index
	gittest.Git(t, root, "mv", "a/moved", "b/moved")
	if err := os.Remove(filepath.Join(root, "a", "gone")); err != nil {
		t.Fatal(err)
	}
	gittest.Git(t, root, "update-index", "--assume-unchanged", "a/assumed")
	gittest.Put(t, root, "a/assumed", "2")
	gittest.Put(t, root, "a/new\nline", "")
	gittest.Put(t, root, "new/x/y", "")
	gittest.Put(t, root, "a/x.log", "")
	gittest.Put(t, root, "b/build/out", "")
	gittest.Put(t, root, "*x", "2")
	gittest.Put(t, root, "yx", "2")
	got, err := r.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, s := range got {
		text := fmt.Sprintf("%s %q", s.State, s.Path)
		if s.Gone {
			text += " gone"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	want := []string{`changed "*x"`, `changed "a/gone" gone`, `changed "a/moved" gone`, `changed "a/改 变"`, `changed "b/moved"`, `changed "b/staged"`, `changed "yx"`,
		`ignored "a/x.log"`, `ignored "b/build/"`, `untracked "a/new\nline"`, `untracked "new/"`, `unwatched "a/assumed"`}
	if !slices.Equal(texts, want) {
		t.Errorf("%s", strings.Join(texts, "\n"))
	}
	if got, err := r.Status(t.Context(), "*x"); err != nil || len(got) != 1 || got[0].Path != "*x" {
		t.Errorf("a path is a pattern: %+v, %v", got, err)
	}
}

// What is in submodules is listed, too, and what they configure is not executed.
func TestStatusOfSubmodules(t *testing.T) {
	_, inner := repository(t, map[string]string{"x": "1", ".gitattributes": "* filter=bad\n"})
	r, root := repository(t, map[string]string{"a": "1"})
	gittest.Git(t, root, "submodule", "add", "file://"+filepath.ToSlash(inner), "libs/图")
	gittest.Git(t, root, "commit", "-m", "two")
	mark := filepath.Join(t.TempDir(), "mark")
	gittest.Git(t, filepath.Join(root, "libs", "图"), "config", "filter.bad.clean", "touch "+filepath.ToSlash(mark)+"; cat")
	if got, err := r.Status(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	gittest.Put(t, root, "libs/图/x", "2")
	gittest.Put(t, root, "libs/图/new", "2")
	want := []Status{{Path: "libs/图/x", State: StateChanged}, {Path: "libs/图/new", State: StateUntracked}}
	for _, paths := range [][]string{nil, {"libs"}, {"libs/图/x", "libs/图/new"}} {
		if got, err := r.Status(t.Context(), paths...); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %+v, %v", paths, got, err)
		}
	}
	if got, err := r.Status(t.Context(), "a"); err != nil || len(got) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	gittest.Git(t, filepath.Join(root, "libs", "图"), "-c", "filter.bad.clean=", "commit", "-am", "two")
	if got, err := r.Status(t.Context()); err != nil || len(got) != 2 || got[0] != (Status{Path: "libs/图", State: StateChanged, Submodule: true}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := os.Lstat(mark); err == nil {
		t.Error("a filter of the submodule was executed")
	}
}

func TestObjects(t *testing.T) {
	r, root := repository(t, map[string]string{"a/图 1.txt": "picture", "a/b/c": "deep", "top": strings.Repeat("x", 200_000)})
	if runtime.GOOS != "windows" {
		for link, target := range map[string]string{"link": "a", "a/up": "../top", "out": "../../x", "abs": "/etc/passwd", "circle": "circle", "a/b/back": "..", "dead": "none"} {
			if err := os.Symlink(target, filepath.Join(root, filepath.FromSlash(link))); err != nil {
				t.Fatal(err)
			}
		}
		gittest.Git(t, root, "add", ".")
		gittest.Git(t, root, "commit", "-m", "links")
	}
	head := gittest.Git(t, root, "rev-parse", "HEAD")
	objects, err := r.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a/图 1.txt": "a/图 1.txt", "a": "a", ".": ".", "a/b/../b/c": "a/b/c", "none": "", "top/below": "", "link/b/c": "a/b/c", "a/up": "top", "out": "", "abs": "", "circle": "",
		"a/b/back/b/back/up": "top", "dead": "", "a\n": "",
	} {
		if runtime.GOOS == "windows" && want == "a/b/c" {
			continue
		}
		found, ok, err := objects.Lookup(head, name)
		if err != nil || ok != (want != "") || found.Path != want {
			t.Errorf("%q: %q, %v, %v", name, found.Path, ok, err)
		}
	}
	entry, _, _ := objects.Lookup(head, "a/图 1.txt")
	if data, err := objects.Blob(entry.Object); err != nil || string(data) != "picture" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := objects.Blob(head); ReasonOf(err) != Unsupported {
		t.Errorf("a commit for a file: %v", err)
	}
	if _, err := objects.Blob(strings.Repeat("1", 40)); ReasonOf(err) != NotFetched {
		t.Errorf("an object that is not there: %v", err)
	}
	top, _, _ := objects.Lookup(head, "top")
	var large *largeError
	if _, _, err := objects.read(top.Object, "blob", 1000); !errors.As(err, &large) {
		t.Errorf("a large one: %v", err)
	}
	if data, err := objects.Blob(top.Object); err != nil || len(data) != 200_000 {
		t.Errorf("after all of that: %d, %v", len(data), err)
	}
	objects.Close()
	if _, err := objects.Blob(entry.Object); err == nil {
		t.Error("they are closed")
	}
	objects.Close()
}

// No name and no link leads out of the folder, whatever a tree says.
func TestCheckout(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows takes few of these names")
	}
	r, root := repository(t, map[string]string{"ext/extension.yaml": "name: a\n", "ext/图/x y": "1", "ext/-n": "1", "other/x": "1", "ext/.gitattributes": "* text eol=crlf export-ignore filter=lfs\n", "ext/line\nbreak": "1"})
	if err := os.Symlink("../other", filepath.Join(root, "ext", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(root, "abs")); err != nil {
		t.Fatal(err)
	}
	gittest.Git(t, root, "add", ".")
	gittest.Git(t, root, "submodule", "add", "file://"+root, "ext/sub")
	gittest.Git(t, root, "commit", "-m", "two")
	head := gittest.Git(t, root, "rev-parse", "HEAD")
	objects, err := r.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	out := t.TempDir()
	if err := objects.Checkout(t.Context(), head, []string{"ext", "abs", "none/at/all", "other/x"}, out); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = filepath.WalkDir(out, func(path string, entry os.DirEntry, err error) error {
		rel, _ := filepath.Rel(out, path)
		got = append(got, entry.Type().String()[:1]+" "+rel)
		return err
	})
	want := []string{"d .", "L abs", "d ext", "- ext/-n", "- ext/.gitattributes", "- ext/extension.yaml", "- ext/line\nbreak", "L ext/link", "d ext/sub", "d ext/图", "- ext/图/x y", "d other", "- other/x"}
	slices.Sort(want)
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if data, _ := os.ReadFile(filepath.Join(out, "ext", "extension.yaml")); string(data) != "name: a\n" {
		t.Errorf("%q", data)
	}

	sub := gittest.Git(t, root, "rev-parse", "HEAD:ext/sub")
	for name, want := range map[string]Found{"ext/sub": {Path: "ext/sub"}, "ext/sub/ext/extension.yaml": {Path: "ext/sub", Below: "ext/extension.yaml"}, "ext/sub/../sub/x/../y": {Path: "ext/sub", Below: "y"}} {
		if got, ok, err := objects.Lookup(head, name); err != nil || !ok || got.Path != want.Path || got.Below != want.Below || got.Mode != ModeSubmodule || got.Object != sub {
			t.Errorf("%s: %+v, %v, %v", name, got, ok, err)
		}
	}

	// Trees that git does not write.
	blob := gittest.Git(t, root, "rev-parse", "HEAD:other/x")
	folder := gittest.Git(t, root, "rev-parse", "HEAD:other")
	outside := filepath.Join(filepath.Dir(out), "outside")
	link := hashObject(t, root, "blob", outside)
	raw := func(mode, name, object string) string { return mode + " " + name + "\x00" + unhex(object) }
	for name, tree := range map[string]string{
		"a name that leads up": raw("100644", "..", blob), "a name with a slash": raw("100644", "../x", blob), "no name": raw("100644", "", blob), "a cut end": raw("100644", "x", blob)[:20],
		"an odd mode": raw("010000", "pipe", blob),
	} {
		object := hashObject(t, root, "tree", tree)
		commit := gittest.Git(t, root, "commit-tree", "-m", "x", object)
		if err := objects.Checkout(t.Context(), commit, []string{"."}, t.TempDir()); ReasonOf(err) != Unsupported {
			t.Errorf("%s: %v", name, err)
		}
	}
	object := hashObject(t, root, "tree", raw("120000", "a", link)+raw("40000", "a", folder))
	if err := objects.Checkout(t.Context(), gittest.Git(t, root, "commit-tree", "-m", "x", object), []string{"."}, t.TempDir()); err == nil {
		t.Error("a folder was written through a link")
	}
	if _, err := os.Lstat(outside); err == nil {
		t.Error("something was written outside")
	}
}

func hashObject(t *testing.T, root, kind, data string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "object")
	if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return gittest.Git(t, root, "hash-object", "-w", "--literally", "-t", kind, file)
}

func unhex(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i += 2 {
		var n byte
		fmt.Sscanf(text[i:i+2], "%02x", &n)
		b.WriteByte(n)
	}
	return b.String()
}

func TestHistory(t *testing.T) {
	r, root := repository(t, map[string]string{"a/x": "1", "b/x": "1"})
	first := r.Head
	gittest.Put(t, root, "a/图\n1", "1")
	gittest.Git(t, root, "add", ".")
	gittest.Git(t, root, "commit", "--cleanup=verbatim", "-m", "\nAdd a picture\r\nto\ta\r\n\r\nBecause.\n\nMore.\n")
	second := gittest.Git(t, root, "rev-parse", "HEAD")
	gittest.Git(t, root, "checkout", "-b", "topic", first)
	gittest.Put(t, root, "b/x", "2")
	gittest.Git(t, root, "commit", "-am", "topic")
	gittest.Git(t, root, "checkout", "main")
	gittest.Git(t, root, "merge", "--no-ff", "-m", "merge", "topic")
	head := gittest.Git(t, root, "rev-parse", "HEAD")
	subjects := func(from, to string, paths ...string) (list []string) {
		commits, err := r.Log(t.Context(), from, to, paths...)
		if err != nil {
			t.Error(err)
		}
		for _, c := range commits {
			list = append(list, c.Subject)
		}
		return list
	}
	if got := subjects(first, head); len(got) != 3 || got[0] != "merge" {
		t.Errorf("%q", got)
	}
	if got := subjects("", head, "a"); !slices.Equal(got, []string{"Add a picture to a", "one"}) {
		t.Errorf("%q", got)
	}
	if got := subjects(first, head, "b", "none"); !slices.Equal(got, []string{"topic"}) {
		t.Errorf("%q", got)
	}
	if got := subjects(head, head); got != nil {
		t.Errorf("%q", got)
	}
	log, _ := r.Log(t.Context(), first, second)
	if len(log) != 1 || log[0].Hash != second || !slices.Equal(log[0].Parents, []string{first}) {
		t.Errorf("%+v", log)
	}
	list, err := r.List(t.Context(), head)
	if err != nil || len(list) != 3 || list[1].Path != "a/图\n1" {
		t.Errorf("%+v, %v", list, err)
	}

	gittest.Git(t, root, "tag", "a/v1.0.0", first)
	gittest.Git(t, root, "tag", "-a", "b-2.0.0", "-m", "x", second)
	gittest.Git(t, root, "tag", "-a", "of-tag", "-m", "x", "b-2.0.0")
	gittest.Git(t, root, "tag", "of-file", "HEAD:a/x")
	tags, err := r.Tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, tag := range tags {
		got[tag.Name] = tag.Commit
	}
	if merged, err := r.Merged(t.Context(), first); err != nil || len(merged) != 1 || !merged["a/v1.0.0"] {
		t.Errorf("%v, %v", merged, err)
	}
	for name, want := range map[string]string{"a/v1.0.0": first, "b-2.0.0": second, "of-tag": second, "of-file": ""} {
		if commit, ok := got[name]; !ok || commit != want {
			t.Errorf("%s: %s", name, got[name])
		}
	}
}

// Ten thousand commits are read in one go.
func TestLongHistory(t *testing.T) {
	r, root := repository(t, nil)
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "commit refs/heads/long\ncommitter a <a@example.com> %d +0000\ndata 4\n%04d\nM 100644 inline ext%d/x\ndata 4\n%04d\n", 1_600_000_000+i, i, i%100, i)
	}
	file := filepath.Join(t.TempDir(), "stream")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	stream, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	load := exec.Command("git", "-c", "core.fsync=none", "fast-import", "--quiet")
	load.Dir, load.Stdin = root, stream
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	head, err := r.Resolve(t.Context(), "long")
	if err != nil {
		t.Fatal(err)
	}
	if all, err := r.Log(t.Context(), "", head); err != nil || len(all) != 10_000 || all[0].Subject != "9999" {
		t.Errorf("%d, %v", len(all), err)
	}
	if some, err := r.Log(t.Context(), "", head, "ext7"); err != nil || len(some) != 100 {
		t.Errorf("%d, %v", len(some), err)
	}
}

// Who ends the context gets its error, and not that of a pipe of git.
func TestObjectsOfAnEndedContext(t *testing.T) {
	r, _ := repository(t, map[string]string{"a": "b"})
	ctx, cancel := context.WithCancel(t.Context())
	objects, err := r.Objects(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	cancel()
	for range 1000 { // git may live for a moment
		if _, _, err = objects.Lookup(r.Head, "a"); err != nil {
			break
		}
		clear(objects.trees)
		time.Sleep(time.Millisecond)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestMayHold: git is asked wherever it may have an answer, also where only links lead into a work tree.
func TestMayHold(t *testing.T) {
	_, root := repository(t, map[string]string{"ext/a/extension.yaml": "a"})
	plain := t.TempDir()
	link, deep := filepath.Join(plain, "link"), filepath.Join(root, "ext", "a")
	if err := os.Symlink(deep, link); err != nil {
		t.Skip(err)
	}
	for dir, want := range map[string]bool{root: true, deep: true, filepath.Join(root, ".git"): true, link: true, plain: false} {
		if MayHold(dir) != want {
			t.Errorf("MayHold(%s) = %t", dir, !want)
		}
	}
	t.Chdir(link)
	if t.Setenv("PWD", link); !MayHold(".") {
		t.Error("the working directory is reached by a link, and git may know nothing of it")
	}
}

func TestHome(t *testing.T) {
	gittest.Need(t)
	_, root := repository(t, map[string]string{"ext/a/extension.yaml": "a", "config/x": "x"})
	_, other := repository(t, map[string]string{"x": "x"})
	plain := t.TempDir()
	ext, file := filepath.Join(root, "ext", "a"), filepath.Join(root, "ext", "a", "extension.yaml")
	for _, c := range []struct {
		dir   string
		paths []string
		want  string
	}{
		{root, nil, root},
		{root, []string{ext}, root},
		{filepath.Join(root, "config"), []string{ext}, filepath.Join(root, "config")}, // one work tree
		{plain, []string{ext}, ext},
		{plain, []string{file}, ext},
		{other, []string{ext}, ext},
		{filepath.Dir(root), []string{ext}, ext}, // a folder of repositories
		{plain, []string{filepath.Join(plain, "a")}, plain},
	} {
		if got := Home(t.Context(), c.dir, c.paths...); got != c.want {
			t.Errorf("Home(%s, %q) = %s, want %s", c.dir, c.paths, got, c.want)
		}
	}
	if _, err := Open(t.Context(), plain); ReasonOf(err) != NoWorkTree || !strings.Contains(err.Error(), plain) {
		t.Error(err)
	}
}
