package yamldoc

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one mistake in a file, written so that its author can fix it: the
// place, the cause and, where there is one, the remedy.
type Problem struct {
	// File is the file as the user would open it.
	File string
	// Line and Column are 1-based; Column counts characters, as editors do,
	// not bytes. Both are 0 where the source has no place for the mistake, and
	// Column alone is 0 where only the line is known.
	Line, Column int
	// Message says what is wrong, in one line of plain words.
	Message string
	// Hint says how to fix it; it may be empty.
	Hint string
	// Excerpt is the source line and a line that marks the place below it,
	// ready to be printed; it may be empty.
	Excerpt string
	// Kind is what kind of mistake it is, and About the value that it is about,
	// whatever the words of Message: for code that has to decide by it, or to know
	// the mistake again. Both are empty for problems that somebody else makes.
	Kind Kind
	// About has the keys and indexes that lead to the value, with a slash between
	// them; of a repeated key it is the key alone.
	About string
}

// Kind is a kind of mistake in a YAML file.
type Kind string

// The kinds of mistakes.
const (
	RepeatedKey   Kind = "repeated-key"   // a mapping has it twice
	RepeatedMerge Kind = "repeated-merge" // a mapping has the merge key (<<) twice
	MissingKey    Kind = "missing-key"    // a schema asks for it
	UnknownKey    Kind = "unknown-key"    // a schema has no such key
	BadValue      Kind = "invalid-value"  // a schema allows other values
)

// Error renders the problem for a terminal:
//
//	FILE:LINE:COLUMN: message
//	  12 | bad: line
//	     | ^^^
//	  → hint
//
// Lines for which there is nothing to say are left out.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Position())
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Excerpt != "" {
		b.WriteByte('\n')
		b.WriteString(p.Excerpt)
	}
	if p.Hint != "" {
		b.WriteString("\n  → ")
		b.WriteString(strings.ReplaceAll(p.Hint, "\n", "\n    "))
	}
	return b.String()
}

// Position is FILE:LINE:COLUMN, as far as it is known: the form that editors
// and CI systems turn into a link.
func (p Problem) Position() string {
	position := p.File
	if p.Line > 0 {
		position += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			position += ":" + strconv.Itoa(p.Column)
		}
	}
	return position
}

// Problems is all that is wrong, as one error.
type Problems []Problem

// Error renders all problems, in the order of files and lines.
func (ps Problems) Error() string {
	rendered := make([]string, len(ps))
	for i, p := range ps.Sorted() {
		rendered[i] = p.Error()
	}
	return strings.Join(rendered, "\n")
}

// Sorted returns the problems in the order of files, lines and columns; the
// receiver stays as it is.
func (ps Problems) Sorted() Problems {
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return sorted
}

// Err returns the problems as an error, sorted, or nil when there are none.
// It exists because an empty Problems in an error value would not be nil.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps.Sorted()
}
