package changes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// project is a repository with extensions, made by a test.
type project struct {
	*gittest.Repository
	env map[string]string
}

const everything = "version: 1\nextensions:\n  - path: extensions/*\n"

func newProject(t testing.TB, configText string) *project {
	t.Helper()
	p := &project{gittest.New(t), map[string]string{}}
	p.Put(config.Name, configText)
	return p
}

// extension writes one with a few files.
func (p *project) extension(dir, name, version string, more ...string) {
	p.Helper()
	p.Put(dir+"/extension.yaml", metadata(name, version)+strings.Join(more, ""))
	p.Put(dir+"/values.yaml", "a: 1\n")
	p.Put(dir+"/templates/x.yaml", "kind: ConfigMap\n")
}

func metadata(name, version string) string {
	return fmt.Sprintf("apiVersion: kubesphere.io/v1alpha1\nname: %s\nversion: %s\n", name, version)
}

func (p *project) commit() string {
	p.Helper()
	return p.Commit("x")
}

func (p *project) options(since string) Options {
	p.Helper()
	loaded, err := config.Load(filepath.Join(p.Dir, config.Name), p.lookup)
	if err != nil {
		p.Fatal(err)
	}
	sources, err := loaded.Sources("", nil)
	if err != nil {
		p.Fatal(err)
	}
	return Options{Config: loaded, Sources: sources, Since: since, Environment: p.lookup}
}

func (p *project) lookup(name string) (string, bool) {
	value, ok := p.env[name]
	return value, ok
}

func (p *project) find(since string) *Changes {
	p.Helper()
	found, err := Find(p.Context(), p.options(since))
	if err != nil {
		p.Fatalf("%v\n%s", err, failure.Hint(err))
	}
	return found
}

// expect compares what became of each extension with lines of the form
// "name status base..version: files", which are left out where they are all those of a new one.
func (p *project) expect(since string, want ...string) *Changes {
	p.Helper()
	found := p.find(since)
	var got []string
	for _, e := range found.Extensions {
		line := fmt.Sprintf("%s %s %s..%s", e.Name, e.Status, e.BaseVersion, e.Version)
		whole := e.Status == Added || e.Status == Removed
		usual := whole && slices.Equal(e.Files, []string{"extension.yaml", "templates/x.yaml", "values.yaml"}) // those of extension
		if !usual && (whole || len(e.Files) > 0) {
			line += ": " + strings.Join(e.Files, " ")
		}
		got = append(got, line)
	}
	if !slices.Equal(got, want) {
		text, _ := json.MarshalIndent(found, "", " ")
		p.Errorf("since %s:\n%s\nwant:\n%s\n%s", since, strings.Join(got, "\n"), strings.Join(want, "\n"), text)
	}
	return found
}

