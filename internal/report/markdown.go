package report

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/results"
)

// markdown is the summary that is put under a pull request or a CI job.
func markdown(r *results.Document) []byte {
	var b bytes.Buffer
	b.WriteString(MarkdownTop(r, counts(r), math.MaxInt))
	if r.Error != nil {
		return b.Bytes()
	}
	if len(r.Extensions) > 0 {
		b.WriteString(MarkdownTable())
	}
	for _, x := range r.Extensions {
		b.WriteString(MarkdownRows(x))
	}
	b.WriteString(MarkdownDetails(r, math.MaxInt))
	return b.Bytes()
}

// MarkdownTop is the heading, what the run is narrowed to, and warnings on it as a whole. Of a command
// that did nothing it is all there is to say. counts stands behind the name of the command, if there
// is something. Of what does not fit into so many bytes it says how much is left out.
func MarkdownTop(r *results.Document, counts string, most int) string {
	title := "ksrelease " + r.Command
	if r.DryRun {
		title += " --dry-run"
	}
	var b bytes.Buffer
	var more []string
	if r.Error != nil {
		b.WriteString(language.Sprintf("## %s: nothing was done\n\n%s", title, fenced(language.Text(r.Error.Message))))
		if r.Error.Hint != "" {
			fmt.Fprintf(&b, "\n%s\n", paragraph(language.Hint(r.Error.Hint)))
		}
		for _, p := range r.Error.Problems {
			more = append(more, "\n"+fenced(findingText(p)))
		}
	} else {
		fmt.Fprintf(&b, "## %s%s\n\n", title, colon(counts))
		if r.Since != nil && sinceText(r.Since) != "" {
			more = append(more, paragraph(language.Text(sinceText(r.Since)))+"\n\n")
		}
		if r.Selection != nil {
			more = append(more, paragraph(language.Text(selectionText(r.Selection)))+"\n\n")
		}
		for _, warning := range r.Warnings {
			more = append(more, "- "+language.Word("warning: ")+prose(language.Text(warning))+"\n")
		}
		if len(r.Warnings) > 0 {
			more[len(more)-1] += "\n"
		}
	}
	for i, part := range more {
		if b.Len()+len(part) > most-200 {
			b.WriteString(leftOut(len(more)-i) + "\n")
			break
		}
		b.WriteString(part)
	}
	return b.String()
}

// leftOut says of so many sections that they are missing.
func leftOut(sections int) string {
	return language.Sprintf("\n%s left out, for there is no space: the result document (`--report FILE.json`) has all.\n", language.Text(plural(sections, "section")))
}

// MarkdownTable is the head of the table whose rows are [MarkdownRows].
func MarkdownTable() string { return language.Format(markdownTable) }

const markdownTable = "| extension | version | outcome | size | |\n| --- | --- | --- | ---: | --- |\n"

// MarkdownRows are the rows of an extension.
func MarkdownRows(x results.Extension) string {
	var b bytes.Buffer
	reason := withReview(language.Text(reasonOf(x)), x.Review)
	if len(ends(x)) > 0 { // their lines say it
		reason = ""
	}
	fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell(x.Name), cell(x.Version), mark(x)+language.Word(string(x.Outcome)), sizeOf(x), cell(reason))
	for _, in := range ends(x) {
		fmt.Fprintf(&b, "| in %s | | %s | | %s |\n", cell(in.Name), mark(asIn(x, in))+language.Word(string(in.Outcome)), cell(withReview(language.Text(reasonOf(asIn(x, in))), in.Review)))
	}
	return b.String()
}

// MarkdownCounts counts the outcomes.
func MarkdownCounts(r *results.Document) string { return counts(r) }

