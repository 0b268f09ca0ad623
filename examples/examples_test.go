// Package examples has no code: it is what the README's first command releases.
// Its tests hold the examples to what they are there to show.
package examples

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/lint/ruletest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
)

var update = flag.Bool("update", false, "make the package in monorepo/packages anew from its source")

const (
	source = "maintenance-page"
	made   = "monorepo/packages/maintenance-page-1.2.0.tgz"
)

// TestPackageIsMadeFromItsSource holds the finished package of the monorepo to
// its source, to the byte: the same input gives the same bytes on any machine,
// whoever made it.
func TestPackageIsMadeFromItsSource(t *testing.T) {
	ext, err := extension.Load(source, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := ext.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	if pkg.Filename != path.Base(made) {
		t.Fatalf("the source makes %s, but the monorepo has %s: its version has changed, change the name in this test and in examples/README.md", pkg.Filename, path.Base(made))
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(made), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(made, pkg.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, pkg.Data) {
		t.Errorf("%s is not what its source makes; go test ./examples -update makes it anew", made)
	}
}

// load reads the extensions of the monorepo as `ksrelease run` would: those
// that its .ksrelease.yaml names, with their settings.
func load(t *testing.T) map[string]*extension.Extension {
	t.Helper()
	loaded := map[string]*extension.Extension{}
	for _, s := range sources(t) {
		ext, err := extension.Load(s.Path, extension.Options{Display: s.Display})
		if err != nil {
			t.Fatal(err)
		}
		loaded[ext.Metadata.Name] = ext
	}
	return loaded
}

func sources(t *testing.T) []config.Source {
	t.Helper()
	cfg, err := config.Load("monorepo/.ksrelease.yaml", os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	found, err := cfg.Sources(".", func(warning string) { t.Error(warning) })
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestExtensionsAreClean lints with the settings of the monorepo, in which the
// conventions of KubeSphere are errors. Not even a hint may be left, but for what
// is found in any extension: people copy examples.
func TestExtensionsAreClean(t *testing.T) {
	inAny := map[string]bool{}
	for _, f := range lint.Examine(t.Context(), ruletest.Good(t), lint.Options{}).Findings {
		inAny[f.Code] = true
	}
	for _, s := range sources(t) {
		t.Run(filepath.Base(s.Path), func(t *testing.T) {
			ext, err := extension.Load(s.Path, extension.Options{Display: s.Display})
			if err != nil {
				t.Fatal(err)
			}
			severities := map[string]lint.Severity{}
			for rule, severity := range s.Settings.Lint.Rules {
				severities[rule] = lint.Severity(severity)
			}
			for _, f := range lint.Examine(t.Context(), ext, lint.Options{Severities: severities}).Findings {
				if f.Severity != lint.Info || !inAny[f.Code] {
					t.Errorf("%s: %s: %s: %s", f.Position(), f.Severity, f.Rule(), f.Message)
				}
			}
		})
	}
}

// TestStockHelmTakesThem renders and lints the packages with the helm command
// itself: in the plain way, and as KubeSphere would in a closed network.
func TestStockHelmTakesThem(t *testing.T) {
	helm := helmtest.Binary(t)
	for name, ext := range load(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pkg, err := ext.Pack(nil)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), pkg.Filename)
			if err := os.WriteFile(file, pkg.Data, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{
				{"lint", "--strict", "--with-subcharts", file},
				{"template", name, file, "--kube-version", "1.30.0"},
				{"template", name, file, "--kube-version", "1.30.0", "--set", "tags.agent=false", "--set", "global.imageRegistry=registry.closed.example", "--set", "global.nodeSelector.zone=a"},
			} {
				cmd := exec.CommandContext(t.Context(), helm, args...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
		})
	}
}

// TestTheyShowWhatTheyAreFor names what the monorepo must go on to contain,
// since the demo, the documentation and other tests count on meeting it.
func TestTheyShowWhatTheyAreFor(t *testing.T) {
	loaded := load(t)
	if want := []string{"build-cache", "echo-server", "link-board", "maintenance-page", "probe-report", "uptime-probe"}; !slices.Equal(slices.Sorted(maps.Keys(loaded)), want) {
		t.Fatalf("the monorepo has %v, want %v", slices.Sorted(maps.Keys(loaded)), want)
	}
	has := func(ext, file string) bool {
		return slices.ContainsFunc(loaded[ext].Files, func(f extension.File) bool { return f.Name == file })
	}
	for _, shown := range []struct {
		what string
		ok   bool
	}{
		{"a local SVG icon", loaded["uptime-probe"].Metadata.Icon == "./static/icon.svg"},
		{"a local PNG icon", strings.HasSuffix(loaded["build-cache"].Metadata.Icon, ".png")},
		{"a data: icon, with nothing to upload", strings.HasPrefix(loaded["link-board"].Metadata.Icon, "data:image/") && len(loaded["link-board"].Assets) == 0},
		{"several screenshots", len(loaded["uptime-probe"].Metadata.Screenshots) == 3},
		{"two screenshots of one base name, told apart on the server", sameBaseName(loaded["uptime-probe"].Assets)},
		{"a screenshot on the web before a local one", strings.HasPrefix(loaded["echo-server"].Metadata.Screenshots[0], "https://") && extension.IsLocalRef(loaded["echo-server"].Metadata.Screenshots[1])},
		{"an icon outside of any static directory", loaded["echo-server"].Metadata.StaticFileDirectory == "" && has("echo-server", "icon.svg")},
		{"a static directory", loaded["build-cache"].Metadata.StaticFileDirectory == "static"},
		{"a subchart with a subchart", has("build-cache", "charts/store/charts/exporter/Chart.yaml")},
		{"a condition on a dependency", loaded["build-cache"].Metadata.Dependencies[1].Condition == "janitor.enabled"},
		{".helmignore", !has("build-cache", "NOTES.dev.md")},
		{"Multicluster", loaded["uptime-probe"].Metadata.InstallationMode == "Multicluster"},
		{"a subchart for the host cluster", slices.Equal(loaded["uptime-probe"].Metadata.Dependencies[0].Tags, []string{"extension"})},
		{"a subchart for the chosen clusters", slices.Equal(loaded["uptime-probe"].Metadata.Dependencies[1].Tags, []string{"agent"})},
		{"an extension that needs another one", loaded["probe-report"].Metadata.ExternalDependencies[0].Name == "uptime-probe"},
	} {
		if !shown.ok {
			t.Errorf("no extension shows any more: %s", shown.what)
		}
	}
	for name, ext := range loaded {
		for _, texts := range []map[string]string{ext.Metadata.DisplayName, ext.Metadata.Description} {
			if texts["zh"] == "" || texts["en"] == "" {
				t.Errorf("%s has a text that is not in Chinese and English: %v", name, texts)
			}
		}
		for _, file := range []string{"README.md", "README_zh.md", "CHANGELOG.md", "CHANGELOG_zh.md", "permissions.yaml", "values.yaml"} {
			if !has(name, file) {
				t.Errorf("%s has no %s", name, file)
			}
		}
	}
}

// sameBaseName tells whether two different assets have one base name, and all
// have names of their own to be uploaded under.
func sameBaseName(assets []extension.Asset) bool {
	base, remote := map[string]bool{}, map[string]bool{}
	for _, a := range assets {
		base[path.Base(a.File)], remote[a.RemoteName] = true, true
	}
	return len(base) < len(assets) && len(remote) == len(assets)
}

// TestTheyAreSmall keeps the clone light and each package well below what the
// marketplace takes.
func TestTheyAreSmall(t *testing.T) {
	const most, mostPacked = 400 << 10, 256 << 10
	var sum int64
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// What a demo or `ksrelease package` has left here is not committed.
			if d.Name() == ".ksrelease" || d.Name() == "dist" {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum += info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum > most {
		t.Errorf("the examples have %d bytes, at most %d are wanted", sum, most)
	}
	for name, ext := range load(t) {
		pkg, err := ext.Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		if pkg.Size > mostPacked {
			t.Errorf("the package of %s has %d bytes, at most %d are wanted", name, pkg.Size, mostPacked)
		}
	}
}
