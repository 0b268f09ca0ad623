package helmrepo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/helmrepo/quickentry"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// An index is decoded into types of our own, which have what Helm's have.
func TestTypesAreThoseOfHelm(t *testing.T) {
	for _, pair := range []struct{ own, helms reflect.Type }{
		{reflect.TypeFor[indexFile](), reflect.TypeFor[repo.IndexFile]()},
		{reflect.TypeFor[chartVersion](), reflect.TypeFor[repo.ChartVersion]()},
	} {
		fields := func(of reflect.Type) []string {
			var list []string
			for _, field := range reflect.VisibleFields(of) {
				kind := strings.NewReplacer("repo.ChartVersions", "[]*chartVersion", "helmrepo.", "", "repo.", "").Replace(field.Type.String())
				list = append(list, fmt.Sprintf("%s %s %s", field.Name, kind, field.Tag))
			}
			return list
		}
		if diff := cmp.Diff(fields(pair.helms), fields(pair.own)); diff != "" {
			t.Errorf("%s (-Helm's +ours):\n%s", pair.own.Name(), diff)
		}
	}
}

// asHelm is what Helm makes of an index (jsonOrYamlUnmarshal of
// helm.sh/helm/v3/pkg/repo and the check of apiVersion; LoadIndexFile, which is
// called too, leaves out entries that it finds invalid).
func asHelm(t *testing.T, body []byte) (*repo.IndexFile, error) {
	t.Helper()
	file := &repo.IndexFile{}
	var err error
	if json.Valid(body) {
		err = json.Unmarshal(body, file)
	} else {
		err = yaml.UnmarshalStrict(body, file)
	}
	if err == nil && file.APIVersion == "" {
		err = repo.ErrNoAPIVersion
	}
	return file, err
}

// compareLax holds the reasons against what KubeSphere makes of the index (loadIndex of
// kubesphere.io/utils/helm): without one that is not for Helm alone it loads it.
func compareLax(t *testing.T, body []byte, got *Index) {
	t.Helper()
	err := yaml.Unmarshal(body, &repo.IndexFile{})
	refused := slices.IndexFunc(got.Refusals(), func(r *Refused) bool { return !r.HelmAlone }) >= 0
	if json.Valid(body) && breaksInside(body) {
		return // JSON, and to YAML a line break
	}
	if (err != nil) != refused {
		t.Fatalf("KubeSphere: %v\nrefusals: %v\n%s\n%q", err, got.Refusals(), body, body)
	}
}

// compareBuffers reads an index through buffers in which an entry has no place, or ends just so, and
// as it comes in small pieces: that changes nothing, neither the entries nor what is said of them.
func compareBuffers(t *testing.T, body []byte, want *Index, failed error) {
	t.Helper()
	sizes := []int{16, 128 + len(body)%512, bufferSize}
	size := sizes[len(body)%3]
	got, err := readThrough(iotest.HalfReader(bytes.NewReader(body)), size)
	if fmt.Sprint(err) != fmt.Sprint(failed) {
		t.Fatalf("through %d bytes: %v\nat once: %v\n%s", size, err, failed, body)
	}
	if err != nil {
		return
	}
	if diff := cmp.Diff(allOf(want), allOf(got)); diff != "" {
		t.Fatalf("through %d bytes: -at once +so\n%s\n%s", size, diff, body)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Index{}), cmpopts.IgnoreFields(Index{}, "entries")); diff != "" {
		t.Fatalf("through %d bytes: -at once +so\n%s\n%s", size, diff, body)
	}
}

// allOf are the entries of an index, by chart.
func allOf(index *Index) map[string][]Entry {
	all := map[string][]Entry{}
	for _, name := range index.Charts() {
		all[name] = index.Entries(name)
	}
	return all
}

