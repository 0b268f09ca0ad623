package discover

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
)

// What is written declares just what it found, whatever the names are.
func TestConfigDeclaresWhatWasFound(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows takes few of these names")
	}
	for name, tt := range map[string]struct {
		extensions []string // directories with an extension.yaml
		others     []string // other files
		entries    []string // what is written; nil: the directories
	}{
		"names that YAML reads as something else": {
			extensions: []string{"1e3", "2024", "0x1F", "null", "on", "true", "~", "- x", "a: b", "a #b", "'quoted'", `"quoted"`, "ä 图", " blank "},
			others:     []string{".hidden/extension.yaml"},
		},
		"names that a config expands": {
			extensions: []string{"a*b", "a[b]", "a{b}", "what?", "${HOME}", "$$", `back\slash`},
			others:     []string{".hidden/extension.yaml"},
		},
		"a name that no line holds": {
			extensions: []string{"two\nlines", "bell\a"},
			others:     []string{".hidden/extension.yaml"},
		},
		"siblings": {
			extensions: []string{"apps/a", "apps/b", "single/c"},
			others:     []string{"apps/README.md", "apps/no-extension/values.yaml"},
			entries:    []string{"apps/*", "single/c"},
		},
		"siblings with a package next to them": {
			extensions: []string{"apps/a", "apps/b"},
			others:     []string{"apps/old.tgz"},
			entries:    []string{"apps/*"},
		},
		"siblings with one that is not looked for": {
			extensions: []string{"apps/a", "apps/b"},
			others:     []string{"apps/.hidden/extension.yaml"},
		},
		"siblings below an odd name": {
			extensions: []string{"a*/1", "a*/2"},
			others:     []string{"ab/package.tgz"},
			entries:    []string{`a\*/*`},
		},
		"siblings here": {
			extensions: []string{"a", "b"},
			entries:    []string{"*"},
		},
		"one here": {
			extensions: []string{"a"},
			entries:    []string{"a"},
		},
		"the folder itself": {
			extensions: []string{"."},
			entries:    []string{"."},
		},
		"one in a folder for several": {
			extensions: []string{"platform/extensions/a"},
			entries:    []string{"platform/extensions/*"},
		},
		"one for each component": {
			extensions: []string{"components/db/extension", "components/web/extension"},
			others:     []string{"components/db/src/main.go", "components/web/ci/job.yaml"},
			entries:    []string{"components/*/extension"},
		},
		"groups": {
			extensions: []string{"apps/data/db", "apps/data/queue", "apps/ui/web"},
			entries:    []string{"apps/*/*"},
		},
		"groups and one that is alone": {
			extensions: []string{"apps/data/db", "apps/ui/web", "own"},
			entries:    []string{"apps/*/*", "own"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, dir := range tt.extensions {
				put(t, filepath.Join(dir, "extension.yaml"))
			}
			for _, file := range tt.others {
				put(t, file)
			}
			found := Extensions(t.Context(), ".")
			if len(found.Odd) > 0 || !slices.Equal(found.Extensions, slices.Sorted(slices.Values(tt.extensions))) {
				t.Fatalf("found %+v", found)
			}
			read, declared := declaredBy(t, Config(found))
			if !slices.Equal(declared, found.Extensions) {
				t.Errorf("declared %q, found %q", declared, found.Extensions)
			}
			var entries []string
			for _, entry := range read.Entries {
				entries = append(entries, entry.Path)
			}
			if tt.entries != nil && !slices.Equal(entries, tt.entries) || tt.entries == nil && len(entries) != len(found.Extensions) {
				t.Errorf("entries %q", entries)
			}
		})
	}
}

