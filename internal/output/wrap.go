package output

import (
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/rivo/uniseg"
)

// soft folds a text between words; in Chinese also between characters, but for those that may not begin
// or end a line (Unicode Standard Annex #14).
func soft(s string, width int) string {
	if width < 1 || strings.Contains(s, "\x1b") || !strings.ContainsFunc(s, isWide) {
		return text.WrapSoft(s, width)
	}
	var lines []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		lines = append(lines, wrapWide(paragraph, width)...)
	}
	return strings.Join(lines, "\n")
}

func isWide(r rune) bool { return text.RuneWidth(r) > 1 }

// wrapWide folds a line that has wide characters.
func wrapWide(s string, width int) (lines []string) {
	line, columns := "", 0
	for _, piece := range pieces(s) {
		wide := text.StringWidthWithoutEscSequences(strings.TrimRight(piece, " "))
		if columns+wide > width && line != "" {
			lines = append(lines, strings.TrimRight(line, " "))
			line, columns = "", 0
		}
		if wide > width { // a word longer than a line
			hard := strings.Split(text.WrapHard(piece, width), "\n")
			lines = append(lines, hard[:len(hard)-1]...)
			piece = hard[len(hard)-1]
		}
		line += piece
		columns += text.StringWidthWithoutEscSequences(piece)
	}
	return append(lines, strings.TrimRight(line, " "))
}

// pieces are the parts of a line between which it may be broken: behind blanks, and where one of the
// characters is wide. What stands between ASCII characters, such as the "-" of a flag, is no such place.
func pieces(s string) (all []string) {
	state, piece := -1, ""
	for len(s) > 0 {
		var segment string
		segment, s, _, state = uniseg.FirstLineSegmentInString(s, state)
		piece += segment
		last, _ := utf8.DecodeLastRuneInString(piece)
		next, _ := utf8.DecodeRuneInString(s)
		if last == ' ' || isWide(last) || isWide(next) || s == "" {
			all, piece = append(all, piece), ""
		}
	}
	return all
}