func TestStatuses(t *testing.T) {
	p := newProject(t, everything)
	for _, name := range []string{"bumped", "changed", "gone", "only-version", "same", "ends"} {
		p.extension("extensions/"+name, name, "1.0.0")
	}
	p.Put("extensions/same/.helmignore", "docs\n")
	p.Put("extensions/图 片/extension.yaml", metadata("pictures", "1.0.0"))
	p.Put("extensions/图 片/图\t1.txt", "1")
	p.commit()
	p.expect("HEAD", "bumped unchanged 1.0.0..1.0.0", "changed unchanged 1.0.0..1.0.0", "ends unchanged 1.0.0..1.0.0", "gone unchanged 1.0.0..1.0.0",
		"only-version unchanged 1.0.0..1.0.0", "pictures unchanged 1.0.0..1.0.0", "same unchanged 1.0.0..1.0.0")

	p.Put("extensions/bumped/extension.yaml", metadata("bumped", "1.1.0"))
	p.Put("extensions/bumped/values.yaml", "a: 2\n")
	p.Put("extensions/changed/values.yaml", "a: 2\n")
	p.Remove("extensions/changed/templates")
	p.Put("extensions/changed/new/x y.txt", "")
	p.Put("extensions/only-version/extension.yaml", metadata("only-version", "2.0.0"))
	p.Put("extensions/ends/values.yaml", "a: 1\r\n")
	p.Put("extensions/same/docs/x", "left out")
	p.Put("extensions/图 片/图\t1.txt", "2")
	p.extension("extensions/new", "new", "0.1.0")
	p.Remove("extensions/gone")
	want := []string{
		"bumped bumped 1.0.0..1.1.0: extension.yaml values.yaml", "changed changed 1.0.0..1.0.0: new/x y.txt templates/x.yaml values.yaml",
		"ends unchanged 1.0.0..1.0.0", "gone removed 1.0.0..", "new added ..0.1.0", "only-version bumped 1.0.0..2.0.0: extension.yaml",
		"pictures changed 1.0.0..1.0.0: 图\t1.txt", "same unchanged 1.0.0..1.0.0",
	}
	found := p.expect("HEAD", want...) // of the work tree as it is
	if e := found.Extensions[2]; !slices.Equal(e.LineEnds, []string{"values.yaml"}) || len(e.Notes) != 1 || e.Content {
		t.Errorf("line ends: %+v", e)
	}
	if got := found.Names(); !slices.Equal(got, []string{"bumped", "changed", "new", "only-version", "pictures"}) {
		t.Errorf("%q", got)
	}
	p.commit()
	p.expect("HEAD~1", want...)
	p.expect("HEAD", "bumped unchanged 1.1.0..1.1.0", "changed unchanged 1.0.0..1.0.0", "ends unchanged 1.0.0..1.0.0", "new unchanged 0.1.0..0.1.0",
		"only-version unchanged 2.0.0..2.0.0", "pictures unchanged 1.0.0..1.0.0", "same unchanged 1.0.0..1.0.0")
	p.Git("checkout", "--detach", "HEAD~1")
	p.expect("main", "bumped bumped 1.1.0..1.0.0: extension.yaml values.yaml", "changed changed 1.0.0..1.0.0: new/x y.txt templates/x.yaml values.yaml", "ends unchanged 1.0.0..1.0.0",
		"gone added ..1.0.0", "new removed 0.1.0..", "only-version bumped 2.0.0..1.0.0: extension.yaml", "pictures changed 1.0.0..1.0.0: 图\t1.txt", "same unchanged 1.0.0..1.0.0")
}

// One that is new, or gone, has the files that are in its package.
func TestFilesOfWholeExtensions(t *testing.T) {
	p := newProject(t, everything)
	p.Put(".gitignore", "*.log\n")
	p.extension("extensions/gone", "gone", "1.0.0")
	p.Put("extensions/gone/.helmignore", "docs\n")
	p.Put("extensions/gone/docs/x", "left out")
	p.Put("extensions/gone/图 1.txt", "1")
	p.Put("extensions/odd/extension.yaml", "name: [")
	p.commit()
	p.Remove("extensions/gone")
	p.Remove("extensions/odd")
	p.extension("extensions/new", "new", "1.0.0")
	p.Put("extensions/new/x.log", "ignored")
	p.Put("extensions/new/files/y z", "")
	p.Put("extensions/broken/extension.yaml", "name: [")
	want := []string{
		"broken added ..: extension.yaml",
		"gone removed 1.0.0..: .helmignore extension.yaml templates/x.yaml values.yaml 图 1.txt",
		"new added ..1.0.0: extension.yaml files/y z templates/x.yaml values.yaml",
		"odd removed ..: extension.yaml",
	}
	p.expect("HEAD", want...)
}

// What git ignores does not count, and what is not added yet does.
func TestIgnoredFiles(t *testing.T) {
	p := newProject(t, everything)
	p.Put(".gitignore", "*.log\nbuild/\n")
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	p.commit()
	p.Put("extensions/a/x.log", "")
	p.Put("extensions/a/build/x", "")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
	p.Put("extensions/a/new.yaml", "")
	p.Put("extensions/b/build/x", "")
	p.Git("update-index", "--assume-unchanged", "extensions/b/values.yaml")
	p.Put("extensions/b/values.yaml", "a: 3\n")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: new.yaml", "b changed 1.0.0..1.0.0: values.yaml")
}

func TestRenames(t *testing.T) {
	p := newProject(t, "version: 1\nextensions:\n  - path: extensions/*\n  - path: apps/*/*\n")
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	p.extension("apps/x/c", "c", "1.0.0")
	p.commit()
	p.Git("mv", "extensions/a", "apps/x/a-new")
	p.Git("mv", "extensions/b", "extensions/other")
	p.Put("extensions/other/values.yaml", "a: 2\n")
	p.Put("apps/x/c/extension.yaml", metadata("c-renamed", "1.0.0"))
	found := p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b changed 1.0.0..1.0.0: values.yaml", "c removed 1.0.0..", "c-renamed added ..1.0.0")
	if a, b := found.Extensions[0], found.Extensions[1]; a.Path != "apps/x/a-new" || a.BasePath != "extensions/a" || b.BasePath != "extensions/b" {
		t.Errorf("%+v\n%+v", a, b)
	}
	// The folders change places.
	p.Git("reset", "--hard")
	p.Git("mv", "extensions/a", "t")
	p.Git("mv", "extensions/b", "extensions/a")
	p.Git("mv", "t", "extensions/b")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0", "c unchanged 1.0.0..1.0.0")
}

