package comment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/results"
)

func TestComment(t *testing.T) {
	now := time.Now()
	plan := &results.Document{Command: "run", DryRun: true, Finished: &now, Extensions: []results.Extension{
		{Name: "alc", Version: "1.2.0", Outcome: results.Planned, AsAsked: true},
		{Name: "bee", Version: "1.0.0", Outcome: results.Drift, Reason: "other content"},
	}}
	plan.Recount()
	got := string(Of(plan, []chartdiff.Diff{
		{Name: "alc", Version: "1.2.0", Against: "1.1.0", Changes: []chartdiff.Change{{Section: chartdiff.Sections()[0], Kind: "changed", What: "a thing", Old: "1", New: "2"}}},
		{Name: "bee", Version: "1.0.0", Equal: true},
	}))
	for _, want := range []string{
		Marker + "\n## ksrelease run --dry-run: 1 planned, 1 drift\n", "| alc | 1.2.0 | planned |", "❌ drift", "\n## What changes for administrators\n\n### alc 1.2.0, compared with 1.1.0\n",
		"| changed | a thing | 1 | 2 |", "\nOf 1 extension the content is the same.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if got := string(Of(nil, []chartdiff.Diff{{Name: "bee", Equal: true}})); got != Marker+"\n\n## What changes for administrators\n\nNothing: the content of all is the same.\n" {
		t.Errorf("%q", got)
	}
	if got := string(Of(nil, nil)); !strings.HasSuffix(got, "\n\nThere is nothing to compare.\n") {
		t.Errorf("%q", got)
	}
}

// However much there is, GitHub takes it, and it says what is missing.
func TestCommentWithinLimits(t *testing.T) {
	now := time.Now()
	for _, n := range []int{1, 300, 3000} {
		plan := &results.Document{Command: "run", DryRun: true, Finished: &now}
		var diffs []chartdiff.Diff
		for i := range n {
			x := results.Extension{Name: fmt.Sprint("alc-", i), Version: "1.2.0", Outcome: results.Failed, Reason: strings.Repeat("r", 90), Error: &results.Error{Stage: results.StageLint, Message: strings.Repeat("m", 3000)}}
			for range 20 {
				x.Findings = append(x.Findings, results.Finding{Severity: "error", Rule: "a", Code: "a/b", Message: strings.Repeat("f", 300)})
			}
			plan.Extensions = append(plan.Extensions, x)
			plan.Warnings = append(plan.Warnings, strings.Repeat("w", 200))
			d := chartdiff.Diff{Name: x.Name, Version: "1.2.0", Against: "1.1.0"}
			for range 50 {
				d.Changes = append(d.Changes, chartdiff.Change{Section: chartdiff.Sections()[0], Kind: "changed", What: strings.Repeat("w", 90), Old: "扩展", New: strings.Repeat("n", 90)})
			}
			diffs = append(diffs, d)
		}
		plan.Recount()
		got := string(Of(plan, diffs))
		if len(got) > 65_536 {
			t.Errorf("%d bytes of %d", len(got), n)
		}
		for _, want := range []string{fmt.Sprint(n, " failed"), "What changes for administrators"} {
			if !strings.Contains(got, want) {
				t.Errorf("%d: %q is missing", n, want)
			}
		}
		if n > 1 && (!strings.Contains(got, "There is no space for") || !strings.Contains(got, "left out, for there is no space")) {
			t.Errorf("%d: nothing is said of what is missing", n)
		}
		plan.Error = &results.CommandError{Message: "mistakes"}
		for range n {
			plan.Error.Problems = append(plan.Error.Problems, results.Finding{Severity: "error", Message: strings.Repeat("m", 300)})
		}
		if got := string(Of(plan, diffs)); len(got) > 65_536 || n > 1 && !strings.Contains(got, "sections left out") {
			t.Errorf("%d bytes of a plan with %d mistakes", len(got), n)
		}
	}
}
