package indexedit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"

	"github.com/ksrelease/ksrelease/internal/helmrepo"
)

var (
	created   = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	generated = time.Date(2026, 11, 30, 9, 0, 0, 5, time.UTC)
)

func entry(name, version string) Entry {
	return Entry{
		Chart: &chart.Metadata{APIVersion: "v2", Name: name, Version: version, Description: "new", Annotations: map[string]string{"a.b/c": "d"}},
		URLs:  []string{name + "-" + version + ".tgz"}, Created: created, Digest: strings.Repeat("ab", 32),
	}
}

// item is such an entry as it stands in an index.
func itemText(name, version string) string {
	return fmt.Sprintf("  - annotations:\n      a.b/c: d\n    apiVersion: v2\n    created: \"2026-11-30T08:00:00Z\"\n    description: new\n    digest: %s\n    name: %s\n    urls:\n    - %[2]s-%s.tgz\n    version: %[3]s\n",
		strings.Repeat("ab", 32), name, version)
}

// old is an entry of somebody else, in the line of its dash and some more.
func old(name, version string) string {
	return fmt.Sprintf("  - apiVersion: v2\n    created: \"2020-01-01T00:00:00.5+08:00\"\n    name: %s # of others\n    urls: [ %s.tgz ]\n    version: %s\n", name, strings.Trim(name, `"`), version)
}

const head, tail = "apiVersion: v1\nentries:\n", "generated: \"2026-11-30T09:00:00.000000005Z\"\n"