// compare holds what is read of an index against what Helm makes of it: the
// verdict, and where Helm loads it, every entry.
func compare(t *testing.T, body []byte) (loads bool) {
	t.Helper()
	want, helm := asHelm(t, body)
	got, err := Read(bytes.NewReader(body))
	if err == nil {
		compareLax(t, body, got)
		isAsKept(t, got)
	}
	compareBuffers(t, body, got, err)
	if err == nil && len(got.Refusals()) > 0 {
		err = got.Refusals()[0]
	}
	if (err == nil) != (helm == nil) {
		t.Fatalf("ksrelease: %v\nHelm: %v\n%s\n%q", err, helm, body, body)
	}
	if err != nil {
		for _, word := range []string{"Go ", "repo.", "[]string", "json", "IndexFile"} {
			if strings.Contains(err.Error(), word) && !strings.Contains(string(body), word) {
				t.Errorf("%q speaks of Go\n%s", err, body)
			}
		}
		return false
	}
	wanted := map[string][]Entry{}
	for name, versions := range want.Entries {
		for _, v := range versions {
			if v == nil || v.Metadata == nil {
				continue
			}
			e := Entry{Name: name, OwnName: v.Name, Version: v.Version, Digest: v.Digest, URLs: v.URLs, Annotations: v.Annotations, Created: v.Created}
			if len(e.URLs) == 0 {
				e.URLs = nil
			}
			if len(e.Annotations) == 0 {
				e.Annotations = nil
			}
			wanted[name] = append(wanted[name], e)
		}
	}
	if diff := cmp.Diff(wanted, allOf(got), cmpopts.IgnoreFields(Entry{}, "Line")); diff != "" {
		t.Fatalf("-Helm +ksrelease\n%s\n%s", diff, body)
	}
	return true
}

// fragments are put into indexes by mutate.
var fragments = []string{
	"1.10", "1", "true", "null", "~", "db", "[a, b]", "[1]", "[]", "{}", "{a: b}", "''", `"x"`, `"\u00e9"`, `"\x41"`, `"\q"`, `"\U0001F680"`, `"\U0010FFFF"`, `"\U0000D800"`, `"\U00110000"`, "'it''s'", "|", ">-", "&a x", "*a", "<<: {a: b}",
	"- a", "- {name: x}", "-", "- null", "- - a", "# comment", "x: y", "keywords: db", "version: 1.10", "version:", "urls: [x]", "urls: x", "urls:", "wheels: 4",
	"Name: x", "name: alc", "digest: 12", "created: yesterday", "created: 2026-01-31T12:00:00Z", `created: "2026-01-31T12:00:00Z"`, "created: 2026-01-31", "deprecated: yes", "deprecated: true", "removed: false",
	"annotations: {a: 1}", "annotations:", "maintainers:", "maintainers: [null]", "dependencies: [{name: a, version: 1.0, repository: x}]", "icon: |", "a: |", "a: |-", "a: >", "a: 'b", "a: b'", "a: \"b", "  text", "    text", "---", "...", "%YAML 1.1",
	"\t", " ", "  ", ":", ": ", " #", "\"", "'", "{", "}", "[", "]", "\u2028", "\u0085", "é", "\r\n", "yes", "no", "y", "0x10", "0x1f", "0_x1f", "0b11", "0b12", "0o17", "1c", "12ab", "1d_2", "0e0", "1_2:3a", "2026-01-31T10:00:00Z", "2026-01-31a", "3scale: x", "1 #a", "1e3", ".5", "1_000", "2026-01-31", "12:30", "entries:", "entries: {}", "Entries:", "apiVersion: v1", "apiVersion: 1", "serverInfo: {a: b}", "publicKeys: [a]", "generated: now", "  alc:", "  \"alc\":", "  other: []", "  other:", "  12:", "  true:", "type: application", "home: http://x: y", "home: a #b", "home: a#b", "home: http://x", "? a", "!!str 1", "!!int x",
}

