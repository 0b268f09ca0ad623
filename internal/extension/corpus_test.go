package extension

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// corpusPackages are the archives of the corpus, six of them.
func corpusPackages(t testing.TB) []string {
	t.Helper()
	names := testshared.Corpus(t)
	if len(names) != 6 {
		t.Fatalf("the corpus has %d packages, want 6", len(names))
	}
	return names
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
	top, files, err := unpack.ReadBytes(readFile(t, archive), &unpack.Meter{Limits: Limits{}.WithDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), top)
	for _, f := range files {
		if f.Name != ChartFile || withChart {
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

// testURLs are addresses for all assets of an extension.
func testURLs(e *Extension) URLs {
	urls := URLs{}
	for _, a := range e.Assets {
		urls[a.File] = "https://files.example/usr-1/" + e.Metadata.Name + "/" + e.Metadata.Version + "/" + a.RemoteName
	}
	return urls
}

// mustLoad loads an extension that has to load.
func mustLoad(t testing.TB, path string) *Extension {
	t.Helper()
	e, err := Load(path, Options{})
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

func parse(t testing.TB, source string) *yamldoc.Document {
	t.Helper()
	doc, err := yamldoc.Parse("extension.yaml", []byte(source))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, source)
	}
	return doc
}