// A change to the config counts for the extensions whose settings it changes.
func TestSettings(t *testing.T) {
	p := newProject(t, "version: 1\nextensions:\n  - path: extensions/*\n  - path: extensions/b\n    lint: {rules: {images: off}}\n")
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	p.extension("other/c", "c", "1.0.0")
	p.commit()
	p.Put(config.Name, "# a comment\nversion: 1\nextensions:\n  - path: extensions/*\n  - path: extensions/b\n    lint: {rules: {images: off}}\n")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
	p.Put(config.Name, "version: 1\nextensions:\n  - path: extensions/*\n  - path: extensions/b\n    lint: {rules: {images: error}}\n    size: {limit: 2MiB}\n  - path: other/*\n")
	found := p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b changed 1.0.0..1.0.0: .ksrelease.yaml", "c added ..1.0.0")
	if b := found.Extensions[1]; b.Content || !slices.Equal(b.Settings, []string{"lint.rules.images", "size.limit"}) {
		t.Errorf("%+v", b)
	}
	p.Put("extensions/b/values.yaml", "a: 2\n")
	if b := p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b changed 1.0.0..1.0.0: .ksrelease.yaml values.yaml", "c added ..1.0.0").Extensions[1]; !b.Content {
		t.Errorf("%+v", b)
	}
	p.Git("checkout", "extensions/b")
	p.Put(config.Name, everything+"push: {drift: warn}\n")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: .ksrelease.yaml", "b changed 1.0.0..1.0.0: .ksrelease.yaml")

	// A config at the base that is none, or names what is not set, is no reason to fail.
	p.Put(config.Name, "version: 2\n")
	p.commit()
	p.Put(config.Name, everything)
	if found := p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0"); len(found.Warnings) != 1 || !strings.Contains(found.Warnings[0], "cannot be read") {
		t.Errorf("%q", found.Warnings)
	}
	p.Remove(config.Name)
	p.commit()
	p.Put(config.Name, everything)
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
}

// A dependency in a folder is a part of the package.
func TestFolderDependencies(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0", "dependencies:\n  - name: base\n    version: 1.x\n    repository: file://../../charts/base\n")
	p.extension("extensions/b", "b", "1.0.0")
	p.extension("extensions/own", "own", "1.0.0", "dependencies:\n  - name: base\n    version: 1.x\n    repository: file://../../charts/base\n")
	p.Put("extensions/own/charts/base/Chart.yaml", "apiVersion: v2\nname: base\nversion: 1.0.0\n")
	p.Put("charts/base/Chart.yaml", "apiVersion: v2\nname: base\nversion: 1.0.0\n")
	p.Put("charts/base/templates/x.yaml", "a: 1\n")
	p.Put("charts/base/.helmignore", "docs\n")
	p.commit()
	p.Put("charts/base/docs/x", "left out")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0", "own unchanged 1.0.0..1.0.0")
	p.Put("charts/base/templates/x.yaml", "a: 2\n")
	want := []string{"a changed 1.0.0..1.0.0: charts/base-1.0.0.tgz!/templates/x.yaml", "b unchanged 1.0.0..1.0.0", "own unchanged 1.0.0..1.0.0"}
	p.expect("HEAD", want...)
	p.commit()
	p.expect("HEAD~1", want...)
	p.Git("mv", "charts/base", "charts/moved")
	p.Put("extensions/a/extension.yaml", metadata("a", "1.0.0")+"dependencies:\n  - name: base\n    version: 1.x\n    repository: file://../../charts/none\n")
	if found := p.find("HEAD"); found.Extensions[0].Status != Changed || len(found.Extensions[0].Notes) != 1 {
		t.Errorf("%+v", found.Extensions[0])
	}
}

