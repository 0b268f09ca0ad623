package helmrepo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"
)

// expectSame parses an index in both ways; both must say the same.
func expectSame(t *testing.T, body []byte) {
	t.Helper()
	rest, ok := lean(body)
	if !ok {
		t.Fatalf("not read the lean way:\n%s", body)
	}
	got, err := parseYAML(body)
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	want, err := parseWhole(body)
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\nin\n%s\nlean\n%s", diff, body, rest)
	}
}

func TestLeanIsUsedForWhatHelmWrites(t *testing.T) {
	body := bigIndex(t, 3, 3)
	expectSame(t, body)
	rest, _ := lean(body)
	if len(rest)*2 > len(body) || strings.Contains(string(rest), "icon") || strings.Contains(string(rest), "maintainers") {
		t.Errorf("%d of %d bytes left:\n%s", len(rest), len(body), rest)
	}
}

// Whatever stands in the fields of a chart: what Helm writes of it reads the
// same in both ways.
func FuzzLeanIsWhatHelmWrote(f *testing.F) {
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
		want, err := parseWhole(body)
		if err != nil {
			t.Skip() // neither does Helm
		}
		got, err := parseYAML(body)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s\nin\n%s", err, diff, body)
		}
	})
}

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
