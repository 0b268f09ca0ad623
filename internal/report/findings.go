package report

import (
	"fmt"
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

// moreOf is "and 15 more of images/unlisted: bee 9, alc 5 and 1 in another extension".
func moreOf(c causes.Cause) string {
	var in []string
	others := 0
	for i, x := range c.In {
		if i < namedExtensions || len(c.In) == namedExtensions+1 {
			in = append(in, fmt.Sprintf("%s %d", x.Extension, x.Findings))
		} else {
			others += x.Findings
		}
	}
	where := strings.Join(in, ", ")
	if len(c.In) == 1 {
		where = c.In[0].Extension
	}
	if others > 0 {
		where += fmt.Sprintf(" and %d in %d other extensions", others, len(c.In)-len(in))
	}
	return fmt.Sprintf("… and %d more of %s: %s", c.More, c.Code, where)
}

// showAll says how to see the findings that were left out.
func (t *Text) showAll(left int) {
	if left == 0 {
		return
	}
	command := "ksrelease lint --all"
	if t.opts.ShowAll != nil {
		command = t.opts.ShowAll()
	}
	t.out.Print("→ to see the %s that %s not shown: %s", output.Cell(plural(left, "finding")), output.Cell(isOrAre(left)), output.Cell(command))
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
