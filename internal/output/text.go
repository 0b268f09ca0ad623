package output

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// constant is a string that stands in the source of this program: no variable of type
// string converts to it outside of this package.
type constant string

// Characters that are narrow in most fonts and wide in some of East Asia, such as "…" and "→", are one
// column: terminals draw them so, also where the language is Chinese. Those that are wide everywhere
// stay two.
func init() { text.OverrideRuneWidthEastAsianWidth(false) }

// Text is ready to be printed: the words of this program, and cells. The zero value is
// empty.
type Text struct{ s string }

// String is what will be printed, colours included.
func (t Text) String() string { return t.s }

// Empty says that there is nothing in it.
func (t Text) Empty() bool { return t.s == "" }

// Width is the number of columns of a text of one line.
func (t Text) Width() int { return text.StringWidthWithoutEscSequences(t.s) }

// Cell is a text of others in one line.
// A message of this program is shown in the language in use.
func Cell(s string) Text { return Text{Visible(language.Text(s))} }

// Name is a text of others in one line that is no message, whatever it reads like: the name of something,
// or what somebody has written.
func Name(s string) Text { return Text{Visible(s)} }

// Word is a word of a document, such as an outcome, in the language in use.
func Word(s string) Text { return Text{Visible(language.Word(s))} }

// Noun is a word of a document for a kind of things, in the language in use.
func Noun(s string) Text { return Text{Visible(language.Noun(s))} }

// Format puts values into words of this program, like fmt.Sprintf, in the language in use. A Text goes
// in as it is, numbers as the verb says, and all else as a cell: a string, an error, a list.
func Format(format constant, args ...any) Text {
	safe := make([]any, len(args))
	for i, arg := range args {
		safe[i] = argument(arg)
	}
	return Text{language.Fill(language.Format(string(format)), safe...)}
}

func argument(arg any) any {
	switch arg := arg.(type) {
	case Text:
		return arg
	case nil:
		return arg
	case fmt.Formatter, fmt.Stringer, error:
		return cell{arg}
	}
	switch reflect.TypeOf(arg).Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return arg
	}
	return cell{arg}
}

// cell is a value that is made visible after it was formatted, whatever the verb.
type cell struct{ value any }

// OfOthers says that a value is no message of this program.
func (c cell) OfOthers() bool {
	said, ok := c.value.(string)
	return ok && language.Text(said) == said
}

func (c cell) Format(f fmt.State, verb rune) {
	value := c.value
	if verb == 's' || verb == 'v' {
		switch v := value.(type) {
		case string:
			value = language.Text(v)
		case error:
			value = language.Text(v.Error())
		}
	}
	formatted := fmt.Sprintf(fmt.FormatString(f, verb), value)
	_, _ = f.Write([]byte(Visible(formatted))) // into the buffer of fmt.Sprintf
}

// Join puts texts together.
func Join(parts []Text, between constant) Text {
	all := make([]string, len(parts))
	for i, p := range parts {
		all[i] = p.s
	}
	return Text{strings.Join(all, language.Format(string(between)))}
}

// Bold is the style of headings, Yellow that of what keeps something waiting.
const (
	Bold   = text.Bold
	Yellow = text.FgYellow
)

// Color is a colour or style of a terminal.
type Color = text.Color

// Paint colours a text of one line; 0 is no colour.
func (t Text) Paint(c Color) Text {
	if c == 0 || t.s == "" {
		return t
	}
	return Text{text.Escape(t.s, c.EscapeSeq())}
}

// Trim cuts a text to so many columns.
func (t Text) Trim(columns int) Text { return Text{text.Trim(t.s, max(0, columns))} }

// Fit is a text in exactly so many columns: what is too long ends with a "…", and what is too
// short with blanks.
func (t Text) Fit(columns int) Text {
	columns = max(0, columns)
	return Text{text.Pad(t.Cut(columns).s, columns, ' ')}
}

