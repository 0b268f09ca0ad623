package helmchart

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

const goodMetadata = `apiVersion: kubesphere.io/v1alpha1
name: web
version: 1.0.0
dependencies:
  - name: web
    tags: [extension]
`

const goodDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }} }
spec:
  selector: {matchLabels: {app: web}}
  template:
    spec:
      {{- with .Values.global.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: web
          image: {{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:{{ .Values.tag }}
`

// goodFiles are an extension with one subchart.
func goodFiles() map[string]string {
	return map[string]string{
		"extension.yaml":                       goodMetadata,
		"values.yaml":                          "global: {}\n",
		"charts/web/Chart.yaml":                "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"charts/web/values.yaml":               "tag: 1.27.0\n",
		"charts/web/templates/deployment.yaml": goodDeployment,
		"charts/web/templates/NOTES.txt":       "Thank you: {{ .Release.Name }}",
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

func replaced(text, old, new string) string { return strings.ReplaceAll(text, old, new) }

// load writes an extension to disk and reads it.
func load(t testing.TB, files map[string]string) *extension.Extension {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ext, err := extension.Load(dir, extension.Options{Display: "ext"})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

// examples are those of the project, by name.
func examples(t testing.TB) map[string]*extension.Extension {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "monorepo", "extensions", "*", extension.MetadataFile))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no examples (%v)", err)
	}
	loaded := map[string]*extension.Extension{}
	for _, file := range files {
		ext, err := extension.Load(filepath.Dir(file), extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		loaded[filepath.Base(filepath.Dir(file))] = ext
	}
	return loaded
}

// corpus are the real packages, where they are next to the project.
func corpus(t testing.TB) map[string]*extension.Extension {
	t.Helper()
	loaded := map[string]*extension.Extension{}
	for _, archive := range testshared.Corpus(t) {
		ext, err := extension.Load(archive, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		loaded[ext.Metadata.Name] = ext
	}
	return loaded
}
