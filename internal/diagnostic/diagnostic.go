// Package diagnostic has the one form in which a mistake in a file is reported, whoever
// finds it: a rule of lint, the reader of the config, a parser of YAML.
//
// A Diagnostic is known by its code, its file and its subject (Fingerprint), never by
// its words or its line. So messages may be worded in another way, and lines may move,
// and whoever ignores, counts or follows a diagnostic still knows it.
package diagnostic

import (
	"cmp"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Diagnostic is one mistake in a file, written so that its author can correct it: the
// place, the cause and, where there is one, the hint.
type Diagnostic struct {
	// Code says what is wrong, as RULE/WHAT: images/unlisted. It never changes, and is
	// never used again for something else. It is empty as long as nobody has said it:
	// what makes a Diagnostic of a place in a document leaves it to the caller.
	Code string
	// Severity says how much it matters; empty where only errors are reported.
	Severity Severity
	// Message says what is wrong, in one line of plain words.
	Message string
	// Hint says how to correct it; it may be empty, and may have several lines.
	Hint string
	// File is a path with slashes. What is found in an extension has it relative to
	// the extension (empty for the extension as a whole), and In joins it with the
	// path of the extension; all else has it as the user would open it.
	File string
	// Range is the place in the file.
	Range Range
	// Excerpt is the source line with its number and a line that marks the place below
	// it, ready to be printed; it may be empty.
	Excerpt string
	// Subject is what it is about: the name of the image, object, field or file, or
	// the keys and indexes that lead to a value, with a slash between them. It has no
	// line and no value that may be secret. It is empty where code and file say as
	// much.
	Subject string
}

// Range is a place in a file, from Start up to and without End. End is zero where it
// is not known.
type Range struct{ Start, End Position }

// Position is a place between two characters. Line and Column are 1-based; Column
// counts characters, as editors do, not bytes. Both are 0 where the source has no
// place, and Column alone is 0 where only the line is known.
type Position struct{ Line, Column int }

// At is the range of which only the start is known.
func At(line, column int) Range { return Range{Start: Position{line, column}} }

// Span is the range of so many characters in a line.
func Span(line, column, length int) Range {
	return Range{Position{line, column}, Position{line, column + length}}
}

// Rule is what stands before the slash of the code: images.
func (d Diagnostic) Rule() string { return Rule(d.Code) }

// What is what stands behind the slash of the code: unlisted.
func (d Diagnostic) What() string {
	_, what, _ := strings.Cut(d.Code, "/")
	return what
}

// Rule is what stands before the slash of a code.
func Rule(code string) string {
	rule, _, _ := strings.Cut(code, "/")
	return rule
}

// WithRule is the diagnostic with another rule in its code: what a parser calls
// yaml/syntax is configuration/syntax for the reader of the config. One without a code
// stays without.
func (d Diagnostic) WithRule(rule string) Diagnostic {
	if d.Code != "" {
		d.Code = rule + "/" + d.What()
	}
	return d
}

// In is the diagnostic of a file in an extension as the user would open that file:
// folder is the path of the extension.
func (d Diagnostic) In(folder string) Diagnostic {
	d.File = path.Join(filepath.ToSlash(folder), d.File)
	return d
}

// Error is the diagnostic for a terminal:
//
//	FILE:LINE:COLUMN: message (code)
//	  12 | bad: line
//	     | ^^^
//	  → hint
//
// Lines for which there is nothing to say are left out.
func (d Diagnostic) Error() string {
	var b strings.Builder
	b.WriteString(d.Position())
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(d.Message)
	if d.Code != "" {
		b.WriteString(" (" + d.Code + ")")
	}
	if d.Excerpt != "" {
		b.WriteByte('\n')
		b.WriteString(d.Excerpt)
	}
	if d.Hint != "" {
		b.WriteString("\n  → ")
		b.WriteString(strings.ReplaceAll(d.Hint, "\n", "\n    "))
	}
	return b.String()
}

// Position is FILE:LINE:COLUMN, as far as it is known: the form that editors and CI
// systems turn into a link.
func (d Diagnostic) Position() string {
	position := d.File
	if at := d.Range.Start; at.Line > 0 {
		position += ":" + strconv.Itoa(at.Line)
		if at.Column > 0 {
			position += ":" + strconv.Itoa(at.Column)
		}
	}
	return position
}

// List is all that is wrong, as one error.
type List []Diagnostic

// Error is all diagnostics for a terminal, in the order of files and lines.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l.Sorted() {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Sorted is the list in the order of files, lines and columns; the receiver stays as
// it is.
func (l List) Sorted() List {
	sorted := slices.Clone(l)
	slices.SortStableFunc(sorted, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Range.Start.compare(b.Range.Start))
	})
	return sorted
}

func (p Position) compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Err is the list as an error, sorted, or nil where it is empty: an empty List in an
// error value would not be nil.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l.Sorted()
}

// WithRule is the list with another rule in all codes.
func (l List) WithRule(rule string) List {
	return l.each(func(d Diagnostic) Diagnostic { return d.WithRule(rule) })
}

// WithCode is the list with one code for all.
func (l List) WithCode(code string) List {
	return l.each(func(d Diagnostic) Diagnostic { d.Code = code; return d })
}

// In is the list of the diagnostics of an extension, as the user would open their
// files.
func (l List) In(folder string) List {
	return l.each(func(d Diagnostic) Diagnostic { return d.In(folder) })
}

func (l List) each(change func(Diagnostic) Diagnostic) List {
	changed := slices.Clone(l)
	for i, d := range changed {
		changed[i] = change(d)
	}
	return changed
}
