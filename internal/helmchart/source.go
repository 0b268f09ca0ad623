package helmchart

import (
	"strings"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart/helmerror"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Source is where a template that Helm rendered stands in the extension.
type Source struct {
	// File is the slash path below the extension that a user can open: the
	// template, or the packaged subchart (.tgz) that has it inside.
	File string
	// Inside is the template's path within that packaged subchart; it is empty
	// for a template that is a file of its own.
	Inside string
	Text   string

	// lines is what was found in Text; nil where that is asked seldom.
	lines *lineIndex
}

// lineIndex spares looking through a text for each of the objects that it renders.
type lineIndex struct {
	all []string
	// with are the lines that have `key: value`, by key and value.
	with map[string]map[string][]int
	// taken are the lines taken apart, for FieldPlace; byKey are those that write out a
	// key, and loose those that begin with an action.
	taken []sourceLine
	byKey map[string][]int
	loose []int
	// random is what MakesUpNames found, once it is asked.
	asked, random bool
}

// indexed are the lines of the source.
func (s Source) indexed() *lineIndex {
	lines := s.lines
	if lines == nil {
		lines = &lineIndex{}
	}
	if lines.all == nil {
		lines.all = strings.Split(s.Text, "\n")
	}
	return lines
}

// lineOf is the line, from 1, of the given one of total places in the rendered
// text that have `key: value`, where the source writes that out. It is 0 where
// loops and conditions leave open which line rendered which place, and inside
// packages.
func (s Source) lineOf(key, value string, ordinal, total int) int {
	if s.Inside != "" || value == "" {
		return 0
	}
	lines := s.linesWith(key)[value]
	switch {
	case len(lines) == 1:
		return lines[0]
	case len(lines) != total || ordinal >= total:
		return 0
	}
	return lines[ordinal]
}

// linesWith are the lines that have a key, by the value that is written out there.
func (s Source) linesWith(key string) map[string][]int {
	if s.lines != nil && s.lines.with[key] != nil {
		return s.lines.with[key]
	}
	lines := map[string][]int{}
	// API definitions are long, and have the key of all their objects in a few lines.
	mayComment := strings.Contains(s.Text, "/*")
	n, inComment := 0, false
	for rest := s.Text; rest != ""; {
		if !mayComment {
			i := strings.Index(rest, key+":")
			if i < 0 {
				break
			}
			i = strings.LastIndexByte(rest[:i], '\n') + 1
			n += strings.Count(rest[:i], "\n")
			rest = rest[i:]
		}
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		n++
		if inComment {
			inComment = !strings.Contains(line, "*/")
			continue
		}
		if mayComment && strings.Contains(line, "/*") {
			if at := commentOfTemplate.FindStringIndex(line); at != nil {
				inComment = !strings.Contains(line[at[0]:], "*/")
			}
		}
		written, ok := strings.CutPrefix(strings.TrimLeft(line, " \t-"), key+":")
		if !ok {
			continue
		}
		if i := strings.Index(written, " #"); i >= 0 {
			written = written[:i]
		}
		if at := commentOfTemplate.FindStringIndex(written); at != nil {
			written = written[:at[0]]
		}
		value := strings.Trim(written, " \t\r\n\"'")
		lines[value] = append(lines[value], n)
	}
	if s.lines != nil {
		s.lines.with[key] = lines
	}
	return lines
}

// randomFunction is a function of Helm's with another result each time.
var randomFunction = lazyregexp.New(`\b(?:rand[A-Z]\w*|uuidv4|now)\b`)

// MakesUpNames reports whether a template gives its objects another name each
// time it is rendered, as tests do: name: ui-test-{{ randAlphaNum 5 }}.
func (s Source) MakesUpNames() bool {
	if s.lines == nil {
		return s.makesUpNames()
	}
	if !s.lines.asked {
		s.lines.asked, s.lines.random = true, s.makesUpNames()
	}
	return s.lines.random
}

func (s Source) makesUpNames() bool {
	for line := range strings.Lines(s.Text) {
		if _, name, ok := strings.Cut(line, "name:"); ok && randomFunction.MatchString(name) {
			return true
		}
	}
	return false
}

// Excerpt shows a line of the source with its number, in the form of the
// excerpts of yamldoc; it is empty for a line that is not there.
func (s Source) Excerpt(line int) string {
	if s.lines == nil {
		return excerpt.Line(s.Text, line, line)
	}
	text, ok := s.line(line)
	if !ok {
		return ""
	}
	return excerpt.Line(text, 1, line)
}

// line is a line of the source, from 1, without its end.
func (s Source) line(number int) (text string, ok bool) {
	lines := s.indexed()
	if number < 1 || number > len(lines.all) {
		return "", false
	}
	return lines.all[number-1], true
}

// Name names the template in a message about a possibly different file.
func (s Source) Name() string {
	if s.Inside != "" {
		return s.Inside
	}
	return s.File
}

// commentOfTemplate is how a comment of a template begins.
var commentOfTemplate = lazyregexp.New(`\{\{-?[ \t]*/\*`)

// Column is the place of an error in a line of the source, in characters from 1; 0 where it is
// not known.
func (s Source) Column(p helmerror.Place) int {
	if p.Offset < 0 || p.Line < 1 || s.Inside != "" {
		return 0
	}
	text, ok := s.line(p.Line)
	if !ok || p.Offset > len(text) {
		return 0
	}
	return utf8.RuneCountInString(text[:p.Offset]) + 1
}

// IsSource says of sources whether a template is one of them, for helmerror.OfTemplate.
func IsSource(sources map[string]Source) func(template string) bool {
	return func(template string) bool {
		_, ok := sources[template]
		return ok
	}
}
