// Package trees makes, for tests, the files of extensions: folders of given files, a demo with
// all that packing has to care for, and packages of the corpus as they lie in a repository.
// Nothing that ships may import it.
package trees

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

// Write makes a new directory of files; the key is the slash path.
func Write(tb testing.TB, files map[string]string) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	for name, content := range files {
		WriteFile(tb, dir, name, content)
	}
	return dir
}

// WriteFile writes a file below a directory, with the folders that it needs; name is a slash
// path.
func WriteFile(tb testing.TB, dir, name, content string) {
	tb.Helper()
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// ReadFile reads a file that has to be there.
func ReadFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// Unpack writes an archive of the corpus into a new directory, as it would lie in a
// repository; withChart keeps the Chart.yaml that a source tree lacks.
func Unpack(tb testing.TB, archive string, withChart bool) (dir string) {
	tb.Helper()
	top, files, err := unpack.ReadBytes(ReadFile(tb, archive), &unpack.Meter{Limits: unpack.Limits{}.WithDefaults()})
	if err != nil {
		tb.Fatal(err)
	}
	dir = filepath.Join(tb.TempDir(), top)
	for _, f := range files {
		if f.Name != naming.ChartFile || withChart {
			WriteFile(tb, dir, f.Name, string(f.Data))
		}
	}
	return dir
}

// Pushed is what ksbuilder pushed for a package of the corpus. The test is skipped where the
// corpus is not there.
func Pushed(tb testing.TB, corpus string) []byte {
	tb.Helper()
	return ReadFile(tb, testshared.Path(tb, "reference/ksbuilder-push/"+filepath.Base(corpus)))
}

// Demo is an extension with all that packing has to care for.
func Demo() map[string]string {
	return map[string]string{
		"extension.yaml": "# ours\napiVersion: kubesphere.io/v1alpha1\nname: demo\nversion: 1.0.0 # bump me\n" +
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

// Updated is the demo after `helm dependency update` at a moment, in the extension and in its
// subcharts. change, where it is not nil, changes the files of the innermost chart.
func Updated(tb testing.TB, moment int, change func(files map[string]string)) map[string]string {
	tb.Helper()
	when := time.Unix(int64(1_700_000_000+moment), int64(moment)).UTC().Format(time.RFC3339Nano)
	inner := map[string]string{"Chart.yaml": "apiVersion: v2\nname: inner\nversion: 1.0.0\n", "templates/a.yaml": "a: {}\n", "values.yaml": "x: 1\n"}
	if change != nil {
		change(inner)
	}
	files := Demo()
	files["Chart.lock"] = LockAt(when, "1.0.0")
	files["charts/redis-1.0.0.tgz"] = Stamped(tb, moment, "redis", map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: redis\nversion: 1.0.0\n", "Chart.lock": LockAt(when, "2.0.0"),
		"charts/inner-1.0.0.tgz":   Stamped(tb, moment, "inner", inner),
		"charts/folder/Chart.yaml": "apiVersion: v2\nname: folder\nversion: 1.0.0\n",
	})
	files["charts/sub/Chart.lock"] = LockAt(when, "3.0.0")
	files["charts/sub/requirements.lock"] = LockAt(when, "4.0.0")
	files["charts/sub/charts/inner-1.0.0.tgz"] = Stamped(tb, moment, "inner", inner)
	return files
}

// LockAt is a Chart.lock that was made at a time, with redis in a version.
func LockAt(generated, version string) string {
	return "dependencies:\n- name: redis\n  repository: https://charts.example\n  version: " + version +
		"\ndigest: sha256:0123\ngenerated: \"" + generated + "\"\n"
}

// Stamped packs files below a folder as somebody else would at another moment: with other
// times, owners, modes, level and head of gzip, and in another order.
func Stamped(tb testing.TB, moment int, folder string, files map[string]string) string {
	tb.Helper()
	var out bytes.Buffer
	zw, err := gzip.NewWriterLevel(&out, 1+moment%9)
	if err != nil {
		tb.Fatal(err)
	}
	when := time.Unix(int64(1_700_000_000+moment*3600), 0)
	zw.ModTime, zw.Comment, zw.Name = when, "Helm", strings.Repeat("x", moment)
	tw := tar.NewWriter(zw)
	names := slices.Sorted(maps.Keys(files))
	if moment%2 == 1 {
		slices.Reverse(names)
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: when}); err != nil {
			tb.Fatal(err)
		}
	}
	for _, name := range names {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: folder + "/" + name, Size: int64(len(files[name])), Mode: int64(0o600 + moment), ModTime: when, Uid: moment, Uname: "jo"}
		if err := tw.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(tw, files[name]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// Recompressed is the same archive as another compressor makes it: other bytes.
func Recompressed(tb testing.TB, archive []byte) []byte {
	tb.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	zw, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		tb.Fatal(err)
	}
	zw.Comment = "by another program"
	if _, err := io.Copy(zw, plain); err != nil {
		tb.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
