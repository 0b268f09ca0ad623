package helmindex

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"

	"github.com/ksrelease/ksrelease/internal/marketplace/catalog"
)

func TestAcceptsGzip(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "identity": false, "gzip": true, "GZIP": true, "br,gzip": true, "*": true, "gzip;q=0": false,
		"gzip; q=0.5": true, "gzip;q=0.000": false, "gzip;q=x": false, "deflate, *;q=0": false, "x-gzip": false,
	} {
		if got := acceptsGzip([]string{value}); got != want {
			t.Errorf("Accept-Encoding %q: %v, want %v", value, got, want)
		}
	}
}

// The index is put together from entries; Helm must read from it what it would read
// from one that was written in one piece, whatever the texts are.
func TestIndexHoldsAnyMetadata(t *testing.T) {
	texts := []string{
		"plain", "", "on", "null", "1e3", "0x1F", "~", "2026-11-22", "- a", "key: value", "'quoted' \"twice\"", "a #comment",
		"two\nlines", "trailing newline\n", "\n\nleading newlines", "  indented\n    more\n\n  less\n", "tab\tinside", "\ttab first",
		"unicode ✓ 中文 🎉", "nbsp\u00a0bom\ufeffls\u2028", "back\\slash", "%directive", "--- \n...", strings.Repeat("a long line without end ", 40),
		"block\n\n\n   deep\n" + strings.Repeat("x ", 200) + "\n", "{}", "[", "@at", "`tick", "!tag", "&a *a", "| pipe", "> fold", "control\x07",
	}
	catalogue := map[string]*catalog.Extension{}
	want := map[string]*chart.Metadata{}
	created := time.Date(2026, 11, 22, 8, 17, 12, 207152895, time.UTC)
	for i, text := range texts {
		name := fmt.Sprintf("e%d", i)
		if i < 3 {
			name = []string{"on", "null", "1e3"}[i] // names that YAML could read as something else
		}
		metadata := &chart.Metadata{
			APIVersion: "v2", Name: name, Version: "1.0.0", Description: text, Icon: text, Keywords: []string{text, text},
			Annotations:  map[string]string{"a.b/c": text, "z": text},
			Maintainers:  []*chart.Maintainer{{Name: text}},
			Dependencies: []*chart.Dependency{{Name: "sub", Tags: []string{text}, ImportValues: []any{map[string]any{"child": text}}}},
		}
		record := &catalog.Package{Filename: name + "-1.0.0.tgz", Digest: strings.Repeat("ab", 32), UploadedAt: created, Chart: metadata}
		catalogue[name] = &catalog.Extension{Name: name, Snapshots: []catalog.Snapshot{{Version: "1.0.0", Status: catalog.Active, ListedAt: created, Package: record}}}
		want[name] = metadata
	}
	made, err := Make(catalogue, 1, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "index.yaml")
	if err := os.WriteFile(file, made.Index, 0o644); err != nil {
		t.Fatal(err)
	}
	// Helm's own reader, which is strict about keys. It also sanitises texts, as it
	// does for every index.
	read, err := repo.LoadIndexFile(file)
	if err != nil {
		t.Fatalf("Helm cannot read the index: %v\n%s", err, made.Index)
	}
	if !read.Generated.Equal(created) {
		t.Errorf("generated = %v, want %v", read.Generated, created)
	}
	for name, metadata := range want {
		if err := metadata.Validate(); err != nil { // sanitises in the same way
			t.Fatal(err)
		}
		versions := read.Entries[name]
		if len(versions) != 1 {
			t.Errorf("%s has %d versions", name, len(versions))
			continue
		}
		if diff := cmp.Diff(metadata, versions[0].Metadata); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if versions[0].Digest != strings.Repeat("ab", 32) || !versions[0].Created.Equal(created) || !slices.Equal(versions[0].URLs, []string{"charts/" + name + "-1.0.0.tgz"}) {
			t.Errorf("%s: %+v", name, versions[0])
		}
	}
}
