package generate

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// contents are the files below a folder, by their slash paths.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func made(t *testing.T, m Monorepo) string {
	t.Helper()
	dir := t.TempDir()
	if err := m.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	some := contents(t, made(t, Monorepo{Seed: 7, Extensions: 4, TreeBytes: 30_000}))
	if again := contents(t, made(t, Monorepo{Seed: 7, Extensions: 4, TreeBytes: 30_000})); !maps.Equal(some, again) {
		t.Error("two monorepos of one seed differ")
	}
	more := contents(t, made(t, Monorepo{Seed: 7, Extensions: 6, TreeBytes: 30_000}))
	for name, content := range some {
		if more[name] != content {
			t.Errorf("%s is another file where the monorepo is larger", name)
		}
	}
	if other := contents(t, made(t, Monorepo{Seed: 8, Extensions: 4, TreeBytes: 30_000})); maps.Equal(some, other) {
		t.Error("another seed makes the same monorepo")
	}
}

// TestLintFindsNothing: an extension of the bench is one that can be released.
func TestLintFindsNothing(t *testing.T) {
	for _, average := range []int{0, 1, 40_000} {
		dir := made(t, Monorepo{Seed: 1, Extensions: 12, TreeBytes: average})
		folders, err := filepath.Glob(filepath.Join(dir, "extensions", "*"))
		if err != nil || len(folders) != 12 {
			t.Fatalf("%d folders, %v", len(folders), err)
		}
		size := 0
		for _, folder := range folders {
			e, err := extension.Load(folder, extension.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, content := range contents(t, folder) {
				size += len(content)
			}
			for _, f := range lint.Examine(t.Context(), e, lint.Options{}).Findings {
				t.Errorf("%s: %v", folder, f)
			}
		}
		if average := size / len(folders); average < 5_000 || average > 600_000 {
			t.Errorf("%d bytes an extension", average)
		}
	}
}

// TestTheIndexIsAsHelmWritesIt has Helm read an index and write it again: not a byte changes.
func TestTheIndexIsAsHelmWritesIt(t *testing.T) {
	dir := made(t, Monorepo{Seed: 3, Extensions: 8, TreeBytes: 1})
	var written bytes.Buffer
	if err := (Index{Seed: 3, Names: 20, Versions: 25, Monorepo: dir, Unreleased: 5}).Write(t.Context(), &written); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "index.yaml")
	if err := os.WriteFile(file, written.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	index, err := repo.LoadIndexFile(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := yaml.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Split(written.String(), "\n"), strings.Split(string(again), "\n"); !bytes.Equal(written.Bytes(), again) {
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("line %d is %q, and Helm writes %q", i+1, got[i], want[i])
			}
		}
		t.Fatalf("%d lines, and Helm writes %d", len(got), len(want))
	}
	count := 0
	for name, entries := range index.Entries {
		count += len(entries)
		for i, e := range entries[1:] {
			if versions.Compare(entries[i].Version, e.Version) <= 0 {
				t.Errorf("%s: %s stands before %s", name, entries[i].Version, e.Version)
			}
		}
	}
	if want := (20 - 4) * 25; count != want {
		t.Errorf("%d versions, want %d", count, want)
	}

	// What exists is what the monorepo has.
	parsed, err := helmrepo.Parse(written.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for number := range 8 {
		p := profileOf(3, number)
		e, err := extension.Load(filepath.Join(dir, "extensions", p.name), extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		entry, there := parsed.Version(p.name, e.Metadata.Version)
		if there != (number%5 != 0) {
			t.Errorf("%s %s: in the index is %v", p.name, e.Metadata.Version, there)
		}
		if there && entry.Annotations[extension.ContentDigestAnnotation] != e.ContentDigest() {
			t.Errorf("%s has another content digest in the index", p.name)
		}
	}
}
