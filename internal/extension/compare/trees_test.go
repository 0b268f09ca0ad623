package compare

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// stamped packs files below a folder as somebody else would at another moment: with
// other times, owners, modes, level and head of gzip, and in another order.
func stamped(t testing.TB, moment int, folder string, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	zw, err := gzip.NewWriterLevel(&out, 1+moment%9)
	if err != nil {
		t.Fatal(err)
	}
	when := time.Unix(int64(1_700_000_000+moment*3600), 0)
	zw.ModTime, zw.Comment, zw.Name = when, "Helm", strings.Repeat("x", moment)
	tw := tar.NewWriter(zw)
	names := slices.Sorted(maps.Keys(files))
	if moment%2 == 1 {
		slices.Reverse(names)
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: when}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: folder + "/" + name, Size: int64(len(files[name])), Mode: int64(0o600 + moment), ModTime: when, Uid: moment, Uname: "jo"}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func lockAt(generated, version string) string {
	return "dependencies:\n- name: redis\n  repository: https://charts.example\n  version: " + version +
		"\ndigest: sha256:0123\ngenerated: \"" + generated + "\"\n"
}

// updated is a tree after `helm dependency update` at a moment, in the extension and in
// its subcharts. change, where it is not nil, changes the files of the innermost chart.
func updated(t testing.TB, moment int, change func(files map[string]string)) map[string]string {
	t.Helper()
	when := time.Unix(int64(1_700_000_000+moment), int64(moment)).UTC().Format(time.RFC3339Nano)
	inner := map[string]string{extension.ChartFile: "apiVersion: v2\nname: inner\nversion: 1.0.0\n", "templates/a.yaml": "a: {}\n", "values.yaml": "x: 1\n"}
	if change != nil {
		change(inner)
	}
	files := demoFiles()
	files[extension.LockFile] = lockAt(when, "1.0.0")
	files["charts/redis-1.0.0.tgz"] = stamped(t, moment, "redis", map[string]string{
		extension.ChartFile: "apiVersion: v2\nname: redis\nversion: 1.0.0\n", extension.LockFile: lockAt(when, "2.0.0"),
		"charts/inner-1.0.0.tgz":   stamped(t, moment, "inner", inner),
		"charts/folder/Chart.yaml": "apiVersion: v2\nname: folder\nversion: 1.0.0\n",
	})
	files["charts/sub/"+extension.LockFile] = lockAt(when, "3.0.0")
	files["charts/sub/requirements.lock"] = lockAt(when, "4.0.0")
	files["charts/sub/charts/inner-1.0.0.tgz"] = stamped(t, moment, "inner", inner)
	return files
}

func demoFiles() map[string]string {
	return map[string]string{
		extension.MetadataFile: "# ours\napiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0 # bump me\n" +
			"description: {zh: 演示, en: A demo}\nkeywords: [a, b]\nhome: https://demo.example\nsources: [https://git.example]\nkubeVersion: '>=1.19.0-0'\n" +
			"maintainers: [{name: Jo, email: jo@demo.example, url: https://jo.example}]\nannotations: {a: b, flag: true}\nstaticFileDirectory: ./static/\n" +
			"icon: \"./static/icon.svg\" # the icon\nscreenshots: [static/one/shot.png, https://x.example/remote.png, static/two/shot.png, ./static/one/shot.png]\n" +
			"dependencies: [{name: sub, tags: [extension], condition: sub.enabled}]\nunheard: of\n",
		"values.yaml":                "sub: {enabled: true}\n",
		"README.md":                  "# Demo\n",
		"static/icon.svg":            "<svg/>",
		"static/one/shot.png":        "one",
		"static/two/shot.png":        "two",
		"static/unused.png":          "unused",
		"staticity.txt":              "no asset",
		"charts/sub/Chart.yaml":      "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"charts/sub/templates/a.yml": "a: {{ .Values.x }}\n",
	}
}

// pushedPackage is what ksbuilder pushed for a package of the corpus.
func pushedPackage(t testing.TB, corpus string) []byte {
	t.Helper()
	return readFile(t, testshared.Path(t, "reference/ksbuilder-push/"+filepath.Base(corpus)))
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unpackTo writes an archive of the corpus into a new directory, as it would lie
// in a repository; withChart keeps the Chart.yaml that a source tree lacks.
func unpackTo(t testing.TB, archive string, withChart bool) string {
	t.Helper()
	top, files, err := unpack.ReadBytes(readFile(t, archive), &unpack.Meter{Limits: extension.Limits{}.WithDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), top)
	for _, f := range files {
		if f.Name != extension.ChartFile || withChart {
			writeFile(t, dir, f.Name, string(f.Data))
		}
	}
	return dir
}

func writeFile(t testing.TB, dir, name, content string) {
	t.Helper()
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeTree makes a directory of files; the key is the slash path.
func writeTree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		writeFile(t, dir, name, content)
	}
	return dir
}

// mustLoad loads an extension that has to load.
func mustLoad(t testing.TB, path string) *extension.Extension {
	t.Helper()
	e, err := extension.Load(path, extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// wantError holds an error to the pieces of text that a user needs to see.
func wantError(t *testing.T, err error, pieces ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("there is no error, want one with %q", pieces)
	}
	for _, piece := range pieces {
		if !strings.Contains(err.Error(), piece) {
			t.Errorf("the error is\n\t%v\nwant %q in it", err, piece)
		}
	}
}

// fetchOf gives the assets of an extension by the names that they are uploaded under.
func fetchOf(e *extension.Extension) Fetch {
	return func(address string) ([]byte, error) {
		for _, a := range e.Assets {
			if strings.HasSuffix(address, a.RemoteName) {
				return a.Data, nil
			}
		}
		return nil, io.EOF
	}
}

func wantSummary(t *testing.T, want string, local, other *extension.Extension, fetch Fetch) {
	t.Helper()
	found, err := Compare(local, other, fetch)
	if err != nil || found.Summary() != want {
		t.Errorf("found %q (%v), want %q", found.Summary(), err, want)
	}
}
