package lint

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// TestExamplesAreClean: the examples show how it is done, so there is nothing to
// say of them but what is found in any extension.
func TestExamplesAreClean(t *testing.T) {
	inAny := map[string]bool{}
	for _, f := range Examine(t.Context(), load(t, goodFiles()), Options{}).Findings {
		inAny[f.Code] = true
	}
	for _, ext := range examples(t) {
		for _, f := range Examine(t.Context(), ext, Options{}).Findings {
			if f.Severity != Info || !inAny[f.Code] {
				t.Error(told([]Finding{f}))
			}
		}
	}
}

// TestANewRuleAddsOnlyItsOwnFindings: what the others find is the same with a rule that
// finds something in each extension.
func TestANewRuleAddsOnlyItsOwnFindings(t *testing.T) {
	harmless := Rule{Name: "harmless", Default: Info, Codes: []Code{{Name: "found"}}, Run: func(pass *rule.Pass) {
		pass.Report(rule.Found("found"), pass.Severity(), Finding{File: "", Message: "found", Hint: "none"})
	}}
	packages := examples(t)
	packages["good"] = load(t, goodFiles())
	packages["with faults"] = load(t, with(goodFiles(), "extension.yaml", goodMetadata+"home: https:///docs\nnote: x # ksrelease:ignore schema ours\n", "charts/web/templates/a.yaml", "{{ fail `no` }}"))
	packages["no chart"] = load(t, with(goodFiles(), "charts/web/Chart.yaml", "name: [\n"))
	for name, ext := range packages {
		for _, opts := range []Options{{}, only("schema", "links"), {Severities: map[string]Severity{"harmless": Off}}} {
			before := run(t.Context(), Rules(), ext, opts)
			after := run(t.Context(), slices.Insert(Rules(), 3, harmless), ext, opts)
			want := told(before.Findings)
			if opts.Severities["harmless"] != Off {
				want = append(want, "info harmless ext: found")
			}
			got := told(after.Findings)
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" || after.Silenced != before.Silenced {
				t.Errorf("%s: %d silenced, and %d before; findings (-want +got):\n%s", name, after.Silenced, before.Silenced, diff)
			}
		}
	}
}
