package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What the patterns declare is what Sources finds, for any tree.
func TestDeclared(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{
		"a", "extensions/x", "extensions/y", "extensions/legacy-z", "extensions/x/charts/inner", "node_modules/m", "deep/node_modules/n", "deep/er/o", "dist/p", "c[1]", ".hidden/q", "charts/r", "extensions/s/charts/sub/charts/t",
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "extension.yaml"), []byte("name: x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"packages/k-1.0.0.tgz", "dist/l-1.0.0.tgz"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	if err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if isExtension(path) {
			all = append(all, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"a", "extensions/*", "**", "*", "*/*", "{extensions,deep}/**", "c\\[1]", "dist/*", "dist/*.tgz", "packages/*.tgz", "**/*.tgz", "extensions/*/charts/*", "node_modules/*", "./a", "**/charts/*", "charts/*"} {
		text := "version: 1\nextensions:\n  - path: '" + pattern + "'\n    size: {limit: 2MiB}\n"
		if pattern == "extensions/*" || pattern == "**" {
			text += "    exclude: ['extensions/legacy-*']\n"
		}
		c, err := Parse(filepath.Join(root, Name), []byte(text), os.LookupEnv)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		found, err := c.Sources("", nil)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		var want, got []string
		for _, s := range found {
			want = append(want, s.Path)
		}
		for _, path := range all {
			if settings, ok := c.Declared(path, isExtension); ok {
				got = append(got, path)
				if settings.Size.Limit != 2<<20 {
					t.Errorf("%s: %+v", pattern, settings)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}
