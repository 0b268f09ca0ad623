package extension

import (
	"path/filepath"
	"strings"
	"testing"

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

// examples are the folders of the extensions in examples/.
func examples(t testing.TB) []string {
	t.Helper()
	var folders []string
	for _, pattern := range []string{"../../examples/*/", "../../examples/*/*/*/"} {
		files, err := filepath.Glob(pattern + MetadataFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			folders = append(folders, filepath.Dir(file))
		}
	}
	if len(folders) < 5 {
		t.Fatalf("the examples are not where they were: %q", folders)
	}
	return folders
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
