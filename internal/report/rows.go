package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// A plan reads as those of other tools do: a sign before each extension that something is done
// with, the version that is there and the new one, and what is worth knowing below it. A run has the
// same rows when it has ended, with the time that each took in place of the sign.

// mostUnchanged are how many extensions are rows of their own of which nothing is to be said but that
// they are there.
const mostUnchanged = 10

// namedUnchanged are how many of those are named that are no rows.
const namedUnchanged = 6

// isPlan says that a result is that of a dry run of a release.
func isPlan(r *results.Document) bool {
	return r.DryRun && (r.Command == "" || r.Command == "run")
}

// table has a row for each extension, and below it one for each of its targets.
func (t *Text) table(r *results.Document) {
	columns := columnsOf(r)
	tab := columns.table()
	unchanged := slices.DeleteFunc(slices.Clone(r.Extensions), func(x results.Extension) bool { return !t.isUnchanged(x) })
	folded := len(unchanged) > mostUnchanged
	rows := 0
	for _, x := range r.Extensions {
		if folded && t.isUnchanged(x) {
			continue
		}
		rows++
		notes := t.details(x)
		if columns.signs && x.Outcome == results.Planned && x.Previous == "" {
			notes = withNew(notes)
		}
		tab.Row(columns.row(t, row{sign(x), x.Name, versionText(columns, x), x.Outcome, sizeOf(x), timeOf(x), notes})...)
		var below []output.Text
		if len(ends(x)) == 0 {
			below = t.differing(x)
		}
		for _, in := range ends(x) {
			if columns.signs {
				tab.Below(below...)
			}
			of := asIn(x, in)
			of.Previous = in.Previous
			version, notes := "", withReview(language.Text(why(of)), in.Review)
			if columns.signs && in.Outcome == results.Planned && in.Previous == "" && x.Previous != "" {
				notes = withNew(notes)
			}
			if columns.signs && in.Previous != "" && in.Previous != x.Previous {
				version = versionText(columns, of)
			}
			tab.Row(columns.row(t, row{"", "  " + in.Name, version, in.Outcome, "", timeOf(of), notes})...)
			below = t.differing(of)
		}
		if columns.signs {
			tab.Below(append(below, t.remarks(x)...)...)
		}
	}
	if rows > 0 {
		t.out.Print("%s", tab.Render(t.opts.Width))
	}
	if folded {
		lead := ""
		if rows > 0 {
			lead = "… and "
		}
		t.out.Print("%s", output.Fold("", "  ", lead+unchangedText(unchanged), t.opts.Width))
	}
}

// withNew are the notes on an extension of which no version was published yet.
func withNew(notes string) string {
	if notes == "" {
		return language.Word("new")
	}
	return listed([]string{language.Word("new"), notes})
}

// isUnchanged says that nothing is to be said of an extension but that it is there, and perhaps that its
// review is open.
func (t *Text) isUnchanged(x results.Extension) bool {
	x.Review = ""
	return x.Outcome == results.Exists && x.AsAsked && t.details(x) == "" &&
		!slices.ContainsFunc(ends(x), func(in results.Target) bool { return in.Outcome != results.Exists || in.Reason != "" })
}

// unchangedText is "58 exist: alc 1.0.0, bee 2.1.0 and 56 others".
func unchangedText(all []results.Extension) string {
	var titles []string
	for _, x := range all[:min(len(all), namedUnchanged)] {
		titles = append(titles, titleOf(x))
	}
	text := fmt.Sprintf("%d exist: %s and %d others", len(all), strings.Join(titles, ", "), len(all)-len(titles))
	if open := len(slices.DeleteFunc(slices.Clone(all), func(x results.Extension) bool { return x.Review != results.ReviewOpen })); open > 0 {
		text += fmt.Sprintf("; review open: %d", open)
	}
	return text
}

// columns are those of a table besides name, version, outcome and notes.
type columns struct{ signs, sizes, times bool }

func columnsOf(r *results.Document) columns {
	plan := isPlan(r)
	return columns{
		signs: plan,
		sizes: slices.ContainsFunc(r.Extensions, func(x results.Extension) bool { return x.Package != nil }),
		times: !plan && slices.ContainsFunc(r.Extensions, func(x results.Extension) bool { return x.Outcome == results.Released }),
	}
}

// row is what a table has of an extension, or of one of its targets.
type row struct {
	sign, name, version string
	outcome             results.Outcome
	size, time, notes   string
}

// table is one without rows.
func (c columns) table() *output.Table {
	switch {
	case c.signs && c.sizes:
		return output.NewTable("", "extension", "version", "outcome", "size", "notes")
	case c.signs:
		return output.NewTable("", "extension", "version", "outcome", "notes")
	case c.sizes && c.times:
		return output.NewTable("extension", "version", "outcome", "size", "time", "notes")
	case c.sizes:
		return output.NewTable("extension", "version", "outcome", "size", "notes")
	case c.times:
		return output.NewTable("extension", "version", "outcome", "time", "notes")
	}
	return output.NewTable("extension", "version", "outcome", "notes")
}

