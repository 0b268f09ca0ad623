package helmchart

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLinesWith: the lines are the same whether or not the text may have comments of templates, for which each
// line is looked at.
func TestLinesWith(t *testing.T) {
	for text, want := range map[string]map[string][]int{
		"":        {},
		"kind: A": {"A": {1}},
		"a\nkind: A\n\n- kind: \"B\" # c\nkind: A": {"A": {2, 5}, "B": {4}},
		"mykind: A\n  kind: A\nx kind: B\nkind:\n": {"A": {2}, "": {4}},
		"\r\nkind: A\r\n":                          {"A": {2}},
		"{{ kind: A }}\nkind: {{ .x }}":            {"{{ .x }}": {2}},
		"kind: A kind: B\nkind: C":                 {"A kind: B": {1}, "C": {2}},
	} {
		if diff := cmp.Diff(want, Source{Text: text}.linesWith("kind")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
		if diff := cmp.Diff(want, Source{Text: text + "\n{{/* kind: A\nkind: A\n*/}}"}.linesWith("kind")); diff != "" {
			t.Errorf("%q and a comment (-want +got):\n%s", text, diff)
		}
	}
}
