package places

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/secrets"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// makerOf makes the targets of a config in an environment.
func makerOf(t *testing.T, env map[string]string, text string) *Maker {
	t.Helper()
	look := func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	c, err := config.Parse(filepath.Join(t.TempDir(), config.Name), []byte("version: 1\nextensions: [{path: a}]\n"+text), look)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{
		Config: c, Env: look, Environment: func() []string { return nil }, Redact: &secrets.Redactor{}, Warn: func(string) {},
		Client: transport.New, Mirrors: func() ([]registry.Mirror, error) { return nil, nil },
		Display: func(path string) string { return path }, Parallelism: 1, AtExit: func(func()) {},
	})
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
		m := makerOf(t, c.env, "targets: [{kind: oci, name: mirror-1, url: 'oci://registry.example.com'}]\n")
		got, err := m.login(m.Config.Targets[0])
		if c.say == "" && (err != nil || got != c.want) || c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)) {
			t.Errorf("%v: %+v, %v", c.env, got, err)
		}
		if said := m.Redact.Text("it is hunter2-hunter2"); len(c.env) > 0 && c.say == "" && said != "it is xxxxx" {
			t.Errorf("%v: the secret is printed: %s", c.env, said)
		}
	}
}

// TestEachKindIsMade makes a target of each kind that a config can name.
func TestEachKindIsMade(t *testing.T) {
	m := makerOf(t, map[string]string{"HOME": t.TempDir()}, `targets:
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
	for _, declared := range m.Config.Targets {
		kinds[declared.Kind] = true
		place, err := m.Place(declared)
		if err != nil {
			t.Errorf("%s: %v", declared.Name, err)
			continue
		}
		if place.Target == nil || place.Name != declared.Name || place.Kind != string(declared.Kind) || place.URL == "" || place.Noun == "" {
			t.Errorf("%s: %+v", declared.Name, place)
		}
	}
	m.Close()
	for _, kind := range config.TargetKinds() {
		if !kinds[kind] {
			t.Errorf("the kind %s is not tried", kind)
		}
	}
}
