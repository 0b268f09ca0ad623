package lint

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

const goodMetadata = `apiVersion: kubesphere.io/v1alpha1
name: web
version: 1.0.0
displayName: {en: Web, zh: 网站}
description: {en: A web server., zh: 网站服务器。}
category: dev-tools
provider: {en: {name: Example}}
icon: static/icon.svg
screenshots:
  - static/one.png
dependencies:
  - name: web
    tags: [extension]
images:
  - docker.io/library/nginx:1.27.0
`

const goodPermissions = `kind: Role
rules:
  - apiGroups: [apps]
    resources: [deployments]
    verbs: [get, create, update, delete]
`

const goodDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }} }
spec:
  selector: {matchLabels: {app: web}}
  template:
    spec:
      {{- with .Values.global.nodeSelector }}
      nodeSelector: {{- range $k, $v := . }}{{ quote $v | printf "%s: %s" $k | nindent 8 }}{{ end }}
      {{- end }}
      containers:
        - name: web
          image: {{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:{{ .Values.tag }}
`

// screenshotPNG is the head of a picture of 1280 × 720 pixels, which is all that
// lint reads of one.
var screenshotPNG = headOfPNG(1280, 720)

// headOfPNG is a PNG without its pixels.
func headOfPNG(width, height int) string {
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	return "\x89PNG\r\n\x1a\n" + chunkOfPNG("IHDR", string(header)+"\x08\x06\x00\x00\x00")
}

func chunkOfPNG(kind, data string) string {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(chunk, kind+data...)
	return string(binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE([]byte(kind+data))))
}

// goodFiles is an extension without a fault.
func goodFiles() map[string]string {
	return map[string]string{
		"extension.yaml":                       goodMetadata,
		"values.yaml":                          "global: {}\n",
		"static/icon.svg":                      `<svg xmlns="http://www.w3.org/2000/svg"/>`,
		"static/one.png":                       screenshotPNG,
		"README.md":                            "# Web\n\nServes pages.\n",
		"README_zh.md":                         "# 网站\n\n提供网页。\n",
		"CHANGELOG.md":                         "## 1.0.0\n\nThe first.\n",
		"CHANGELOG_zh.md":                      "## v1.0.0\n\n首个版本。\n",
		"permissions.yaml":                     goodPermissions,
		"charts/web/Chart.yaml":                "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"charts/web/values.yaml":               "tag: 1.27.0\n",
		"charts/web/templates/deployment.yaml": goodDeployment,
		"charts/web/templates/NOTES.txt":       "Thank you: {{ .Release.Name }}",
	}
}

// TestTheFixtureIsTheBase: tests in Go begin with the extension with which cases begin.
func TestTheFixtureIsTheBase(t *testing.T) {
	base, good := os.DirFS("ruletest/base"), goodFiles()
	err := fs.WalkDir(base, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(base, name)
		if string(text) != good[name] {
			t.Errorf("%s differs", name)
		}
		delete(good, name)
		return err
	})
	if err != nil || len(good) > 0 {
		t.Errorf("%v; the base has no %q", err, slices.Sorted(maps.Keys(good)))
	}
}

// with is a set of files with some of them changed; an empty text removes one.
func with(files map[string]string, changes ...string) map[string]string {
	changed := maps.Clone(files)
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "" {
			delete(changed, changes[i])
			continue
		}
		changed[changes[i]] = changes[i+1]
	}
	return changed
}

// load writes an extension to disk and reads it.
func load(t testing.TB, files map[string]string) *extension.Extension {
	t.Helper()
	ext, err := loadQuietly(t, files)
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

// loadQuietly is load for what may be no extension at all.
func loadQuietly(t testing.TB, files map[string]string) (*extension.Extension, error) {
	t.Helper()
	return loadAt(t, t.TempDir(), files, extension.Options{Display: "ext"})
}

// loadAt writes an extension into a folder and reads it.
func loadAt(t testing.TB, dir string, files map[string]string, opts extension.Options) (*extension.Extension, error) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return extension.Load(dir, opts)
}

// told renders findings as a user sees them, without their excerpts.
func told(findings []Finding) []string {
	var lines []string
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", f.Severity, f.Rule(), f.In("ext").Position(), f.Message))
	}
	return lines
}

// check is what rules find where no other rule is on, so that what a new rule finds
// changes no test but its own.
func check(t testing.TB, files map[string]string, rules ...string) []Finding {
	t.Helper()
	return seen(Examine(t.Context(), load(t, files), only(rules...)).Findings)
}

// onRendering are the rules that look at what is rendered, and those that say why it cannot be.
var onRendering = []string{"chart", "render", "images", "image-registry", "node-selector"}

// chosenFor are options with a severity for the only rule that is on.
func chosenFor(rule string, severity Severity) Options {
	opts := only(rule)
	opts.Severities[rule] = severity
	return opts
}

// only are options that turn all rules off but those.
func only(rules ...string) Options {
	if len(rules) == 0 {
		panic("name the rules that take part")
	}
	severities := map[string]Severity{}
	for _, r := range Rules() {
		if !slices.Contains(rules, r.Name) {
			severities[r.Name] = Off
		}
	}
	return Options{Severities: severities}
}

// packed makes a package of files below one folder.
func packed(t testing.TB, folder string, files map[string]string) string {
	t.Helper()
	var data bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&data, gzip.NoCompression) // which takes most of the time
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(compressed)
	for _, name := range rule.SortedKeys(files) {
		header := &tar.Header{Name: folder + "/" + name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return data.String()
}