func put(t *testing.T, file string) {
	t.Helper()
	text := ""
	if filepath.Base(file) == "extension.yaml" {
		text = fmt.Sprintf("name: x%x\nversion: 1.0.0\n", file) // another one in each place
	}
	write(t, file, text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A path stays as readable as YAML lets it.
func TestYAMLScalar(t *testing.T) {
	for text, want := range map[string]string{
		"extensions/alc": "extensions/alc", "apps/*": "apps/*", "*": "'*'", "2024": "'2024'", "1.10": "'1.10'", "true": "'true'",
		"it's": "it's", "": "''", "a: b": "'a: b'", "two\nlines": `"two\nlines"`, "图": "图",
	} {
		if got := yamlScalar(text); got != want {
			t.Errorf("%q: %s, want %s", text, strings.TrimSpace(got), want)
		}
	}
}

// What cannot be an extension is passed over and reported; the others are found.
func TestExtensionsReportsOddPlaces(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"b", "a/c", "a/c/below", ".git/d", "node_modules/e", "x/vendor/f"} {
		put(t, filepath.Join(root, dir, "extension.yaml"))
	}
	if err := os.MkdirAll(filepath.Join(root, "odd", "extension.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	found := Extensions(t.Context(), root)
	if !slices.Equal(found.Extensions, []string{"a/c", "b"}) {
		t.Errorf("found %q", found.Extensions)
	}
	if odd := found.Odd; len(odd) != 1 || odd[0].Message == "" || odd[0].Hint == "" {
		t.Errorf("%+v", odd)
	}
	if odd := Extensions(t.Context(), filepath.Join(root, "none")).Odd; len(odd) != 1 || odd[0].Code != config.CodeUnreadable {
		t.Errorf("%+v", odd)
	}
}

// Whatever a tree has, the config declares what was found, each once, and nothing that is left out.
func TestConfigOfAnyTree(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows takes few of these names")
	}
	names := []string{"a", "b", "extensions", "apps", "charts", "docs", "a*", "[x]", "{y}", "$z", "- q", "1.0", "node_modules", ".hidden", "图", "x.tgz"}
	trees := 0
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 15))
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Chdir(t.TempDir())
			var dirs []string
			for range 1 + r.IntN(12) {
				dir := names[r.IntN(len(names))]
				for range r.IntN(4) {
					dir = filepath.Join(dir, names[r.IntN(len(names))])
				}
				dirs = append(dirs, dir)
				file, text := "extension.yaml", fmt.Sprintf("name: x%x\nversion: 1.0.0\n", dir)
				switch r.IntN(8) {
				case 0:
					file, text = "old.tgz", "no package"
				case 1:
					text = "name: [[ .Name ]]\n"
				case 2:
					text = "name: same\nversion: 1.0.0\n" // as others
				case 3:
					text = "name: {"
				case 4: // a link to one before, to nothing, or to itself
					target, err := filepath.Rel(filepath.Dir(dir), dirs[r.IntN(len(dirs))])
					if err != nil {
						t.Fatal(err)
					}
					_ = os.MkdirAll(filepath.Dir(dir), 0o755)
					_ = os.Symlink(target, dir)
					continue
				}
				// Below a link to nothing, there is no place for it.
				_ = os.MkdirAll(dir, 0o755)
				_ = os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644)
			}
			found := Extensions(t.Context(), ".")
			if len(found.Extensions) == 0 || len(found.Odd) > 0 {
				return
			}
			trees++
			text := Config(found)
			if _, declared := declaredBy(t, text); !slices.Equal(declared, found.Extensions) {
				t.Errorf("declared %q, found %q\n%s", declared, found.Extensions, text)
			}
		})
	}
	if trees < 60 {
		t.Errorf("%d trees had extensions: this tests little", trees)
	}
}

// declaredBy reads a config, and the folders below the current one of the extensions that it declares.
func declaredBy(t *testing.T, text string) (read *config.Config, folders []string) {
	t.Helper()
	read, err := config.Parse(config.Name, []byte(text), noVariables)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	sources, err := read.Sources("", nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, source := range sources {
		folders = append(folders, filepath.ToSlash(source.Display))
	}
	return read, folders
}
