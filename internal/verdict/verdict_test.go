package verdict

import (
	"fmt"
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
		err := Keep(result, report, By{Known: c.baseline}, "my path")
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
	if err := Keep(result, report, By{}, "x"); err == nil || len(result.Findings) != 4 || result.Known != 0 {
		t.Errorf("without a baseline: %v, %d findings", err, len(result.Findings))
	}
}

// Where warnings stop an extension, errors are still what is said first.
func TestStrict(t *testing.T) {
	warning := lint.Finding{Code: "a/one", Severity: lint.Warning, Message: "message of a/one"}
	info := lint.Finding{Code: "c/three", Severity: lint.Info, Message: "message of c/three"}
	wrong := lint.Finding{Code: "b/two", Severity: lint.Error, Message: "message of b/two"}
	for _, c := range []struct {
		name     string
		findings []lint.Finding
		baseline known
		want     string
	}{
		{"nothing", nil, nil, ""},
		{"infos alone", []lint.Finding{info}, nil, ""},
		{"a warning", []lint.Finding{warning, info}, nil, "1 warning, and --strict lets none pass"},
		{"two warnings", []lint.Finding{warning, warning}, nil, "2 warnings, and --strict lets none pass"},
		{"a known warning", []lint.Finding{warning}, known{"a/one"}, ""},
		{"an error, too", []lint.Finding{warning, wrong}, nil, "message of b/two (b/two)"},
	} {
		err := Keep(&results.Extension{Name: "x"}, lint.Report{Findings: c.findings}, By{Known: c.baseline, Strict: true}, "x")
		if got := fmt.Sprint(err); got != c.want && (err != nil || c.want != "") {
			t.Errorf("%s: %s, want %q", c.name, got, c.want)
		}
		if relaxed := Keep(&results.Extension{Name: "x"}, lint.Report{Findings: c.findings}, By{Known: c.baseline}, "x"); (relaxed != nil) != (c.name == "an error, too") {
			t.Errorf("%s, not strict: %v", c.name, relaxed)
		}
	}
}
