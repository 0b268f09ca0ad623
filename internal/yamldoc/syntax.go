package yamldoc

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	goccy "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// scannerLine takes the parts out of the scanner's message, as in
// "yaml: line 3: did not find expected key".
var scannerLine = lazyregexp.New(`^yaml: (?:line (\d+): )?(.*)$`)

const (
	tabMessage = "a tab is used for indentation; YAML takes only spaces there"
	tabHint    = "replace the tab by spaces"
)

// explanations says in plain words what the scanner means, and how to fix it.
// The first entry whose key is part of the scanner's message counts.
var explanations = []struct{ contains, message, hint string }{
	{"found character that cannot start any token", "no value can start with this character", "if it belongs to a text, write the text in quotes"},
	{"found a tab character", tabMessage, tabHint},
	{"mapping values are not allowed", `a second ": " stands where only a value can be`, "if it belongs to a text, write the text in quotes; if it is a key, start a new line"},
	{"block sequence entries are not allowed", `a list item ("- ") cannot start here`, `put it on a line of its own, below the key`},
	{"could not find expected ':'", `this line has no ": " after its key`, `write "key: value"; a text over several lines needs deeper indentation or quotes`},
	{"did not find expected key", "this line does not fit the indentation of the lines above it", "line it up with the keys it belongs to; close quotes and brackets that were opened before"},
	{"did not find expected '-' indicator", "this line does not fit the list above it", `start it with "- ", or indent it as the key it belongs to`},
	{"did not find expected ',' or ']'", `the list that starts with "[" is not closed before this, or lacks a comma here`, `add the missing "," or "]"`},
	{"did not find expected ',' or '}'", `the mapping that starts with "{" is not closed before this, or lacks a comma here`, `add the missing "," or "}"`},
	{"did not find expected node content", "a value is missing or starts with a character that cannot start one", "if it is a text, write it in quotes"},
	{"found unexpected end of stream", "a quote is opened but not closed", "add the missing quote"},
	{"found unexpected document indicator", "a quote is opened but not closed", "add the missing quote"},
	{"found unknown escape character", "unknown escape in a double-quoted text", `write \\ for a backslash, or use single quotes`},
	{"did not find expected hexdecimal number", "an escape in a double-quoted text lacks hexadecimal digits", `write \\ for a backslash, or use single quotes`},
	{"did not find expected <document start>", "this line belongs to no key", "line it up with the other keys"},
	{"unknown anchor", "this alias names no anchor of the file", "define it first with &name; if it is a text, such as a glob, write it in quotes"},
	{"did not find expected alphabetic or numeric character", "the name after & or * is missing or has characters that no name has", "if it is a text, write it in quotes"},
	{"did not find expected tag URI", "the tag after ! is not complete", "if it is a text, write it in quotes"},
	{"exceeded max depth", "the file is nested too deep", ""},
	{"undefined tag handle", "this tag is not known", `if it is meant as text, write it in quotes`},
}

// maxDiagnosed is the largest file, in bytes, for which the exact place of a
// syntax error is looked for. goccy's parser needs time and memory that grow with
// the square of the nesting, which a hostile file must not make use of.
const maxDiagnosed = 256 << 10

