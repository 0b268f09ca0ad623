// Package github writes what GitHub Actions reads of a step: annotations at the lines of files,
// the summary of the job, and outputs for later steps.
//
// GitHub drops without a word what is beyond its limits (actions/runner, ExecutionContext.cs,
// FileCommandManager.cs), so each writer stays within them and says what is left out.
package github

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report/location"
	"github.com/ksrelease/ksrelease/internal/results"
)

// What the runner keeps: of each level so many annotations in a step, all steps of a composite
// action together, and so many UTF-16 units of a message.
const (
	mostOfLevel = 10
	mostUnits   = 4096
)

// mostLines is how many further lines an annotation names.
const mostLines = 8

// levels are the levels of annotations, the severest first.
var levels = []string{"error", "warning", "notice"}

// annotation is one annotation. Line and column are 0 where none is known.
type annotation struct {
	level, title, message, file string
	line, column, endColumn     int
	also                        []int // further lines of the same code in the same file
	more                        int   // and so many that are not among them
}

// Annotations are the commands that put what was found, and what failed, at the lines of files.
// What one file has of one code is one annotation, at the first line, for which there are few. Of
// more than ten of a level the tenth says how many are left out.
func Annotations(r *results.Document) []byte {
	where := location.New()
	byLevel := map[string][]*annotation{}
	add := func(a *annotation) { byLevel[a.level] = append(byLevel[a.level], a) }
	grouped := map[[3]string]*annotation{}
	find := func(f results.Finding) {
		at := where.Of(f.File)
		region := at.Region(f)
		code := cmp.Or(f.Code, f.Rule)
		key := [3]string{levelOf(f.Severity), code, at.Path}
		if first := grouped[key]; first != nil {
			first.again(region.StartLine)
			return
		}
		a := &annotation{level: key[0], title: code, message: language.Text(cmp.Or(f.Message, "no message")), file: at.Path, line: region.StartLine}
		if f.Column > 0 {
			a.column, a.endColumn = region.StartColumn, region.EndColumn
		}
		if f.Hint != "" {
			a.message += "\n→ " + language.Text(f.Hint)
		}
		grouped[key] = a
		add(a)
	}
	if r.Error != nil {
		if len(r.Error.Problems) == 0 {
			add(&annotation{level: "error", title: "ksrelease " + r.Command, message: language.Text(r.Error.Message) + hint(r.Error.Hint)})
		}
		for _, f := range r.Error.Problems {
			find(f)
		}
	}
	// What keeps an extension from being released comes before what lint has to say of others.
	for _, x := range r.Extensions {
		if !x.AsAsked && !isFound(x) {
			add(ofExtension(x, where))
		}
	}
	for _, x := range r.Extensions {
		for _, f := range x.Findings {
			find(f)
		}
	}
	if r.Error == nil && r.Finished == nil {
		add(&annotation{level: "error", title: "ksrelease " + r.Command, message: language.Text("the run has no end: it was killed, or goes on")})
	}
	for _, warning := range r.Warnings {
		add(&annotation{level: "warning", title: "ksrelease " + r.Command, message: warning})
	}
	var b strings.Builder
	for _, level := range levels {
		for _, a := range atMost(byLevel[level], level) {
			b.WriteString(a.command())
		}
	}
	return []byte(b.String())
}

// isFound says that an extension was stopped by what is annotated as a finding.
func isFound(x results.Extension) bool {
	return x.Error != nil && x.Error.Stage == results.StageLint &&
		slices.ContainsFunc(x.Findings, func(f results.Finding) bool { return levelOf(f.Severity) == "error" })
}

// ofExtension says why an extension is not released as asked. It stands at its version where that
// is known, which is what mostly has to be changed.
func ofExtension(x results.Extension, where *location.Places) *annotation {
	at := where.Of(x.Path)
	a := &annotation{level: "error", title: strings.TrimSpace(x.Name+" "+x.Version) + ": " + string(x.Outcome), file: at.Path, line: max(1, at.LineOf("version:"))}
	a.message = x.Reason
	if x.Error != nil {
		a.message = language.Word(cmp.Or(x.Error.Stage, "ksrelease")) + ": " + language.Text(x.Error.Message) + hint(x.Error.Hint)
		if x.Outcome != results.Failed && x.Reason != "" {
			a.message = x.Reason + "\n" + a.message
		}
	}
	a.message = cmp.Or(a.message, string(x.Outcome))
	return a
}

// atMost keeps what the runner keeps, and says in the last one what is left out.
func atMost(all []*annotation, level string) []*annotation {
	if len(all) <= mostOfLevel {
		return all
	}
	left := len(all) - (mostOfLevel - 1)
	what := level + "s"
	return append(slices.Clip(all[:mostOfLevel-1]), &annotation{
		level: level, title: "ksrelease", message: language.Sprintf("and %d more %s: the summary of this job has them", left, what),
	})
}

// again counts a further line of what is grouped.
func (a *annotation) again(line int) {
	if line == a.line || slices.Contains(a.also, line) {
		return
	}
	if len(a.also) < mostLines {
		a.also = append(a.also, line)
		return
	}
	a.more++
}

// command is the annotation as a line of the log. Properties and data are escaped as
// actions/toolkit does (packages/core/src/command.ts). Columns are for one line alone.
func (a *annotation) command() string {
	message := a.message
	if len(a.also) > 0 {
		lines := make([]string, len(a.also))
		for i, line := range a.also {
			lines[i] = fmt.Sprint(line)
		}
		message += language.Sprintf("\nThe same in line %s", strings.Join(lines, ", "))
		if a.more > 0 {
			message += language.Sprintf(" and %d more", a.more)
		}
	}
	properties := []string{"title=" + property(a.title)}
	if a.file != "" {
		properties = append(properties, "file="+property(a.file), fmt.Sprintf("line=%d", max(1, a.line)))
		if a.column > 0 && a.endColumn > a.column {
			properties = append(properties, fmt.Sprintf("endLine=%d", max(1, a.line)), fmt.Sprintf("col=%d", a.column), fmt.Sprintf("endColumn=%d", a.endColumn))
		}
	}
	return "::" + a.level + " " + strings.Join(properties, ",") + "::" + data(cut(output.VisibleLines(message))) + "\n"
}

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func data(s string) string     { return dataEscapes.Replace(s) }
func property(s string) string { return propertyEscapes.Replace(output.Visible(s)) }

// cut keeps what the runner keeps of a message, with a mark that something is missing.
func cut(s string) string {
	units := utf16.Encode([]rune(s))
	if len(units) <= mostUnits {
		return s
	}
	units = units[:mostUnits-1]
	if utf16.IsSurrogate(rune(units[len(units)-1])) && units[len(units)-1] < 0xdc00 { // half of a character
		units = units[:len(units)-1]
	}
	return string(utf16.Decode(units)) + "…"
}

func levelOf(severity string) string {
	switch severity {
	case "error", "warning":
		return severity
	}
	return "notice"
}

func hint(text string) string {
	if text == "" {
		return ""
	}
	return "\n→ " + language.Text(text)
}
