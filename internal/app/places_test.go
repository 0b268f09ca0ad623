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

// TestLoginOfATarget takes user and password, or a token, from the variables of a target, and
// says which of them is missing.
func TestLoginOfATarget(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want login
		say  string
	}{
		{nil, login{}, ""},
		{map[string]string{"KSRELEASE_MIRROR_1_USERNAME": "robot", "KSRELEASE_MIRROR_1_PASSWORD": "hunter2-hunter2\n"}, login{user: "robot", password: "hunter2-hunter2"}, ""},
		{map[string]string{"KSRELEASE_MIRROR_1_TOKEN": "hunter2-hunter2"}, login{token: "hunter2-hunter2"}, ""},
		{map[string]string{"KSRELEASE_MIRROR_1_PASSWORD": "hunter2-hunter2"}, login{}, "has a password, and no user"},
		{map[string]string{"KSRELEASE_MIRROR_1_USERNAME": "robot", "KSRELEASE_MIRROR_1_PASSWORD": "x", "KSRELEASE_MIRROR_1_TOKEN": "y"}, login{}, "has a password and a token"},
	} {
		p := projectOf(t, c.env, "targets: [{kind: oci, name: mirror-1, url: 'oci://registry.example.com'}]\n")
		m := placeMaker{app: p.app, project: p}
		got, err := m.login(p.Config.Targets[0])
		if c.say == "" && (err != nil || got != c.want) || c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)) {
			t.Errorf("%v: %+v, %v", c.env, got, err)
		}
		if said := p.app.Redact.Text("it is hunter2-hunter2"); len(c.env) > 0 && c.say == "" && said != "it is xxxxx" {
			t.Errorf("%v: the secret is printed: %s", c.env, said)
		}
	}
}

// TestEachKindIsMade makes a target of each kind that a config can name.
func TestEachKindIsMade(t *testing.T) {
	p := projectOf(t, map[string]string{"HOME": t.TempDir()}, `targets:
- {kind: marketplace}
- {kind: directory, path: museum}
- {kind: directory, name: branch, git: {branch: gh-pages}}
- {kind: chartmuseum, url: "https://museum.example.com"}
- {kind: oci, url: "oci://registry.example.com/charts"}
- {kind: image, images: ["registry.example.com/museum:latest"]}
- {kind: image, name: scratch, images: ["registry.example.com/museum:latest"], base: scratch, prereleases: false}
- {kind: manifests, path: deploy}
- {kind: exec, run: "true"}
- {kind: webhook, url: "https://releases.example.com"}
`)
	kinds := map[config.TargetKind]bool{}
	for _, declared := range p.Config.Targets {
		kinds[declared.Kind] = true
		links, err := p.app.connectToAll(p, []config.Target{declared}, DialOptions{Parallelism: 1})
		if err != nil {
			t.Errorf("%s: %v", declared.Name, err)
			continue
		}
		place := links.Targets()[0]
		if place.Target == nil || place.Name != declared.Name || place.Kind != string(declared.Kind) || place.URL == "" || place.Noun == "" {
			t.Errorf("%s: %+v", declared.Name, place)
		}
		links.Close()
	}
	for _, kind := range config.TargetKinds() {
		if !kinds[kind] {
			t.Errorf("the kind %s is not tried", kind)
		}
	}
}
