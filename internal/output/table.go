package output

import (
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table is a plain table: a header, left-aligned columns, no lines.
type Table struct {
	heads   table.Row
	rows    []table.Row
	numbers int
	folding []int // columns besides the last, from 0
}

// NewTable begins a table with these column heads.
func NewTable(heads ...constant) *Table {
	t := &Table{heads: make(table.Row, len(heads))}
	for i, h := range heads {
		t.heads[i] = string(h)
	}
	return t
}

// Numbers sets the first n columns to the right.
func (t *Table) Numbers(n int) *Table {
	t.numbers = n
	return t
}

// Folding lets these columns, from 0, be folded too, where the last one would not have space
// for text otherwise.
func (t *Table) Folding(columns ...int) *Table {
	t.folding = columns
	return t
}

// Row adds a row of as many cells as there are heads.
func (t *Table) Row(cells ...Text) {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = withoutCommands(c.s)
	}
	t.rows = append(t.rows, row)
}

// Render draws the table. Where it is wider than width columns the last column
// is folded; a width of 0 folds nothing.
func (t *Table) Render(width int) Text {
	w := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	w.AppendHeader(t.heads)
	w.AppendRows(t.rows)
	var columns []table.ColumnConfig
	for n := range t.numbers {
		columns = append(columns, table.ColumnConfig{Number: n + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	if width > 0 {
		widths := t.widths()
		t.narrow(widths, width)
		last := len(t.heads) - 1
		left := width
		for _, w := range widths[:last] {
			left -= w + len("  ")
		}
		least := Narrowest
		if len(t.folding) > 0 {
			least = 16 // or the whole table is wider than a narrow terminal
		}
		columns = append(columns, fold(last, max(least, left)))
		for _, column := range t.folding {
			columns = append(columns, fold(column, widths[column]))
		}
	}
	w.SetColumnConfigs(columns)
	return Text{w.Render()}
}

func fold(column, width int) table.ColumnConfig {
	return table.ColumnConfig{Number: column + 1, WidthMax: width, WidthMaxEnforcer: wrap}
}

// wrap folds a cell between words. A word that is too wide, such as the path of a file, is
// divided after a slash or another mark where there is one, and else anywhere.
func wrap(s string, width int) string {
	words := strings.Split(s, " ")
	for i, word := range words {
		if text.StringWidthWithoutEscSequences(word) > width && !strings.Contains(word, "\x1b") {
			words[i] = divide(word, width)
		}
	}
	return text.WrapSoft(strings.Join(words, " "), width)
}

// divide breaks a word into lines of at most width columns, after marks as far as it has some.
func divide(word string, width int) string {
	var lines []string
	for text.StringWidthWithoutEscSequences(word) > width {
		marked, end, columns := 0, 0, 0
		for end < len(word) {
			r, n := utf8.DecodeRuneInString(word[end:])
			if columns += text.RuneWidth(r); columns > width && end > 0 {
				break
			}
			end += n
			if strings.ContainsRune("/-_.!,@", r) {
				marked = end
			}
		}
		if marked > 0 {
			end = marked
		}
		lines, word = append(lines, word[:end]), word[end:]
	}
	return strings.Join(append(lines, word), "\n")
}

// widths are those of the columns where nothing is folded.
func (t *Table) widths() []int {
	widths := make([]int, len(t.heads))
	for column := range widths {
		for _, row := range append([]table.Row{t.heads}, t.rows...) {
			widths[column] = max(widths[column], text.StringWidthWithoutEscSequences(row[column].(string)))
		}
	}
	return widths
}

// narrow takes columns from those that fold, the widest first, until the last one has space.
func (t *Table) narrow(widths []int, width int) {
	const least = 11 // a version with a short pre-release
	left := width - min(Narrowest, widths[len(widths)-1])
	for _, w := range widths[:len(widths)-1] {
		left -= w + len("  ")
	}
	for ; left < 0; left++ {
		widest := -1
		for _, column := range t.folding {
			if widths[column] > least && (widest < 0 || widths[column] > widths[widest]) {
				widest = column
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}
