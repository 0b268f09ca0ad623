package changelog

import (
	"strings"
	"unicode"
)

// longest bounds an entry, in characters: a subject of a commit may be of any length.
const longest = 300

// PlainText writes a text of others as one line of Markdown that shows it as it is: no links,
// pictures, HTML, lists or headings come of it. Characters that cannot be printed, or that
// change the order of others, are left out.
func PlainText(text string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return -1
	}, text)
	runes := []rune(strings.Join(strings.Fields(printable), " "))
	if len(runes) > longest {
		runes = append(runes[:longest:longest], '…')
	}
	var out strings.Builder
	for i, r := range runes {
		if isMarkUp(runes, i) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}

// isMarkUp says whether a character means something to Markdown where it stands: as CommonMark
// 0.31 has it, with strikethrough and formulas, which many readers know besides.
func isMarkUp(text []rune, i int) bool {
	at := func(i int) rune {
		if i < 0 || i >= len(text) {
			return ' '
		}
		return text[i]
	}
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	switch r := text[i]; r {
	case '\\', '`', '*', '[', '<', '~', '|', '$':
		return true
	case '_': // within a word it is a letter
		return !isWord(at(i-1)) || !isWord(at(i+1))
	case '&': // of a character reference
		return isWord(at(i+1)) || at(i+1) == '#'
	case '#', '>', '+', '-', '=', ':':
		return i == 0
	case '.', ')': // of a list with numbers
		return i > 0 && strings.Trim(string(text[:i]), "0123456789") == ""
	}
	return false
}
