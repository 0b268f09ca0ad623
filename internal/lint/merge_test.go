package lint

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestMergesAsHelm: what merge keys bring into a manifest is what Helm and Kubernetes
// read.
func TestMergesAsHelm(t *testing.T) {
	const head = "a: &a {k: a, x: a}\nb: &b {k: b, z: b}\n"
	for _, body := range []string{
		"c:\n  <<: *a\n  <<: *b\n", "c:\n  <<: *b\n  <<: *a\n", "c:\n  <<: [*a, *b]\n", "c:\n  <<: [*b, *a]\n",
		"c:\n  k: own\n  <<: *a\n", "c:\n  <<: *a\n  k: own\n", "c:\n  <<: *a\n  k: own\n  <<: *b\n", "c:\n  k: own\n  <<: [*a, *b]\n  z: own\n",
		"c: {<<: {k: 1c}, <<: {k: 2c, l: 3c}}\n", "c:\n  '<<': *a\n", "c: d\nc: e\n",
	} {
		var want any
		if err := yaml.Unmarshal([]byte(head+body), &want); err != nil {
			t.Fatal(err)
		}
		node, err := manifest{Text: head + body}.parse()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(node)
		if err != nil {
			t.Fatal(err)
		}
		left, _ := json.Marshal(want)
		right, _ := json.Marshal(got)
		if diff := cmp.Diff(string(left), string(right)); diff != "" {
			t.Errorf("%s%s", body, diff)
		}
	}
}

// TestRepeatedMerge: values.yaml with << twice is reported as what it is, and so is a key
// that is given twice.
func TestRepeatedMerge(t *testing.T) {
	for values, want := range map[string]string{
		"global: {}\na: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n":     "warning chart ext/values.yaml:5:3: the merge key << is given twice; Helm merges both, and other readers of YAML refuse the file",
		"global: {}\na: &a {x: 1}\nb: {<<: *a, <<: *a}\n":        "warning chart ext/values.yaml:3:13: the merge key << is given twice; Helm merges both, and other readers of YAML refuse the file",
		"global: {}\na: &a {x: 1}\nb: {'<<': *a, '<<': *a}\n":    `warning chart ext/values.yaml:3:15: key "<<" is given twice; it stands on line 3 already`,
		"global: {}\na: &a {x: 1}\nb:\n  <<: [*a, *a]\n":         "",
		"global: {}\na: &a {x: 1}\nb:\n  <<: *a\nc:\n  <<: *a\n": "",
	} {
		var wanted []string
		if want != "" {
			wanted = []string{want}
		}
		if diff := cmp.Diff(wanted, told(check(t, with(goodFiles(), "values.yaml", values)))); diff != "" {
			t.Errorf("%s%s", values, diff)
		}
	}
	files := with(goodFiles(), "charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\nannotations:\n  <<: {a: b}\n  <<: {c: d}\n")
	if got := check(t, files); len(got) != 1 || got[0].Code != "helm-lint/repeated-merge" {
		t.Errorf("%v", told(got))
	}
}
