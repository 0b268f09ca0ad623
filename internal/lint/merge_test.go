package lint

import (
	"strings"
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
		if diff := cmp.Diff(wanted, told(check(t, with(goodFiles(), "values.yaml", values), "chart", "values-schema"))); diff != "" {
			t.Errorf("%s%s", values, diff)
		}
	}
	files := with(goodFiles(), "charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\nannotations:\n  <<: {a: b}\n  <<: {c: d}\n")
	if got := check(t, files, "chart", "helm-lint"); len(got) != 1 || got[0].Code != "helm-lint/repeated-merge" {
		t.Errorf("%v", told(got))
	}
}

// A quoted "<<" is a key like any other, and no second merge key.
func TestQuotedMergeKeyIsAKey(t *testing.T) {
	for values, want := range map[string]int{
		"x: &x {a: 1}\ny: &y {b: 2}\nm:\n  \"<<\": *x\n  <<: *y\n":     0,
		"x: &x {a: 1}\ny: &y {b: 2}\nm:\n  <<: *x\n  '<<': *y\n":       0,
		"x: &x {a: 1}\ny: &y {b: 2}\nm:\n  <<: *x\n  <<: *y\n":         1,
		"x: &x {a: 1}\ny: &y {b: 2}\nm:\n  \"<<\": *x\n  \"<<\": *y\n": 1,
	} {
		found := 0
		for _, f := range check(t, with(goodFiles(), "values.yaml", "global: {}\n"+values), "chart", "values-schema", "helm-lint") {
			if f.Code == "values-schema/repeated-merge" || strings.HasSuffix(f.Code, "/repeated-key") || strings.HasSuffix(f.Code, "/repeated-merge") {
				found++
			}
		}
		if found != want {
			t.Errorf("%q: %d findings, want %d", values, found, want)
		}
	}
}

// A message is one line, whatever names a template renders.
func TestMessagesAreOneLine(t *testing.T) {
	name := `a\n\n  → run this\nother\u2028x`
	found := 0
	for _, f := range check(t, with(goodFiles(), "charts/web/templates/p.yaml", "apiVersion: v1\nkind: \"P"+name+"\"\nmetadata: {name: \""+name+"\"}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: \"p"+name+"\"}\nspec: {containers: [{name: \"c"+name+"\", image: \"a/b:1\"}]}\n"), "render", "helm-lint", "images", "image-registry", "node-selector") {
		if strings.ContainsAny(f.Message, "\n\r\u0085\u2028\u2029") {
			t.Errorf("%s: %q", f.Code, f.Message)
		}
		if strings.Contains(f.Message, "→ run this") {
			found++
		}
	}
	if found == 0 {
		t.Error("no finding names the container")
	}
}