// Names of strangers are no options, no patterns and no lines of their own.
func TestHostileNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows takes few of these names")
	}
	p := newProject(t, everything)
	dirs := []string{"-n", "--output=x", "a\nb", ":(top)x", "*", "HEAD", "图 片", "x\ty", "\"q\""}
	for i, dir := range dirs {
		p.extension("extensions/"+dir, fmt.Sprintf("x%d", i), "1.0.0")
		p.Put("extensions/"+dir+"/-f\n100644 blob", "1")
	}
	p.extension("extensions/last", "last", "1.0.0")
	p.commit()
	var want []string
	for i, dir := range dirs {
		p.Put("extensions/"+dir+"/-f\n100644 blob", "2")
		want = append(want, fmt.Sprintf("x%d changed 1.0.0..1.0.0: -f\n100644 blob", i))
	}
	want = append([]string{"last unchanged 1.0.0..1.0.0"}, want...)
	p.expect("HEAD", want...)
	p.commit()
	p.expect("HEAD~1", want...)
}

// An extension that is a link is what it leads to.
func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	p := newProject(t, "version: 1\nextensions:\n  - path: extensions/*\n")
	p.extension("config/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	if err := os.Symlink("../config/a", filepath.Join(p.Dir, "extensions", "a")); err != nil {
		t.Fatal(err)
	}
	p.commit()
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
	p.Put("config/a/values.yaml", "a: 2\n")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: values.yaml", "b unchanged 1.0.0..1.0.0")
	p.commit()
	p.expect("HEAD~1", "a changed 1.0.0..1.0.0: values.yaml", "b unchanged 1.0.0..1.0.0")
	// A folder takes the place of the link.
	p.Remove("extensions/a")
	p.Git("mv", "config/a", "extensions/a")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
}

func TestSubchartsByContent(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("there is no tar")
	}
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0")
	pack := func(text, date string) {
		dir := t.TempDir()
		gittest.Put(t, dir, "redis/Chart.yaml", "apiVersion: v2\nname: redis\nversion: 1.0.0\n")
		gittest.Put(t, dir, "redis/values.yaml", text)
		p.Put("extensions/a/charts/x", "")
		p.Remove("extensions/a/charts/x")
		if out, err := exec.Command("tar", "-C", dir, "--mtime="+date, "-czf", filepath.Join(p.Dir, "extensions", "a", "charts", "redis-1.0.0.tgz"), "redis").CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out)
		}
	}
	pack("a: 1\n", "2020-01-01")
	p.commit()
	pack("a: 1\n", "2021-01-01")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0")
	pack("a: 2\n", "2021-01-01")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: charts/redis-1.0.0.tgz!/values.yaml")
}

func TestUnreadableExtensions(t *testing.T) {
	p := newProject(t, everything)
	p.Put("extensions/a/extension.yaml", "name: [\n")
	p.Put("extensions/b/extension.yaml", "name: [\n")
	p.extension("extensions/c", "c", "1.0.0")
	p.commit()
	p.extension("extensions/a", "a", "1.0.0")
	p.Put("extensions/c/extension.yaml", "name: c\nversion: [\n")
	found := p.find("HEAD")
	for i, want := range []Status{Changed, Unchanged, Changed} {
		if e := found.Extensions[i]; e.Status != want || len(e.Notes) != 1 {
			t.Errorf("%+v", e)
		}
	}
}

func TestSubmodules(t *testing.T) {
	inner := newProject(t, everything)
	inner.extension("ext/a", "a", "1.0.0")
	first := inner.commit()
	inner.Put("ext/a/values.yaml", "a: 2\n")
	inner.commit()
	p := newProject(t, "version: 1\nextensions:\n  - path: extensions/*\n  - path: mod/ext/*\n")
	p.extension("extensions/b", "b", "1.0.0")
	p.Put("extensions/b/charts/.keep", "")
	p.Git("submodule", "add", inner.Dir, "mod")
	p.Git("submodule", "add", inner.Dir, "extensions/b/sub")
	gittest.Git(t, filepath.Join(p.Dir, "mod"), "checkout", first)
	gittest.Git(t, filepath.Join(p.Dir, "extensions", "b", "sub"), "checkout", first)
	p.commit()
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
	p.Put("mod/ext/a/new", "")
	p.Put("extensions/b/sub/new", "")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: new", "b changed 1.0.0..1.0.0: sub/new")
	p.Remove("mod/ext/a/new")
	p.Remove("extensions/b/sub/new")
	gittest.Git(t, filepath.Join(p.Dir, "mod"), "checkout", "main")
	gittest.Git(t, filepath.Join(p.Dir, "extensions", "b", "sub"), "checkout", "main")
	want := []string{"a changed 1.0.0..1.0.0: values.yaml", "b changed 1.0.0..1.0.0: sub/ext/a/values.yaml"}
	p.expect("HEAD", want...)
	p.commit()
	p.expect("HEAD~1", want...)
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
}

