package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// aPlan is a plan of everything that a plan may say: what is new, another version, in several targets, drift,
// what is kept back and by whom, names of double width, and many that are there.
func aPlan() *results.Document {
	finished := time.Date(2026, 11, 22, 10, 0, 2, 0, time.UTC)
	r := &results.Document{SchemaVersion: 1, Command: "run", DryRun: true, Started: finished.Add(-2 * time.Second), Finished: &finished}
	target := func(name, previous string, outcome results.Outcome, reason string) results.Target {
		return results.Target{Name: name, Previous: previous, Outcome: outcome, Reason: reason, AsAsked: outcome == results.Planned || outcome == results.Exists}
	}
	r.Extensions = []results.Extension{
		{Name: "alc", Version: "1.2.0", Outcome: results.Planned, AsAsked: true, Package: &results.Package{Size: 15360, Limit: 1 << 20}, Assets: []results.Asset{{File: "static/icon.svg"}}},
		{Name: "bee", Version: "3.0.0", Previous: "1.0.0", Outcome: results.Planned, AsAsked: true, Package: &results.Package{Size: 2048, Limit: 1 << 20}, Findings: []results.Finding{
			{Code: "versions/jumps", Rule: results.RuleVersions, Severity: "warning", Message: "3.0.0 jumps: the highest version so far is 1.0.0", Hint: "see that the version is the one that you meant", File: "bee/extension.yaml", Line: 3},
			{Code: "images/unused", Rule: "images", Severity: "warning", Message: "unused", File: "bee/extension.yaml"},
		}},
		{Name: "crow", Version: "1.0.0", Outcome: results.Drift, Reason: "1.0.0 is there with other content (values.yaml, README.md, charts/a.yaml and one more differ): bump version in extension.yaml",
			Differs: []results.Difference{{File: "values.yaml", Kind: "changed"}, {File: "README.md", Kind: "added"}, {File: "charts/a.yaml", Kind: "removed"}, {File: "charts/b.yaml", Kind: "line-ends"}}},
		{Name: "dove", Version: "1.0.0", Previous: "0.9.0", Outcome: results.Blocked, Reason: "it depends on crow, which is drift"},
		{Name: "图表", Version: "0.3.0", Previous: "0.2.0", Outcome: results.Planned, AsAsked: true, Package: &results.Package{Size: 4096, Limit: 1 << 20}, Targets: []results.Target{
			target("cloud", "0.2.0", results.Planned, ""), target("museum", "0.1.0", results.Planned, ""), target("mirror", "", results.Exists, ""), target("attic", "", results.Planned, ""),
		}},
	}
	for i := range 12 {
		r.Extensions = append(r.Extensions, results.Extension{Name: fmt.Sprintf("x%02d", i), Version: "1.0.0", Outcome: results.Exists, AsAsked: true})
	}
	last := &r.Extensions[len(r.Extensions)-1]
	last.Targets = []results.Target{target("cloud", "", results.Exists, ""), target("museum", "", results.Exists, "")}
	r.Recount()
	return r
}

func printed(r *results.Document, opts TextOptions) string {
	var out bytes.Buffer
	NewText(output.New(&out), output.New(&bytes.Buffer{}), opts).Observe(results.Event{Kind: results.EventRunFinished, Result: r})
	return out.String()
}

func TestPlan(t *testing.T) {
	golden(t, "plan.txt", []byte(printed(aPlan(), TextOptions{Release: func() string { return "ksrelease run" }})))
}

// Where all are there already, there is no row for the number of the others to go on from.
func TestPlanWithoutRows(t *testing.T) {
	r := aPlan()
	r.Extensions = slices.DeleteFunc(r.Extensions, func(x results.Extension) bool { return x.Outcome != results.Exists })
	r.Recount()
	if got := printed(r, TextOptions{}); !strings.HasPrefix(got, "12 exist: x00 1.0.0, ") {
		t.Errorf("the plan is\n%s", got)
	}
}

