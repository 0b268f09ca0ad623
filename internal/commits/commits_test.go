package commits

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

func open(t *testing.T, dir string) *Repository {
	t.Helper()
	repository, err := git.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// nested is a repository with a submodule that has one, and the commit of each.
func nested(t *testing.T) (outer, middle, inner *gittest.Repository) {
	t.Helper()
	inner, middle, outer = gittest.New(t), gittest.New(t), gittest.New(t)
	inner.Put("图 1/x", "deep")
	inner.Commit("one")
	middle.Put("y", "between")
	middle.Git("submodule", "add", "-q", inner.Dir, "in/deep")
	middle.Commit("one")
	outer.Put("ext/z", "above")
	outer.Git("submodule", "add", "-q", middle.Dir, "ext/m 1")
	outer.Git("submodule", "update", "-q", "--init", "--recursive")
	outer.Commit("one")
	return outer, middle, inner
}

func TestFind(t *testing.T) {
	outer, middle, inner := nested(t)
	r := open(t, outer.Dir)
	head := outer.Git("rev-parse", "HEAD")
	for name, want := range map[string]struct{ path, commit string }{
		"ext/z": {"ext/z", head}, ".": {".", head}, "none": {}, "ext/m 1/none": {}, "ext/m 1/in/deep/none/x": {}, "ext/m 1/../z": {"ext/z", head},
		"ext/m 1": {"ext/m 1", middle.Git("rev-parse", "HEAD")}, "ext/m 1/y": {"ext/m 1/y", middle.Git("rev-parse", "HEAD")},
		"ext/m 1/in/deep/图 1/x": {"ext/m 1/in/deep/图 1/x", inner.Git("rev-parse", "HEAD")},
	} {
		place, err := r.Find(t.Context(), head, name)
		if err != nil || (place == nil) != (want.path == "") {
			t.Errorf("%s: %+v, %v", name, place, err)
		}
		if place != nil && (place.InProject() != want.path || place.Commit != want.commit) {
			t.Errorf("%s: %s in %s", name, place.InProject(), place.Commit)
		}
	}
	place, err := r.Find(t.Context(), head, "ext/m 1/in/deep")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := place.Below("图 1/x"); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

// A submodule that is not checked out is named with the command that does it, also where its folder
// has files: those of the submodule around it, as git sees it.
func TestSubmodulesThatAreNotThere(t *testing.T) {
	outer, _, _ := nested(t)
	head := outer.Git("rev-parse", "HEAD")
	outer.Remove("ext/m 1/in/deep")
	outer.Put("ext/m 1/in/deep/图 1/x", "a file without a repository")
	for name, in := range map[string]string{"ext/m 1/in/deep/图 1": "'ext/m 1/in/deep'"} {
		_, err := open(t, outer.Dir).Find(t.Context(), head, name)
		if err == nil || err.Error() != "the submodule "+in+": it is not checked out" || failure.Hint(err) != "git submodule update --init --recursive "+in {
			t.Errorf("%s: %v → %s", name, err, failure.Hint(err))
		}
	}
	checkout := func(passAbsent bool) (*Checkout, error) {
		t.Helper()
		c, err := open(t, outer.Dir).Checkout(head)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Remove)
		c.PassAbsent = passAbsent
		_, _, err = c.Write(t.Context(), "ext")
		return c, err
	}
	if _, err := checkout(false); !errors.Is(err, errNotCheckedOut) {
		t.Errorf("%v", err)
	}
	c, err := checkout(true)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, c.Dir, "ext/m 1/.gitmodules", "ext/m 1/y", "ext/z")
	if _, _, err := c.Write(t.Context(), "ext/m 1/in/deep/图 1"); !errors.Is(err, errNotCheckedOut) {
		t.Errorf("what is asked for is absent: %v", err)
	}
	// One that lacks the commit.
	outer.Git("update-index", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",ext/m 1")
	outer.Git("commit", "-q", "-m", "two")
	if _, err := open(t, outer.Dir).Find(t.Context(), outer.Git("rev-parse", "HEAD"), "ext/m 1/y"); err == nil || !strings.Contains(err.Error(), "the submodule 'ext/m 1' does not have the commit 111111111111") || failure.Hint(err) == "" {
		t.Errorf("%v → %s", err, failure.Hint(err))
	}
}

// expect compares the files in a folder.
func expect(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(file string, entry os.DirEntry, err error) error {
		if rel, ok := git.Within(dir, file); ok && !entry.IsDir() {
			got = append(got, rel)
		}
		return err
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestCheckout(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	outer, _, _ := nested(t)
	outer.Put("charts/base/Chart.yaml", "name: base\n")
	outer.Put("charts/other/Chart.yaml", "name: other\n")
	outer.Put("ext/a/extension.yaml", "name: a\nversion: 1.0.0\ndependencies:\n"+
		"  - {name: base, version: 1.x, repository: 'file://../../charts/base'}\n"+
		"  - {name: out, version: 1.x, repository: 'file://../../../charts/base'}\n"+
		"  - {name: abs, version: 1.x, repository: 'file:///etc'}\n"+
		"  - {name: none, version: 1.x, repository: 'file://../none'}\n"+
		"  - {name: far, version: 1.x, repository: 'https://example.com'}\n")
	for link, to := range map[string]string{"link": "ext", "ext/a/linked": "extension.yaml"} {
		if err := os.Symlink(to, filepath.Join(outer.Dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	head := outer.Commit("two")
	outer.Put("ext/a/extension.yaml", "changed")
	c, err := open(t, outer.Dir).Checkout(head)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := c.Write(t.Context(), "none"); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	dir, ok, err := c.Write(t.Context(), "link/a") // is ext/a
	if err != nil || !ok || dir != filepath.Join(c.Dir, "ext", "a") {
		t.Fatalf("%s, %v, %v", dir, ok, err)
	}
	ext, err := extension.Load(dir, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WriteDependencies(t.Context(), dir, ext); err != nil {
		t.Fatal(err)
	}
	expect(t, c.Dir, "charts/base/Chart.yaml", "ext/a/extension.yaml", "ext/a/linked")
	// What is written once is not written again, and its parent comes after it.
	gittest.Put(t, c.Dir, "ext/a/extension.yaml", "kept")
	if _, _, err := c.Write(t.Context(), "ext/a/linked"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "extension.yaml")); string(text) != "kept" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, _, err := c.Write(t.Context(), "ext"); err != nil {
		t.Fatal(err)
	}
	expect(t, c.Dir, "charts/base/Chart.yaml", "ext/a/extension.yaml", "ext/a/linked", "ext/m 1/.gitmodules", "ext/m 1/in/deep/图 1/x", "ext/m 1/y", "ext/z")

	for below, want := range map[string]string{".": "ext/a", "../none": "ext/none", "../../..": ""} {
		rel, ok, err := c.Within(filepath.Join(outer.Dir, "link", "a"), below)
		if rel != want || ok != (want != "") || err != nil {
			t.Errorf("%s: %q, %v, %v", below, rel, ok, err)
		}
	}
	if got := c.Root(filepath.Join(outer.Dir, "link")); got != filepath.Join(c.Dir, "ext") {
		t.Error(got)
	}
	if got := c.Root(t.TempDir()); got != c.Dir {
		t.Errorf("of a config from elsewhere: %s", got)
	}
	c.Remove()
	if _, err := os.Stat(c.Dir); err == nil {
		t.Error("the folder is still there")
	}
}