// row are the cells of a row.
func (c columns) row(t *Text, r row) (cells []output.Text) {
	color := outcomeColor[r.outcome]
	if c.signs {
		cells = append(cells, t.paint(color, output.Cell(r.sign)))
	}
	cells = append(cells, output.Name(r.name), output.Name(r.version), t.paint(color, output.Word(string(r.outcome))))
	if c.sizes {
		cells = append(cells, output.Cell(r.size))
	}
	if c.times {
		cells = append(cells, output.Cell(r.time))
	}
	return append(cells, output.Name(r.notes))
}

// sign says at a glance what a plan does with an extension: + sends one that is new, ~ another
// version of one, = nothing, and ! nothing though something was asked for.
func sign(x results.Extension) string {
	switch {
	case !x.AsAsked:
		return "!"
	case x.Outcome == results.Planned && x.Previous == "":
		return "+"
	case x.Outcome == results.Planned:
		return "~"
	}
	return "="
}

// versionText is "1.0.3 → 1.0.4" in a plan, and the version alone else.
func versionText(c columns, x results.Extension) string {
	if !c.signs || x.Previous == "" {
		return x.Version
	}
	return x.Previous + " → " + x.Version
}

// timeOf is how long an extension was at work, or waited for.
func timeOf(x results.Extension) string {
	var sum int64
	begun := false
	for _, s := range x.Stages {
		sum += s.Milliseconds
		begun = begun || s.Status != results.StageSkipped && s.Status != results.StagePlanned
	}
	if !begun {
		return ""
	}
	return duration(time.Duration(sum) * time.Millisecond)
}

// remarks are what a plan says of an extension besides what lint found, below its row.
func (t *Text) remarks(x results.Extension) (lines []output.Text) {
	for _, f := range x.Findings {
		if isRemark(f) {
			p := f.Diagnostic()
			p.File, p.Message = "", fmt.Sprintf("%s (%s)", f.Message, f.Code)
			lead := output.Format("%s: ", t.paint(severityColor[f.Severity], output.Word(f.Severity)))
			lines = append(lines, output.Lines(p.Message).Behind(lead).Fold("    ", "      ", t.opts.Width))
			if p.Hint != "" {
				lines = append(lines, output.Hint("      ", p.Hint, t.opts.Width))
			}
		}
	}
	return lines
}

// differing are the files in which a published version differs, where the notes cannot name all.
func (t *Text) differing(x results.Extension) (lines []output.Text) {
	if len(x.Differs) <= differsInReason {
		return nil
	}
	shown, more := differsLines(x.Differs, differsInText)
	for _, line := range shown {
		lines = append(lines, output.Format("    %s", line))
	}
	if more > 0 {
		lines = append(lines, output.Fold("    ", "      ", fmt.Sprintf("and %d more: %s", more, differsElsewhere), t.opts.Width))
	}
	return lines
}

// isRemark says that a finding is about the version or what the extension depends on, and about no line of a file.
func isRemark(f results.Finding) bool {
	return f.Severity != "error" && (f.Rule == results.RuleVersions || f.Rule == results.RuleDependencies)
}

// details are the notes on an extension.
func (t *Text) details(x results.Extension) string {
	var parts []string
	if len(ends(x)) == 0 { // else they say it
		if reason := why(x); reason != "" {
			parts = append(parts, reason)
		}
	}
	if n := len(x.Assets); n > 0 && (x.Outcome == results.Planned || x.Outcome == results.Released) {
		parts = append(parts, plural(n, "asset"))
	}
	if n := errorsOf(x); n > 0 {
		parts = append(parts, plural(n, "error"))
	}
	if n := warningsOf(x); n > 0 {
		parts = append(parts, plural(n, "warning"))
	}
	if t.opts.Findings && x.Silenced > 0 {
		parts = append(parts, fmt.Sprintf("%d silenced", x.Silenced))
	}
	if t.opts.Findings && x.Known > 0 {
		parts = append(parts, fmt.Sprintf("%d in the baseline", x.Known))
	}
	notes := listed(inSentences(parts))
	if len(ends(x)) > 0 {
		return notes
	}
	return withReview(notes, x.Review)
}

// withReview adds to notes that nobody has approved a version yet.
func withReview(notes, review string) string {
	switch {
	case review != results.ReviewOpen:
		return notes
	case notes == "":
		return language.Text("review open")
	}
	return listed([]string{notes, language.Text("review open")})
}

// inSentences are messages in the language in use.
func inSentences(messages []string) []string {
	shown := make([]string, len(messages))
	for i, message := range messages {
		shown[i] = language.Text(message)
	}
	return shown
}
