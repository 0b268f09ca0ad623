package report

import (
	"bytes"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/results"
)

// markdown is the summary that is put under a pull request or a CI job.
func markdown(r *results.Document) []byte {
	var b bytes.Buffer
	title := "ksrelease " + r.Command
	if r.DryRun {
		title += " --dry-run"
	}
	if r.Error != nil {
		fmt.Fprintf(&b, "## %s: nothing was done\n\n%s", title, fenced(r.Error.Message))
		if r.Error.Hint != "" {
			fmt.Fprintf(&b, "\n%s\n", paragraph(r.Error.Hint))
		}
		for _, p := range r.Error.Problems {
			fmt.Fprintf(&b, "\n%s", fenced(findingText(p)))
		}
		return b.Bytes()
	}
	fmt.Fprintf(&b, "## %s: %s\n\n", title, counts(r))
	if r.Since != nil && sinceText(r.Since) != "" {
		fmt.Fprintf(&b, "%s\n\n", paragraph(sinceText(r.Since)))
	}
	if r.Selection != nil {
		fmt.Fprintf(&b, "%s\n\n", paragraph(selectionText(r.Selection)))
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "- warning: %s\n", prose(warning))
	}
	if len(r.Warnings) > 0 {
		b.WriteString("\n")
	}
	if len(r.Extensions) > 0 {
		b.WriteString("| extension | version | outcome | size | |\n| --- | --- | --- | ---: | --- |\n")
	}
	for _, x := range r.Extensions {
		reason := x.Reason
		if len(ends(x)) > 0 { // their lines say it
			reason = ""
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell(x.Name), cell(x.Version), mark(x)+string(x.Outcome), sizeOf(x), cell(reason))
		for _, in := range ends(x) {
			fmt.Fprintf(&b, "| in %s | | %s | | %s |\n", cell(in.Name), mark(asIn(x, in))+string(in.Outcome), cell(in.Reason))
		}
	}
	for i, a := range r.Announcements {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "- %s\n", prose(announcementText(a)))
	}
	for _, x := range r.Extensions {
		for _, f := range failings(x) {
			fmt.Fprintf(&b, "\n### %s\n\nStage **%s**:\n\n%s", prose(f.title), f.err.Stage, fenced(f.err.Message))
			if f.err.Hint != "" {
				fmt.Fprintf(&b, "\n%s\n", paragraph(f.err.Hint))
			}
		}
	}
	for _, x := range r.Extensions {
		eachEnd(x, func(target string, x results.Extension) { differsMarkdown(&b, target, x) })
		sizesMarkdown(&b, x)
	}
	remarksMarkdown(&b, r)
	var findings []results.Finding
	for _, x := range r.Extensions {
		for _, f := range x.Findings {
			if !ofRun(f) { // reported above
				findings = append(findings, f)
			}
		}
	}
	if len(findings) > 0 {
		fmt.Fprintf(&b, "\n<details><summary>%s of lint</summary>\n\n| severity | rule | where | |\n| --- | --- | --- | --- |\n", plural(len(findings), "finding"))
		for _, f := range findings {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Severity, f.Rule, cell(f.Diagnostic().Position()), cell(f.Message))
		}
		b.WriteString("\n</details>\n")
	}
	return b.Bytes()
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
				b.WriteString("\n### Worth knowing\n\n| extension | version | |\n| --- | --- | --- |\n")
				first = false
			}
			said := cell(f.Message)
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
	fmt.Fprintf(b, "| compressed | | size | file |\n| ---: | ---: | ---: | --- |\n")
	for _, row := range contributors(x.Package) {
		fmt.Fprintf(b, "| %v | %v | %v | %s |\n", row[0], row[1], row[2], cell(row[3]))
	}
	if len(x.Package.Advice) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| saves | with this |\n| ---: | --- |\n")
	for _, a := range x.Package.Advice {
		fmt.Fprintf(b, "| %s | %s |\n", bytesText(a.Saves), cell(a.What))
	}
	fmt.Fprintf(b, "\n%s\n", sizeAdvised(x.Package))
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
