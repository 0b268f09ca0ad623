package report

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// narrowest is the least number of columns that text is folded to: below that it is
// harder to read than overlong lines.
const narrowest = 24

// Problem is how a mistake in a file is told on a terminal of so many columns; 0 is
// no terminal, and gets p.Error(). Where place and message have no room in one line,
// the place gets one to itself.
func Problem(p yamldoc.Problem, columns int) string {
	var lines []string
	switch place := p.Position(); {
	case place == "":
		lines = append(lines, folded("", "    ", p.Message, columns))
	case columns == 0 || text.StringWidthWithoutEscSequences(place+": "+p.Message) <= columns:
		lines = append(lines, place+": "+p.Message)
	default:
		lines = append(lines, place+":", folded("    ", "    ", p.Message, columns))
	}
	if p.Excerpt != "" {
		lines = append(lines, strings.TrimRight(p.Excerpt, "\n"))
	}
	if p.Hint != "" {
		lines = append(lines, advice(p.Hint, columns))
	}
	return strings.Join(lines, "\n")
}

// advice is what to do, below what it is about.
func advice(what string, columns int) string { return folded("  → ", "    ", what, columns) }

// folded sets text in, its first line by one margin and all others by another, and
// folds what is too wide for a terminal of so many columns, but for code.
func folded(first, others, s string, columns int) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(s, "\n"), "\n") {
		if room := columns - len(others); columns > 0 && room >= narrowest && !isCode(line) {
			line = text.WrapSoft(line, room)
		}
		lines = append(lines, strings.Split(line, "\n")...)
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return first + strings.Join(lines, "\n"+others)
}

// isCode reports whether a line of a message is to be copied: it is set in, is an
// item of a list, or has an expression of a template in it.
func isCode(line string) bool {
	return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "- ") || strings.Contains(line, "{{")
}