// A run that has ended says how long each took, where it is to be seen, how far its review is, and what
// to type next.
func TestEndOfRun(t *testing.T) {
	r := aPlan()
	r.DryRun = false
	for i := range r.Extensions {
		x := &r.Extensions[i]
		if x.Outcome != results.Planned {
			continue
		}
		x.Outcome, x.Review, x.Stages = results.Released, results.ReviewOpen, []results.Stage{{Name: results.StagePush, Status: results.StageOK, Milliseconds: 1500}}
		x.Address = "https://charts.example.com/charts/" + x.Name + "-" + x.Version + ".tgz"
		for j := range x.Targets {
			in := &x.Targets[j]
			if in.Name != "mirror" {
				in.Outcome, in.Stages = results.Released, []results.Stage{{Name: results.StagePush, Status: results.StageOK, Milliseconds: 20}}
				in.Address = "https://" + in.Name + ".example.com/" + x.Name + "-" + x.Version + ".tgz"
			}
			if in.Name == "cloud" {
				in.Review = results.ReviewOpen
			}
		}
	}
	r.Recount()
	golden(t, "end.txt", []byte(printed(r, TextOptions{Bump: func(names []string) string { return "ksrelease bump " + strings.Join(names, " ") }})))
	// With nothing left to do, the review is what is next.
	r.Extensions = r.Extensions[:2]
	r.Recount()
	follow := func(names []string, all bool) string { return fmt.Sprint("ksrelease status ", names, all) }
	if got := printed(r, TextOptions{Follow: follow}); !strings.HasSuffix(got, "\n→ to follow the review: ksrelease status [alc bee] true\n") {
		t.Errorf("the end is\n%s", got)
	}
	r.Extensions[0].Review = results.ReviewApproved
	if got := printed(r, TextOptions{Follow: follow}); !strings.HasSuffix(got, "status [bee] false\n") || strings.Count(got, "review open") != 1 {
		t.Errorf("of one that is approved:\n%s", got)
	}
}

// On terminals of the usual widths no row is wider than they are, and no word is divided that has space.
func TestPlanFolds(t *testing.T) {
	wide := strings.Fields(printed(aPlan(), TextOptions{}))
	for _, width := range []int{60, 80, 120} {
		got := printed(aPlan(), TextOptions{Width: width})
		for line := range strings.Lines(got) {
			if columns := text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")); columns > width {
				t.Errorf("%d columns of %d: %q", columns, width, line)
			}
		}
		for _, word := range wide {
			if len(word) < 20 && !strings.Contains(got, word) {
				t.Errorf("at %d columns %q is divided:\n%s", width, word, got)
			}
		}
	}
}

func TestPatternOfAddresses(t *testing.T) {
	for _, c := range []struct{ address, name, version, want string }{
		{"https://example.com/charts/alc-1.0.0.tgz", "alc", "1.0.0", "https://example.com/charts/NAME-VERSION.tgz"},
		{"oci://example.com/ks/alc:1.0.0", "alc", "1.0.0", "oci://example.com/ks/NAME:VERSION"},
		{"https://example.com/1.0.0/alc-1.0.0.tgz", "alc", "1.0.0", "https://example.com/1.0.0/NAME-VERSION.tgz"},
		{"https://example.com/other.tgz", "alc", "1.0.0", "https://example.com/other.tgz"},
		{"https://example.com/1.0.0", "alc", "1.0.0", "https://example.com/1.0.0"},
		{"alc.tgz", "alc", "", "NAME.tgz"},
	} {
		if got := patternOf(c.address, c.name, c.version); got != c.want {
			t.Errorf("%s of %s %s: %s, want %s", c.address, c.name, c.version, got, c.want)
		}
	}
}

// The list of those that one cause has struck is folded between words, and set in.
func TestFailuresFold(t *testing.T) {
	r := &results.Document{Command: "run"}
	for i := range 9 {
		r.Extensions = append(r.Extensions, results.Extension{
			Name: fmt.Sprintf("extension-%d", i), Version: "1.0.0", Outcome: results.Failed,
			Error: &results.Error{Stage: "plan", Message: "there is no key"},
		})
	}
	r.Recount()
	for width, want := range map[int]string{
		0: "\nfailed in plan: extension-0 1.0.0, extension-1 1.0.0, extension-2 1.0.0, extension-3 1.0.0, extension-4 1.0.0, " +
			"extension-5 1.0.0, extension-6 1.0.0, extension-7 1.0.0, extension-8 1.0.0\n  there is no key\n",
		60: "\nfailed in plan: extension-0 1.0.0, extension-1 1.0.0,\n  extension-2 1.0.0, extension-3 1.0.0, extension-4 1.0.0,\n" +
			"  extension-5 1.0.0, extension-6 1.0.0, extension-7 1.0.0,\n  extension-8 1.0.0\n  there is no key\n",
	} {
		if got := printed(r, TextOptions{Width: width}); !strings.Contains(got, want) {
			t.Errorf("at %d columns\n%s\nwant\n%s", width, got, want)
		}
	}
}
