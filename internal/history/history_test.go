package history

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// repository is one that a test fills.
type repository struct{ *gittest.Repository }

func newRepository(t *testing.T) repository { return repository{gittest.New(t)} }

// commit puts a text into a file and commits it; it gives the commit.
func (r repository) commit(file, text, message string) string {
	r.Helper()
	r.Put(file, text)
	return r.Commit(message)
}

func (r repository) version(name, version, message string) string {
	return r.commit(name+"/extension.yaml", "name: "+name+"\nversion: "+version+"\n", message)
}

func (r repository) extension(name, version string) Extension {
	return Extension{Name: name, Version: version, Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Display: name}
}

func (r repository) open(since string) *Reader {
	r.Helper()
	reader, err := Open(r.Context(), r.Dir, since, nil, []string{"a", "b", "甲"})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(reader.Close)
	return reader
}

func TestDone(t *testing.T) {
	r := newRepository(t)
	r.version("a", "1.0.0", "add a")
	first := r.commit("a/x", "1", "one")
	r.version("b", "1.0.0", "add b")
	set := r.version("a", "1.1.0", "a 1.1.0")
	r.Git("checkout", "-q", "-b", "side")
	r.commit("a/y", "2", "two: 甲 and\n\na body")
	r.Git("checkout", "-q", "main")
	r.commit("b/y", "2", "of b")
	r.Git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
	r.commit("a/z", "3", "three")
	r.commit("a/z", "4", "three")

	check := func(what, since, wantSince string, want ...string) {
		t.Helper()
		done := r.open(since).Done(t.Context(), r.extension("a", "1.1.0"))
		if !slices.Equal(done.Subjects, want) || done.Since != wantSince || done.Missing != "" || done.More != 0 {
			t.Errorf("%s: %+v, want %q since %s", what, done, want, wantSince)
		}
	}
	check("since the commit of the version", "", "commit "+set[:12], "three", "two: 甲 and")
	check("since a commit", first, first, "three", "two: 甲 and", "a 1.1.0")
	r.Git("tag", "-a", "-m", "x", "a/v1.0.0", first)
	r.Git("tag", "b/v1.1.0")
	check("no tag of this version", "", "commit "+set[:12], "three", "two: 甲 and")
	r.Git("tag", "a-1.1.0", "HEAD^")
	check("since the tag", "", "a-1.1.0", "three")

	// A version that is not committed yet follows the one that is.
	if done := r.open("").Done(t.Context(), r.extension("a", "1.2.0")); done.Since != "a-1.1.0" {
		t.Errorf("%+v", done)
	}
	if reader := r.open(""); !reader.IsBumped(t.Context(), r.extension("a", "1.2.0")) || reader.IsBumped(t.Context(), r.extension("a", "v1.1.0")) || reader.IsBumped(t.Context(), r.extension("c", "1.0.0")) {
		t.Error("a is bumped, or is not")
	}
	if reader := r.open(first); !reader.IsBumped(t.Context(), r.extension("a", "1.1.0")) {
		t.Error("a was bumped since then")
	}
	// Of very many commits some are named.
	for i := range most + 5 {
		r.commit("a/z", fmt.Sprint("n", i), fmt.Sprint("number ", i))
	}
	if done := r.open("").Done(t.Context(), r.extension("a", "1.1.0")); len(done.Subjects) != most || done.More != 6 {
		t.Errorf("%d subjects, %d more", len(done.Subjects), done.More)
	}
	// One that was never committed has none.
	if err := os.Mkdir(filepath.Join(r.Dir, "new"), 0o755); err != nil {
		t.Fatal(err)
	}
	if done := r.open("").Done(t.Context(), r.extension("new", "1.0.0")); len(done.Subjects) != 0 || done.Missing != "" {
		t.Errorf("%+v", done)
	}
	// Elsewhere, through a link, in a folder whose name git could take for a pattern or an option.
	other := Extension{Name: "a", Version: "1.0.0", Path: t.TempDir(), Display: "elsewhere"}
	if done := r.open("").Done(t.Context(), other); !strings.Contains(done.Missing, "elsewhere is not in the repository") {
		t.Errorf("%+v", done)
	}
	r.version("-x/甲*", "1.0.0", "odd")
	r.commit("-x/甲b/f", "1", "another folder")
	odd := r.commit("-x/甲*/f", "1", "change odd")
	if done := r.open("").Done(t.Context(), r.extension("-x/甲*", "1.0.0")); !slices.Equal(done.Subjects, []string{"change odd"}) {
		t.Errorf("%s: %+v", odd, done)
	}
}

