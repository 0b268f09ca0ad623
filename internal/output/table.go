package output

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ksrelease/ksrelease/internal/language"
)

// Table is a plain table: a header, left-aligned columns, no lines.
type Table struct {
	heads   table.Row
	rows    []table.Row
	numbers int
	folding []int // columns besides the last, from 0
	below   map[int][]Text
}

// NewTable begins a table with these column heads.
func NewTable(heads ...constant) *Table {
	t := &Table{heads: make(table.Row, len(heads))}
	for i, h := range heads {
		t.heads[i] = language.Word(string(h))
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

// Below puts lines below the row that was added last, as they are.
func (t *Table) Below(lines ...Text) {
	if len(lines) == 0 {
		return
	}
	if t.below == nil {
		t.below = map[int][]Text{}
	}
	t.below[len(t.rows)-1] = lines
}

// narrowestCell is the least number of columns that a last column is folded to. Where it has
// less, its cells stand below their rows.
const narrowestCell = 16

// Render draws the table. Where it is wider than width columns the last column is folded: cells that
// take more than three lines then, or all of them, stand below their rows. A width of 0 folds nothing.
func (t *Table) Render(width int) Text {
	widths := t.widths()
	if width <= 0 {
		return t.parted(widths)
	}
	last := len(widths) - 1
	if left := t.narrow(widths, width); left < min(narrowestCell, widths[last]) {
		return t.stacked(width)
	} else if widths[last] > left {
		widths[last] = left
		return t.dropped(widths, width).parted(widths)
	}
	return t.parted(widths)
}

// dropped is the table with what is too long for the last column below its rows, where there is more
// space.
func (t *Table) dropped(widths []int, width int) *Table {
	const most, margin = 3, "    "
	short := *t
	short.rows, short.below = slices.Clone(t.rows), map[int][]Text{}
	last := len(widths) - 1
	for i, row := range t.rows {
		cell := row[last].(string)
		if strings.Count(wrap(cell, widths[last]), "\n") >= most {
			short.rows[i] = append(slices.Clone(row[:last]), "")
			for line := range strings.SplitSeq(wrap(cell, width-len(margin)), "\n") {
				short.below[i] = append(short.below[i], Text{margin + strings.TrimRight(line, " ")})
			}
		}
		short.below[i] = append(short.below[i], t.below[i]...)
	}
	return &short
}

// parted draws all rows, with what is below some of them.
func (t *Table) parted(widths []int) Text {
	var parts []string
	heads, from := t.heads, 0
	for i := range t.rows {
		if below := t.below[i]; len(below) > 0 || i == len(t.rows)-1 {
			parts = append(parts, t.draw(widths, heads, t.rows[from:i+1]...))
			for _, line := range below {
				parts = append(parts, withoutCommands(line.s))
			}
			heads, from = nil, i+1
		}
	}
	if len(t.rows) == 0 {
		parts = []string{t.draw(widths, heads)}
	}
	return Text{strings.Join(parts, "\n")}
}

// stacked draws a table for a terminal that has no space for the last column: its cells are
// lines below their rows, set in.
func (t *Table) stacked(width int) Text {
	last := len(t.heads) - 1
	widths := t.widths()
	widths[last] = 0
	space := width + len("  ") // which would be between the others and the last column
	if t.narrow(widths, space) < 0 {
		// The terminal would fold the rows, within words.
		all, narrower := Table{heads: t.heads}, slices.Clone(widths)
		for column := range last {
			all.folding = append(all.folding, column)
		}
		if all.narrow(narrower, space) >= 0 {
			widths = narrower
		}
	}
	lines := []string{t.draw(widths[:last], t.heads[:last]), "  " + head(t.heads[last].(string))}
	for i, row := range t.rows {
		lines = append(lines, t.draw(widths[:last], nil, row[:last]))
		if below := row[last].(string); below != "" {
			for line := range strings.SplitSeq(wrap(below, max(narrowestCell, width-len("  "))), "\n") {
				lines = append(lines, "  "+strings.TrimRight(line, " "))
			}
		}
		for _, line := range t.below[i] {
			lines = append(lines, withoutCommands(line.s))
		}
	}
	return Text{strings.Join(lines, "\n")}
}

// head is the head of a column. In a language without capitals only names have some, and stay as they are.
func head(name string) string {
	if language.Current() != language.English {
		return name
	}
	return strings.ToUpper(name)
}

// draw draws rows with columns of these widths; nil is as wide as each has to be.
func (t *Table) draw(widths []int, heads table.Row, rows ...table.Row) string {
	w := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault // see head
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	if heads != nil {
		shown := make(table.Row, len(heads))
		for i, h := range heads {
			shown[i] = head(h.(string))
		}
		w.AppendHeader(shown)
	}
	w.AppendRows(rows)
	columns := make([]table.ColumnConfig, len(t.heads))
	for i := range columns {
		align := text.AlignLeft
		if i < t.numbers {
			align = text.AlignRight
		}
		columns[i] = table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align}
		if i < len(widths) {
			columns[i].WidthMin, columns[i].WidthMax, columns[i].WidthMaxEnforcer = widths[i], widths[i], wrap
		}
	}
	w.SetColumnConfigs(columns)
	return w.Render()
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
	return soft(strings.Join(words, " "), width)
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

// narrow takes columns from those that fold, the widest first, until the last one has space,
// and returns how much that is.
func (t *Table) narrow(widths []int, width int) (left int) {
	const least = 11 // a version with a short pre-release
	last := len(widths) - 1
	left = width
	for _, w := range widths[:last] {
		left -= w + len("  ")
	}
	for left < min(Narrowest, widths[last]) {
		widest := -1
		for _, column := range t.folding {
			if widths[column] > least && (widest < 0 || widths[column] > widths[widest]) {
				widest = column
			}
		}
		if widest < 0 {
			return left
		}
		widths[widest]--
		left++
	}
	return left
}
