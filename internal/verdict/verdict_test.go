package verdict

import (
	"slices"
	"testing"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
)

// known sifts out the findings of some codes.
type known []string

func (k known) Sift(_ string, all []lint.Finding) (fresh []lint.Finding, count int) {
	for _, f := range all {
		if slices.Contains(k, f.Code) {
			count++
		} else {
			fresh = append(fresh, f)
		}
	}
	return fresh, count
}

func TestKeepsWhatIsNew(t *testing.T) {
	found := func(code string, severity lint.Severity) lint.Finding {
		return lint.Finding{Code: code, Severity: severity, Message: "message of " + code, Hint: "hint of " + code}
	}
	report := lint.Report{Silenced: 2, Findings: []lint.Finding{
		found("a/one", lint.Warning), found("b/two", lint.Error), found("c/three", lint.Error), found("d/four", lint.Error),
	}}
	for _, c := range []struct {
		name             string
		baseline         known
		kept, in         int
		wrong, suggested string
	}{
		{"all known", known{"a/one", "b/two", "c/three", "d/four"}, 0, 4, "", ""},
		{"a warning", known{"b/two", "c/three", "d/four"}, 1, 3, "", ""},
		{"one error", known{"b/two", "c/three"}, 2, 2, "message of d/four (d/four)", "hint of d/four"},
		{"several errors", known{"b/two"}, 3, 1, "message of c/three (c/three), and 1 more", "see all of them with: ksrelease lint 'my path'"},
	} {
		result := &results.Extension{Name: "x", Silenced: 1, Known: 1}
		err := Keep(result, report, c.baseline, "my path")
		if got := ""; err != nil {
			if got = err.Error(); got != c.wrong || failure.Hint(err) != c.suggested {
				t.Errorf("%s: %q, hint %q", c.name, got, failure.Hint(err))
			}
		} else if c.wrong != "" {
			t.Errorf("%s: no error", c.name)
		}
		if len(result.Findings) != c.kept || result.Known != 1+c.in || result.Silenced != 3 {
			t.Errorf("%s: %d findings, %d known, %d silenced", c.name, len(result.Findings), result.Known, result.Silenced)
		}
	}
	result := &results.Extension{}
	if err := Keep(result, report, nil, "x"); err == nil || len(result.Findings) != 4 || result.Known != 0 {
		t.Errorf("without a baseline: %v, %d findings", err, len(result.Findings))
	}
}