func TestWithoutHistory(t *testing.T) {
	r := newRepository(t)
	reader := r.open("")
	if done := reader.Done(t.Context(), r.extension("a", "1.0.0")); done.Missing != "there is no commit yet, so that no commits are listed" {
		t.Errorf("%+v", done)
	}
	if between, before, err := reader.Versions(t.Context(), r.extension("a", "1.0.0"), ""); between != nil || before != nil || err != nil || reader.IsBumped(t.Context(), r.extension("a", "1.0.0")) {
		t.Errorf("%v, %v, %v", between, before, err)
	}
	if _, err := Open(t.Context(), r.Dir, "main", nil, nil); git.ReasonOf(err) != git.NoCommit {
		t.Errorf("%v", err)
	}
	r.version("a", "1.0.0", "add a")
	r.commit("a/x", "1", "one")
	r.commit("a/x", "2", "two")
	if _, err := Open(t.Context(), r.Dir, "--output=x", nil, nil); git.ReasonOf(err) != git.UnknownRef {
		t.Errorf("%v", err)
	}
	clone := repository{gittest.At(t, t.TempDir())}
	clone.Git("clone", "-q", "--depth", "1", "file://"+filepath.ToSlash(r.Dir), ".")
	if done := clone.open("").Done(t.Context(), clone.extension("a", "1.0.0")); !strings.Contains(done.Missing, "this is a shallow clone, and commits may be missing: git fetch --unshallow origin") {
		t.Errorf("%+v", done)
	}
}

func TestVersions(t *testing.T) {
	r := newRepository(t)
	r.version("a", "1.0.0", "one")
	r.version("a", "1.1.0", "two")
	r.Git("tag", "a/v1.1.0")
	base := r.version("a", "1.2.0", "three")
	r.version("a", "1.3.0", "four")
	r.version("a", "1.4.0", "five")
	r.commit("a/x", "new", "no version")
	check := func(version, base string, wantBetween string, wantBefore ...string) {
		t.Helper()
		between, before, err := r.open("").Versions(t.Context(), r.extension("a", version), base)
		var got []string
		for _, past := range before {
			what, _, _ := strings.Cut(past.String(), " ")
			if past.Tag != "" {
				what = past.Tag
			}
			got = append(got, past.Version+" "+what)
		}
		if err != nil || strings.Join(between, " ") != wantBetween || !slices.Equal(got, wantBefore) {
			t.Errorf("%s: %v, %q, %q, want %q, %q", version, err, between, got, wantBetween, wantBefore)
		}
	}
	check("1.4.0", base, "1.3.0", "1.1.0 a/v1.1.0", "1.2.0 commit", "1.1.0 commit", "1.0.0 commit")
	check("1.5.0", "", "1.0.0 1.1.0 1.2.0 1.3.0 1.4.0", "1.1.0 a/v1.1.0")
	check("1.5.0", base, "1.3.0 1.4.0", "1.1.0 a/v1.1.0", "1.2.0 commit", "1.1.0 commit", "1.0.0 commit")
	// What was there with the very same content is not another one: a commit that was taken back.
	r.Git("rm", "-q", "a/x")
	r.version("a", "1.1.0", "back")
	check("1.1.0", base, "1.3.0 1.4.0", "1.2.0 commit", "1.0.0 commit")
	r.commit("a/x", "newer", "more")
	check("1.1.0", base, "1.3.0 1.4.0", "1.1.0 a/v1.1.0", "1.2.0 commit", "1.1.0 commit", "1.0.0 commit")
}

// An extension in a submodule has the history of that repository, and one in a work tree of its
// own, at a detached head, that of its commit.
func TestOtherWorkTrees(t *testing.T) {
	inner := newRepository(t)
	inner.version("a", "1.0.0", "add a")
	first := inner.commit("a/x", "1", "one")
	inner.commit("a/x", "2", "two")
	outer := newRepository(t)
	outer.version("b", "1.0.0", "add b")
	outer.Git("submodule", "add", "-q", inner.Dir, "in/side")
	outer.Git("commit", "-q", "-m", "take in a")
	reader := outer.open("")
	a := outer.extension("in/side/a", "1.0.0")
	if done := reader.Done(t.Context(), a); !slices.Equal(done.Subjects, []string{"two", "one"}) {
		t.Errorf("%+v", done)
	}
	a.Version = "1.1.0"
	if !reader.IsBumped(t.Context(), a) {
		t.Error("a has another version than was committed")
	}
	if between, before, err := reader.Versions(t.Context(), a, outer.Git("rev-parse", "HEAD")); err != nil || !slices.Equal(between, []string{"1.0.0"}) || before != nil {
		t.Errorf("%v, %v, %v", between, before, err)
	}
	tree := repository{gittest.At(t, filepath.Join(t.TempDir(), "tree"))}
	inner.Git("worktree", "add", "-q", "--detach", tree.Dir, first)
	if done := tree.open("").Done(t.Context(), tree.extension("a", "1.0.0")); !slices.Equal(done.Subjects, []string{"one"}) {
		t.Errorf("%+v", done)
	}
}