// MarkdownDetails is all below the table: announcements, what failed and why, what differs, sizes,
// remarks and findings. Of what does not fit into so many bytes it says how much is left out.
func MarkdownDetails(r *results.Document, most int) string {
	var b bytes.Buffer
	left := 0
	most -= 300 // for what is said of what is left out, and the head of the findings
	add := func(write func(b *bytes.Buffer)) {
		var section bytes.Buffer
		write(&section)
		if b.Len()+section.Len() > most {
			left++
			return
		}
		b.Write(section.Bytes())
	}
	if len(r.Announcements) > 0 {
		add(func(b *bytes.Buffer) {
			b.WriteString("\n")
			for _, a := range r.Announcements {
				fmt.Fprintf(b, "- %s\n", prose(language.Text(announcementText(a))))
			}
		})
	}
	for _, x := range r.Extensions {
		for _, f := range failings(x) {
			add(func(b *bytes.Buffer) {
				b.WriteString(language.Sprintf("\n### %s\n\nStage **%s**:\n\n%s", prose(f.title), language.Word(f.err.Stage), fenced(language.Text(f.err.Message))))
				if f.err.Hint != "" {
					fmt.Fprintf(b, "\n%s\n", paragraph(language.Hint(f.err.Hint)))
				}
			})
		}
	}
	for _, x := range r.Extensions {
		add(func(b *bytes.Buffer) {
			eachEnd(x, func(target string, x results.Extension) { differsMarkdown(b, target, x) })
			sizesMarkdown(b, x)
		})
	}
	add(func(b *bytes.Buffer) { remarksMarkdown(b, r) })
	if left > 0 {
		b.WriteString(leftOut(left))
	}
	findingsMarkdown(&b, r, most)
	return b.String()
}

// findingsMarkdown lists what lint has found, the worst first where there is no space for all.
func findingsMarkdown(b *bytes.Buffer, r *results.Document, most int) {
	var findings []results.Finding
	for _, x := range r.Extensions {
		for _, f := range x.Findings {
			if !ofRun(f) { // reported above
				findings = append(findings, f)
			}
		}
	}
	if len(findings) == 0 {
		return
	}
	var rows []string
	size := b.Len()
	for _, f := range findings {
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s |\n", language.Word(f.Severity), f.Rule, cell(f.Diagnostic().Position()), cell(language.Text(f.Message))))
		size += len(rows[len(rows)-1])
	}
	shown := len(rows)
	if size > most {
		order := make([]int, len(rows))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return urgency(findings[i].Severity) - urgency(findings[j].Severity) })
		sorted := make([]string, len(rows))
		for i, at := range order {
			sorted[i] = rows[at]
		}
		rows, shown, size = sorted, 0, b.Len()
		for shown < len(rows) && size+len(rows[shown]) <= most {
			size += len(rows[shown])
			shown++
		}
	}
	b.WriteString(language.Sprintf("\n<details><summary>%s of lint</summary>\n\n| severity | rule | where | |\n| --- | --- | --- | --- |\n%s", language.Text(plural(len(findings), "finding")), strings.Join(rows[:shown], "")))
	if more := len(rows) - shown; more > 0 {
		b.WriteString(language.Sprintf("| | | | and %d more |\n", more))
	}
	b.WriteString("\n</details>\n")
}

// remarksMarkdown lists what the plan has to say of versions and dependencies.
func remarksMarkdown(b *bytes.Buffer, r *results.Document) {
	first := true
	for _, x := range r.Extensions {
		for _, f := range x.Findings {
			if !ofRun(f) || f.Rule == results.RuleSize {
				continue
			}
			if first {
				b.WriteString(language.Format("\n### Worth knowing\n\n| extension | version | |\n| --- | --- | --- |\n"))
				first = false
			}
			said := cell(language.Text(f.Message))
			if f.File != "" {
				said = cell(f.File) + ": " + said
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", cell(x.Name), cell(x.Version), said)
		}
	}
}

// sizesMarkdown tells where the bytes of a package go, where the result says so.
func sizesMarkdown(b *bytes.Buffer, x results.Extension) {
	if x.Package == nil || len(x.Package.Contributors) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s: %s\n\n", prose(titleOf(x)), sizeHead(x.Package))
	b.WriteString(language.Sprintf("| compressed | | size | file |\n| ---: | ---: | ---: | --- |\n"))
	for _, row := range contributors(x.Package) {
		fmt.Fprintf(b, "| %v | %v | %v | %s |\n", row[0], row[1], row[2], cell(language.Text(row[3])))
	}
	if len(x.Package.Advice) == 0 {
		return
	}
	b.WriteString(language.Sprintf("\n| saves | with this |\n| ---: | --- |\n"))
	for _, a := range x.Package.Advice {
		fmt.Fprintf(b, "| %s | %s |\n", bytesText(a.Saves), cell(language.Text(a.What)))
	}
	fmt.Fprintf(b, "\n%s\n", language.Text(sizeAdvised(x.Package)))
}

func mark(x results.Extension) string {
	if x.AsAsked {
		return ""
	}
	return "❌ "
}

func sizeOf(x results.Extension) string {
	if x.Package == nil {
		return ""
	}
	return humanize.IBytes(uint64(x.Package.Size))
}
