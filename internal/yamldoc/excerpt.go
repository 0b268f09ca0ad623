package yamldoc

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// excerptWidth bounds how much of a line is shown, in characters: an icon
// written as a data: URL is one line of many thousands.
const excerptWidth = 100

// excerpt shows one line of source and marks length characters from column.
//
//	7 |   - pah: extensions/*
//	  |     ^^^
//
// The marks stay below what they mark in any terminal: tabs are repeated in the
// line of marks, and a wide (CJK) character counts as two cells.
func excerpt(text string, line, column, length int) string {
	runes := []rune(withoutUser(text))
	from := min(max(column-1, 0), len(runes))
	to := min(from+max(length, 1), max(len(runes), from+1))
	shown, from, to := crop(runes, from, to)

	var source, marks strings.Builder
	for i, r := range shown {
		r = printable(r)
		source.WriteRune(r)
		switch {
		case i >= to:
		case i >= from:
			marks.WriteString(strings.Repeat("^", cells(r)))
		case r == '\t':
			marks.WriteByte('\t')
		default:
			marks.WriteString(strings.Repeat(" ", cells(r)))
		}
	}
	if from >= len(shown) {
		marks.WriteByte('^')
	}
	number := fmt.Sprintf("%4d", line)
	if column == 0 {
		return fmt.Sprintf("%s | %s", number, source.String())
	}
	return fmt.Sprintf("%s | %s\n%s | %s", number, source.String(), strings.Repeat(" ", len(number)), marks.String())
}

// marked is the range that excerpt marks: within the line, and one character at least.
func marked(text string, line, column, length int) diagnostic.Range {
	rest := utf8.RuneCountInString(text) - (column - 1)
	return diagnostic.Span(line, column, max(1, min(length, rest)))
}

// crop cuts a long line to a window around what is marked, and moves the marks
// with it.
func crop(runes []rune, from, to int) ([]rune, int, int) {
	if len(runes) <= excerptWidth {
		return runes, from, to
	}
	start := max(0, min(from-excerptWidth/4, len(runes)-excerptWidth))
	end := min(start+excerptWidth, len(runes))
	var shown []rune
	if start > 0 {
		shown = append(shown, '…')
	}
	shift := start - len(shown)
	shown = append(shown, runes[start:end]...)
	to = min(to, end)
	if end < len(runes) {
		shown = append(shown, '…')
	}
	return shown, from - shift, to - shift
}

// printable keeps a hostile file from driving the terminal that shows it.
func printable(r rune) rune {
	if r == '\t' || r == ' ' || unicode.IsPrint(r) || unicode.Is(unicode.Mn, r) {
		return r
	}
	return utf8.RuneError
}

// cells is the number of terminal columns that a character takes. A tab marked
// itself is shown as one mark.
func cells(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
		return 2
	}
	return 1
}
