package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
)

// projectOf is a project with a config.
func projectOf(t *testing.T, env map[string]string, text string) *Project {
	t.Helper()
	look := func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	c, err := config.Parse(filepath.Join(t.TempDir(), config.Name), []byte("version: 1\nextensions: [{path: a}]\n"+text), look)
	if err != nil {
		t.Fatal(err)
	}
	return &Project{Config: c, Root: c.Dir, app: &App{Env: look}}
}

// TestTargetOfAReference finds the target that a command line means: one of the config by its
// name or address, else what the reference says.
func TestTargetOfAReference(t *testing.T) {
	p := projectOf(t, nil, `targets:
- {kind: marketplace, name: cloud}
- {kind: directory, name: pages, path: museum}
- {kind: oci, name: mirror, url: "oci://registry.example.com/charts/"}
- {kind: chartmuseum, url: "https://museum.example.com"}
`)
	t.Chdir(p.Root)
	if err := os.Mkdir("packages", 0o755); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"cloud": "cloud", "pages": "pages", "./museum": "pages", "museum/": "pages", "oci://registry.example.com/charts": "mirror",
		"https://museum.example.com/": "chartmuseum declared", "https://other.example.com": "chartmuseum",
		"oci://registry.example.com/other": "oci", "packages": "directory", "./none": "directory", "none/yet": "directory",
	} {
		got, err := p.targetOf(ref)
		name := got.Name
		if got.IsDeclared() && ref == "https://museum.example.com/" {
			name += " declared"
		}
		if err != nil || name != want {
			t.Errorf("%s: %s, %v, want %s", ref, name, err, want)
		}
	}
	for ref, want := range map[string]string{
		"clod": `no target is named "clod"`, "oci://": "the address of a registry is oci://", "s3://bucket": "this one begins with s3://", "": "names no target",
	} {
		if _, err := p.targetOf(ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", ref, err, want)
		}
	}
}
