// Package excerpt puts text of foreign origin into messages: a line of a file, or what
// another library says. What it returns has no control characters and a bounded
// length, so that a hostile file cannot drive the terminal that shows it.
package excerpt

import (
	"fmt"
	"strings"
	"unicode"
)

// width bounds how much of a line is shown, in characters.
const width = 100

// sentenceWidth bounds, in characters, what an error of Helm or of the reader says:
// it ends with what to do, and may quote a name or two of an archive.
const sentenceWidth = 500

// Line shows the line-th line of text, from 1, under the given number, in the form of
// the excerpts of yamldoc. It is empty for a line that is not there.
func Line(text string, line, shownAs int) string {
	for ; line > 1; line-- {
		_, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return ""
		}
		text = rest
	}
	if line < 1 {
		return ""
	}
	text, _, _ = strings.Cut(text, "\n")
	return fmt.Sprintf("%4d | %s", shownAs, Printable(width, text))
}

// Printable is text with U+FFFD for each character that cannot be printed, cut
// after a number of characters.
func Printable(width int, text string) string {
	runes := []rune(strings.TrimRight(text, "\r"))
	if len(runes) > width {
		runes = append(runes[:width:width], '…')
	}
	for i, r := range runes {
		if r != '\t' && !unicode.IsPrint(r) {
			runes[i] = unicode.ReplacementChar
		}
	}
	return string(runes)
}

// OneLine is text as one line of 100 characters at most.
func OneLine(text string) string {
	return Printable(width, strings.Join(strings.Fields(text), " "))
}

// Sentence is an error that quotes text of foreign origin as one line of 500
// characters at most.
func Sentence(text string) string {
	return Printable(sentenceWidth, strings.Join(strings.Fields(text), " "))
}