// What is new is put where Helm would have it; all else stays as it is.
func TestAdd(t *testing.T) {
	for name, test := range map[string]struct {
		before string
		add    []Entry
		want   string
	}{
		"an index that is not there": {"", []Entry{entry("alc", "1.0.0")}, head + "  alc:\n" + itemText("alc", "1.0.0") + tail},
		"an empty index": {
			"# ours\napiVersion: v1 # yes\nentries: {} # none\n", []Entry{entry("b", "1.0.0"), entry("a", "1.0.0")},
			"# ours\napiVersion: v1 # yes\nentries: # none\n  a:\n" + itemText("a", "1.0.0") + "  b:\n" + itemText("b", "1.0.0"),
		},
		"no value":                {"apiVersion: v1\nentries:\ngenerated: 2020-01-01T00:00:00Z\n", []Entry{entry("a", "1.0.0")}, head + "  a:\n" + itemText("a", "1.0.0") + tail},
		"no field":                {"apiVersion: v1\n...\n", []Entry{entry("a", "1.0.0")}, head + "  a:\n" + itemText("a", "1.0.0") + "...\n"},
		"no line feed at the end": {"apiVersion: v1\nentries: {}", []Entry{entry("a", "1.0.0")}, head + "  a:\n" + itemText("a", "1.0.0")},
		"newest first": {
			head + "  a:\n" + old("a", "2.0.0") + old("a", "1.0.0") + tail,
			[]Entry{entry("a", "1.5.0"), entry("a", "3.0.0"), entry("a", "0.1.0"), entry("a", "1.6.0-rc.1")},
			head + "  a:\n" + itemText("a", "3.0.0") + old("a", "2.0.0") + itemText("a", "1.6.0-rc.1") + itemText("a", "1.5.0") + old("a", "1.0.0") + itemText("a", "0.1.0") + tail,
		},
		"charts by name": {
			head + "  b:\n" + old("b", "1.0.0") + "  d:\n" + old("d", "1.0.0") + "serverInfo: {}\n",
			[]Entry{entry("e", "1.0.0"), entry("a", "1.0.0"), entry("c", "1.0.0"), entry("b", "0.9.0")},
			head + "  a:\n" + itemText("a", "1.0.0") + "  b:\n" + old("b", "1.0.0") + itemText("b", "0.9.0") + "  c:\n" + itemText("c", "1.0.0") + "  d:\n" + old("d", "1.0.0") + "  e:\n" + itemText("e", "1.0.0") + "serverInfo: {}\n",
		},
		"comments stay at what they are about": {
			head + "  # of a\n  a:\n" + old("a", "2.0.0") + "  # the old one\n" + old("a", "1.0.0") + "\n  # of c\n  # and more\n  c:\n" + old("c", "1.0.0") + "# when\n" + tail,
			[]Entry{entry("a", "1.5.0"), entry("b", "1.0.0"), entry("d", "1.0.0")},
			head + "  # of a\n  a:\n" + old("a", "2.0.0") + itemText("a", "1.5.0") + "  # the old one\n" + old("a", "1.0.0") + "\n  b:\n" + itemText("b", "1.0.0") + "  # of c\n  # and more\n  c:\n" + old("c", "1.0.0") + "  d:\n" + itemText("d", "1.0.0") + "# when\n" + tail,
		},
		"text that looks like comments and keys": {
			head + "  a:\n  - description: |+\n      # no comment\n      b:\n\n    name: a\n    version: 2.0.0\n    urls: [x]\n    home: |+\n      # neither\n\n\ngenerated: \"2020-01-01T00:00:00Z\"\n",
			[]Entry{entry("a", "1.0.0"), entry("b", "1.0.0")},
			head + "  a:\n  - description: |+\n      # no comment\n      b:\n\n    name: a\n    version: 2.0.0\n    urls: [x]\n    home: |+\n      # neither\n\n\n" + itemText("a", "1.0.0") + "  b:\n" + itemText("b", "1.0.0") + tail,
		},
		"other indentation": {
			"entries:\n    a:\n      - name: a\n        version: 1.0.0\n        urls:\n          - x\napiVersion: v1\n",
			[]Entry{entry("a", "2.0.0"), entry("b", "1.0.0")},
			"entries:\n    a:\n" + shift(itemText("a", "2.0.0"), 4) + "      - name: a\n        version: 1.0.0\n        urls:\n          - x\n    b:\n" + shift(itemText("b", "1.0.0"), 2) + "apiVersion: v1\n",
		},
		"charts without entries": {
			head + "  a: [] # none yet\n  b:\n  c: null\n" + tail,
			[]Entry{entry("a", "1.0.0"), entry("b", "1.0.0"), entry("c", "1.0.0"), entry("aa", "1.0.0")},
			head + "  a: # none yet\n" + itemText("a", "1.0.0") + "  aa:\n" + itemText("aa", "1.0.0") + "  b:\n" + itemText("b", "1.0.0") + "  c:\n" + itemText("c", "1.0.0") + tail,
		},
		"another chart in one line": {
			head + "  a: [{name: a, version: 1.0.0, urls: [x]}]\n" + tail, []Entry{entry("b", "1.0.0")},
			head + "  a: [{name: a, version: 1.0.0, urls: [x]}]\n  b:\n" + itemText("b", "1.0.0") + tail,
		},
		"names that YAML reads as something else": {
			head + "  \"null\":\n" + old("\"null\"", "1.0.0") + tail, []Entry{entry("null", "2.0.0"), entry("on", "1.0.0")},
			head + "  \"null\":\n" + strings.ReplaceAll(itemText("null", "2.0.0"), "name: null", `name: "null"`) + old("\"null\"", "1.0.0") + "  \"on\":\n" + strings.ReplaceAll(itemText("on", "1.0.0"), "name: on", `name: "on"`) + tail,
		},
		"fields that Helm does not know": {
			head + "  a:\n  - name: a\n    version: 1.0.0\n    urls: [x]\n    ours: {b: c}\n", []Entry{entry("a", "2.0.0")},
			head + "  a:\n" + itemText("a", "2.0.0") + "  - name: a\n    version: 1.0.0\n    urls: [x]\n    ours: {b: c}\n",
		},
		"JSON": {
			`{"apiVersion":"v1", "entries": {"a": [ {"name":"a","version":"1.0.0","urls":["x"],"ours":1} ], "c":[]} , "generated":"2020-01-01T00:00:00Z"}` + "\n",
			[]Entry{entry("a", "2.0.0"), entry("b", "1.0.0"), entry("c", "1.0.0")},
			`{"apiVersion":"v1", "entries": {"a": [` + itemJSON("a", "2.0.0") + `, {"name":"a","version":"1.0.0","urls":["x"],"ours":1} ], "c":[` + itemJSON("c", "1.0.0") + `],"b":[` + itemJSON("b", "1.0.0") + `]} , "generated":"2026-11-30T09:00:00.000000005Z"}` + "\n",
		},
		"JSON without entries": {
			`{"apiVersion":"v1","entries":{}}`, []Entry{entry("a", "2.0.0"), entry("b", "1.0.0")},
			`{"apiVersion":"v1","entries":{"a":[` + itemJSON("a", "2.0.0") + `],"b":[` + itemJSON("b", "1.0.0") + `]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, index, err := Add([]byte(test.before), test.add, generated)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
			for _, e := range test.add {
				if _, ok := index.Version(e.Chart.Name, e.Chart.Version); !ok {
					t.Errorf("%s %s is not read", e.Chart.Name, e.Chart.Version)
				}
			}
			crlf, _, err := Add([]byte(strings.ReplaceAll(test.before, "\n", "\r\n")), test.add, generated)
			if want := strings.ReplaceAll(test.want, "\n", "\r\n"); err != nil || test.before != "" && strings.Contains(test.before, "\n") && !strings.HasPrefix(test.before, "{") && string(crlf) != want {
				t.Errorf("with CR LF: %v\n%q\n%q", err, crlf, want)
			}
			if index.RefusedByHelm() != nil {
				return
			}
			file := filepath.Join(t.TempDir(), "index.yaml")
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := repo.LoadIndexFile(file); err != nil {
				t.Errorf("Helm: %v", err)
			}
		})
	}
}

func shift(text string, by int) string { return string(indented([]byte(text), by)) }

func itemJSON(name, version string) string {
	return fmt.Sprintf(`{"name":"%s","version":"%s","description":"new","apiVersion":"v2","annotations":{"a.b/c":"d"},"urls":["%[1]s-%[2]s.tgz"],"created":"2026-11-30T08:00:00Z","digest":"%[3]s"}`, name, version, strings.Repeat("ab", 32))
}

// Nothing is added to what cannot be read, nor where it would change what others wrote.
func TestNotAdded(t *testing.T) {
	for name, test := range map[string]struct {
		before  string
		damaged bool
	}{
		"a page":                     {"<html><body>Not found</body></html>\n", true},
		"cut off":                    {head + "  a:\n  - name: \"a\n", true},
		"no apiVersion":              {"entries:\n  a:\n" + old("a", "1.0.0"), true},
		"an entry of another type":   {head + "  a:\n  - name: a\n    version: 1.10\n    urls: [x]\n", true},
		"a conflict of git":          {head + "<<<<<<< ours\n  a:\n" + old("a", "1.0.0") + "=======\n>>>>>>> theirs\n", true},
		"the version is there":       {head + "  b:\n" + old("b", "1.0.0"), false},
		"all in one line":            {"{apiVersion: v1, entries: {a: [{name: a, version: 1.0.0}]}}\n", false},
		"entries in one line":        {"apiVersion: v1\nentries: {a: [{name: a, version: 1.0.0}]}\n", false},
		"this chart in one line":     {head + "  b: [{name: b, version: 0.1.0, urls: [x]}]\n", false},
		"entries twice":              {"apiVersion: v1\nentries:\n  a:\n" + old("a", "1.0.0") + "entries:\n  c:\n" + old("c", "1.0.0"), false},
		"JSON, entries are no index": {`{"apiVersion":"v1","entries":[]}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := Add([]byte(test.before), []Entry{entry("b", "1.0.0")}, generated)
			if err == nil {
				t.Fatalf("made\n%s", got)
			}
			if errors.Is(err, ErrDamaged) != test.damaged {
				t.Errorf("damaged is %v: %v", !test.damaged, err)
			}
		})
	}
}