// Of a long history only what touched the extension is looked at.
func TestManyCommits(t *testing.T) {
	r := newRepository(t)
	var stream strings.Builder
	const commits = 10_000
	for i := range commits {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter a <a@example.com> %d +0000\ndata %d\nn%d\n", i, len(fmt.Sprint("n", i)), i)
		name, text := fmt.Sprintf("b/%d", i%10), fmt.Sprint(i)
		if i%1000 == 0 {
			name, text = "a/extension.yaml", fmt.Sprintf("name: a\nversion: 1.%d.0\n", i/1000)
		} else if i%1000 == 500 {
			name = "a/x"
		}
		fmt.Fprintf(&stream, "M 644 inline %s\ndata %d\n%s\n", name, len(text), text)
	}
	git := exec.CommandContext(t.Context(), "git", "fast-import", "--quiet")
	git.Dir, git.Stdin = r.Dir, strings.NewReader(stream.String())
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r.Git("checkout", "-q", "main")
	reader := r.open("")
	if done := reader.Done(t.Context(), r.extension("a", "1.9.0")); !slices.Equal(done.Subjects, []string{"n9500"}) {
		t.Errorf("%+v", done)
	}
	between, before, err := reader.Versions(t.Context(), r.extension("a", "2.0.0"), r.Git("rev-parse", "HEAD~3000"))
	if err != nil || strings.Join(between, " ") != "1.7.0 1.8.0 1.9.0" || len(before) != 7 {
		t.Errorf("%v, %q, %+v", err, between, before)
	}
}

// An extension that was moved to another folder keeps its history, also with a merge of a branch
// that did not know of it, and where something else is in the earlier folder now.
func TestMovedExtensions(t *testing.T) {
	r := newRepository(t)
	r.version("b", "1.0.0", "add b")
	r.version("a", "1.0.0", "add a")
	r.version("a", "1.1.0", "set 1.1.0")
	r.commit("a/x", "1", "one")
	r.Git("checkout", "-q", "-b", "side")
	r.commit("a/x", "2", "of the side")
	r.Git("checkout", "-q", "main")
	check := func(what string, want ...string) {
		t.Helper()
		e := r.extension("c", "1.1.0")
		e.Name = "a"
		done := r.open("").Done(t.Context(), e)
		slices.Sort(done.Subjects)
		if !slices.Equal(done.Subjects, want) || done.Missing != "" || !strings.HasPrefix(done.Since, "commit ") {
			t.Errorf("%s: %+v, want %q", what, done, want)
		}
		between, _, err := r.open("").Versions(t.Context(), e, "")
		if err != nil || !slices.Equal(between, []string{"1.0.0"}) {
			t.Errorf("%s: %v, %v", what, between, err)
		}
		if r.open("").IsBumped(t.Context(), e) {
			t.Errorf("%s: it has the version that was committed", what)
		}
		if e.Version = "1.2.0"; !r.open("").IsBumped(t.Context(), e) {
			t.Errorf("%s: it has another version", what)
		}
	}
	r.Git("mv", "a", "c")
	check("not committed", "one")
	r.Git("commit", "-q", "-m", "move a")
	check("committed", "move a", "one")
	r.Git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
	check("merged", "move a", "of the side", "one")
	r.commit("a/extension.yaml", "name: d\nversion: 3.0.0\n", "another one in its folder")
	check("with another one in its folder", "move a", "one")
	if done := r.open("").Done(t.Context(), Extension{Name: "d", Version: "3.0.0", Path: filepath.Join(r.Dir, "a"), Display: "a"}); len(done.Subjects) != 0 {
		t.Errorf("%+v", done)
	}
	// A second version of it in a folder of its own is no move.
	r.commit("e/extension.yaml", "name: a\nversion: 2.0.0\n", "add a 2")
	if done := r.open("").Done(t.Context(), Extension{Name: "a", Version: "2.0.0", Path: filepath.Join(r.Dir, "e"), Display: "e"}); len(done.Subjects) != 0 {
		t.Errorf("%+v", done)
	}
}
