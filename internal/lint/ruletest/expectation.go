package ruletest

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/lint"
)

// expectation is a finding, as it is written in a case.
type expectation struct {
	file         string // below the extension; "." for the extension as a whole
	line, column int    // 0 where the finding has none
	severity     lint.Severity
	code         string
	message      string
	hint         string // "" where it is not tested
}

// found is a finding in the form of an expectation.
func found(f lint.Finding) expectation {
	return expectation{
		file: path.Clean(f.File), line: f.Range.Start.Line, column: f.Range.Start.Column,
		severity: f.Severity, code: f.Code, message: f.Message, hint: f.Hint,
	}
}

// meets reports whether a finding is the one that is expected.
func (e expectation) meets(wanted expectation) bool {
	if wanted.hint == "" {
		e.hint = ""
	}
	return e == wanted
}

// String is the expectation in the form of the file want.
func (e expectation) String() string {
	place := e.file
	if e.line > 0 {
		place += ":" + strconv.Itoa(e.line)
	}
	if e.column > 0 {
		place += ":" + strconv.Itoa(e.column)
	}
	text := place + " " + e.what()
	if e.hint != "" {
		text += "\n" + hintIndent + strings.ReplaceAll(e.hint, "\n", "\n"+hintIndent)
	}
	return text
}

// what is the expectation without its place.
func (e expectation) what() string {
	return fmt.Sprintf("%s %s %s", e.severity, e.code, quoted(e.message))
}

func quoted(text string) string {
	if strings.Contains(text, `"`) && strconv.CanBackquote(text) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

const hintIndent = "    "

// formatWant is the file want.
func formatWant(wanted []expectation) string {
	var text strings.Builder
	for _, e := range wanted {
		text.WriteString(e.String() + "\n")
	}
	return text.String()
}

// parseWant reads the file want. head is the comment at its top.
func parseWant(text string) (head string, wanted []expectation, err error) {
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		switch {
		case strings.HasPrefix(line, "#") && len(wanted) == 0:
			head += line + "\n"
		case strings.HasPrefix(line, hintIndent) && len(wanted) > 0:
			last := &wanted[len(wanted)-1]
			last.hint = strings.TrimPrefix(last.hint+"\n"+strings.TrimPrefix(line, hintIndent), "\n")
		default:
			place, what, _ := strings.Cut(line, " ")
			e, left, err := parseWhat(what)
			if err == nil && left != "" {
				err = fmt.Errorf("more than one expectation in a line: %q", left)
			}
			if err == nil {
				err = e.setPlace(place)
			}
			if err != nil {
				return "", nil, fmt.Errorf("%q: %w", line, err)
			}
			wanted = append(wanted, e)
		}
		text = rest
	}
	return head, wanted, nil
}

var placeForm = regexp.MustCompile(`^([^:]+)(?::([1-9][0-9]*))?(?::([1-9][0-9]*))?$`)

// setPlace reads FILE[:LINE[:COLUMN]].
func (e *expectation) setPlace(place string) error {
	parts := placeForm.FindStringSubmatch(place)
	if parts == nil {
		return fmt.Errorf("%q is no FILE[:LINE[:COLUMN]]", place)
	}
	e.file = parts[1]
	e.line, _ = strconv.Atoi(parts[2]) // "" is 0
	e.column, _ = strconv.Atoi(parts[3])
	return nil
}

var (
	errForm  = errors.New(`want is written as SEVERITY CODE "MESSAGE"`)
	whatForm = regexp.MustCompile("^(info|warning|error) ([a-z-]+/[a-z-]+) (.*)$")
)

// parseWhat reads SEVERITY CODE "MESSAGE"; rest is what comes after that.
func parseWhat(text string) (e expectation, rest string, err error) {
	parts := whatForm.FindStringSubmatch(text)
	if parts == nil {
		return e, "", errForm
	}
	message, err := strconv.QuotedPrefix(parts[3])
	if err != nil {
		return e, "", errForm
	}
	e.severity, e.code = lint.Severity(parts[1]), parts[2]
	if e.message, err = strconv.Unquote(message); err != nil {
		return e, "", errForm
	}
	return e, strings.TrimSpace(parts[3][len(message):]), nil
}

// comment is how a kind of file writes a comment.
type comment struct{ begin, end string }

// commentIn is the comment of a file; ok is false where it has none that can follow a line.
func commentIn(name string) (c comment, ok bool) {
	switch extension := path.Ext(name); {
	case strings.HasPrefix(name, "templates/"), strings.Contains(name, "/templates/"):
		return comment{"{{/* want ", " */}}"}, true
	case extension == ".yaml", extension == ".yml":
		return comment{"# want ", ""}, true
	case extension == ".md":
		return comment{"<!-- want ", " -->"}, true
	}
	return comment{}, false
}

var columnForm = regexp.MustCompile(`^:([1-9][0-9]*) `)

// takeComments takes the expectations out of a file.
func takeComments(name, text string) (without string, wanted []expectation, err error) {
	c, ok := commentIn(name)
	if !ok {
		return text, nil, nil
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		before, written, ok := strings.Cut(line, c.begin)
		if !ok {
			continue
		}
		written, ok = strings.CutSuffix(written, c.end)
		if !ok {
			return "", nil, fmt.Errorf("line %d: the expectation does not end with %q", i+1, c.end)
		}
		for written != "" {
			column := columnForm.FindStringSubmatch(written)
			if column != nil {
				written = written[len(column[0]):]
			}
			e, rest, err := parseWhat(written)
			if err != nil {
				return "", nil, fmt.Errorf("line %d: %q: %w", i+1, written, err)
			}
			e.file, e.line = name, i+1
			if column != nil {
				e.column, _ = strconv.Atoi(column[1])
			}
			wanted, written = append(wanted, e), rest
		}
		lines[i] = strings.TrimRight(before, " \t")
	}
	return strings.Join(lines, "\n"), wanted, nil
}

// putComments writes expectations at the ends of their lines.
func putComments(name, text string, wanted []expectation) string {
	c, _ := commentIn(name)
	lines, at := strings.Split(text, "\n"), map[int][]string{}
	for _, e := range wanted {
		what := e.what()
		if e.column > 0 {
			what = fmt.Sprintf(":%d %s", e.column, what)
		}
		at[e.line] = append(at[e.line], what)
	}
	for line, all := range at {
		lines[line-1] += " " + c.begin + strings.Join(all, " ") + c.end
	}
	return strings.Join(lines, "\n")
}

// takesComment reports whether an expectation can be written into its file, so that it is
// found there again and the file is the same without it.
func takesComment(e expectation, text string) bool {
	c, ok := commentIn(e.file)
	lines := strings.Split(text, "\n")
	if !ok || e.line < 1 || e.line > len(lines) || strings.ContainsRune(text, '\r') || !utf8.ValidString(text) {
		return false
	}
	if c.end != "" && strings.Contains(e.message, strings.TrimSpace(c.end)) {
		return false
	}
	without, again, err := takeComments(e.file, putComments(e.file, text, []expectation{e}))
	return err == nil && without == text && len(again) == 1 && again[0] == e
}
