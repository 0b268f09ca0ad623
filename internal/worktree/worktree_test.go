package worktree

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// repository is one that a test fills.
type repository struct{ *gittest.Repository }

func newRepository(t *testing.T) repository { return repository{gittest.New(t)} }

// expect compares what is not committed of the extension in a folder.
func (r repository) expect(dir string, want ...string) {
	r.Helper()
	tree, err := Open(r.Context(), r.Dir)
	if err != nil {
		r.Fatal(err)
	}
	defer tree.Close()
	folder := filepath.Join(r.Dir, filepath.FromSlash(dir))
	ext, err := extension.Load(folder, extension.Options{})
	if err != nil {
		r.Fatal(err)
	}
	found, err := tree.Uncommitted(r.Context(), folder, ext)
	if err != nil || !found.Known {
		r.Fatalf("%v, %v", found, err)
	}
	var got []string
	for _, f := range found.Files {
		got = append(got, fmt.Sprintf("%s %s", f.State, f.File))
	}
	if !slices.Equal(got, want) {
		r.Errorf("%q, want %q", got, want)
	}
}

func (r repository) extension(dir string) {
	r.Put(dir+"/extension.yaml", "name: a\nversion: 1.0.0\n")
	r.Put(dir+"/values.yaml", "a: 1\nb: 2\n")
	r.Put(dir+"/templates/x.yaml", "a: 1\n")
}

func TestUncommitted(t *testing.T) {
	r := newRepository(t)
	r.extension("ext/图 1")
	r.Put("ext/图 1/.helmignore", "docs\n")
	r.Put("ext/图 1/docs/x", "1")
	r.Put("ext/图 1/gone/x", "1")
	r.Put("ext/图 1/big", "version https://git-lfs.github.com/spec/v1\noid sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b\nsize 1\n")
	r.Put(".gitignore", "*.log\nbuild/\n")
	r.extension("ext/other")
	r.Commit("x")
	r.expect("ext/图 1")
	r.Put("ext/other/values.yaml", "a: 2\n")
	r.Put("ext/图 1/docs/x", "2")
	r.Put("ext/图 1/docs/new", "2")
	r.expect("ext/图 1")
	r.Put("ext/图 1/values.yaml", "a: 1\r\nb: 2\r\n")
	r.Put("ext/图 1/templates/x.yaml", "a: 2\n")
	r.Put("ext/图 1/new/a", "")
	r.Put("ext/图 1/x.log", "")
	r.Put("ext/图 1/build/b", "")
	r.Put("ext/图 1/added", "")
	r.Put("ext/图 1/big", "1")
	r.Git("add", "ext/图 1/added")
	if err := os.RemoveAll(filepath.Join(r.Dir, "ext", "图 1", "gone")); err != nil {
		t.Fatal(err)
	}
	r.expect("ext/图 1", "changed added", "ignored build/b", "removed gone/x", "untracked new/a", "changed templates/x.yaml", "line-ends values.yaml", "ignored x.log")
	r.expect("ext/other", "changed values.yaml")
	r.extension("ext/new")
	r.expect("ext/new", "untracked extension.yaml", "untracked templates/x.yaml", "untracked values.yaml")
}

// A checkout with other line ends is recognised where git takes it for clean.
func TestConvertedCheckout(t *testing.T) {
	r := newRepository(t)
	r.extension("ext")
	r.Put("ext/dos.txt", "a\r\nb\r\n")
	r.Commit("x")
	r.Git("config", "core.autocrlf", "true")
	for _, name := range []string{"extension.yaml", "values.yaml"} {
		if err := os.Remove(filepath.Join(r.Dir, "ext", name)); err != nil {
			t.Fatal(err)
		}
	}
	r.Git("-c", "core.autocrlf=true", "checkout", "--", "ext")
	r.expect("ext", "line-ends extension.yaml", "line-ends values.yaml")
}

