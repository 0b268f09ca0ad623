package output

import (
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table is a plain table: a header, left-aligned columns, no lines.
type Table struct {
	heads   table.Row
	rows    []table.Row
	numbers int
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
		columns = append(columns, table.ColumnConfig{
			Number: len(t.heads), WidthMax: max(Narrowest, width-t.widthOfAllButLast()), WidthMaxEnforcer: text.WrapSoft,
		})
	}
	w.SetColumnConfigs(columns)
	return Text{w.Render()}
}

func (t *Table) widthOfAllButLast() int {
	sum := 0
	for column := range len(t.heads) - 1 {
		widest := 0
		for _, row := range append([]table.Row{t.heads}, t.rows...) {
			widest = max(widest, text.StringWidthWithoutEscSequences(row[column].(string)))
		}
		sum += widest + len("  ")
	}
	return sum
}