var indexes = []string{
	`apiVersion: v1
entries:
  alc:
  - annotations:
      ksrelease.dev/content-digest: sha256:abcd
    apiVersion: v2
    appVersion: 1.16.0
    created: "2026-11-29T10:00:00.123456789Z"
    dependencies:
    - condition: frontend.enabled
      name: frontend
      repository: ""
      tags:
      - extension
    description: 'An extension: it does "this" and that, and more than fits in one
      line of text'
    digest: cdcdcd
    home: https://example.com
    icon: data:image/svg+xml;base64,PHN2ZyB4bWxucz0i
    keywords:
    - logging
    kubeVersion: '>=1.19.0-0'
    maintainers:
    - email: somebody@example.com
      name: somebody
    name: alc
    urls:
    - https://repo.example/charts/alc-1.2.0.tgz
    version: 1.2.0
  - apiVersion: v2
    description: |-
      several
      lines
    name: alc
    urls:
    - charts/alc-1.1.0.tgz
    version: 1.1.0
  other:
  - name: other
    urls: []
    version: v2.0.0
generated: "2026-11-29T10:00:00Z"
`,
	"apiVersion: v1\nentries:\n  alc:\n  - annotations:\n      images: |\n        - name: a\n          image: b:1\n\n        - name: c\n      links: |-\n        one\n\n      note: more than fits in one\n        line of text,\n\n        and 'it'\n      quoted: 'it''s: more than\n        fits in one'\n      twice: \"so: is\n        this\"\n    created: 2026-11-29T10:00:00Z\n    digest: 0a1b2c\n    name: alc\n    urls:\n    - alc-1.2.0.tgz\n    version: 1.2.0\n  - annotations:\n      a: |\n        x\n    version: 1.1.0\n",
	"apiVersion: v1\nentries:\n    alc:\n        - name: alc\n          version: 1.0.0\n          urls:\n              - a.tgz\n        - version: 1.1.0\n          name: alc\n    b: []\n",
	"---\napiVersion: v1\nentries:\n  a:\n  - {name: a, version: '1', urls: [x], digest: y, annotations: {a: b}}\n  - name: a\n    version: 1.0.0\nserverInfo:\n  contextPath: /x\n",
	"{\"apiVersion\": \"v1\",\n \"entries\": {\n  \"a\": [{\"name\": \"a\", \"version\": \"1.0.0\", \"urls\": [\"x\"]},\n   {\"name\": \"a\", \"version\": \"1.1.0\"}],\n  \"b\": null}}",
}

// mutate changes an index in a few places, as hands and tools do.
func mutate(rng *rand.Rand, body string) string {
	lines := strings.SplitAfter(body, "\n")
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(lines))
		line := lines[at]
		fragment := fragments[rng.IntN(len(fragments))]
		indent := line[:len(line)-len(strings.TrimLeft(line, " -"))]
		switch rng.IntN(9) {
		case 0: // takes a line out
			lines[at] = ""
		case 1: // a line twice
			lines[at] = line + line
		case 2: // other indentation
			lines[at] = " " + line
		case 3:
			lines[at] = strings.TrimPrefix(line, " ")
		case 4: // another value
			if key, _, found := strings.Cut(line, ":"); found {
				lines[at] = key + ": " + fragment + "\n"
			}
		case 5: // one more line
			lines[at] = line + strings.ReplaceAll(indent, "-", " ") + fragment + "\n"
		case 6: // something in the middle
			if len(line) > 0 {
				in := rng.IntN(len(line))
				lines[at] = line[:in] + fragment + line[in:]
			}
		case 7: // a line elsewhere
			to := rng.IntN(len(lines))
			lines[at], lines[to] = lines[to], lines[at]
		case 8: // one byte less
			if len(line) > 0 {
				in := rng.IntN(len(line))
				lines[at] = line[:in] + line[in+1:]
			}
		}
	}
	return strings.Join(lines, "")
}