// syntaxProblem reports an error of the scanner. The scanner knows at best a line;
// goccy's parser is asked for the exact place.
func (d *Document) syntaxProblem(err error) *diagnostic.Diagnostic {
	parts := scannerLine.FindStringSubmatch(err.Error())
	line, cause := 0, err.Error()
	if parts != nil {
		line, _ = strconv.Atoi(parts[1])
		cause = parts[2]
	}
	if line == 0 {
		line = 1 // the scanner leaves the first line out of its messages
	}
	message, hint := explain(cause)
	if at, ok := d.tabIndentation(line); ok {
		return d.syntaxAt(at, 1, tabMessage, tabHint)
	}
	if at, length, ok := d.unknownAlias(cause); ok {
		return d.syntaxAt(at, length, message, hint)
	}
	at, ok := 0, false
	if len(d.src) <= maxDiagnosed && !strings.Contains(cause, "exceeded max depth") {
		at, ok = d.goccyPlace(line)
	}
	if tab, found := d.tabIn(d.lineOf(at)); ok && found {
		return d.syntaxAt(tab, 1, tabMessage, tabHint)
	}
	switch {
	case !ok:
		p := diagnostic.Diagnostic{Code: Syntax, Severity: diagnostic.Error, File: d.file, Range: diagnostic.At(line, 0), Message: message, Hint: hint}
		if text := d.lines.text(line); text != "" {
			p.Excerpt = excerpt(text, line, 0, 0)
		}
		return &p
	case strings.Contains(cause, "mapping values are not allowed") && d.lineOf(at) < line:
		return d.syntaxAt(d.firstWord(line), 1, "this line is indented deeper than the one above it, which has a value already",
			"line it up with the key above it, or remove the value there")
	case strings.Contains(cause, "did not find expected key") && d.firstWord(d.lineOf(at)) < at:
		return d.syntaxAt(at, 1, "this does not belong to the value before it",
			"write the whole value in quotes; within single quotes, a ' is written twice")
	case strings.Contains(cause, "did not find expected node content") && strings.HasPrefix(string(d.src[at:]), "["):
		return d.syntaxAt(at, 1, `the list that starts with "[" here is not closed`, `add the missing "]", or write [] for an empty list`)
	case strings.Contains(cause, "did not find expected node content") && strings.HasPrefix(string(d.src[at:]), "{"):
		return d.syntaxAt(at, 1, `the mapping that starts with "{" here is not closed`, `add the missing "}", or write {} for an empty mapping`)
	case at > 0 && at < len(d.src) && d.src[at-1] == '$' && d.src[at] == '{':
		return d.syntaxAt(at-1, 2, "within [ ] and { }, a brace starts a mapping", `write "${NAME}" in quotes`)
	}
	return d.syntaxAt(at, 1, message, hint)
}

func (d *Document) syntaxAt(offset, length int, message, hint string) *diagnostic.Diagnostic {
	p := coded(Syntax, d.problemAt(offset, length, message, hint))
	return &p
}

func (d *Document) lineOf(offset int) int {
	line, _ := d.lines.place(offset)
	return line
}

// firstWord is the offset of what a line begins with after its indentation.
func (d *Document) firstWord(line int) int {
	at := d.lines.editor[min(line, len(d.lines.editor))-1]
	for at < len(d.src) && isBlank(d.src[at]) {
		at++
	}
	return at
}

func explain(cause string) (message, hint string) {
	for _, e := range explanations {
		if strings.Contains(cause, e.contains) {
			return e.message, e.hint
		}
	}
	return "this is no valid YAML: " + cause, ""
}

// tabIndentation finds the first tab among the white space that starts a line,
// on the line the scanner complains of or the ones next to it, which is where
// its own message is the least help.
func (d *Document) tabIndentation(line int) (offset int, ok bool) {
	for candidate := max(line-1, 1); candidate <= min(line+1, len(d.lines.editor)); candidate++ {
		if at, ok := d.tabIn(candidate); ok {
			return at, true
		}
	}
	return 0, false
}

// tabIn finds the first tab in the indentation of a line that has more than that.
func (d *Document) tabIn(line int) (offset int, ok bool) {
	text := d.lines.text(line)
	blank := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	tab := strings.IndexByte(blank, '\t')
	if tab < 0 || len(blank) == len(text) || text[len(blank)] == '#' {
		return 0, false
	}
	return d.lines.editor[line-1] + tab, true
}

var unknownAnchor = lazyregexp.New(`unknown anchor '([^']*)'`)

func (d *Document) unknownAlias(cause string) (offset, length int, ok bool) {
	name := unknownAnchor.FindStringSubmatch(cause)
	if name == nil {
		return 0, 0, false
	}
	at := regexp.MustCompile(`\*` + regexp.QuoteMeta(name[1]) + `(?:[\s,\]}]|$)`).FindIndex(d.src)
	if at == nil {
		return 0, 0, false
	}
	return at[0], len(name[1]) + 1, true
}

// goccyPlace asks goccy's parser where it stumbles. Its answer is taken when it
// lies near the scanner's, or behind it: the scanner often names the line on which the
// list or mapping with the mistake begins.
func (d *Document) goccyPlace(line int) (offset int, ok bool) {
	defer func() {
		if recover() != nil { // only a place is lost by it
			offset, ok = 0, false
		}
	}()
	_, err := parser.ParseBytes(d.src, 0)
	var syntax *goccy.SyntaxError
	if !errors.As(err, &syntax) || syntax.GetToken() == nil || syntax.GetToken().Position == nil {
		return 0, false
	}
	at := syntax.GetToken().Position
	if at.Line < line-2 {
		return 0, false
	}
	return d.lines.offset(at.Line, max(at.Column, 1)), true
}
