package lint

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
