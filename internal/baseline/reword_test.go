package baseline

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// faulty is an extension with many faults.
func faulty(t *testing.T) (path string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: web\nversion: 1.0.0\ndisplayName: {en: Web, english: Web}\n" +
			"description: {en: A web server., zh: 网站}\ncategory: toys\nprovider: {en: {nmae: x}}\nicon: none.svg\nhome: http://localhost\n" +
			"images: [docker.io/a/b:1, docker.io/a/c:1, NGINX]\nkubeVersion: '>=1.19'\nkeyword: x\n" +
			"dependencies: [{name: gone}, {name: web, condition: web.on, enabled: false}]\n",
		"values.yaml":                        "tags: {extension: false, other: 1}\na: 1\na: 2\n",
		"permissions.yaml":                   "kind: ClusterRole\nrules:\n  - {apiGroups: ['*'], resources: ['*'], verbs: ['*']}\n  - {apiGroups: [''], resources: [secrets], verbs: [get]}\n",
		"README.md":                          "![](gone.png)\n",
		"a.bak":                              "",
		"charts/web/Chart.yaml":              "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"charts/web/values.schema.json":      `{"required": ["host", "port"]}`,
		"charts/web/templates/broken.yaml":   "{{ fail \"no\" }}",
		"charts/web/templates/pods.yaml":     "kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}, {name: c, image: d}]}\n",
		"charts/web/ci/one-values.yaml":      "[]\n",
		"charts/web/charts/x/Chart.yaml":     "apiVersion: v2\nname: x\nversion: 0.1.0\n",
		"charts/web/charts/x/templates/a.js": "# ksrelease:ignore imags\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// examine is what lint finds in extensions, by their paths.
func examine(t *testing.T, paths []string) map[string][]lint.Finding {
	t.Helper()
	found := map[string][]lint.Finding{}
	for _, path := range paths {
		ext, err := extension.Load(path, extension.Options{Display: filepath.Base(path)})
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(path)] = lint.Examine(context.Background(), ext, lint.Options{}).Findings
	}
	return found
}

// TestRewordedFindingsStayKnown: messages, advice and places may change; what is known
// stays known, and whatever is about something else is new.
func TestRewordedFindingsStayKnown(t *testing.T) {
	t.Run("many faults", func(t *testing.T) { stayKnown(t, 25, faulty(t)) })
	t.Run("real packages", func(t *testing.T) {
		stayKnown(t, 25, testshared.Corpus(t)...)
	})
}

func stayKnown(t *testing.T, atLeast int, paths ...string) {
	found := examine(t, paths)
	if n := len(slices.Concat(slices.Collect(maps.Values(found))...)); n < atLeast {
		t.Errorf("there are only %d findings", n)
	}
	var r Recorder
	for name, all := range found {
		r.Sift(name, all)
	}
	file := filepath.Join(t.TempDir(), Name)
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	b, err := Load(filepath.Dir(file), file)
	if err != nil {
		t.Fatal(err)
	}
	for name, again := range examine(t, paths) {
		for i := range again {
			again[i].Message, again[i].Hint, again[i].Range.Start.Line = "in other words", "do something", again[i].Range.Start.Line+7
		}
		if fresh, known := b.Sift(name, again); len(fresh) > 0 || known != len(found[name]) {
			t.Errorf("%s: %d of %d are known; new: %v", name, known, len(found[name]), fresh)
		}
	}
	if b.Gone(true) != 0 {
		t.Error("some are gone")
	}
	for name, all := range found {
		for _, f := range all {
			f.Subject = strings.TrimSpace(f.Subject + " other")
			if fresh, _ := b.Sift(name, append(all[:len(all):len(all)], f)); len(fresh) != 1 {
				t.Errorf("%s about something else is known", f.Code)
			}
		}
	}
}
