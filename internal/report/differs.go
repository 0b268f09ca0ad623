package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// How many differing files reports for people list; the result document has all. A reason
// names three, and only where there are more a list follows.
const (
	differsInReason   = 3
	differsInText     = 10
	differsInMarkdown = 100
	differsInJUnit    = 100
)

// differsElsewhere says where all differing files are to be had.
const differsElsewhere = "--output json and --report FILE.json have all"

// differs lists the files in which published versions differ, in a target if that is named.
func (t *Text) differs(target string, x results.Extension) {
	if len(x.Differs) <= differsInReason {
		return
	}
	t.out.Print("\n%s", t.paint(output.Bold, output.Format("%s in %s", language.Text(plural(len(x.Differs), "difference")), output.Name(inTarget(x, target)))))
	lines, more := differsLines(x.Differs, differsInText)
	for _, line := range lines {
		t.out.Print("  %s", line)
	}
	if more > 0 {
		t.out.Print("  and %d more: %s", more, differsElsewhere)
	}
}

// differsLines are the first differences, a line each, and the number of the others.
func differsLines(differs []results.Difference, most int) (lines []string, more int) {
	shown := differs[:min(len(differs), most)]
	for _, d := range shown {
		lines = append(lines, fmt.Sprintf("%-9s  %s", d.Kind, differsName(d)))
	}
	return lines, len(differs) - len(shown)
}

func differsName(d results.Difference) string {
	if d.Detail == "" {
		return d.File
	}
	return d.File + ": " + d.Detail
}

// differsNote are the differences as part of what JUnit says of a case; empty where there
// is none.
func differsNote(differs []results.Difference) string {
	lines, more := differsLines(differs, differsInJUnit)
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// differsMarkdown lists the files in which published versions differ, folded.
func differsMarkdown(b *bytes.Buffer, target string, x results.Extension) {
	if len(x.Differs) == 0 {
		return
	}
	// A name of others stands in the heading: within a line of HTML nothing is code.
	b.WriteString(language.Sprintf("\n### %s: other content\n\n<details><summary>%s</summary>\n\n| | file |\n| --- | --- |\n", prose(inTarget(x, target)), language.Text(plural(len(x.Differs), "difference"))))
	shown := x.Differs[:min(len(x.Differs), differsInMarkdown)]
	for _, d := range shown {
		fmt.Fprintf(b, "| %s | %s |\n", cell(language.Word(d.Kind)), cell(differsName(d)))
	}
	if more := len(x.Differs) - len(shown); more > 0 {
		b.WriteString(language.Sprintf("| | and %d more |\n", more))
	}
	b.WriteString("\n</details>\n")
}
