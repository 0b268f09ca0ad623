package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// monorepo lays out a repository whose own folder has wildcards in its name.
func monorepo(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "re[p]o")
	for _, dir := range []string{
		"extensions/alc", "extensions/vector", "extensions/legacy-a", "extensions/legacy-b", "extensions/deep/er/one",
		"dist/extensions/x", "node_modules/x", ".git/x", ".ksrelease/x", "apps/[odd]", "apps/扩展",
	} {
		write(t, filepath.Join(root, dir, "extension.yaml"), "name: x\n")
	}
	write(t, filepath.Join(root, "extensions/common/README.md"), "")
	write(t, filepath.Join(root, "extensions/notes.txt"), "")
	write(t, filepath.Join(root, "vendor/vector-1.0.4.tgz"), "")
	write(t, filepath.Join(root, "dist/alc-1.0.0.tgz"), "")
	write(t, filepath.Join(filepath.Dir(root), "sibling/extension.yaml"), "")
	if err := os.Symlink(filepath.Join(root, "extensions", "alc"), filepath.Join(root, "apps", "linked")); err != nil {
		t.Fatal(err)
	}
	return root
}

func sources(t *testing.T, root, yaml string) ([]string, []Source, error) {
	t.Helper()
	c, err := Parse(filepath.Join(root, Name), []byte("version: 1\nextensions:\n"+yaml), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Sources("", nil)
	checkCodes(t, err)
	var displays []string
	for _, source := range found {
		displays = append(displays, filepath.ToSlash(source.Display))
	}
	return displays, found, err
}

func TestSources(t *testing.T) {
	root := monorepo(t)
	tests := []struct {
		name, yaml string
		want       []string
	}{
		{"star", "- path: extensions/*\n", []string{"extensions/alc", "extensions/legacy-a", "extensions/legacy-b", "extensions/vector"}},
		{"slash at the end, dot at the start", "- path: ./extensions/alc/\n", []string{"extensions/alc"}},
		{"exclude", "- path: extensions/*\n  exclude: [extensions/legacy-*]\n", []string{"extensions/alc", "extensions/vector"}},
		{"exclude a plain path", "- path: extensions/*\n  exclude: [extensions/legacy-a, ./extensions/legacy-b]\n", []string{"extensions/alc", "extensions/vector"}},
		{"exclude what is no extension", "- path: extensions/[a-c]*\n  exclude: [extensions/common]\n", []string{"extensions/alc"}},
		{"exclude a folder above", "- path: extensions/**\n  exclude: [extensions/deep, 'extensions/l*']\n", []string{"extensions/alc", "extensions/vector"}},
		{"the output folder by name", "- path: dist/*\n", []string{"dist/alc-1.0.0.tgz"}},
		{"any depth, without what is made", "- path: '**'\n", []string{
			"apps/[odd]", "apps/扩展", "extensions/alc", "extensions/deep/er/one", "extensions/legacy-a", "extensions/legacy-b", "extensions/vector", "vendor/vector-1.0.4.tgz"}},
		{"packages", "- path: vendor/*.tgz\n", []string{"vendor/vector-1.0.4.tgz"}},
		{"a package by name, even of the output folder", "- path: dist/alc-1.0.0.tgz\n", []string{"dist/alc-1.0.0.tgz"}},
		{"alternatives", "- path: '{apps,extensions}/{扩展,alc}'\n", []string{"apps/扩展", "extensions/alc"}},
		{"escaped", "- path: apps/\\[odd]\n", []string{"apps/[odd]"}},
		{"escaped in a glob", "- path: app?/\\[odd]\n", []string{"apps/[odd]"}},
		{"a link", "- path: apps/lin*\n", []string{"apps/linked"}},
		{"beside the repository", "- path: ../sib*\n", []string{"../sibling"}},
		{"up and down", "- path: extensions/../apps/扩展\n", []string{"apps/扩展"}},
		{"twice", "- path: extensions/alc\n- path: extensions/a*\n", []string{"extensions/alc"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, found, err := sources(t, root, test.yaml)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if !slices.IsSortedFunc(found, func(a, b Source) int { return strings.Compare(a.Path, b.Path) }) {
				t.Error("they are not sorted by path")
			}
			for _, source := range found {
				if !filepath.IsAbs(source.Path) || source.Line == 0 || source.Column == 0 {
					t.Errorf("%+v", source)
				}
			}
		})
	}
}

func TestSourcesOfTheFolderItself(t *testing.T) {
	root := monorepo(t)
	got, _, err := sources(t, filepath.Join(root, "extensions", "alc"), "- path: .\n")
	if err != nil || len(got) != 1 || got[0] != "." {
		t.Errorf("%v, %v", got, err)
	}
}

func TestSourcesByAbsolutePath(t *testing.T) {
	root := monorepo(t)
	got, _, err := sources(t, root, "- path: "+strings.ReplaceAll(root, "[", `\[`)+"/extensions/a*\n")
	if err != nil || !slices.Equal(got, []string{"extensions/alc"}) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestLastEntryWins: an extension takes the settings of the last entry that
// matches it, wherever that stands.
func TestLastEntryWins(t *testing.T) {
	root := monorepo(t)
	_, found, err := sources(t, root, "- path: extensions/alc\n  lint: {rules: {icon: off}}\n- path: extensions/a*\n  lint: {rules: {icon: info}}\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0].Settings.Lint.Rules["icon"] != Info || found[0].Line != 5 {
		t.Errorf("%+v", found)
	}
}

func TestSourcesDisplay(t *testing.T) {
	root := monorepo(t)
	c, err := Parse(filepath.Join(root, Name), []byte("version: 1\nextensions: [{path: extensions/alc}]\n"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	for display, want := range map[string]string{
		"": "extensions/alc", filepath.Join(root, "apps"): "../extensions/alc", filepath.Join(root, "extensions", "alc"): ".",
	} {
		found, err := c.Sources(display, nil)
		if err != nil || filepath.ToSlash(found[0].Display) != want {
			t.Errorf("from %q: %v, %v", display, found, err)
		}
	}
	if none, err := Default(root).Sources("", nil); err != nil || len(none) != 0 {
		t.Errorf("without a config: %v, %v", none, err)
	}
}

// TestSourcesProblems holds the words for what matches nothing, all of them told
// at once.
func TestSourcesProblems(t *testing.T) {
	root := monorepo(t)
	yaml := `- path: extenions/alc
- path: extensions/alk
- path: extensions
- path: extensions/common
- path: extensions/alc/extension.yaml
- path: extensions/notes.txt
- path: vendor/*.zip
- path: nothing/*
- path: extensions/com*
- path: extensions/*
  exclude: [extensions/legcy-a, legacy-*]
- path: extensions/alc
  exclude: [extensions]
- path: extensions/notes.txt/deeper
- path: extensions/alc
`
	_, _, err := sources(t, root, yaml)
	if err == nil {
		t.Fatal("all match")
	}
	got := strings.ReplaceAll(err.Error(), filepath.Join(root, Name), Name)
	want := `.ksrelease.yaml:3:9: "extenions/alc" matches nothing (configuration/no-match)
   3 | - path: extenions/alc
     |         ^^^^^^^^^^^^^
  → did you mean "extensions/alc"?
.ksrelease.yaml:4:9: "extensions/alk" matches nothing (configuration/no-match)
   4 | - path: extensions/alk
     |         ^^^^^^^^^^^^^^
  → did you mean "extensions/alc"?
.ksrelease.yaml:5:9: "extensions" is a directory without an extension.yaml (configuration/no-match)
   5 | - path: extensions
     |         ^^^^^^^^^^
  → did you mean "extensions/*"?
.ksrelease.yaml:6:9: "extensions/common" is a directory without an extension.yaml (configuration/no-match)
   6 | - path: extensions/common
     |         ^^^^^^^^^^^^^^^^^
.ksrelease.yaml:7:9: "extensions/alc/extension.yaml" is a file; an extension is named by its directory (configuration/no-match)
   7 | - path: extensions/alc/extension.yaml
     |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  → write "extensions/alc"
.ksrelease.yaml:8:9: "extensions/notes.txt" is neither a directory nor a package .tgz (configuration/no-match)
   8 | - path: extensions/notes.txt
     |         ^^^^^^^^^^^^^^^^^^^^
.ksrelease.yaml:9:9: "vendor/*.zip" matches nothing (configuration/no-match)
   9 | - path: vendor/*.zip
     |         ^^^^^^^^^^^^
.ksrelease.yaml:10:9: "nothing/*" matches nothing (configuration/no-match)
  10 | - path: nothing/*
     |         ^^^^^^^^^
.ksrelease.yaml:11:9: "extensions/com*" matches no extension: nothing there is a .tgz file or a directory with an extension.yaml (configuration/no-match)
  11 | - path: extensions/com*
     |         ^^^^^^^^^^^^^^^
.ksrelease.yaml:13:13: "extensions/legcy-a" excludes nothing: "extensions/*" does not match it (configuration/excludes-nothing)
  13 |   exclude: [extensions/legcy-a, legacy-*]
     |             ^^^^^^^^^^^^^^^^^^
  → did you mean "extensions/legacy-a"?
.ksrelease.yaml:13:33: "legacy-*" excludes nothing: "extensions/*" does not match it (configuration/excludes-nothing)
  13 |   exclude: [extensions/legcy-a, legacy-*]
     |                                 ^^^^^^^^
  → paths to exclude start at the folder of the config, as path does
.ksrelease.yaml:14:9: "extensions/alc" matches nothing but what is excluded (configuration/no-match)
  14 | - path: extensions/alc
     |         ^^^^^^^^^^^^^^
  → remove the entry, or exclude less
.ksrelease.yaml:16:9: "extensions/notes.txt/deeper" matches nothing (configuration/no-match)
  16 | - path: extensions/notes.txt/deeper
     |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^
`
	if diff := cmp.Diff(want, got+"\n"); diff != "" {
		t.Error(diff)
	}
}

// TestPatternsAreBounded: a pattern that would be tried against more than anybody waits
// for is a mistake at its place, and those of real projects are none.
func TestPatternsAreBounded(t *testing.T) {
	for pattern, want := range map[string]string{
		"a/**/b/**/c/**/d":                     "",
		"a/**/b/**/c/**/d/**":                  "has ** 4 times, more than 3 times",
		"a/" + strings.Repeat("x", 1021):       "",
		"a/" + strings.Repeat("x", 1023):       "the pattern has 1025 bytes, more than 1024",
		strings.Repeat("{a,b}", 8):             "",
		strings.Repeat("{a,b}", 9):             "stands for more than 256 patterns",
		strings.Repeat("{a,{b,c,d}}", 5):       "stands for more than 256 patterns",
		strings.Repeat(`\{a,b\}`, 20):          "",
		"{" + strings.Repeat("a,", 255) + "b}": "",
		"{" + strings.Repeat("a,", 256) + "b}": "stands for more than 256 patterns",
	} {
		for _, key := range []string{"path: %q", "path: a, exclude: [%q]"} {
			_, err := Parse("c.yaml", []byte("version: 1\nextensions:\n  - {"+fmt.Sprintf(key, pattern)+"}\n"), nil)
			if got := fmt.Sprint(err); (err == nil) != (want == "") || !strings.Contains(got, want) && err != nil || err != nil && !strings.HasPrefix(got, "c.yaml:3:") {
				t.Errorf("%s: %v, want %q", pattern, err, want)
			}
		}
	}
}
