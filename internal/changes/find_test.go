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
)

// project is a repository with extensions, made by a test.
type project struct {
	testing.TB
	root string
	env  map[string]string
}

const everything = "version: 1\nextensions:\n  - path: extensions/*\n"

func newProject(t testing.TB, configText string) *project {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := &project{TB: t, root: root, env: map[string]string{}}
	p.git("init", "-b", "main")
	p.put(config.Name, configText)
	return p
}

func (p *project) git(args ...string) string {
	p.Helper()
	return gitIn(p, p.root, args...)
}

func gitIn(t testing.TB, dir string, args ...string) string {
	t.Helper()
	command := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always", "-c", "core.autocrlf=false"}, args...)...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (p *project) put(name, text string) {
	p.Helper()
	file := filepath.Join(p.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
}

func (p *project) remove(name string) {
	p.Helper()
	if err := os.RemoveAll(filepath.Join(p.root, filepath.FromSlash(name))); err != nil {
		p.Fatal(err)
	}
}

// extension writes one with a few files.
func (p *project) extension(dir, name, version string, more ...string) {
	p.Helper()
	p.put(dir+"/extension.yaml", metadata(name, version)+strings.Join(more, ""))
	p.put(dir+"/values.yaml", "a: 1\n")
	p.put(dir+"/templates/x.yaml", "kind: ConfigMap\n")
}

func metadata(name, version string) string {
	return fmt.Sprintf("apiVersion: kubesphere.io/v1alpha1\nname: %s\nversion: %s\n", name, version)
}

func (p *project) commit() string {
	p.Helper()
	p.git("add", "-A")
	p.git("commit", "--allow-empty", "-m", "x")
	return p.git("rev-parse", "HEAD")
}

func (p *project) options(since string) Options {
	p.Helper()
	loaded, err := config.Load(filepath.Join(p.root, config.Name), p.lookup)
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
	p.put("extensions/same/.helmignore", "docs\n")
	p.put("extensions/图 片/extension.yaml", metadata("pictures", "1.0.0"))
	p.put("extensions/图 片/图\t1.txt", "1")
	p.commit()
	p.expect("HEAD", "bumped unchanged 1.0.0..1.0.0", "changed unchanged 1.0.0..1.0.0", "ends unchanged 1.0.0..1.0.0", "gone unchanged 1.0.0..1.0.0",
		"only-version unchanged 1.0.0..1.0.0", "pictures unchanged 1.0.0..1.0.0", "same unchanged 1.0.0..1.0.0")

	p.put("extensions/bumped/extension.yaml", metadata("bumped", "1.1.0"))
	p.put("extensions/bumped/values.yaml", "a: 2\n")
	p.put("extensions/changed/values.yaml", "a: 2\n")
	p.remove("extensions/changed/templates")
	p.put("extensions/changed/new/x y.txt", "")
	p.put("extensions/only-version/extension.yaml", metadata("only-version", "2.0.0"))
	p.put("extensions/ends/values.yaml", "a: 1\r\n")
	p.put("extensions/same/docs/x", "left out")
	p.put("extensions/图 片/图\t1.txt", "2")
	p.extension("extensions/new", "new", "0.1.0")
	p.remove("extensions/gone")
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
	p.git("checkout", "--detach", "HEAD~1")
	p.expect("main", "bumped bumped 1.1.0..1.0.0: extension.yaml values.yaml", "changed changed 1.0.0..1.0.0: new/x y.txt templates/x.yaml values.yaml", "ends unchanged 1.0.0..1.0.0",
		"gone added ..1.0.0", "new removed 0.1.0..", "only-version bumped 2.0.0..1.0.0: extension.yaml", "pictures changed 1.0.0..1.0.0: 图\t1.txt", "same unchanged 1.0.0..1.0.0")
}

// One that is new, or gone, has the files that are in its package.
func TestFilesOfWholeExtensions(t *testing.T) {
	p := newProject(t, everything)
	p.put(".gitignore", "*.log\n")
	p.extension("extensions/gone", "gone", "1.0.0")
	p.put("extensions/gone/.helmignore", "docs\n")
	p.put("extensions/gone/docs/x", "left out")
	p.put("extensions/gone/图 1.txt", "1")
	p.put("extensions/odd/extension.yaml", "name: [")
	p.commit()
	p.remove("extensions/gone")
	p.remove("extensions/odd")
	p.extension("extensions/new", "new", "1.0.0")
	p.put("extensions/new/x.log", "ignored")
	p.put("extensions/new/files/y z", "")
	p.put("extensions/broken/extension.yaml", "name: [")
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
	p.put(".gitignore", "*.log\nbuild/\n")
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	p.commit()
	p.put("extensions/a/x.log", "")
	p.put("extensions/a/build/x", "")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
	p.put("extensions/a/new.yaml", "")
	p.put("extensions/b/build/x", "")
	p.git("update-index", "--assume-unchanged", "extensions/b/values.yaml")
	p.put("extensions/b/values.yaml", "a: 3\n")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: new.yaml", "b changed 1.0.0..1.0.0: values.yaml")
}

func TestRenames(t *testing.T) {
	p := newProject(t, "version: 1\nextensions:\n  - path: extensions/*\n  - path: apps/*/*\n")
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	p.extension("apps/x/c", "c", "1.0.0")
	p.commit()
	p.git("mv", "extensions/a", "apps/x/a-new")
	p.git("mv", "extensions/b", "extensions/other")
	p.put("extensions/other/values.yaml", "a: 2\n")
	p.put("apps/x/c/extension.yaml", metadata("c-renamed", "1.0.0"))
	found := p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b changed 1.0.0..1.0.0: values.yaml", "c removed 1.0.0..", "c-renamed added ..1.0.0")
	if a, b := found.Extensions[0], found.Extensions[1]; a.Path != "apps/x/a-new" || a.BasePath != "extensions/a" || b.BasePath != "extensions/b" {
		t.Errorf("%+v\n%+v", a, b)
	}
	// The folders change places.
	p.git("reset", "--hard")
	p.git("mv", "extensions/a", "t")
	p.git("mv", "extensions/b", "extensions/a")
	p.git("mv", "t", "extensions/b")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0", "c unchanged 1.0.0..1.0.0")
}

// A change to the config counts for the extensions whose settings it changes.
func TestSettings(t *testing.T) {
	p := newProject(t, "version: 1\nextensions:\n  - path: extensions/*\n  - path: extensions/b\n    lint: {rules: {images: off}}\n")
	p.extension("extensions/a", "a", "1.0.0")
	p.extension("extensions/b", "b", "1.0.0")
	p.extension("other/c", "c", "1.0.0")
	p.commit()
	p.put(config.Name, "# a comment\nversion: 1\nextensions:\n  - path: extensions/*\n  - path: extensions/b\n    lint: {rules: {images: off}}\n")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
	p.put(config.Name, "version: 1\nextensions:\n  - path: extensions/*\n  - path: extensions/b\n    lint: {rules: {images: error}}\n    size: {limit: 2MiB}\n  - path: other/*\n")
	found := p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b changed 1.0.0..1.0.0: .ksrelease.yaml", "c added ..1.0.0")
	if b := found.Extensions[1]; b.Content || !slices.Equal(b.Settings, []string{"lint.rules.images", "size.limit"}) {
		t.Errorf("%+v", b)
	}
	p.put("extensions/b/values.yaml", "a: 2\n")
	if b := p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b changed 1.0.0..1.0.0: .ksrelease.yaml values.yaml", "c added ..1.0.0").Extensions[1]; !b.Content {
		t.Errorf("%+v", b)
	}
	p.git("checkout", "extensions/b")
	p.put(config.Name, everything+"push: {drift: warn}\n")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: .ksrelease.yaml", "b changed 1.0.0..1.0.0: .ksrelease.yaml")

	// A config at the base that is none, or names what is not set, is no reason to fail.
	p.put(config.Name, "version: 2\n")
	p.commit()
	p.put(config.Name, everything)
	if found := p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0"); len(found.Warnings) != 1 || !strings.Contains(found.Warnings[0], "cannot be read") {
		t.Errorf("%q", found.Warnings)
	}
	p.remove(config.Name)
	p.commit()
	p.put(config.Name, everything)
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
}

