package yamldoc

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// maxRepairs bounds how many lines are put aside before a file is given up.
const maxRepairs = 8

// repair reads what is left of a file with a syntax error once the lines with
// errors are put aside, so that one run can say what is wrong with the rest too.
// The problems are those of the syntax; a nil root means that there is no
// sensible rest, and then only the first of them is reported, because the others may
// be consequences of it.
func (d *Document) repair(first diagnostic.Diagnostic) (root *yaml.Node, problems diagnostic.List) {
	problems = diagnostic.List{first}
	rest := slices.Clone(d.src)
	at := first
	aside := []int{first.Range.Start.Line}
	for range maxRepairs {
		line := at.Range.Start.Line
		if line == 0 || !d.putAside(rest, line) {
			break
		}
		shadow := &Document{file: d.file, src: rest, lines: newLines(rest), loose: d.loose}
		root, _, next := shadow.scan()
		if next == nil {
			return root, problems
		}
		at = *next
		line = at.Range.Start.Line
		// What is wrong on such a line still, or on the next one, follows from
		// what was said of it.
		if !slices.ContainsFunc(aside, func(known int) bool { return known-1 <= line && line <= known+1 }) {
			problems = append(problems, at)
		}
		aside = append(aside, line)
	}
	return nil, diagnostic.List{first}
}

// putAside makes a line harmless without moving any byte: tabs of its
// indentation become spaces; if that is not it, all of the line does. It says
// whether there was anything to do.
func (d *Document) putAside(src []byte, line int) bool {
	start := d.lines.editor[min(line, len(d.lines.editor))-1]
	text := src[start:d.lineEnd(start)]
	indentation := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
	if len(indentation) == len(text) {
		return false
	}
	if bytes.ContainsRune(indentation, '\t') {
		text = indentation
	}
	for i := range text {
		text[i] = ' '
	}
	return true
}