// Cut is a text in so many columns at most: what is too long ends with a "…".
func (t Text) Cut(columns int) Text {
	if t.Width() <= columns || columns < 1 {
		return t.Trim(columns)
	}
	return Text{text.Trim(t.s, columns-1) + "…"}
}

// Fold is that of a Paragraph, for a text of one line.
func (t Text) Fold(first, others constant, columns int) Text {
	return Paragraph(t).Fold(first, others, columns)
}

// TrimLines cuts each line of a text to so many columns; fewer than Narrowest cut nothing.
func (t Text) TrimLines(columns int) Text {
	if columns < Narrowest {
		return t
	}
	lines := strings.Split(t.s, "\n")
	for i, line := range lines {
		lines[i] = text.Snip(line, columns, "…")
	}
	return Text{strings.Join(lines, "\n")}
}

// Narrowest is the least number of columns that text is folded to: below that it is
// harder to read than overlong lines.
const Narrowest = 24

// Paragraph is a text of others in several lines. It is printed by Fold, which sets all
// but its first line in: no line of it looks like one of ours.
type Paragraph struct{ s string }

// Lines takes a text of others whose line breaks mean something.
// A message of this program is shown in the language in use.
func Lines(s string) Paragraph {
	return Paragraph{strings.TrimRight(VisibleLines(language.Text(s)), "\n")}
}

// Behind puts a text in front of a paragraph.
func (p Paragraph) Behind(first Text) Paragraph { return Paragraph{first.s + p.s} }

// Width is the number of columns of the widest line.
func (p Paragraph) Width() int { return text.LongestLineLen(p.s) }

// Fold sets the first line in by one margin and all others by another, and folds what is
// too wide for a terminal of so many columns, but for code; 0 columns fold nothing.
func (p Paragraph) Fold(first, others constant, columns int) Text {
	var lines []string
	for line := range strings.SplitSeq(p.s, "\n") {
		if left := columns - len(others); columns > 0 && left >= Narrowest {
			line = foldLine(line, left)
		}
		lines = append(lines, strings.Split(line, "\n")...)
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return Text{language.Format(string(first)) + strings.Join(lines, "\n"+string(others))}
}

// Fold is Lines and Fold in one.
func Fold(first, others constant, s string, columns int) Text {
	return Lines(s).Fold(first, others, columns)
}

// Hint is advice below what it is about, set in by a margin.
func Hint(margin constant, s string, columns int) Text {
	return message(s).Fold(margin+"→ ", margin+"  ", columns)
}

// Error is what ended a command, behind the name of the program.
func Error(program constant, s string, columns int) Text {
	return message(s).Fold(program+": ", "  ", columns)
}

// message is a paragraph that is surely a message of this program, however short.
func message(s string) Paragraph {
	return Paragraph{strings.TrimRight(VisibleLines(language.Hint(s)), "\n")}
}

// expression is one of a template.
var expression = lazyregexp.New(`\{\{.*?\}\}`)

// foldLine folds a line between words, but for code, which somebody may want to copy. An expression of a
// template within a sentence is one word.
func foldLine(line string, columns int) string {
	const blank = "\ue000" // of a private use, one column wide
	if isCode(line) || strings.Contains(line, blank) {
		return line
	}
	fits := true
	whole := expression.ReplaceAllStringFunc(line, func(code string) string {
		fits = fits && text.StringWidthWithoutEscSequences(code) <= columns
		return strings.ReplaceAll(code, " ", blank)
	})
	if !fits {
		return line
	}
	return strings.ReplaceAll(soft(whole, columns), blank, " ")
}

// isCode reports whether a line of a message is to be copied: it is set in, is an
// item of a list, or has hardly more than expressions of a template in it.
func isCode(line string) bool {
	if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "- ") {
		return true
	}
	const sentence = 6 // words
	return strings.Contains(line, "{{") && len(strings.Fields(expression.ReplaceAllString(line, ""))) < sentence
}

// Excerpt is a line of a file with its number and, below it, what marks a place in it:
// both stay as wide as each other.
func Excerpt(s string) Text { return Text{strings.TrimRight(VisibleLines(s), "\n")} }