// Thousands of damaged indexes: what Helm refuses is refused, and what it loads is
// read as it loads it.
func TestReadsAsHelm(t *testing.T) {
	soak.Long(t)
	log.SetOutput(io.Discard) // Helm prints which entries it leaves out
	defer log.SetOutput(os.Stderr)
	for _, body := range indexes {
		if !compare(t, []byte(body)) {
			t.Errorf("refused:\n%s", body)
		}
	}
	for _, body := range []string{
		"apiVersion: v1\nentries:\nentries:\n",
		"apiVersion: v1\ngenerated: now\nentries:\n  a: []\ngenerated: \"2026-11-29T10:00:00Z\"\n",
		"apiVersion: v1\ngenerated: \"2026-11-29T10:00:00Z\"\nentries:\n  a: []\ngenerated: now\n",
		"apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0, created: now}\n  a:\n  - {name: a, version: 1.0.0}\n",
		"apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0}\n  a:\n  - {name: a, version: 1.0.0, created: now}\n",
		"apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0, created: now}\nentries:\n  b: []\n",
		"apiVersion: v1\nentries:\n  a: x\nentries:\n  b: []\n",
		"apiVersion: v1\nentries:\n  a:\n  - name: a\n    \u0085version: 1.0.0\n  - name: a\n    version: 1.1.0\n",
		"apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\u2028serverInfo: {a: b}\n  - name: a\n    version: 1.1.0\n",
	} {
		if compare(t, []byte(body)) {
			t.Errorf("loaded:\n%s", body)
		}
	}
	cases := soak.Cases(t, 3000, 100_000)
	loaded := 0
	for i := range cases {
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		if compare(t, []byte(mutate(rng, indexes[rng.IntN(len(indexes))]))) {
			loaded++
		}
	}
	t.Logf("%d damaged indexes, %d of which Helm loads", cases, loaded)
	if loaded < cases/10 || loaded > cases*9/10 {
		t.Errorf("%d of %d indexes are loaded, so the rest proves little", loaded, cases)
	}
}

// What the quick reader takes, Helm's library reads the same.
func FuzzQuickIsWhatHelmReads(f *testing.F) {
	for _, body := range indexes[:3] {
		f.Add(body)
	}
	for _, fragment := range fragments {
		f.Add("apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    description: " + fragment + "\n    version: 1.2.0\n")
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) < 1<<16 {
			compare(t, []byte(body))
		}
	})
}

// Whatever stands in the fields of a chart: what Helm writes of it is read without
// a library for the most part, and the same.
func FuzzReadIsWhatHelmWrote(f *testing.F) {
	for _, seed := range []string{
		"plain", "", " ", "a: b", "- a", "it's", `say "yes"`, "line\nline", "line\n\n    version: 9.9.9\n", "| x", "#x", "'", `"`, "1.10", "null", "~",
		strings.Repeat("a long text that is folded ", 20), strings.Repeat(`long "quoted": text that's folded `, 20), "  - name: x", "\u2028", "日本語: x", "\t", "trailing ", "&a", "*a", "{}", "[]",
	} {
		f.Add("alc", seed, seed)
		f.Add("alc", "key", seed)
	}
	f.Fuzz(func(t *testing.T, name, key, text string) {
		index := repo.NewIndexFile()
		metadata := &chart.Metadata{
			APIVersion: "v2", Name: name, Version: text, Description: text, Icon: text, Home: text, Type: text, KubeVersion: text,
			Keywords: []string{text, key}, Sources: []string{text}, Annotations: map[string]string{key: text, "b": key},
			Maintainers:  []*chart.Maintainer{{Name: text, Email: key}},
			Dependencies: []*chart.Dependency{{Name: text, Tags: []string{key}, ImportValues: []any{text, map[string]any{key: text}}}},
		}
		index.Entries[name] = repo.ChartVersions{
			{Metadata: metadata, URLs: []string{text, key}, Digest: text},
			{Metadata: &chart.Metadata{Name: name, Version: "1.0.0"}, URLs: []string{"x"}},
		}
		body, err := yaml.Marshal(index)
		if err != nil {
			t.Skip()
		}
		compare(t, body)
	})
}

