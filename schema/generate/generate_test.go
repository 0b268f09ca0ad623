package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/schema"
)

// TestCommittedFilesAreGenerated holds the schema and the page to the types.
func TestCommittedFilesAreGenerated(t *testing.T) {
	root := rootOf(t)
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what internal/configfile and internal/lint say; run: go generate ./schema\n%s", name, diff)
		}
	}
	if !bytes.Equal(files["schema/ksrelease.schema.json"], schema.JSON) {
		t.Error("the embedded schema is another one")
	}
}

// TestExampleShowsEveryKey loads the example that users copy from, and looks for
// every key of the schema in it.
func TestExampleShowsEveryKey(t *testing.T) {
	root := rootOf(t)
	file := filepath.Join(root, ".ksrelease.example.yaml")
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := config.Parse(file, src, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(parsed.Entries[1].Settings, parsed.Defaults) {
		t.Error("the example shows no entry with settings of its own")
	}
	if !strings.Contains(string(src), "docs/rules.md has") {
		t.Error("the example does not say where all rules are")
	}
	// Its comments promise the defaults.
	want := config.Default(root)
	want.Defaults.Push.Dirty = config.WarnDirty // what holds outside of a CI
	if parsed.Defaults.Images.Exist != config.Off {
		t.Error("the example does not show that images are not asked for")
	}
	if diff := cmp.Diff([]any{want.Cloud, want.Repository, want.Parallelism, want.Defaults.Package, want.Defaults.Size, want.Defaults.Push, want.Defaults.Verify},
		[]any{parsed.Cloud, parsed.Repository, parsed.Parallelism, parsed.Defaults.Package, parsed.Defaults.Size, parsed.Defaults.Push, parsed.Defaults.Verify}); diff != "" {
		t.Errorf("the example does not show the defaults:\n%s", diff)
	}
	for _, rule := range lint.Rules() {
		if shown, ok := parsed.Defaults.Lint.Rules[rule.Name]; ok && string(shown) != string(rule.Default) {
			t.Errorf("the example shows %s for the rule %s, which is %s by default", shown, rule.Name, rule.Default)
		}
	}
	doc, err := yamldoc.Parse(file, src)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keysOf(t, root) {
		names := []string{strings.ReplaceAll(key, "[]", ".0")}
		for i, target := range parsed.Targets { // several have the keys of one kind
			names = append(names, strings.Replace(names[0], "["+string(target.Kind)+"]", fmt.Sprintf(".%d", i), 1))
		}
		if !slices.ContainsFunc(names, func(name string) bool {
			ptr := strings.Split(name, ".")
			_, _, ok := doc.Span(ptr...)
			return ok || isCollection(doc.Value(), ptr)
		}) {
			t.Errorf("the example does not show %s", key)
		}
	}
}

// isCollection reports whether there is a list or mapping at ptr.
func isCollection(value any, ptr []string) bool {
	for _, step := range ptr {
		switch at := value.(type) {
		case map[string]any:
			value = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil {
				return false
			}
			value = at[i]
		}
	}
	switch value.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// keysOf lists the keys of the schema that hold values, as the page names them.
func keysOf(t *testing.T, root string) []string {
	t.Helper()
	generated, err := newSchema(sources(root)...)
	if err != nil {
		t.Fatal(err)
	}
	p := printer{top: generated}
	var keys []string
	var walk func(path string, at *jsonschema.Schema)
	walk = func(path string, at *jsonschema.Schema) {
		p.each(path, at, func(k key) {
			if k.below != nil && k.name != rulesKey {
				walk(k.name+".", k.below)
				return
			}
			keys = append(keys, k.name)
		})
	}
	walk("", generated)
	if len(keys) < 13 {
		t.Fatalf("only %d keys: %v", len(keys), keys)
	}
	return keys
}

// TestPageExamplesAreGood loads every example of docs/configuration.md.
func TestPageExamplesAreGood(t *testing.T) {
	root := rootOf(t)
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(files["docs/configuration.md"], -1)
	if len(blocks) < 15 {
		t.Fatalf("only %d examples", len(blocks))
	}
	for _, block := range blocks {
		example := string(block[1])
		if !strings.Contains(example, "extensions:") {
			example = "extensions: [{path: a}]\n" + example
		}
		if !strings.Contains(example, "version: 1") {
			example = "version: 1\n" + example
		}
		if _, err := config.Parse("example.yaml", []byte(example), func(name string) (string, bool) { return "https://example.com", strings.HasPrefix(name, "RELEASE_") }); err != nil {
			t.Errorf("%s\n%v", example, err)
		}
	}
}

// TestProse keeps code in what rules say apart from words, and words from being
// taken for markup.
func TestProse(t *testing.T) {
	got := prose("No * for verbs, `*` in <b>code</b>. Write:\n\nverbs: [get, *]\n\nand no more.")
	want := "No \\* for verbs, `*` in \\<b>code\\</b>. Write:\n\n```yaml\nverbs: [get, *]\n```\n\nand no more."
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDefaultsAreInTheSchema holds the defaults in the schema to those of the program.
func TestDefaultsAreInTheSchema(t *testing.T) {
	generated, err := newSchema(sources(rootOf(t))...)
	if err != nil {
		t.Fatal(err)
	}
	var yaml strings.Builder
	yaml.WriteString("version: 1\nextensions: [{path: a}]\n")
	p := printer{top: generated}
	for _, section := range []string{"cloud", "repository", "package", "size", "push", "verify"} {
		property, _ := generated.Properties.Get(section)
		yaml.WriteString(section + ":\n")
		p.each("", p.definition(property), func(k key) {
			if k.property.Default != nil {
				fmt.Fprintf(&yaml, "  %s: %v\n", k.name, k.property.Default)
			}
		})
	}
	parallelism, _ := generated.Properties.Get("parallelism")
	fmt.Fprintf(&yaml, "parallelism: %v\n", parallelism.Default)
	parsed, err := config.Parse("defaults.yaml", []byte(yaml.String()), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default(".")
	if diff := cmp.Diff([]any{want.Cloud, want.Repository, want.Parallelism, want.Defaults},
		[]any{parsed.Cloud, parsed.Repository, parsed.Parallelism, parsed.Defaults}); diff != "" {
		t.Errorf("schema and program differ:\n%s\n%s", diff, yaml.String())
	}
}

func rootOf(t *testing.T) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}
