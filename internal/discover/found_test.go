package discover

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// What a release would take is declared; all else is left out, with the reason, and the
// config that is written excludes it.
func TestWhatIsLeftOut(t *testing.T) {
	t.Chdir(t.TempDir())
	const good = "name: NAME\nversion: 1.0.0\n"
	for file, text := range map[string]string{
		"extensions/alc/extension.yaml":                        strings.Replace(good, "NAME", "alc", 1),
		"extensions/broken/extension.yaml":                     "name: [\n",
		"extensions/no-version/extension.yaml":                 "name: no-version\n",
		"extensions/quoted/extension.yaml":                     "# [[ not a template ]]\nname: \"quoted\"\nversion: '1.0.0'\ndescription: {en: \"[[ ]] and {{ }}\"}\n",
		"extensions/generator/extension.yaml":                  "name: [[ .Name ]]\nversion: 1.0.0\n",
		"extensions/helm-like/extension.yaml":                  "name: {{ .Name }}\nversion: {{ .Version }}\n",
		"extensions/percent/extension.yaml":                    "name: <%= name %>\nversion: 1.0.0\n",
		"extensions/python/extension.yaml":                     "name: __project_name__\nversion: 1.0.0\n",
		"extensions/{{cookiecutter.slug}}/extension.yaml":      strings.Replace(good, "NAME", "cookie", 1),
		"extensions/object/extension.yaml":                     "apiVersion: kubesphere.io/v1alpha1\nkind: Extension\nmetadata: {name: a}\n",
		"extensions/empty/extension.yaml":                      "# nothing\n",
		"extensions/list/extension.yaml":                       "- a\n",
		"extensions/other-tool/extension.yaml":                 "id: 3\n",
		"extensions/copy-of-alc/extension.yaml":                strings.Replace(good, "NAME", "alc", 1),
		"docs/samples/hello/extension.yaml":                    strings.Replace(good, "NAME", "hello", 1),
		"Examples/hello/extension.yaml":                        strings.Replace(good, "NAME", "hello2", 1),
		"pkg/testdata/one/extension.yaml":                      strings.Replace(good, "NAME", "one", 1),
		"chart/Chart.yaml":                                     "name: chart\n",
		"chart/templates/extension.yaml":                       "name: x\nversion: 1.0.0\n",
		"build/alc/extension.yaml":                             strings.Replace(good, "NAME", "built", 1),
		".gitignore":                                           "build/\n",
		"extensions/alc/charts/front/templates/extension.yaml": "kind: Extension\n",
	} {
		write(t, filepath.FromSlash(file), text)
	}
	_, noGit := exec.LookPath("git")
	if noGit == nil {
		gittest.Git(t, ".", "init")
	}
	found := Extensions(t.Context(), ".")
	if len(found.Odd) > 0 {
		t.Errorf("%+v", found.Odd)
	}
	want := map[string]string{
		"extensions/generator":             "it is a template of a generator: name: [[ .Name ]]",
		"extensions/helm-like":             "it is a template of a generator: name: {{ .Name }}",
		"extensions/percent":               "it is a template of a generator: name: <%= name %>",
		"extensions/python":                "it is a template of a generator: name: __project_name__",
		"extensions/{{cookiecutter.slug}}": "it is a template of a generator",
		"extensions/object":                "its extension.yaml is an object of Kubernetes, of kind Extension",
		"extensions/empty":                 "its extension.yaml is empty",
		"extensions/list":                  "its extension.yaml has no fields",
		"extensions/other-tool":            "its extension.yaml has neither name nor version",
		"extensions/copy-of-alc":           "alc 1.0.0 is in extensions/alc, too",
		"docs/samples/hello":               "docs/samples holds examples",
		"Examples/hello":                   "Examples holds examples",
		"pkg/testdata/one":                 "pkg/testdata holds tests",
		"chart/templates":                  "chart/templates holds templates",
	}
	declared := []string{"extensions/alc", "extensions/broken", "extensions/no-version", "extensions/quoted"}
	if noGit == nil {
		want["build/alc"] = "git ignores it"
	} else {
		declared = append([]string{"build/alc"}, declared...)
	}
	if !slices.Equal(found.Extensions, declared) {
		t.Errorf("declared: %q", found.Extensions)
	}
	got := map[string]string{}
	for _, left := range found.LeftOut {
		got[left.Path] = left.Why
	}
	for dir, why := range want {
		if got[dir] != why {
			t.Errorf("%s: %q, want %q", dir, got[dir], why)
		}
		delete(got, dir)
	}
	if len(got) > 0 {
		t.Errorf("left out as well: %q", got)
	}

	text := Config(found)
	read, released := declaredBy(t, text)
	if !slices.Equal(released, declared) {
		t.Errorf("released: %q\n%s", released, text)
	}
	if !strings.Contains(text, "path: extensions/*\n") {
		t.Errorf("the next extension would be forgotten:\n%s", text)
	}
	// The next one is declared.
	write(t, "extensions/next/extension.yaml", strings.Replace(good, "NAME", "next", 1))
	if sources, err := read.Sources("", nil); err != nil || len(sources) != len(declared)+1 {
		t.Errorf("%d, %v", len(sources), err)
	}
}

// An extension that no entry matches is mentioned, but for those that an entry excludes, that
// are a part of another or a link to one, and that nobody would release.
func TestUndeclared(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"extensions/a", "extensions/old", "more/b", "more/c*d", "docs/e", "extensions/a/sub/f"} {
		put(t, filepath.Join(root, filepath.FromSlash(dir), "extension.yaml"))
	}
	file := filepath.Join(root, config.Name)
	write(t, file, "version: 1\nextensions:\n  - path: extensions/*\n    exclude: [extensions/old]\n")
	read, err := config.Load(file, noVariables)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := read.Sources("", nil)
	if err != nil {
		t.Fatal(err)
	}
	all := Undeclared(t.Context(), read, sources)
	var got []string
	for _, d := range all {
		got = append(got, d.Subject+" "+d.Hint)
		if d.Code != config.CodeUndeclared || d.Severity != "info" || d.File != filepath.Join(root, d.Subject, "extension.yaml") {
			t.Errorf("%+v", d)
		}
	}
	if want := []string{"more/b add it under extensions: - path: more/b", `more/c*d add it under extensions: - path: more/c\*d`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if all := Undeclared(t.Context(), config.Default(root), nil); len(all) > 0 {
		t.Errorf("without a config: %+v", all)
	}
}