func TestWorktreesAndMerges(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	p.commit()
	p.Git("checkout", "-b", "topic")
	p.Put("extensions/a/values.yaml", "a: 2\n")
	p.commit()
	p.Git("checkout", "main")
	p.Put("extensions/b/values.yaml", "a: 2\n")
	p.commit()
	p.Git("update-ref", "refs/remotes/origin/main", "main")
	// As a pull request is checked out: a merge of both, detached.
	p.Git("checkout", "--detach")
	p.Git("merge", "--no-ff", "-m", "merge", "topic")
	for _, env := range []map[string]string{{"GITHUB_BASE_REF": "main"}, {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}, {"CHANGE_TARGET": "main"}, {"CI_MERGE_REQUEST_DIFF_BASE_SHA": p.Git("rev-parse", "main")}} {
		p.env = env
		found := p.expect(Auto, "a changed 1.0.0..1.0.0: values.yaml", "b unchanged 1.0.0..1.0.0")
		if base := found.Extensions[0].Base; base.Kind != BaseMergeBase || base.Commit != p.Git("rev-parse", "main") {
			t.Errorf("%v: %+v", env, base)
		}
	}
	p.Git("checkout", "topic")
	p.env = map[string]string{"GITHUB_BASE_REF": "main"} // without what main has since
	p.expect(Auto, "a changed 1.0.0..1.0.0: values.yaml", "b unchanged 1.0.0..1.0.0")
	p.env = map[string]string{"GITHUB_BASE_REF": "--output=/tmp/x"}
	if _, err := Find(t.Context(), p.options(Auto)); git.ReasonOf(err) != git.UnknownRef {
		t.Errorf("%v", err)
	}
	tree := filepath.Join(t.TempDir(), "other")
	p.Git("worktree", "add", "--detach", tree, "main")
	other := &project{gittest.At(t, tree), nil}
	other.expect("topic", "a changed 1.0.0..1.0.0: values.yaml", "b changed 1.0.0..1.0.0: values.yaml")
}

type unreachable struct{}

func (unreachable) Compare(context.Context, string, *extension.Extension) (string, compare.Differences, error) {
	return "", nil, failure.WithHint(errors.New("no index"), "try again")
}

type nothing struct{}

func (nothing) Compare(context.Context, string, *extension.Extension) (string, compare.Differences, error) {
	return "", nil, nil
}

func TestShallowClones(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0")
	p.commit()
	p.Put("extensions/a/values.yaml", "a: 2\n")
	p.commit()
	dir := filepath.Join(t.TempDir(), "clone")
	p.Git("clone", "--depth=1", "file://"+filepath.ToSlash(p.Dir), dir)
	clone := &project{gittest.At(t, dir), map[string]string{}}
	if _, err := Find(t.Context(), clone.options("HEAD~1")); git.ReasonOf(err) != git.Shallow || !strings.HasPrefix(failure.Hint(err), "git fetch --unshallow") {
		t.Errorf("%v", err)
	}
	clone.env["GITHUB_BASE_REF"] = "release"
	if _, err := Find(t.Context(), clone.options(Auto)); failure.Hint(err) != "git fetch --unshallow origin release:refs/remotes/origin/release" {
		t.Errorf("%v: %s", err, failure.Hint(err))
	}
	// Without tags what is published is asked; where that cannot be, the tags would do.
	clone.env = map[string]string{}
	clone.Git("remote", "rename", "origin", "upstream")
	const fetch = "git fetch --unshallow --tags upstream"
	o := clone.options(Auto)
	o.Published = unreachable{}
	if _, err := Find(t.Context(), o); err == nil || failure.Hint(err) != fetch+"; or: try again" || !strings.Contains(err.Error(), "the clone is shallow") {
		t.Errorf("%v: %s", err, failure.Hint(err))
	}
	o.Published = nothing{}
	if found, err := Find(t.Context(), o); err != nil || len(found.Warnings) != 1 || !strings.HasSuffix(found.Warnings[0], ": "+fetch) {
		t.Errorf("%+v, %v", found, err)
	}
	clone.Git("remote", "rename", "upstream", "origin")
	clone.Git("fetch", "--unshallow", "origin")
	clone.expect("HEAD~1", "a changed 1.0.0..1.0.0: values.yaml")
}

