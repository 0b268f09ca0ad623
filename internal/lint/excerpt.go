package lint

import (
	"fmt"
	"strings"
	"unicode"
)

// excerptWidth bounds how much of a line is shown, in characters.
const excerptWidth = 100

// excerpt shows a line of the source with its number, in the form of the
// excerpts of yamldoc; it is empty for a line that is not there.
func (s source) excerpt(line int) string {
	if s.lines == nil {
		return excerptLine(s.Text, line, line)
	}
	text, ok := s.line(line)
	if !ok {
		return ""
	}
	return excerptLine(text, 1, line)
}

// line is a line of the source, from 1, without its end.
func (s source) line(number int) (text string, ok bool) {
	lines := s.lines
	if lines == nil {
		lines = &lineIndex{}
	}
	if lines.all == nil {
		lines.all = strings.Split(s.Text, "\n")
	}
	if number < 1 || number > len(lines.all) {
		return "", false
	}
	return lines.all[number-1], true
}

// excerptLine shows the line-th line of text under the given number.
func excerptLine(text string, line, shownAs int) string {
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
	return fmt.Sprintf("%4d | %s", shownAs, printable(text))
}

// sentenceWidth bounds, in characters, what an error of Helm or of the reader says:
// it ends with what to do, and may quote a name or two of an archive.
const sentenceWidth = 500

// printable keeps a hostile file from driving the terminal that shows it, and a
// long line from filling it.
func printable(line string) string { return printableUpTo(excerptWidth, line) }

func printableUpTo(width int, line string) string {
	runes := []rune(strings.TrimRight(line, "\r"))
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

// oneLine puts text of foreign origin into a message.
func oneLine(text string) string {
	return printable(strings.Join(strings.Fields(text), " "))
}

// oneSentence puts an error that quotes text of foreign origin into a message.
func oneSentence(text string) string {
	return printableUpTo(sentenceWidth, strings.Join(strings.Fields(text), " "))
}