func TestLinksSubmodulesAndFolders(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	inner := newRepository(t)
	inner.Put("lib.yaml", "a: 1\n")
	inner.Put("same/x", "1")
	inner.Put("gone/y", "1")
	inner.extension("ext")
	first := inner.Commit("x")
	inner.Put("lib.yaml", "a: 2\n")
	inner.Put("added", "1")
	inner.Put("ext/values.yaml", "a: 2\n")
	inner.Remove("ext/templates")
	inner.Remove("gone")
	second := inner.Commit("x")
	inner.Git("checkout", "-q", first)
	r := newRepository(t)
	r.extension("config/a")
	r.Put("config/a/real/x", "1")
	for link, to := range map[string]string{"config/a/linked": "real", "extensions": "config"} {
		if err := os.Symlink(to, filepath.Join(r.Dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	r.Git("submodule", "add", inner.Dir, "config/a/sub")
	r.Commit("x")
	r.expect("extensions/a")
	r.Put("config/a/real/x", "2")
	r.Put("config/a/sub/lib.yaml", "a: 2\n")
	r.Put("config/a/sub/new.yaml", "")
	r.expect("extensions/a", "changed linked/x", "changed real/x", "changed sub/lib.yaml", "untracked sub/new.yaml")

	// A submodule with another commit than the repository has of it.
	r.Git("checkout", "-q", "config/a/real")
	r.Remove("config/a/sub/new.yaml")
	sub := gittest.At(t, filepath.Join(r.Dir, "config", "a", "sub"))
	sub.Git("checkout", "-q", "--force", second)
	r.expect("extensions/a", "changed sub/added", "removed sub/ext/templates/x.yaml", "changed sub/ext/values.yaml", "removed sub/gone/y", "changed sub/lib.yaml")
	r.expect("config/a/sub/ext", "removed templates/x.yaml", "changed values.yaml")
	// As the repository has it, though it is not what the submodule has.
	sub.Put("lib.yaml", "a: 1\n")
	r.expect("extensions/a", "changed sub/added", "removed sub/ext/templates/x.yaml", "changed sub/ext/values.yaml", "removed sub/gone/y")
	r.Commit("with the other commit")
	r.expect("config/a/sub/ext")
}

func TestDependencyFolders(t *testing.T) {
	r := newRepository(t)
	r.Put("ext/extension.yaml", "name: a\nversion: 1.0.0\ndependencies:\n  - {name: base, version: 1.x, repository: 'file://../charts/base'}\n")
	r.Put("charts/base/Chart.yaml", "apiVersion: v2\nname: base\nversion: 1.0.0\n")
	r.Put("charts/base/.helmignore", "docs\n")
	r.Commit("x")
	r.Put("charts/base/values.yaml", "")
	r.Put("charts/base/docs", "")
	r.Put("charts/base/Chart.yaml", "apiVersion: v2\nname: base\nversion: 1.0.1\n")
	tree, err := Open(t.Context(), r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	folder := filepath.Join(r.Dir, "ext")
	ext, err := extension.Load(folder, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := tree.Uncommitted(t.Context(), folder, ext); len(found.Files) > 0 || !found.Known || err != nil {
		t.Errorf("not brought in: %v, %v", found, err)
	}
	md, data, err := extension.PackChart(filepath.Join(r.Dir, "charts", "base"), extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if ext, err = ext.WithCharts([]extension.Resolved{{Name: md.Name, Version: md.Version, Data: data}}); err != nil {
		t.Fatal(err)
	}
	found, err := tree.Uncommitted(t.Context(), folder, ext)
	want := []results.Uncommitted{{File: "../charts/base/Chart.yaml", State: Changed}, {File: "../charts/base/values.yaml", State: Untracked}}
	if !slices.Equal(found.Files, want) || err != nil {
		t.Errorf("%v, %v", found, err)
	}
}

// Without a commit, or elsewhere, nothing is known.
func TestUnknown(t *testing.T) {
	r := newRepository(t)
	r.extension("ext")
	folder := filepath.Join(r.Dir, "ext")
	known := func(dir string) bool {
		t.Helper()
		tree, err := Open(t.Context(), r.Dir)
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		ext, err := extension.Load(dir, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		found, err := tree.Uncommitted(t.Context(), dir, ext)
		if err != nil {
			t.Fatal(err)
		}
		return found.Known
	}
	if known(folder) {
		t.Error("without a commit")
	}
	r.Commit("x")
	if !known(folder) {
		t.Error("with a commit")
	}
	elsewhere := repository{gittest.At(t, t.TempDir())}
	elsewhere.extension("ext")
	if known(filepath.Join(elsewhere.Dir, "ext")) {
		t.Error("elsewhere")
	}
	if _, err := Open(t.Context(), elsewhere.Dir); err == nil || !strings.Contains(err.Error(), "no git work tree") {
		t.Errorf("%v", err)
	}
}

func TestFindings(t *testing.T) {
	var files []results.Uncommitted
	for i := range 14 {
		files = append(files, results.Uncommitted{File: fmt.Sprintf("f%02d", i), State: []string{Changed, Removed, Untracked, Ignored, LineEnds}[i%5]})
	}
	found := Findings(files, true, "extensions/a")
	if len(found) != 10 || found[0].Code != "committed/changed" || found[0].File != "extensions/a/f00" || found[0].Severity != "error" || !strings.HasSuffix(found[9].Message, "; 4 more files are not as they were committed") {
		t.Errorf("%+v", found)
	}
	for _, f := range found {
		if f.Message == "" || !slices.ContainsFunc(results.OtherRule(results.RuleCommitted).Codes, func(c diagnostic.Code) bool { return "committed/"+c.Name == f.Code }) {
			t.Errorf("%+v", f)
		}
	}
	if err := Refusal(files, true); !strings.HasPrefix(err.Error(), "14 files would be packed that are not as committed: f00 (changed), ") || !strings.HasSuffix(err.Error(), "and 9 more") || failure.Hint(err) == "" {
		t.Error(err)
	}
	if err := Refusal(files[:1], true); err.Error() != "1 file would be packed that is not as committed: f00 (changed)" {
		t.Error(err)
	}
	if err := Refusal([]results.Uncommitted{{File: "a\n::error::b", State: Untracked}}, true); strings.Contains(err.Error(), "\n") {
		t.Errorf("the name of a file begins a line: %q", err)
	}
}
