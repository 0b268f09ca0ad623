package results

import (
	"strings"
	"testing"
)

// Whatever target finds something first, it is said in the order of the targets.
func TestRemarksAreInTheOrderOfTargets(t *testing.T) {
	type said struct {
		print, message string
		at             int
	}
	for _, order := range [][]said{
		{{"a", "a0", 0}, {"b", "b0", 0}, {"a", "a1", 1}, {"c", "c1", 1}, {"d", "d2", 2}},
		{{"d", "d2", 2}, {"a", "a1", 1}, {"c", "c1", 1}, {"a", "a0", 0}, {"b", "b0", 0}},
		{{"a", "a1", 1}, {"a", "a0", 0}, {"d", "d2", 2}, {"b", "b0", 0}, {"c", "c1", 1}},
	} {
		var remarks Remarks
		all := []Finding{{Fingerprint: "lint", Message: "lint"}}
		for _, s := range order {
			all = remarks.Add(all, Finding{Fingerprint: s.print, Message: s.message}, s.at)
		}
		var got []string
		for _, f := range all {
			got = append(got, f.Message)
		}
		if text := strings.Join(got, " "); text != "lint a0 b0 c1 d2" {
			t.Errorf("%v: %s", order, text)
		}
	}
	all := []Finding{{Fingerprint: "x"}, {Fingerprint: "x"}, {Fingerprint: "y"}, {Fingerprint: "x"}, {Fingerprint: "y"}}
	if once := Once(all, 2); len(once) != 4 || once[2].Fingerprint != "y" || once[3].Fingerprint != "x" {
		t.Errorf("%+v", once)
	}
}
