package output

import (
	"strings"
	"unicode"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// CI systems read both streams line by line, and obey what looks like a command. The
// runner of GitHub Actions takes a line that begins, after white space, with "::", and,
// in an older form, "##[" anywhere in it (actions/runner, ActionCommand.cs, TryParseV2
// and TryParse). Azure Pipelines takes "##vso[" anywhere (azure-pipelines-agent,
// Command.cs, TryParse), and TeamCity "##teamcity[" (its manual, "Service Messages").
//
// ksrelease prints no such line. Where one would come about, a blank breaks it: that is
// seen by readers, and copied by nobody. Characters of no width would not do, because a
// comparison by the rules of a culture, which .NET does by default, passes over them.

// numbered is a command of the form that is taken anywhere in a line.
var numbered = lazyregexp.New(`##([A-Za-z0-9.]*\[)`)

// withoutNumbered breaks commands that are taken anywhere in a line.
func withoutNumbered(s string) string {
	if !strings.Contains(s, "##") {
		return s
	}
	return numbered.ReplaceAllString(s, "# #$1")
}

// withoutCommands breaks commands in a text of whole lines. Texts of others are gone
// through when they come in, so that a column is as wide as what is in it, and all that is
// printed once more: folding, or an empty cell, may have put anything at the beginning of
// a line.
func withoutCommands(s string) string {
	s = withoutNumbered(s)
	if !strings.Contains(s, "::") {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if at := contentOf(line); strings.HasPrefix(line[at:], "::") {
			lines[i] = line[:at] + ": :" + line[at+2:]
		}
	}
	return strings.Join(lines, "\n")
}

// contentOf is where a line begins behind blanks and our colours, which some systems
// take out.
func contentOf(line string) int {
	at := 0
	for {
		rest := line[at:]
		if colour := ours.FindString(rest); colour != "" {
			at += len(colour)
			continue
		}
		trimmed := strings.TrimLeftFunc(rest, unicode.IsSpace)
		if len(trimmed) == len(rest) {
			return at
		}
		at += len(rest) - len(trimmed)
	}
}

// ours are the escape sequences of this package: colours, and what moves and wipes a status.
var ours = lazyregexp.New("^\x1b\\[[0-9;]*[mKJA]")
