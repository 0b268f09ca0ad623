// Package markdown writes texts of others into Markdown that teams read in pull requests.
package markdown

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/output"
)

// Texts in a Markdown report are read by the whole team, on a page that turns much of
// them into something else: links and pictures, mentions that send mail (@team),
// references to issues and commits (#1, owner/project#1, 0a1b2c3), emoji (:x:), formulas.
// No escape works against all of these: GitHub and GitLab look for mentions and
// references in the text of the finished page, where an escape is gone. But none of them
// looks into code. So words stay as they are, and what is more than a word is code.

// Prose is a text of others within a line of Markdown.
func Prose(s string) string { return withCode(s, span) }

// Cell is Prose in a cell of a table.
func Cell(s string) string { return withCode(s, spanInCell) }

func withCode(s string, span func(string) string) string {
	var out, code []string
	flush := func() {
		if len(code) > 0 {
			out = append(out, span(strings.Join(code, " ")))
			code = nil
		}
	}
	words := strings.Fields(output.VisibleLines(s))
	command := 0 // its words are code up to this one
	for i, word := range words {
		begin, rest, end := punctuation(word)
		command = max(command, endOfCommand(words, i))
		number := i == command && len(code) > 0 && numeral.MatchString(rest)                // of its flag
		item := i == 0 && rest != "" && end != "" && strings.Trim(rest, "0123456789") == "" // "1." begins a list
		switch {
		case plain(rest) && !item && i >= command && !number:
			flush()
			out = append(out, word)
		case begin == "" && end == "":
			code = append(code, rest)
		case begin == "":
			code = append(code, rest)
			flush()
			out[len(out)-1] += end
		default:
			flush()
			out = append(out, begin+span(rest)+end)
		}
	}
	flush()
	return strings.Join(out, " ")
}

// endOfCommand is where a command of ksrelease that begins at a word ends, behind its first flag: who
// copies it wants all of it. It is 0 where none begins, or none with a flag.
func endOfCommand(words []string, at int) int {
	if words[at] != "ksrelease" {
		return 0
	}
	for i := at + 1; i < min(len(words), at+5); i++ {
		if strings.HasPrefix(words[i], "-") {
			return i + 1
		}
		if begin, _, end := punctuation(words[i]); begin != "" || end != "" {
			return 0
		}
	}
	return 0
}

// Paragraph is a text of others with line breaks of its own: prose where it has none,
// else code.
func Paragraph(s string) string {
	if strings.Contains(strings.TrimSpace(s), "\n") {
		return strings.TrimSuffix(Fenced(s), "\n")
	}
	return Prose(s)
}

// Fenced is a block of code. Its fence is longer than any in the text.
func Fenced(s string) string {
	s = strings.TrimRight(output.VisibleLines(s), "\n")
	fence := strings.Repeat("`", max(3, longestRun(s)+1))
	return fence + "text\n" + s + "\n" + fence + "\n"
}

// span is a span of code.
func span(s string) string {
	marks := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		return marks + " " + s + " " + marks // CommonMark takes one blank off each side
	}
	return marks + s + marks
}

// spanInCell is a span of code in a cell of a table, which a "|" would end: there "\|" is
// one, but not behind another backslash.
func spanInCell(s string) string {
	if !strings.Contains(s, `\|`) {
		return strings.ReplaceAll(span(s), "|", `\|`)
	}
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range s {
		if r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' ' {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	b.WriteString("</code>")
	return b.String()
}

// longestRun is the length of the longest run of backquotes.
func longestRun(s string) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// punctuation takes what begins and ends a word off it.
func punctuation(word string) (begin, rest, end string) {
	rest = strings.TrimLeft(word, `"'(`)
	begin = word[:len(word)-len(rest)]
	trimmed := strings.TrimRight(rest, `"'),.;:!?`)
	return begin, trimmed, rest[len(trimmed):]
}

// commit is what a page may take for the beginning of the name of a commit.
var commit = lazyregexp.New(`^[0-9a-fA-F]{7,}$`)

// numeral is a number or a version, such as 1.2.0.
var numeral = lazyregexp.New(`^v?[0-9]{1,6}(\.[0-9]{1,6})*$`)

// plain says that a word has no meaning but its own: letters and digits, with hyphens or
// apostrophes between letters, or a number. PROJECT-1 may be a reference.
func plain(word string) bool {
	if word == "" || numeral.MatchString(word) {
		return true
	}
	for part := range strings.SplitSeq(word, "-") {
		if part == "" || commit.MatchString(part) || part != word && strings.ContainsAny(part[:1], "0123456789") {
			return false
		}
		for i, r := range part {
			// Beyond ASCII there is punctuation that no page gives a meaning, such as that of
			// Chinese.
			other := r >= utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r))
			letter := unicode.IsLetter(r) || unicode.IsDigit(r) || i > 0 && (unicode.IsMark(r) || r == '\'')
			if !letter && !other {
				return false
			}
		}
	}
	return true
}