func TestNewestTags(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.9.0")
	p.extension("extensions/a-b", "a-b", "1.0.0")
	p.extension("extensions/c", "c", "1.0.0")
	p.commit()
	p.Git("tag", "-a", "-m", "x", "a/v1.9.0")
	p.Git("tag", "a-b-1.0.0")
	p.Git("tag", "v7")
	p.Put("extensions/a/extension.yaml", metadata("a", "1.10.0"))
	p.Put("extensions/c/values.yaml", "a: 2\n")
	p.commit()
	p.Git("tag", "a/v1.10.0")
	p.Git("tag", "c/1.0.0")
	p.Put("extensions/a/values.yaml", "a: 2\n")
	p.Put("extensions/a-b/values.yaml", "a: 2\n")
	p.commit()
	p.Git("checkout", "-b", "other", "HEAD~2")
	p.Git("commit", "--allow-empty", "-m", "other")
	p.Git("tag", "a/v9.0.0")
	p.Git("checkout", "main")
	found := p.expect(Auto, "a changed 1.10.0..1.10.0: values.yaml", "a-b changed 1.0.0..1.0.0: values.yaml", "c unchanged 1.0.0..1.0.0")
	for i, tag := range []string{"a/v1.10.0", "a-b-1.0.0", "c/1.0.0"} {
		if base := found.Extensions[i].Base; base.Kind != BaseTag || base.Ref != tag {
			t.Errorf("%+v", base)
		}
	}
	p.extension("extensions/new", "new", "1.0.0")
	if _, err := Find(t.Context(), p.options(Auto)); err == nil || failure.Hint(err) == "" {
		t.Errorf("without a tag: %v", err)
	}
}

func TestWithoutGit(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0")
	if _, err := Find(t.Context(), p.options("HEAD")); git.ReasonOf(err) != git.NoCommit {
		t.Errorf("%v", err)
	}
	p.Remove(".git")
	if _, err := Find(t.Context(), p.options("HEAD")); git.ReasonOf(err) != git.NoWorkTree || failure.Hint(err) == "" {
		t.Errorf("%v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(t.Context(), p.options("HEAD")); git.ReasonOf(err) != git.NoGit || failure.Hint(err) == "" {
		t.Errorf("%v", err)
	}
}

func TestSparseCheckouts(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	p.commit()
	p.Git("sparse-checkout", "set", "extensions/a")
	if found := p.expect("HEAD", "a unchanged 1.0.0..1.0.0"); len(found.Warnings) != 1 {
		t.Errorf("%q", found.Warnings)
	}
}

// A file that git LFS keeps elsewhere is not one that changed.
func TestLargeFiles(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0")
	p.Put("extensions/a/big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b\nsize 1\n")
	p.commit()
	p.Put("extensions/a/big.bin", "1")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0")
	p.Put("extensions/a/big.bin", "2")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: big.bin")
}

func TestNarrowed(t *testing.T) {
	p := newProject(t, everything)
	need := func(name string) string {
		return "externalDependencies:\n  - name: " + name + "\n    type: extension\n"
	}
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0", need("a"))
	p.extension("extensions/c", "c", "1.0.0", need("b"))
	p.extension("extensions/d", "d", "1.0.0", need("d"))
	p.extension("extensions/e", "e", "1.0.0", need("none"))
	p.commit()
	if n := p.find("HEAD").Narrowed(); len(n.Paths) != 0 {
		t.Errorf("%+v", n)
	}
	p.Put("extensions/a/values.yaml", "a: 2\n")
	p.Put("extensions/d/values.yaml", "a: 2\n")
	n := p.find("HEAD").Narrowed()
	var names []string
	for path := range n.Paths {
		names = append(names, filepath.Base(path))
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"a", "b", "c", "d"}) || len(n.Dependents) != 2 || !slices.Equal(n.Dependents["c"], []string{"a"}) {
		t.Errorf("%q, %+v", names, n)
	}
}

func gitPath(t *testing.T) string {
	t.Helper()
	at, err := exec.LookPath("git")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no git, or no shell")
	}
	return at
}
