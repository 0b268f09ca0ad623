package bump

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/changelog"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// tree writes files below a folder; a name that ends in "@" is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(strings.TrimSuffix(name, "@")))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "@") {
			if err := os.Symlink(filepath.FromSlash(text), file); err != nil {
				t.Skip("there are no links here")
			}
			continue
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// requestFor is one for all extensions below a folder.
func requestFor(t *testing.T, root string, names ...string) Request {
	t.Helper()
	r := Request{Names: names, Step: Step{Patch: true}, Day: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var sources []Source
	for _, entry := range entries {
		sources = append(sources, Source{filepath.Join(root, entry.Name()), entry.Name()})
	}
	r.Extensions = Read(sources)
	return r
}

func contentOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Only the characters of the version change.
func TestToTheByte(t *testing.T) {
	for before, after := range map[string]string{
		"name: a\nversion: 1.2.3\n":                                   "name: a\nversion: 1.2.4\n",
		"\uFEFFname: a\r\nversion:  \"v1.2.3\"\t# it\r\n# end":        "\uFEFFname: a\r\nversion:  \"v1.2.4\"\t# it\r\n# end",
		"{name: a, version: '1.2.3'}":                                 "{name: a, version: '1.2.4'}",
		"version: &v 1.2.3\nname: a\ndependencies: []\n":              "version: &v 1.2.4\nname: a\ndependencies: []\n",
		"name: a\nversion: 1.0.0\nversion: 1.2.3 # counts\n":          "name: a\nversion: 1.0.0\nversion: 1.2.4 # counts\n",
		"name: a\nversion: 1.2.3\nappVersion: 1.2.3\nimages: [1.2.3]": "name: a\nversion: 1.2.4\nappVersion: 1.2.3\nimages: [1.2.3]",
	} {
		root := tree(t, map[string]string{"a/extension.yaml": before})
		plan, err := Make(requestFor(t, root, "a"))
		if err == nil {
			err = plan.Write()
		}
		if got := contentOf(t, filepath.Join(root, "a", "extension.yaml")); err != nil || got != after {
			t.Errorf("%q: %v, %q", before, err, got)
		}
	}
}

// Charts that follow the extension get its version, and Chart.lock stays in step.
func TestFollowers(t *testing.T) {
	const metadata = "name: a\nversion: 1.2.3\ndependencies:\n- name: web\n  version: v1.2.3\n- name: free\n- name: far\n  version: 1.2.3\n  repository: https://charts.example.com\n"
	files := map[string]string{
		"a/extension.yaml":         metadata,
		"a/charts/web/Chart.yaml":  "apiVersion: v2\nname: web\nversion: v1.2.3\n",
		"a/charts/free/Chart.yaml": "apiVersion: v2\nname: free\nversion: 1.2.3\n",
		"a/charts/far/Chart.yaml":  "apiVersion: v2\nname: far\nversion: 1.2.3\n",
	}
	first, err := extension.Load(filepath.Join(tree(t, files), "a"), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lock, ok := first.ProposedLock()
	if !ok {
		t.Fatal("there is no lock to propose")
	}
	files["a/Chart.lock"] = lock + "generated: \"2024-01-02T03:04:05Z\" # then\n"
	for _, all := range []bool{false, true} {
		root := tree(t, files)
		r := requestFor(t, root, "a")
		r.Subcharts = all
		plan, err := Make(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Write(); err != nil {
			t.Fatal(err)
		}
		after, err := extension.Load(filepath.Join(root, "a"), extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		locked, err := after.Lock()
		if err != nil || locked == nil || !after.LockInSync(locked) || !strings.Contains(contentOf(t, filepath.Join(root, "a", "Chart.lock")), "# then\n") {
			t.Errorf("the lock is out of step: %v, %+v", err, locked)
		}
		want := map[string]string{"web": "v1.2.4", "free": "1.2.3", "far": "1.2.3"}
		if all {
			want["free"] = "1.2.4"
		} else if len(plan.Changes[0].Notes) == 0 || !strings.Contains(plan.Changes[0].Notes[0], "charts/free has the version 1.2.3, too, and stays") {
			t.Errorf("%q", plan.Changes[0].Notes)
		}
		for _, sub := range after.Subcharts() {
			if sub.Version != want[sub.Name] {
				t.Errorf("%s: %s, want %s", sub.Name, sub.Version, want[sub.Name])
			}
		}
		if got := contentOf(t, filepath.Join(root, "a", "extension.yaml")); got != strings.Replace(strings.Replace(metadata, "1.2.3", "1.2.4", 1), "v1.2.3", "v1.2.4", 1) {
			t.Errorf("%q", got)
		}
	}
	// A lock that is for other dependencies is left alone.
	files["a/Chart.lock"] = strings.Replace(lock, "sha256:", "sha256:0", 1)
	root := tree(t, files)
	plan, err := Make(requestFor(t, root, "a"))
	if err != nil || !strings.Contains(strings.Join(plan.Changes[0].Notes, "\n"), "Chart.lock was made for other dependencies, and stays as it is") {
		t.Errorf("%v, %+v", err, plan)
	}
}

// One chain of dependents after the other, in circles, too.
func TestDependents(t *testing.T) {
	root := tree(t, map[string]string{
		"a/extension.yaml": "name: a\nversion: 1.2.3\nexternalDependencies: [{name: c, version: 3.0.0}]\n",
		"b/extension.yaml": "name: b\nversion: 2.0.0\nexternalDependencies:\n- {name: a, version: '1.2.3', type: extension}\n- {name: a, version: 1.2.3, type: other}\n- {name: x, version: 1.2.3}\n",
		"c/extension.yaml": "name: c\nversion: 3.0.0\nexternalDependencies:\n- name: b\n  version: =2.0.0\n",
		"d/extension.yaml": "name: d\nversion: 4.0.0\nexternalDependencies:\n- name: a\n  version: '>=1.0.0'\n",
		"e/extension.yaml": "name: [broken\n",
	})
	r := requestFor(t, root, "a")
	r.Dependents = true
	plan, err := Make(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Write(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a": "name: a\nversion: 1.2.4\nexternalDependencies: [{name: c, version: 3.0.1}]\n",
		"b": "name: b\nversion: 2.0.1\nexternalDependencies:\n- {name: a, version: '1.2.4', type: extension}\n- {name: a, version: 1.2.3, type: other}\n- {name: x, version: 1.2.3}\n",
		"c": "name: c\nversion: 3.0.1\nexternalDependencies:\n- name: b\n  version: \"=2.0.1\"\n",
		"d": "name: d\nversion: 4.0.0\nexternalDependencies:\n- name: a\n  version: '>=1.0.0'\n",
	} {
		if got := contentOf(t, filepath.Join(root, name, "extension.yaml")); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	// One whose constraint cannot be changed stops it all.
	root = tree(t, map[string]string{"a/extension.yaml": "name: a\nversion: 1.2.3\n", "b/extension.yaml": "name: b\nversion: 1.0.0\nexternalDependencies:\n- name: a\n  version: '!=1.2.4'\n"})
	r = requestFor(t, root, "a")
	r.Dependents = true
	if _, err := Make(r); err == nil || !strings.Contains(err.Error(), "b/extension.yaml:5:12") || !strings.Contains(err.Error(), "cannot be changed in its form") {
		t.Errorf("%v", err)
	}
}

// What cannot be changed is an error that says where and why.
func TestRefusedChanges(t *testing.T) {
	for _, test := range []struct {
		what  string
		files map[string]string
		name  string
		want  string
	}{
		{"a package", map[string]string{"a-1.2.3.tgz": "x"}, "a", "a-1.2.3.tgz: it is a package, which stays as it was made"},
		{"a number", map[string]string{"a/extension.yaml": "name: a\nversion: 1.10\n"}, "a", "extension.yaml:2:10: the version is not text"},
		{"no YAML", map[string]string{"a/extension.yaml": "name: a\nversion: [\n"}, "a", "extension.yaml:"},
		{"no version", map[string]string{"a/extension.yaml": "name: a\nversion: latest\n"}, "a", `the version "latest" has no next one`},
		{"a shared version", map[string]string{"a/extension.yaml": "name: a\nversion: &v 1.2.3\nappVersion: *v\n"}, "a", "version cannot be replaced in place"},
		{"a link out", map[string]string{"a/extension.yaml": "name: a\nversion: 1.2.3\n", "a/CHANGELOG.md@": "../CHANGELOG.md", "CHANGELOG.md": "## 1.2.3\n"}, "a", "CHANGELOG.md"},
		{"an open comment", map[string]string{"a/extension.yaml": "name: a\nversion: 1.2.3\n", "a/CHANGELOG.md": "<!--\n"}, "a", "CHANGELOG.md: no section can be opened there"},
		{"two of a name", map[string]string{"a/extension.yaml": "name: a\nversion: 1.2.3\n", "b/extension.yaml": "name: a\nversion: 1.2.2\n"}, "a", `2 extensions are named "a": a and b`},
		{"another name", map[string]string{"abc/extension.yaml": "name: abc\nversion: 1.2.3\n"}, "abd", `no extension is named "abd"`},
	} {
		root := tree(t, test.files)
		plan, err := Make(requestFor(t, root, test.name))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q; %+v", test.what, err, test.want, plan)
		}
	}
}

// Where one file cannot be written, those before it are put back.
func TestAllOrNothing(t *testing.T) {
	files := map[string]string{
		"a/extension.yaml": "name: a\nversion: 1.2.3\n", "a/CHANGELOG.md": "## 1.2.3\n",
		"b/extension.yaml": "name: b\nversion: 1.0.0\n", "b/CHANGELOG.md": "## 1.0.0\n",
	}
	root := tree(t, files)
	plan, err := Make(requestFor(t, root, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "b", "CHANGELOG.md"), []byte("edited\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := plan.Write(); err == nil || !strings.Contains(err.Error(), "b/CHANGELOG.md has changed in the meantime") || failure.Hint(err) == "" {
		t.Errorf("%v", err)
	}
	// A folder in the place of the last file, which a rename does not replace.
	last := plan.Changes[1].Files
	last[1].Before, last[1].real = nil, filepath.Join(root, "b", "folder")
	if err := os.Mkdir(last[1].real, 0o755); err != nil {
		t.Fatal(err)
	}
	if failed := writeChecked(plan.files()); failed == nil || !strings.Contains(failed.Error(), "b/CHANGELOG.md cannot be written: ") || !strings.Contains(failed.Error(), "; nothing is changed") {
		t.Errorf("%v", failed)
	}
	for name, want := range files {
		if name == "b/CHANGELOG.md" {
			want = "edited\n"
		}
		if got := contentOf(t, filepath.Join(root, filepath.FromSlash(name))); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// A CHANGELOG of any size is no reason to parse for long.
func TestLargeChangelog(t *testing.T) {
	root := tree(t, map[string]string{"a/extension.yaml": "name: a\nversion: 1.2.3\n", "a/CHANGELOG.md": "## 1.2.3\n" + strings.Repeat("> ", changelog.Largest/2)})
	plan, err := Make(requestFor(t, root, "a"))
	if err != nil || len(plan.Changes[0].Files) != 1 || !strings.Contains(strings.Join(plan.Changes[0].Notes, ""), "CHANGELOG.md has more than 1024 KiB, and stays") {
		t.Errorf("%v, %+v", err, plan)
	}
}

// A link within the extension stays one, and the file behind it changes once.
func TestLinksStay(t *testing.T) {
	root := tree(t, map[string]string{
		"a/extension.yaml": "name: a\nversion: 1.2.3\n", "a/texts/new.md": "## 1.2.3\n", "a/CHANGELOG.md@": "texts/new.md", "a/CHANGELOG_zh.md@": "CHANGELOG.md",
	})
	file := filepath.Join(root, "a", "texts", "new.md")
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	plan, err := Make(requestFor(t, root, "a"))
	if err == nil {
		err = plan.Write()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := contentOf(t, file); got != "## 1.2.4\n\n-\n\n## 1.2.3\n" {
		t.Errorf("%q", got)
	}
	link, err := os.Lstat(filepath.Join(root, "a", "CHANGELOG.md"))
	if err != nil || link.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", link, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("the mode is another: %v, %v", info, err)
	}
}
