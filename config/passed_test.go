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

// warned are the extensions that entries find, the warnings, and what is wrong.
func warned(t *testing.T, root, yaml string) (found, warnings []string, err error) {
	t.Helper()
	c, err := Parse(filepath.Join(root, Name), []byte("version: 1\nextensions:\n"+yaml), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := c.Sources("", func(w string) { warnings = append(warnings, w) })
	checkCodes(t, err)
	for _, source := range sources {
		found = append(found, filepath.ToSlash(source.Display))
	}
	return found, warnings, err
}

// Wildcards do not enter the charts of an extension: a subchart is a part of it,
// though it has an extension.yaml or is a package. A pattern that names the folder does.
func TestWildcardsDoNotEnterCharts(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{
		"extensions/a/extension.yaml", "extensions/a/charts/b/extension.yaml", "extensions/a/charts/b/charts/c/extension.yaml",
		"extensions/a/charts/redis-1.0.0.tgz", "extensions/a/inner/extension.yaml", "charts/d/extension.yaml", "extensions/charts/e/extension.yaml",
	} {
		write(t, filepath.Join(root, file), "")
	}
	for pattern, want := range map[string][]string{
		"extensions/**":            {"extensions/a", "extensions/a/inner", "extensions/charts/e"},
		"**":                       {"charts/d", "extensions/a", "extensions/a/inner", "extensions/charts/e"},
		"**/*":                     {"charts/d", "extensions/a", "extensions/a/inner", "extensions/charts/e"},
		"extensions/**/*.tgz":      nil,
		"extensions/*/*/*":         nil,
		"extensions/*":             {"extensions/a"},
		"charts/*":                 {"charts/d"},
		"extensions/a/charts/*":    {"extensions/a/charts/b", "extensions/a/charts/redis-1.0.0.tgz"},
		"extensions/*/charts/b":    {"extensions/a/charts/b"},
		"extensions/a/charts/b":    {"extensions/a/charts/b"},
		"extensions/**/charts/*/*": nil,
	} {
		found, _, err := warned(t, root, fmt.Sprintf("- path: '%s'\n", pattern))
		if (err != nil) != (want == nil) || !slices.Equal(found, want) {
			t.Errorf("%s: %v, %v, want %v", pattern, found, err, want)
		}
	}
}

// ** does not follow links to folders, in circles or out of the tree, and says so where
// that passes over an extension.
func TestDoubleStarDoesNotFollowLinks(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(root, "extensions/a/extension.yaml"), "")
	write(t, filepath.Join(root, "extensions/plain/x"), "")
	write(t, filepath.Join(outside, "far/extension.yaml"), "")
	write(t, filepath.Join(outside, "more/deep/extension.yaml"), "")
	for link, target := range map[string]string{
		"extensions/far": outside + "/far", "extensions/more": outside + "/more", "extensions/same": "a", "extensions/a/loop": "..",
		"extensions/gone": "nowhere", "extensions/self": "self", "extensions/dir": "plain",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	const passed = "extensions/far is a link to an extension, and ** does not follow links to folders, so it is passed over: name it by its path, or exclude it"
	const gone = "extensions/gone is a link that leads nowhere, so it is passed over: correct it, or exclude it"
	for yaml, want := range map[string]struct{ found, warnings []string }{
		"- path: extensions/**\n":                              {[]string{"extensions/a"}, []string{passed}},
		"- path: extensions/**\n  exclude: [extensions/far]\n": {[]string{"extensions/a"}, nil},
		"- path: extensions/**\n- path: extensions/far\n":      {[]string{"extensions/a", "extensions/far"}, nil},
		"- path: extensions/*\n":                               {[]string{"extensions/a", "extensions/far"}, []string{gone}},
		"- path: extensions/*\n  exclude: [extensions/gone]\n": {[]string{"extensions/a", "extensions/far"}, nil},
		"- path: extensions/*/deep\n":                          {[]string{"extensions/more/deep"}, nil},
	} {
		found, warnings, err := warned(t, root, yaml)
		if err != nil || !slices.Equal(found, want.found) || !slices.Equal(warnings, want.warnings) {
			t.Errorf("%s: %v, %q, %v", yaml, found, warnings, err)
		}
	}
	if _, _, err := warned(t, root, "- path: extensions/f**\n"); err == nil || !strings.Contains(err.Error(), "matches nothing but links to folders, which ** does not follow") {
		t.Errorf("nothing but a link: %v", err)
	}
}

// A submodule that is not checked out is an empty folder: a pattern that may mean what
// is in it says so, and a path that leads there is an error with the hint.
func TestSubmoduleThatIsNotCheckedOut(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, ".gitmodules"), "[submodule \"b\"]\n\tpath = extensions/b\n\turl = https://git.example/b\n"+
		"[submodule \"x\"]\n\tpath=\"extensions/mit Leer\"\n[submodule \"there\"]\n  path = extensions/there\r\n[submodule \"v\"]\n\tpath = vendor/more\n"+
		"[submodule \"sub\"]\n\tpath = extensions/a/charts/sub\n[submodule \"out\"]\n\tpath = ../../etc\n[submodule \"sparse\"]\n\tpath = sparse/x\n")
	write(t, filepath.Join(root, "extensions/a/extension.yaml"), "")
	write(t, filepath.Join(root, "extensions/there/extension.yaml"), "")
	for _, dir := range []string{"extensions/b", "extensions/mit Leer", "vendor/more", "extensions/a/charts/sub", "extensions/empty"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const (
		b     = "extensions/b is a git submodule that is not checked out, so what is in it is passed over: run git submodule update --init extensions/b, or exclude it"
		space = "extensions/mit Leer is a git submodule that is not checked out, so what is in it is passed over: run git submodule update --init 'extensions/mit Leer', or exclude it"
		more  = "vendor/more is a git submodule that is not checked out, so what is in it is passed over: run git submodule update --init vendor/more, or exclude it"
		chart = "extensions/a/charts/sub is a git submodule that is not checked out, and missing in the package of extensions/a: run git submodule update --init extensions/a/charts/sub"
	)
	for yaml, want := range map[string][]string{
		"- path: extensions/*\n": {chart, b, space},
		"- path: extensions/*\n  exclude: [extensions/b, 'extensions/mit*']\n": {chart},
		"- path: extensions/**\n":     {chart, b, space},
		"- path: '**'\n":              {chart, b, space, more},
		"- path: extensions/[a-b]*\n": {chart, b},
		"- path: extensions/a\n":      {chart},
		"- path: extensions/t*\n":     nil,
	} {
		found, warnings, err := warned(t, root, yaml)
		if err != nil || len(found) == 0 {
			t.Errorf("%s: %v, %v", yaml, found, err)
		}
		if diff := cmp.Diff(want, warnings); diff != "" {
			t.Errorf("%s (-want +got):\n%s", yaml, diff)
		}
	}
	for path, want := range map[string]string{
		"extensions/b":          "extensions/b is a git submodule that is not checked out",
		"extensions/b/deep/one": "extensions/b is a git submodule that is not checked out",
		"vendor/more/*":         "vendor/more is a git submodule that is not checked out",
		"vendor/*/one":          "vendor/more is a git submodule that is not checked out",
		"../" + filepath.Base(root) + "/extensions/b": "extensions/b is a git submodule that is not checked out",
	} {
		_, _, err := warned(t, root, fmt.Sprintf("- path: '%s'\n", path))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "git submodule update --init") {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	// The project may lie in a folder of the work tree.
	write(t, filepath.Join(root, "extensions/x/.keep"), "")
	if _, warnings, err := warned(t, filepath.Join(root, "extensions"), "- path: '*'\n"); err != nil || len(warnings) != 3 || !strings.HasPrefix(warnings[1], "b is a git submodule") {
		t.Errorf("from below: %q, %v", warnings, err)
	}
}

// What was meant as an extension and is none is an error, not passed over.
func TestExtensionYAMLThatIsNoFile(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "extensions/a/extension.yaml"), "")
	write(t, filepath.Join(root, "extensions/folder/extension.yaml/x"), "")
	write(t, filepath.Join(root, "extensions/link/x"), "")
	if err := os.Symlink("nowhere", filepath.Join(root, "extensions/link/extension.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"extensions/*", "extensions/**"} {
		_, _, err := warned(t, root, fmt.Sprintf("- path: '%s'\n", pattern))
		for _, want := range []string{"extensions/folder/extension.yaml is a folder, and has to be a file", "extensions/link/extension.yaml is a link that leads nowhere", "3:9"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", pattern, err, want)
			}
		}
		found, _, err := warned(t, root, fmt.Sprintf("- path: '%s'\n  exclude: [extensions/folder, extensions/link]\n", pattern))
		if err != nil || !slices.Equal(found, []string{"extensions/a"}) {
			t.Errorf("%s, excluded: %v, %v", pattern, found, err)
		}
	}
}