// The layout that Helm writes needs no library.
func TestQuickReadsWhatHelmWrites(t *testing.T) {
	body := string(bigIndex(t, 3, 3))
	_, entries, _ := strings.Cut(body, "entries:\n")
	taken := 0
	for _, text := range strings.Split(entries, "\n  - ")[1:] {
		text, _, _ = strings.Cut(text, "\n  e")
		text, _, _ = strings.Cut(text, "\ng")
		var q quickentry.Reader
		_, _, ok := q.Read([]byte("  - "+text+"\n"), 2, true)
		if e := q.Into; ok && len(e.Version) > 0 && len(e.OwnName) > 0 && len(e.Digest) > 0 && len(e.URLs) == 1 && len(e.Annotations) == 1 && !e.Created.IsZero() {
			taken++
			continue
		}
		t.Errorf("%v, %v from\n%s", q.Into, ok, text)
	}
	if taken != 9 {
		t.Errorf("%d of 9 entries", taken)
	}
}

// What a release needs is read exactly, however it is quoted.
func TestQuickReadsQuotes(t *testing.T) {
	for _, value := range []string{
		`'it''s'`, `''''`, `'a''''b'`, `"a"`, `"a\tb"`, `"\x41\u0042"`, `"a # b"`, `'a # b'`, `a#b`, "abc # a comment", `'abc' # a comment`, "a:b", "it's", `say "yes"`,
	} {
		for _, field := range []string{"digest: %s", "name: %s", "urls:\n    - %s", "annotations:\n      key: %s", "description: %s"} {
			body := "apiVersion: v1\nentries:\n  alc:\n  - version: 1.2.0\n    " + fmt.Sprintf(field, value) + "\n"
			if !compare(t, []byte(body)) {
				t.Errorf("refused:\n%s", body)
			}
		}
	}
}

// Of a text that goes on in other lines what a release needs is read without a library, too: the annotations
// of many charts are lists of changes or images in blocks.
func TestQuickReadsLines(t *testing.T) {
	for text, taken := range map[string]bool{
		"|\n        - name: a\n          image: b # c\n\n          x: 'y'": true, "|-\n        a\n         b  \n        c": true, "|\n        a\n\n\n": true,
		"one\n        two\n        three": true, "one\n\n\n        two": true, "'it''s\n        so\n\n        it''s'": true, "'\n        a\n        '": true, "\"one\n        two\"": true,
		"|\n\n        a": false, "|+\n        a\n": false, ">\n        a\n        b": false, "|2\n        a": false, "|\n          a\n        b": false, "|\n        a\n         \n        b": false,
		"\"one\\\n        two\"": false, "\"a\\tb\n        two\"": false, "one\n        - two": false, "one\n        two: three": false, "one # a\n        two": false,
	} {
		entry := "  - annotations:\n      key: " + text + "\n      other: x\n    name: alc\n    version: 1.2.0\n"
		var q quickentry.Reader
		if _, _, ok := q.Read([]byte(entry), 2, true); ok != taken {
			t.Errorf("taken %v:\n%s", ok, entry)
		}
		if loads := compare(t, []byte("apiVersion: v1\nentries:\n  alc:\n"+entry+"  b: []\n")); !loads && taken {
			t.Errorf("refused:\n%s", entry)
		}
	}
}

// LoadIndexFile itself gives the verdict that asHelm gives.
func TestAsHelmIsHelm(t *testing.T) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	file := filepath.Join(t.TempDir(), "index.yaml")
	for i := range 200 {
		rng := rand.New(rand.NewPCG(5, uint64(i)))
		body := mutate(rng, indexes[rng.IntN(len(indexes))])
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		_, helm := repo.LoadIndexFile(file)
		_, ours := asHelm(t, []byte(body))
		if (helm == nil) != (ours == nil) && !errors.Is(helm, repo.ErrEmptyIndexYaml) {
			t.Errorf("Helm: %v\ntest: %v\n%s", helm, ours, body)
		}
	}
}