// Whatever an index is like, what is in it is in the new one, byte by byte, and Helm reads both.
func FuzzAdd(f *testing.F) {
	f.Add(head+"  a:\n"+old("a", "1.0.0")+"  c:\n"+old("c", "1.0.0")+tail, "b", "1.0.0")
	f.Add("apiVersion: v1\nentries: {}\n", "a", "1.0.0")
	f.Add(`{"apiVersion":"v1","entries":{"a":[{"name":"a","version":"2.0.0"}]}}`, "a", "1.0.0")
	f.Add(head+"  a:\n  # x\n  - description: |\n      # y\n    name: a\n    version: 1.0.0\n\n# z\ngenerated: x\n", "a", "0.1.0")
	f.Fuzz(func(t *testing.T, before, name, version string) {
		if name == "" || strings.ContainsFunc(name+version, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		got, _, err := Add([]byte(before), []Entry{entry(name, version)}, generated)
		if err != nil {
			return
		}
		one, err := helmrepo.Parse([]byte(before))
		if strings.TrimSpace(before) == "" {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		two, err := helmrepo.Parse(got)
		if err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
		for _, chart := range one.Charts() {
			was, is := one.Entries(chart), two.Entries(chart)
			at := 0
			for _, e := range was {
				e.Line = 0
				for at < len(is) {
					other := is[at]
					other.Line = 0
					at++
					if cmp.Equal(e, other) {
						other.Name = ""
						break
					}
					if at == len(is) {
						t.Fatalf("%+v is gone\n%s\n%s", e, before, got)
					}
				}
			}
		}
		left := got
		for line := range bytes.Lines([]byte(before)) {
			line = bytes.TrimRight(line, "\r\n")
			if bytes.HasPrefix(line, []byte("generated")) || bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) || noEntries.Match(line) || noVersions.Match(line) {
				continue
			}
			at := bytes.Index(left, line)
			if at < 0 {
				t.Fatalf("the line %q is gone\n%s\n%s", line, before, got)
			}
			left = left[at+len(line):]
		}
	})
}

// One version more in an index of 30,000.
func BenchmarkAdd(b *testing.B) {
	var index strings.Builder
	index.WriteString(head)
	for c := range 1000 {
		fmt.Fprintf(&index, "  extension-%04d:\n", c)
		for v := range 30 {
			text, err := Render(Entry{
				Chart: &chart.Metadata{
					APIVersion: "v2", Name: fmt.Sprintf("extension-%04d", c), Version: fmt.Sprintf("1.%d.0", 29-v), Description: strings.Repeat("An extension: it does \"this\" and that. ", 6),
					Keywords: []string{"observability", "logging"}, Home: "https://example.com", KubeVersion: ">=1.19.0-0",
					Maintainers: []*chart.Maintainer{{Name: "somebody"}}, Annotations: map[string]string{"ksrelease.dev/content-digest": "sha256:" + strings.Repeat("ab", 32)},
				}, URLs: []string{"https://repo.example/charts/x.tgz"}, Created: created, Digest: strings.Repeat("cd", 32),
			}, 2)
			if err != nil {
				b.Fatal(err)
			}
			index.Write(text)
		}
	}
	data := []byte(index.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Add(data, []Entry{entry("extension-0500", "2.0.0")}, generated); err != nil {
			b.Fatal(err)
		}
	}
}
