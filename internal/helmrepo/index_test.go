package helmrepo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"
)

// bigIndex is an index as Helm writes one, of about 2 KB an entry.
func bigIndex(t testing.TB, charts, versions int) []byte {
	t.Helper()
	index := repo.NewIndexFile()
	for c := range charts {
		for v := range versions {
			metadata := &chart.Metadata{
				APIVersion: "v2", Name: fmt.Sprintf("extension-%d", c), Version: fmt.Sprintf("1.%d.0", v),
				Description: strings.Repeat("An extension: it does \"this\" and that. ", 6),
				Icon:        "data:image/svg+xml;base64," + strings.Repeat("PHN2ZyB4bWxucz0i", 60),
				Keywords:    []string{"observability", "logging"}, Home: "https://example.com", KubeVersion: ">=1.19.0-0",
				Maintainers:  []*chart.Maintainer{{Name: "somebody", Email: "somebody@example.com"}},
				Dependencies: []*chart.Dependency{{Name: "frontend", Condition: "frontend.enabled", Tags: []string{"extension"}}},
				Annotations:  map[string]string{"ksrelease.dev/content-digest": "sha256:" + strings.Repeat("ab", 32)},
			}
			if err := index.MustAdd(metadata, fmt.Sprintf("%s-%s.tgz", metadata.Name, metadata.Version), "https://repo.example/charts", strings.Repeat("cd", 32)); err != nil {
				t.Fatal(err)
			}
		}
	}
	data, err := yaml.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseReadsWhatHelmWrites(t *testing.T) {
	data := bigIndex(t, 3, 4)
	asJSON, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"YAML": data, "JSON": asJSON, "CRLF": []byte(strings.ReplaceAll(string(data), "\n", "\r\n")), "BOM": append([]byte("\xef\xbb\xbf"), data...),
	} {
		index, err := Parse(body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		entry, ok := index.Version("extension-2", "1.3.0")
		if !ok || entry.Created.IsZero() || time.Since(entry.Created) > time.Hour {
			t.Errorf("%s: %v, %v", name, entry, ok)
		}
		entry.Created = time.Time{}
		want := Entry{
			Name: "extension-2", Version: "1.3.0", Digest: strings.Repeat("cd", 32),
			URLs:        []string{"https://repo.example/charts/extension-2-1.3.0.tgz"},
			Annotations: map[string]string{"ksrelease.dev/content-digest": "sha256:" + strings.Repeat("ab", 32)},
		}
		if diff := cmp.Diff(want, entry); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff([]string{"extension-0", "extension-1", "extension-2"}, chartNames(index)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestVersionIsExact(t *testing.T) {
	index, err := Parse([]byte("apiVersion: v1\nentries:\n  alc:\n  - {name: alc, version: 1.10}\n  - {version: 1.2.0+b}\n  - {version: v1.3.0}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]bool{"1.10": true, "1.1": false, "1.10.0": false, "1.2.0": false, "1.2.0+b": true, "1.3.0": false, "v1.3.0": true, "": false} {
		if entry, ok := index.Version("alc", version); ok != want || ok && entry.Name != "alc" {
			t.Errorf("%q: %v, %v", version, entry, ok)
		}
	}
	if _, ok := index.Version("ALC", "1.10"); ok {
		t.Error("another name is found")
	}
}

func TestVersionsNewestFirst(t *testing.T) {
	index, err := Parse([]byte(`{"apiVersion": "v1", "entries": {"alc": [{"version": "1.2.0"}, {"version": "latest"}, {"version": "1.10.0"}, {"version": "1.10.0-rc.1"}, {"version": "v2.0.0"}, {"version": "1.2.0"}, {"version": ""}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v2.0.0", "1.10.0", "1.10.0-rc.1", "1.2.0", "latest", ""}, index.Versions("alc")); diff != "" {
		t.Error(diff)
	}
	if got := index.Versions("none"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestNoIndex(t *testing.T) {
	for body, want := range map[string]string{
		"":                                 "the index is empty",
		"\n\t ":                            "the index is empty",
		"entries: {}":                      "the index has no apiVersion, so Helm and KubeSphere refuse it",
		`{"message": "hello"}`:             "the index has no apiVersion, so Helm and KubeSphere refuse it",
		"just text":                        "it is no Helm index: line 1: a text stands where something else belongs",
		"- a\n- b":                         "it is no Helm index: line 1: a list stands where something else belongs",
		"apiVersion: v1\nentries: [a]":     "it is no Helm index: line 2: a list stands where something else belongs",
		"apiVersion: v1\nentries:\n  a: b": "it is no Helm index: line 3: a text stands where something else belongs",
		"apiVersion: v1\nentries:\n a:\n - urls: x": "it is no Helm index: line 4: a text stands where something else belongs",
		"apiVersion: v1\nentries: {":                "it is no YAML: line 2: did not find expected node content",
		"apiVersion: v1\napiVersion: v1":            `it is no Helm index: line 2: mapping key "apiVersion" already defined at line 1`,
		"\x00\x01":                                  "it is no YAML: control characters are not allowed",
		`{"apiVersion": "v1", "entries": {"a"`:      "it is no YAML: line 1: did not find expected ',' or '}'",
	} {
		index, err := Parse([]byte(body))
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, error %v; want %s", body, index, err, want)
		}
	}
	// A repository in which nothing is yet is an index all the same.
	for _, body := range []string{"apiVersion: v1\nentries: {}\n", "apiVersion: v1\nentries:\n", "apiVersion: v1\nentries:\n  a:\n  b: []\n"} {
		if index, err := Parse([]byte(body)); err != nil || len(index.Versions("a")) != 0 {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// Whatever comes: no panic, no Go type in an error, and JSON reads as YAML does.
func FuzzParse(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nentries:\n  a:\n  - {name: a, version: '1', urls: [x], digest: y, annotations: {a: b}, created: '2026-01-01T00:00:00Z'}\n"))
	for _, seed := range []string{"", "{", "[]", "a: &a [*a]", "apiVersion: v1\nentries: {a: [{version: 1.10}]}", `{"apiVersion": "v1", "entries": {"a": [{"version": "1"}]}}`, "<html>", "a: !!binary x", "? [a]\n: b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		index, err := Parse(body)
		if err != nil {
			if text := err.Error(); strings.Contains(text, "wire") || strings.Contains(text, "helmrepo") || strings.Contains(text, "[]string") || strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("%q: %q", body, text)
			}
			return
		}
		entries := map[string][]map[string]any{}
		for _, name := range chartNames(index) {
			entries[name] = []map[string]any{}
			for _, version := range index.Versions(name) {
				if entry, ok := index.Version(name, version); !ok || entry.Version != version {
					t.Errorf("%q: %s %q is listed and not found", body, name, version)
				}
				entries[name] = append(entries[name], map[string]any{"version": version})
			}
		}
		again, err := json.Marshal(map[string]any{"apiVersion": "v1", "entries": entries})
		if err != nil {
			t.Skip()
		}
		second, err := Parse(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		for _, name := range chartNames(second) {
			if diff := cmp.Diff(index.Versions(name), second.Versions(name)); diff != "" && json.Valid(body) {
				t.Errorf("%s: %s", again, diff)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data := bigIndex(b, 100, 20)
	asJSON, err := yaml.YAMLToJSON(data)
	if err != nil {
		b.Fatal(err)
	}
	for name, body := range map[string][]byte{"YAML": data, "JSON": asJSON} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// chartNames are the charts of an index, sorted.
func chartNames(i *Index) []string { return slices.Sorted(maps.Keys(i.entries)) }