// A dependency in a folder is a part of the package.
func TestFolderDependencies(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0", "dependencies:\n  - name: base\n    version: 1.x\n    repository: file://../../charts/base\n")
	p.extension("extensions/b", "b", "1.0.0")
	p.extension("extensions/own", "own", "1.0.0", "dependencies:\n  - name: base\n    version: 1.x\n    repository: file://../../charts/base\n")
	p.put("extensions/own/charts/base/Chart.yaml", "apiVersion: v2\nname: base\nversion: 1.0.0\n")
	p.put("charts/base/Chart.yaml", "apiVersion: v2\nname: base\nversion: 1.0.0\n")
	p.put("charts/base/templates/x.yaml", "a: 1\n")
	p.put("charts/base/.helmignore", "docs\n")
	p.commit()
	p.put("charts/base/docs/x", "left out")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0", "own unchanged 1.0.0..1.0.0")
	p.put("charts/base/templates/x.yaml", "a: 2\n")
	want := []string{"a changed 1.0.0..1.0.0: charts/base-1.0.0.tgz!/templates/x.yaml", "b unchanged 1.0.0..1.0.0", "own unchanged 1.0.0..1.0.0"}
	p.expect("HEAD", want...)
	p.commit()
	p.expect("HEAD~1", want...)
	p.git("mv", "charts/base", "charts/moved")
	p.put("extensions/a/extension.yaml", metadata("a", "1.0.0")+"dependencies:\n  - name: base\n    version: 1.x\n    repository: file://../../charts/none\n")
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
		p.put("extensions/"+dir+"/-f\n100644 blob", "1")
	}
	p.extension("extensions/last", "last", "1.0.0")
	p.commit()
	var want []string
	for i, dir := range dirs {
		p.put("extensions/"+dir+"/-f\n100644 blob", "2")
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
	if err := os.Symlink("../config/a", filepath.Join(p.root, "extensions", "a")); err != nil {
		t.Fatal(err)
	}
	p.commit()
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
	p.put("config/a/values.yaml", "a: 2\n")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: values.yaml", "b unchanged 1.0.0..1.0.0")
	p.commit()
	p.expect("HEAD~1", "a changed 1.0.0..1.0.0: values.yaml", "b unchanged 1.0.0..1.0.0")
	// A folder takes the place of the link.
	p.remove("extensions/a")
	p.git("mv", "config/a", "extensions/a")
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
		inner := &project{TB: t, root: dir}
		inner.put("redis/Chart.yaml", "apiVersion: v2\nname: redis\nversion: 1.0.0\n")
		inner.put("redis/values.yaml", text)
		p.put("extensions/a/charts/x", "")
		p.remove("extensions/a/charts/x")
		if out, err := exec.Command("tar", "-C", dir, "--mtime="+date, "-czf", filepath.Join(p.root, "extensions", "a", "charts", "redis-1.0.0.tgz"), "redis").CombinedOutput(); err != nil {
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
	p.put("extensions/a/extension.yaml", "name: [\n")
	p.put("extensions/b/extension.yaml", "name: [\n")
	p.extension("extensions/c", "c", "1.0.0")
	p.commit()
	p.extension("extensions/a", "a", "1.0.0")
	p.put("extensions/c/extension.yaml", "name: c\nversion: [\n")
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
	inner.put("ext/a/values.yaml", "a: 2\n")
	inner.commit()
	p := newProject(t, "version: 1\nextensions:\n  - path: extensions/*\n  - path: mod/ext/*\n")
	p.extension("extensions/b", "b", "1.0.0")
	p.put("extensions/b/charts/.keep", "")
	p.git("submodule", "add", inner.root, "mod")
	p.git("submodule", "add", inner.root, "extensions/b/sub")
	gitIn(t, filepath.Join(p.root, "mod"), "checkout", first)
	gitIn(t, filepath.Join(p.root, "extensions", "b", "sub"), "checkout", first)
	p.commit()
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0", "b unchanged 1.0.0..1.0.0")
	p.put("mod/ext/a/new", "")
	p.put("extensions/b/sub/new", "")
	p.expect("HEAD", "a changed 1.0.0..1.0.0: new", "b changed 1.0.0..1.0.0: sub/new")
	p.remove("mod/ext/a/new")
	p.remove("extensions/b/sub/new")
	gitIn(t, filepath.Join(p.root, "mod"), "checkout", "main")
	gitIn(t, filepath.Join(p.root, "extensions", "b", "sub"), "checkout", "main")
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
	p.git("checkout", "-b", "topic")
	p.put("extensions/a/values.yaml", "a: 2\n")
	p.commit()
	p.git("checkout", "main")
	p.put("extensions/b/values.yaml", "a: 2\n")
	p.commit()
	p.git("update-ref", "refs/remotes/origin/main", "main")
	// As a pull request is checked out: a merge of both, detached.
	p.git("checkout", "--detach")
	p.git("merge", "--no-ff", "-m", "merge", "topic")
	for _, env := range []map[string]string{{"GITHUB_BASE_REF": "main"}, {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}, {"CHANGE_TARGET": "main"}, {"CI_MERGE_REQUEST_DIFF_BASE_SHA": p.git("rev-parse", "main")}} {
		p.env = env
		found := p.expect(Auto, "a changed 1.0.0..1.0.0: values.yaml", "b unchanged 1.0.0..1.0.0")
		if base := found.Extensions[0].Base; base.Kind != BaseMergeBase || base.Commit != p.git("rev-parse", "main") {
			t.Errorf("%v: %+v", env, base)
		}
	}
	p.git("checkout", "topic")
	p.env = map[string]string{"GITHUB_BASE_REF": "main"} // without what main has since
	p.expect(Auto, "a changed 1.0.0..1.0.0: values.yaml", "b unchanged 1.0.0..1.0.0")
	p.env = map[string]string{"GITHUB_BASE_REF": "--output=/tmp/x"}
	if _, err := Find(t.Context(), p.options(Auto)); git.ReasonOf(err) != git.UnknownRef {
		t.Errorf("%v", err)
	}
	tree := filepath.Join(t.TempDir(), "other")
	p.git("worktree", "add", "--detach", tree, "main")
	other := &project{TB: t, root: tree}
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
	p.put("extensions/a/values.yaml", "a: 2\n")
	p.commit()
	dir := filepath.Join(t.TempDir(), "clone")
	p.git("clone", "--depth=1", "file://"+filepath.ToSlash(p.root), dir)
	clone := &project{TB: t, root: dir, env: map[string]string{}}
	if _, err := Find(t.Context(), clone.options("HEAD~1")); git.ReasonOf(err) != git.Shallow || !strings.HasPrefix(failure.Hint(err), "git fetch --unshallow") {
		t.Errorf("%v", err)
	}
	clone.env["GITHUB_BASE_REF"] = "release"
	if _, err := Find(t.Context(), clone.options(Auto)); failure.Hint(err) != "git fetch --unshallow origin release:refs/remotes/origin/release" {
		t.Errorf("%v: %s", err, failure.Hint(err))
	}
	// Without tags what is published is asked; where that cannot be, the tags would do.
	clone.env = map[string]string{}
	clone.git("remote", "rename", "origin", "upstream")
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
	clone.git("remote", "rename", "upstream", "origin")
	clone.git("fetch", "--unshallow", "origin")
	clone.expect("HEAD~1", "a changed 1.0.0..1.0.0: values.yaml")
}

func TestNewestTags(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.9.0")
	p.extension("extensions/a-b", "a-b", "1.0.0")
	p.extension("extensions/c", "c", "1.0.0")
	p.commit()
	p.git("tag", "-a", "-m", "x", "a/v1.9.0")
	p.git("tag", "a-b-1.0.0")
	p.git("tag", "v7")
	p.put("extensions/a/extension.yaml", metadata("a", "1.10.0"))
	p.put("extensions/c/values.yaml", "a: 2\n")
	p.commit()
	p.git("tag", "a/v1.10.0")
	p.git("tag", "c/1.0.0")
	p.put("extensions/a/values.yaml", "a: 2\n")
	p.put("extensions/a-b/values.yaml", "a: 2\n")
	p.commit()
	p.git("checkout", "-b", "other", "HEAD~2")
	p.git("commit", "--allow-empty", "-m", "other")
	p.git("tag", "a/v9.0.0")
	p.git("checkout", "main")
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
	p.remove(".git")
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
	p.git("sparse-checkout", "set", "extensions/a")
	if found := p.expect("HEAD", "a unchanged 1.0.0..1.0.0"); len(found.Warnings) != 1 {
		t.Errorf("%q", found.Warnings)
	}
}

// A file that git LFS keeps elsewhere is not one that changed.
func TestLargeFiles(t *testing.T) {
	p := newProject(t, everything)
	p.extension("extensions/a", "a", "1.0.0")
	p.put("extensions/a/big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b\nsize 1\n")
	p.commit()
	p.put("extensions/a/big.bin", "1")
	p.expect("HEAD", "a unchanged 1.0.0..1.0.0")
	p.put("extensions/a/big.bin", "2")
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
	p.put("extensions/a/values.yaml", "a: 2\n")
	p.put("extensions/d/values.yaml", "a: 2\n")
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
