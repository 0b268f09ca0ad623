// Package comment writes the comment of a pull request: what a plan would do, and what an
// administrator will notice of each version, within what GitHub takes.
package comment

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Marker is the first line of a comment, by which the one of before is found, to be replaced. Nobody
// sees it.
const Marker = "<!-- ksrelease -->"

// GitHub refuses a comment of more than 65,536 characters ("body is too long"). In bytes this is never
// more than that, and leaves space for a line or two of a workflow.
const (
	mostComment = 64_000
	mostPlan    = mostComment / 2 // so that there is space for what changes
	mostRows    = mostPlan / 2
	mostTop     = mostPlan / 4
)

// Of is the comment. plan is the result of a dry run, nil where there is none. What is not new to
// an administrator is counted; what has no space is, too.
func Of(plan *results.Document, diffs []chartdiff.Diff) []byte {
	var b strings.Builder
	b.WriteString(Marker + "\n")
	if plan != nil {
		ofPlan(&b, plan)
	}
	var same, left []string
	var shown strings.Builder
	for _, d := range diffs {
		if d.Equal {
			same = append(same, d.Name)
			continue
		}
		text := "\n" + string(chartdiff.Markdown([]chartdiff.Diff{d}))
		if b.Len()+shown.Len()+len(text) > mostComment-500 {
			left = append(left, d.Name)
			continue
		}
		shown.WriteString(text)
	}
	b.WriteString(language.Format("\n## What changes for administrators\n"))
	switch {
	case len(diffs) == 0:
		b.WriteString(language.Format("\nThere is nothing to compare.\n"))
	case len(same) == len(diffs):
		b.WriteString(language.Format("\nNothing: the content of all is the same.\n"))
	}
	b.WriteString(shown.String())
	if n := len(left); n > 0 {
		b.WriteString(language.Sprintf("\nThere is no space for %s: `ksrelease diff` shows them.\n", language.Text(extensions(n, "more extension"))))
	}
	if n := len(same); n > 0 && n < len(diffs) {
		b.WriteString(language.Sprintf("\nOf %s the content is the same.\n", language.Text(extensions(n, "extension"))))
	}
	return []byte(b.String())
}

// ofPlan writes the table of a plan, and what there is to say of it.
func ofPlan(b *strings.Builder, plan *results.Document) {
	b.WriteString(report.MarkdownTop(plan, report.MarkdownCounts(plan), mostTop))
	if plan.Error != nil {
		return
	}
	if len(plan.Extensions) > 0 {
		b.WriteString(report.MarkdownTable())
	}
	begun, left := b.Len(), 0
	for _, x := range plan.Extensions {
		rows := report.MarkdownRows(x)
		if b.Len()-begun+len(rows) > mostRows {
			left++
			continue
		}
		b.WriteString(rows)
	}
	if left > 0 {
		b.WriteString(language.Sprintf("| and %d more | | | | |\n", left))
	}
	b.WriteString(report.MarkdownDetails(plan, max(0, mostPlan-b.Len())))
}

func extensions(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
