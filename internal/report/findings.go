package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/causes"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// namedExtensions are how many extensions are named in which more findings of a cause are.
const namedExtensions = 6

// findings shows those that are to be read in full. Many are grouped by their cause, unless all are asked
// for; it returns how many are left out then.
func (t *Text) findings(r *results.Document) (left int) {
	var found []causes.Found
	for _, x := range r.Extensions {
		for _, f := range x.Findings {
			if t.shows(f) && !(isPlan(r) && isRemark(f)) { // a plan says it below the row
				found = append(found, causes.Found{Extension: x.Name, Finding: f})
			}
		}
	}
	var grouped []causes.Cause
	if !t.opts.All {
		grouped = causes.Group(found)
	}
	if grouped == nil {
		t.each(found)
		return 0
	}
	for _, c := range grouped {
		t.each(c.Shown)
		if c.More > 0 {
			t.out.Print("%s", output.Fold("  ", "    ", moreOf(c), t.opts.Width))
		}
		left += c.More
	}
	return left
}

// each shows findings one by one. What a rule advises is said once for an extension.
func (t *Text) each(found []causes.Found) {
	said := map[[3]string]bool{}
	for _, f := range found {
		advice := [3]string{f.Extension, f.Finding.Rule, f.Finding.Hint}
		t.finding(f.Finding, !said[advice])
		said[advice] = true
	}
}

// moreOf is "… and 16 more of images/unlisted: bee 9, cat 4, alc and 2 in 2 other extensions".
func moreOf(c causes.Cause) string {
	var in []string
	others := 0
	for i, x := range c.In {
		switch {
		case i >= namedExtensions && len(c.In) > namedExtensions+1:
			others += x.Findings
		case x.Findings == 1 || len(c.In) == 1:
			in = append(in, x.Extension)
		default:
			in = append(in, fmt.Sprintf("%s %d", x.Extension, x.Findings))
		}
	}
	where := strings.Join(in, ", ")
	if rest := len(c.In) - len(in); others > rest {
		where += fmt.Sprintf(" and %d in %d other extensions", others, rest)
	} else if rest > 0 {
		where += fmt.Sprintf(" and %d other extensions", rest)
	}
	return fmt.Sprintf("… and %d more of %s: %s", c.More, c.Code, where)
}

// counted is "20 errors, 3 warnings and 1 info, of which 9 are shown", where some are left out.
func (t *Text) counted(r *results.Document, left int) {
	if left == 0 {
		return
	}
	n := map[string]int{}
	all := 0
	for _, x := range r.Extensions {
		for _, f := range x.Findings {
			if t.shows(f) {
				n[f.Severity]++
				all++
			}
		}
	}
	var parts []string
	for _, severity := range []string{"error", "warning", "info"} {
		if n[severity] > 0 {
			parts = append(parts, plural(n[severity], severity))
		}
	}
	t.out.Print("%s, of which %d are shown", strings.Join(parts, ", "), all-left)
}

// showAll says how to see the findings left out and, where lint knows none, how to see new ones alone.
func (t *Text) showAll(r *results.Document, left int) {
	if left == 0 {
		return
	}
	command := "ksrelease lint --all"
	if t.opts.ShowAll != nil {
		command = t.opts.ShowAll()
	}
	t.out.Print("→ to see all findings: %s", command)
	known := func(x results.Extension) bool { return x.Known > 0 }
	if rest, ok := strings.CutPrefix(command, "ksrelease lint --all"); ok && r.Command == "lint" && !slices.ContainsFunc(r.Extensions, known) {
		t.out.Print("→ to see new ones alone from now on: %s", "ksrelease lint --write-baseline"+rest)
	}
}
