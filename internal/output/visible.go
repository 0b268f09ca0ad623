package output

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tab is what a tab within several lines is shown as.
const tab = "    "

// Visible is a text of others in one line: line breaks, control characters, characters
// without a form of their own (such as those that change the direction of writing) and
// bytes that are no UTF-8 are shown as the escapes of Go: \n, \x1b, \u202e, \xff.
// All else stays as it is, but for what a CI system takes for a command anywhere in a line
// (commands.go).
func Visible(s string) string { return withoutNumbered(visible(s, false)) }

// VisibleLines is like Visible for a text of several lines, which stay apart and are no
// commands either. Tabs are four blanks.
func VisibleLines(s string) string { return withoutCommands(visible(s, true)) }

func visible(s string, lines bool) string {
	at := 0
	for at < len(s) && s[at] >= ' ' && s[at] <= '~' {
		at++
	}
	if at == len(s) {
		return s
	}
	var b strings.Builder
	before := rune(0)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case lines && r == '\n':
			b.WriteByte('\n')
		case lines && r == '\t':
			b.WriteString(tab)
		case lines && r == '\r' && strings.HasPrefix(s[i:], "\r\n"): // a line break as Windows has it
		case shown(before, r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
		before = r
		i += size
	}
	return b.String()
}

// shown says whether a character can be printed as it is.
func shown(before, r rune) bool {
	switch {
	case variation.contains(r):
		// It chooses between forms of the character in front of it, as those of emoji
		// and of Chinese do. Behind ASCII it would part what belongs together unseen.
		return before >= utf8.RuneSelf && !variation.contains(before) && shown(0, before)
	case unseen(r):
		return false
	}
	return strconv.IsGraphic(r)
}

type span struct{ first, last rune }

func (s span) contains(r rune) bool { return s.first <= r && r <= s.last }

// variation are the selectors of Unicode that texts use.
var variation = span{0xfe00, 0xfe0f}

// unseen says that a character is a letter or a mark, but leaves no trace on a screen
// (Default_Ignorable_Code_Point of Unicode 16; the format characters among those are
// not graphic anyway).
func unseen(r rune) bool {
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180c, 0x180d, 0x180f, 0x3164, 0xffa0:
		return true
	}
	return variation.contains(r) || r >= 0xe0100 && r <= 0xe01ef
}

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
