package helmrepo

import (
	"encoding/json"
	"errors"
	"fmt"
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
		if entry.Line == 0 {
			t.Errorf("%s: no line", name)
		}
		entry.Created, entry.Line = time.Time{}, 0
		want := Entry{
			Name: "extension-2", OwnName: "extension-2", Version: "1.3.0", Times: 1, Digest: strings.Repeat("cd", 32),
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
		"":                     "the index is empty",
		"\n\t ":                "the index is empty",
		"version: 1":           "the index has no apiVersion, so Helm and KubeSphere refuse it",
		`{"message": "hello"}`: "the index has no apiVersion, so Helm and KubeSphere refuse it",
		"just text":            "it is no Helm index: line 1: a text stands where something else belongs",
		"- a\n- b":             "it is no Helm index: line 1: a list stands where something else belongs",
		"\x00\x01":             "it is no YAML: control characters are not allowed",
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

// What is meant as an index and cannot be read at all is for those to correct who run
// the repository: the address is right. The line is named, and the entry around it.
func TestBrokenIndexIsForItsRepository(t *testing.T) {
	const cannot = "Helm and KubeSphere cannot load the index: "
	const whole = "the index has to be corrected by those who run the repository"
	const other = "the entry of zother has to be corrected, or taken out, by those who run the repository"
	const mine = "  alc:\n  - name: alc\n    version: 1.2.0\n    urls: [a.tgz]\n"
	for body, want := range map[string][2]string{
		"apiVersion: v1\nentries:\n" + mine + "  zother:\n  - name: zother\n     version: 1.0.0\n":                                                            {cannot + "the entry of zother in line 9: it is no YAML: mapping values are not allowed in this context", other},
		"apiVersion: v1\nentries:\n  zother:\n  - name: zother\n     version: 1.0.0\n" + mine:                                                                 {cannot + "the entry of zother in line 5: it is no YAML: mapping values are not allowed in this context", other},
		"apiVersion: v1\nentries:\n" + mine + "  'zother':\n    - name: zother\n       version: 1\n":                                                          {cannot + "the entry of zother in line 9: it is no YAML: mapping values are not allowed in this context", other},
		"apiVersion: v1\nentries:\n" + mine + "  zother:\n  - name: zother\n    annotations:\n      a: b\n    maintainers:\n    - name: x\n       email: y\n": {cannot + "the entry of zother in line 13: it is no YAML: mapping values are not allowed in this context", other},
		"entries: {}":                           {cannot + "it has no apiVersion", whole},
		"entries:\n" + mine:                     {cannot + "it has no apiVersion", whole},
		`{"entries": {"a": []}}`:                {cannot + "it has no apiVersion", whole},
		"generated: x\n\"entries\" : {a: []}\n": {cannot + "it has no apiVersion", whole},
		"apiVersion: v1\nentries: [a]":          {cannot + "line 2: it is no Helm index: a list stands where something else belongs", whole},
		"apiVersion: v1\nentries: {":            {cannot + "line 2: it is no YAML: did not find expected node content", whole},
		`{"apiVersion": "v1", "entries": {"a"`:  {cannot + "line 1: it is no YAML: did not find expected ',' or '}'", whole},
	} {
		_, err := Parse([]byte(body))
		var hint interface{ Hint() string }
		if err == nil || err.Error() != want[0] || !errors.As(err, &hint) || hint.Hint() != want[1] {
			t.Errorf("%q: %v; want %s", body, err, want)
		}
	}
}

// One entry that Helm cannot load makes an index nothing to it and to KubeSphere.
// The reason names the entry, the line and the cause, and the other entries are
// read all the same; the chart with an entry that cannot be read has no answer.
func TestRefusedNamesEntryLineAndCause(t *testing.T) {
	const mine, head = "  alc:\n  - name: alc\n    version: 1.2.0\n    urls: [a.tgz]\n", "apiVersion: v1\nentries:\n"
	for body, want := range map[string]struct {
		refused    string
		unreadable bool
	}{
		head + mine + "  other:\n  - name: other\n    version: 1.10\n":                              {"the entry of other 1.10 in line 9: version is a number, and has to be a text", false},
		head + mine + "  other:\n  - name: other\n    keywords: db\n    version: 1.0.0\n":           {"the entry of other 1.0.0 in line 9: keywords is a text, and has to be a list", false},
		head + "  other:\n  - {name: other, version: 1.10}\n" + mine:                                {"the entry of other 1.10 in line 4: version is a number, and has to be a text", false},
		head + mine + "  other:\n  - name: other\n    wheels: 4\n    version: 1.0.0\n":              {"the entry of other 1.0.0 in line 9: Helm does not know the field wheels", false},
		head + mine + "  other:\n  - name: other\n    version: 1.0.0\n    version: 1.0.0\n":         {"the entry of other 1.0.0 in line 10: version is there twice", false},
		head + mine + "  other:\n  - name: other\n    version: 1.0.0\n    created: yesterday\n":     {"the entry of other 1.0.0 in line 10: created is \"yesterday\", and has to be a time such as 2026-01-31T12:00:00Z", false},
		head + mine + "  other:\n  - name: other\n    version: 1.0.0\n    urls: x\n":                {"the entry of other in line 10: urls is a text, and has to be a list", true},
		head + mine + "  other:\n  - name: other\n    version: 1.0.0\n    deprecated: 'no'\n":       {"the entry of other 1.0.0 in line 10: deprecated is a text, and has to be true or false", false},
		head + mine + "  other:\n  - name: other\n    version: 1.0.0\n    home: false\n":            {"the entry of other 1.0.0 in line 10: home is true or false, and has to be a text", false},
		head + mine + "  other:\n  - just a text\n":                                                 {"the entry of other in line 8: it is a text, and has to be a mapping", true},
		head + mine + "  other: text\n":                                                             {"the entry of other in line 7: it is a text, and has to be a list", true},
		head + mine + "  alc:\n  - name: alc\n    version: 1.3.0\n":                                 {"the entry of alc in line 7: the chart is there twice", false},
		head + mine + "wheels: 4\n":                                                                 {"line 7: Helm does not know the field wheels", false},
		head + mine + "generated: yesterday\n":                                                      {"line 7: created is \"yesterday\"", false},
		"apiVersion: v1\n" + head + mine:                                                            {"line 2: apiVersion is there twice", false},
		head + "  alc: [{name: alc, version: 1.2.0}]\n  other: [{name: other, keywords: db}]\n":     {"the entry of other in line 4: keywords is a text, and has to be a list", false},
		"{apiVersion: v1, entries: {alc: [{name: alc, version: 1.2.0}], other: [{version: 1.10}]}}": {"the entry of other 1.10 in line 1: version is a number, and has to be a text", false},
		`{"apiVersion": "v1", "entries": {` + "\n" + `"alc": [{"name": "alc", "version": "1.2.0"}],` + "\n\n" + `"other": [{"name": "other",` + "\n" + `"version": 1.10}]}}`: {"the entry of other 1.10 in line 5: version is a number, and has to be a text", false},
		`{"apiVersion": "v1", "entries": {"alc": [{"name": "alc", "version": "1.2.0"}], "other": [{"keywords": "db"}]}}`:                                                     {"the entry of other in line 1: keywords is a text, and has to be a list", false},
		`{"apiVersion": "v1", "entries": {"alc": [{"name": "alc", "version": "1.2.0"}], "other": 1}}`:                                                                        {"the entry of other: it has to be a list", true},
	} {
		index, err := Parse([]byte(body))
		if err != nil {
			t.Errorf("%v\n%s", err, body)
			continue
		}
		refused, cannot := index.Refused(), "Helm and KubeSphere cannot load the index: "
		if strings.Contains(want.refused, "does not know") || strings.Contains(want.refused, "there twice") {
			if refused != nil {
				t.Errorf("KubeSphere takes it: %v\n%s", refused, body)
			}
			refused, cannot = index.RefusedByHelm(), "Helm cannot load the index, though KubeSphere can: "
		}
		if refused == nil || !strings.HasPrefix(refused.Error(), cannot+want.refused) || refused.Hint() == "" {
			t.Errorf("got  %v\nwant %s\n%s", refused, want.refused, body)
			continue
		}
		if _, ok := index.Version("alc", "1.2.0"); !ok {
			t.Errorf("what is well is not found\n%s", body)
		}
		if unreadable := index.Unreadable("other") != nil; unreadable != want.unreadable && !strings.Contains(body, "[{name: other, keywords") {
			t.Errorf("unreadable: %v\n%s", index.Unreadable("other"), body)
		}
	}
}

// Of several reasons the first is named, and of several fields of one name in JSON the
// last one counts, whatever its case.
func TestFirstReasonAndLastField(t *testing.T) {
	index, err := Parse([]byte("apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.10\n  b:\n  - name: b\n    version: 1.0.0\n    keywords: db\n"))
	if err != nil || index.Refused() == nil || index.Refused().Chart != "a" || index.Refused().Line != 5 {
		t.Errorf("%v, %v", index.Refused(), err)
	}
	index, err = Parse([]byte(`{"apiVersion": "v1", "entries": {"a": [null, {"name": "a", "version": 1}, null, {"keywords": "x"}]}}`))
	if err != nil || index.Refused() == nil || index.Refused().Version != "1" || index.Empty() == nil {
		t.Errorf("%v, %v, %v", index.Refused(), index.Empty(), err)
	}
	const alc = `"entries": {"alc": [{"name": "alc", "version": "1.2.0"}]}`
	for body, want := range map[string]bool{
		`{"apiVersion": "v1", ` + alc + `, "Entries": null}`:       false,
		`{"apiVersion": "v1", "entries": null, ` + alc + `}`:       true,
		`{"APIVERSION": "v1", ` + alc + `}`:                        true,
		`{"apiVersion": "v1", "apiversion": null, ` + alc + `}`:    true,
		`{"apiVersion": "v1", ` + alc + `, "entries": {"b": []} }`: true,
	} {
		index, err := Parse([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		helm := &repo.IndexFile{}
		if err := json.Unmarshal([]byte(body), helm); err != nil || (len(helm.Entries["alc"]) > 0) != want {
			t.Errorf("Helm: %v, %v\n%s", helm.Entries, err, body)
		}
		if _, ok := index.Version("alc", "1.2.0"); ok != want {
			t.Errorf("found: %v\n%s", ok, body)
		}
	}
}

// An entry with more values than any has is not handed to a library.
func TestValuesAreBounded(t *testing.T) {
	many := strings.Repeat(`"",`, partsLimit) + `""`
	for _, body := range []string{
		`{"apiVersion": "v1", "entries": {"a": [{"name": "a", "version": "1.0.0", "keywords": [` + many + `]}]}}`,
		"apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    keywords: [" + many + "]\n",
	} {
		index, err := Parse([]byte(body))
		if err != nil || index.Refused() == nil || index.Refused().Cause != "it has more than 200000 values" || index.Unreadable("a") == nil {
			t.Errorf("%v, %v", index.Refused(), err)
		}
	}
}

// Aliases are counted by what they make, however much that is, and one within itself
// makes something without end.
func TestAliasesAreCounted(t *testing.T) {
	doubled := func(levels int) string {
		text := "a0: &a0 [x, x]\n"
		for i := range levels {
			text += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
		}
		return text
	}
	for text, refused := range map[string]bool{
		doubled(3): false, doubled(30): true, doubled(62): true, doubled(63): true, doubled(64): true, doubled(200): true,
		"a: &a [*a]\n": true, "a: &a {b: {c: [*a]}}\n": true, "a: &a [x]\nb: *a\n": false,
		"a: '*'\nb: '5 * 6'\n": false,
	} {
		var complex *tooComplex
		if err := refuseTooMuch([]byte(text)); errors.As(err, &complex) != refused {
			t.Errorf("%v: %s", err, text)
		}
	}
}

// However much Helm alone does not take, what KubeSphere does not take is not lost.
func TestRefusedBehindMany(t *testing.T) {
	var body strings.Builder
	body.WriteString("apiVersion: v1\nentries:\n  a:\n")
	for n := range 150 {
		fmt.Fprintf(&body, "  - name: a\n    wheels: 4\n    version: 1.0.%d\n", n)
	}
	body.WriteString("  b:\n  - name: b\n    version: 1.10\n")
	index, err := Parse([]byte(body.String()))
	if err != nil || len(index.Refusals()) != 101 || index.RefusedByHelm().Line != 5 || index.Refused() == nil || index.Refused().Chart != "b" {
		t.Errorf("%v, %d, %v, %v", err, len(index.Refusals()), index.RefusedByHelm(), index.Refused())
	}
}

// What Helm passes over, or takes, does no harm.
func TestNotRefused(t *testing.T) {
	const head = "apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    version: 1.2.0\n"
	for body, empty := range map[string]bool{
		head + "  - name: alc\n":                      false,
		head + "  - name: alc\n    version: latest\n": false,
		head + "  - name: alc\n    version:\n":        false,
		head + "  - null\n":                           true,
		head + "  -\n":                                true,
		head + "  other:\n  - {}\n":                   true,
		head + "  other:\n":                           false,
		head + "  other: null\n":                      false,
		head + "  other: []\n":                        false,
		head + "  other:\n  - {name: other, version: v1, digest: 12}\n":        false,
		head + "  other:\n  - {name: other, version: '1.10', Keywords: [a]}\n": false,
		head + "---\nwheels: [\n": false,
		head + "serverInfo: {a: 1}\npublicKeys: [a]\nannotations: {a: b}\n": false,
		`{"apiVersion": "v1", "wheels": 4, "entries": {"alc": [{"name": "alc", "version": "1.2.0", "wheels": 4}, null, {"version": "x"}], "alc": [{"name": "alc", "version": "1.2.0"}], "b": null}}`: true,
	} {
		index, err := Parse([]byte(body))
		if err != nil || len(index.Refusals()) > 0 || (index.Empty() != nil) != empty {
			t.Errorf("%v, refused %v, empty %v\n%s", err, index.Refusals(), index.Empty(), body)
			continue
		}
		if entry, ok := index.Version("alc", "1.2.0"); !ok || entry.Times != 1 {
			t.Errorf("%v, %v\n%s", entry, ok, body)
		}
	}
}

// Of a version that is there twice KubeSphere takes the last one.
func TestVersionTwice(t *testing.T) {
	for _, body := range []string{
		"apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    version: 1.2.0\n    digest: a\n  - name: alc\n    version: 1.3.0\n    digest: b\n  - name: alc\n    version: 1.2.0\n    digest: c\n",
		`{"apiVersion": "v1", "entries": {"alc": [{"name": "alc", "version": "1.2.0", "digest": "a"}, {"name": "alc", "version": "1.3.0", "digest": "b"}, {"name": "alc", "version": "1.2.0", "digest": "c"}]}}`,
	} {
		index, err := Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if entry, ok := index.Version("alc", "1.2.0"); !ok || entry.Times != 2 || entry.Digest != "c" {
			t.Errorf("%+v", entry)
		}
		if entry, ok := index.Version("alc", "1.3.0"); !ok || entry.Times != 1 || entry.Digest != "b" {
			t.Errorf("%+v", entry)
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
				entries[name] = append(entries[name], map[string]any{"name": name, "version": version})
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

// chartNames are the charts of an index, sorted.
func chartNames(i *Index) []string { return i.Charts() }

// What has another layout is read as a whole, and right.
func TestOtherLayouts(t *testing.T) {
	for name, body := range map[string]string{
		"flow":              "apiVersion: v1\nentries: {alc: [{name: alc, version: 1.2.0}]}\n",
		"indented lists":    "apiVersion: v1\nentries:\n  alc:\n    - name: alc\n      icon: x\n      version: 1.2.0\n",
		"four spaces":       "apiVersion: v1\nentries:\n    alc:\n    - name: alc\n      version: 1.2.0\n",
		"comments":          "apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    # here\n    version: 1.2.0\n",
		"anchor":            "apiVersion: v1\nentries:\n  alc:\n  - home: &a 1.2.0\n    name: alc\n    version: *a\n",
		"anchor in a list":  "apiVersion: v1\nentries:\n  alc:\n  - keywords:\n    - &a 1.2.0\n    name: alc\n    version: *a\n",
		"quoted over lines": "apiVersion: v1\nentries:\n  alc:\n  - description: \"one\n    version: 9.9.9\"\n    name: alc\n    version: 1.2.0\n",
		"single over lines": "apiVersion: v1\nentries:\n  alc:\n  - description: 'it''s\n    version: 9.9.9'\n    name: alc\n    version: 1.2.0\n",
		"flow value":        "apiVersion: v1\nentries:\n  alc:\n  - keywords: [a,\n    version, b]\n    name: alc\n    version: 1.2.0\n",
		"quoted key":        "apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    \"version\": 1.2.0\n",
		"quoted chart":      "apiVersion: v1\n\"entries\":\n  \"alc\":\n  - name: alc\n    version: 1.2.0\n",
		"document marker":   "---\napiVersion: v1\nentries:\n  alc:\n  - name: alc\n    version: 1.2.0\n",
		"tab":               "apiVersion: v1\nentries:\n  alc:\n  - name: alc\n    version:\t1.2.0\n",
		"dropped first key": "apiVersion: v1\nentries:\n  alc:\n  - description: x\n    name: alc\n    version: 1.2.0\ngenerated: now\n",
	} {
		index, err := Parse([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		entry, ok := index.Version("alc", "1.2.0")
		if !ok || entry.Name != "alc" || len(index.Versions("alc")) != 1 {
			t.Errorf("%s: %v, versions %q", name, entry, index.Versions("alc"))
		}
	}
}

// All reasons are kept, in order, and those that are none for KubeSphere are known.
func TestRefusals(t *testing.T) {
	index, err := Parse([]byte(`apiVersion: v1
entries:
  a:
  - name: a
    flavour: sweet
    version: 1.0.0
  - name: a
    keywords: x
    flavour: sweet
    version: 1.1.0
  b:
  - name: b
    name: b
    version: 2.0.0
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range index.Refusals() {
		got = append(got, fmt.Sprintf("%s %s %d %v %s", r.Chart, r.Version, r.Line, r.HelmAlone, r.Cause))
	}
	want := []string{
		"a 1.0.0 5 true Helm does not know the field flavour",
		"a 1.1.0 8 false keywords is a text, and has to be a list",
		"b 2.0.0 13 true name is there twice",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, index.Charts()); diff != "" {
		t.Error(diff)
	}
	if all := index.Entries("a"); len(all) != 2 || all[1].Line != 7 {
		t.Errorf("%v", all)
	}
}
