package results

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// TestFindingHasBothEnds: a finding has both ends of its range, also after it was written
// and read.
func TestFindingHasBothEnds(t *testing.T) {
	for _, test := range []struct {
		at   diagnostic.Range
		want string // of its JSON
	}{
		{diagnostic.Span(12, 5, 15), `"line":12,"column":5,"end_column":20`},
		{diagnostic.At(12, 5), `"line":12,"column":5,"f`},
		{diagnostic.At(12, 0), `"line":12,"f`},
		{diagnostic.Range{}, `"file":"alc/a.yaml","f`},
	} {
		d := diagnostic.Diagnostic{Code: "images/unused", Severity: diagnostic.Warning, File: "a.yaml", Range: test.at, Subject: "s"}
		text, err := json.Marshal(FindingOf(d, "alc"))
		if err != nil || !strings.Contains(string(text), test.want) {
			t.Errorf("%+v: %s, %v; want %s", test.at, text, err, test.want)
		}
		var f Finding
		if err := json.Unmarshal(text, &f); err != nil || f.Diagnostic().Range != test.at {
			t.Errorf("%+v came back as %+v, %v", test.at, f.Diagnostic().Range, err)
		}
	}
	// A finding has one line.
	d := diagnostic.Diagnostic{Range: diagnostic.Range{Start: diagnostic.Position{Line: 1, Column: 5}, End: diagnostic.Position{Line: 2, Column: 9}}}
	if f := FindingOf(d, ""); f.EndColumn != 0 {
		t.Errorf("over two lines: %+v", f)
	}
}
