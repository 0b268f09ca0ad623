package helmchart

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// FieldPlace is the source of a field of an object, given by its path as to Object.At,
// and the line and column at which the template writes it. Where the path ends sooner
// in the object, it is that of the last field that is there. Where no line of the
// template is known to have made the field, such as one that comes out of values by
// toYaml, it is the line of the nearest field around it that some line has made, and
// at last the place of the object. The line is 0 where there is none, and within
// packages; the column is 0 where it is not known.
func (r *Rendering) FieldPlace(o Object, path ...string) (at Source, line, column int) {
	at, line = r.ObjectPlace(o)
	for n := len(path); n > 0; n-- {
		found, depth := deepest(o.Node(), path[:n])
		if depth < n {
			continue
		}
		if written, column := r.writtenAt(o, at, o.Line+found.line()-1); written > 0 {
			return at, written, column
		}
	}
	return at, line, 0
}

// LinePlace is the place of a line of the rendered document, from 1 as those of its
// nodes are, as FieldPlace is; the place of the object where it is not known.
func (r *Rendering) LinePlace(o Object, rendered int) (at Source, line, column int) {
	at, line = r.ObjectPlace(o)
	if written, column := r.writtenAt(o, at, o.Line+rendered-1); written > 0 {
		return at, written, column
	}
	return at, line, 0
}

// writtenAt finds the line of the source that wrote a line of the rendered text, from 1;
// it is 0 where none did, or one of several.
func (r *Rendering) writtenAt(o Object, at Source, rendered int) (line, column int) {
	if at.Inside != "" {
		return 0, 0
	}
	lines := at.indexed()
	if o.document != nil && o.document.file != nil { // it is not rendered
		if rendered < 1 || rendered > len(lines.all) {
			return 0, 0
		}
		return rendered, columnOf(lines.all[rendered-1])
	}
	text := r.renderedLines(o.Template)
	if rendered < 1 || rendered > len(text.all) {
		return 0, 0
	}
	found := at.writer(text, rendered-1)
	if found < 0 {
		return 0, 0
	}
	return found + 1, columnOf(lines.all[found])
}

// renderedLines are the lines of a rendered text, taken apart once.
func (r *Rendering) renderedLines(template string) *renderedLines {
	return r.variedLines(template, 0)
}

// variedLines are those of a template that renders to several texts, the first of which
// is in Texts.
func (r *Rendering) variedLines(template string, n int) *renderedLines {
	if known := r.lines[textOf{template, n}]; known != nil {
		return known
	}
	text := r.Texts[template]
	if n > 0 {
		text = r.varied[template][n-1]
	}
	l := &renderedLines{all: strings.Split(text, "\n"), byKey: map[string][]int{}}
	for i, line := range l.all {
		key := keyOfLine(strings.TrimSpace(line))
		l.byKey[key] = append(l.byKey[key], i)
	}
	if r.lines == nil {
		r.lines = map[textOf]*renderedLines{}
	}
	r.lines[textOf{template, n}] = l
	return l
}

// textOf is one of the texts of a template.
type textOf struct {
	template string
	n        int
}

// renderedLines is a rendered text by its lines, from 0.
type renderedLines struct {
	all   []string
	byKey map[string][]int
}

// keyOfLine is what a line says up to a colon, or all of it.
func keyOfLine(trimmed string) string {
	for strings.HasPrefix(trimmed, "- ") {
		trimmed = strings.TrimLeft(trimmed[1:], " ")
	}
	if i := strings.IndexByte(trimmed, ':'); i >= 0 {
		return trimmed[:i]
	}
	return trimmed
}

// writer is the line of the source that wrote a rendered one, both from 0; -1 where that
// is not known.
func (s Source) writer(text *renderedLines, rendered int) int {
	// So many lines are compared with what stands around them; of more, each is taken
	// for one of the rendered ones, where there are as many.
	const most = 64
	lines := s.indexed()
	lines.written()
	wanted := strings.TrimSpace(text.all[rendered])
	if wanted == "" {
		return -1
	}
	key := keyOfLine(wanted)
	ties, best := []int(nil), 0
	candidates := [...][]int{lines.byKey[key], lines.loose}
	if len(candidates[0])+len(candidates[1]) > most {
		if same := text.byKey[key]; len(same) == len(candidates[0]) {
			at, _ := slices.BinarySearch(same, rendered)
			if lines.taken[candidates[0][at]].mayWrite(wanted) {
				return candidates[0][at]
			}
		}
		return -1
	}
	for _, some := range candidates {
		for _, i := range some {
			if !lines.taken[i].mayWrite(wanted) {
				continue
			}
			switch score := likeness(text.all, rendered, lines.taken, i); {
			case score > best:
				best, ties = score, []int{i}
			case score == best:
				ties = append(ties, i)
			}
		}
	}
	switch len(ties) {
	case 0:
		return -1
	case 1:
		return ties[0]
	}
	// As often there as here: one made each.
	same, before := 0, 0
	for _, n := range text.byKey[key] {
		if strings.TrimSpace(text.all[n]) == wanted {
			if same++; n < rendered {
				before++
			}
		}
	}
	if same != len(ties) {
		return -1
	}
	return ties[before]
}

// columnOf is where what a line writes begins, in characters from 1; it is 0 where an
// action of the template is in front.
func columnOf(line string) int {
	trimmed := strings.TrimLeft(line, " \t")
	for strings.HasPrefix(trimmed, "- ") {
		trimmed = strings.TrimLeft(trimmed[1:], " ")
	}
	if strings.HasPrefix(trimmed, "{{") || trimmed == "" {
		return 0
	}
	return utf8.RuneCountInString(line[:len(line)-len(trimmed)]) + 1
}

// sourceLine is what a line of a template writes: texts between its actions.
type sourceLine struct {
	// parts are the texts; there is one more than there are actions.
	parts  []string
	indent int
	// silent is set for a line that writes nothing but what its actions do.
	silent bool
}

// written are the lines of a source, taken apart once.
func (l *lineIndex) written() []sourceLine {
	if l.taken != nil {
		return l.taken
	}
	l.taken, l.byKey = make([]sourceLine, len(l.all)), map[string][]int{}
	inComment := false
	for i, line := range l.all {
		s := sourceLine{indent: len(line) - len(strings.TrimLeft(line, " "))}
		line = strings.TrimSpace(line)
		if inComment || commentOfTemplate.MatchString(line) {
			inComment = !strings.Contains(line, "*/")
			s.silent = true
		} else {
			s.parts = actionOfTemplate.Split(line, -1)
			s.silent = strings.TrimSpace(strings.Join(s.parts, "")) == ""
		}
		l.taken[i] = s
		switch {
		case s.silent:
		case len(s.parts) == 1 || strings.Contains(s.parts[0], ":"):
			key := keyOfLine(s.parts[0])
			l.byKey[key] = append(l.byKey[key], i)
		default:
			l.loose = append(l.loose, i)
		}
	}
	return l.taken
}

// actionOfTemplate is an action within a line, or the part in this line of a longer one.
var actionOfTemplate = lazyregexp.New("\\{\\{(?:[^}`\"]|`[^`]*`|\"(?:[^\"\\\\]|\\\\.)*\"|\\}[^}])*(?:\\}\\}|$)")

// mayWrite reports whether the line may have written a text: what stands between its
// actions is in there, in this order, the first of it at the beginning.
func (s sourceLine) mayWrite(text string) bool {
	if s.silent {
		return false
	}
	if len(s.parts) == 1 {
		return s.parts[0] == text
	}
	rest, ok := strings.CutPrefix(text, s.parts[0])
	if !ok {
		rest, ok = strings.CutPrefix(text, strings.TrimRight(s.parts[0], " ")) // {{- eats blanks
	}
	for i := 1; ok && i < len(s.parts); i++ {
		part := strings.TrimSpace(s.parts[i])
		if i == len(s.parts)-1 {
			return strings.HasSuffix(rest, part)
		}
		_, rest, ok = strings.Cut(rest, part)
	}
	return ok
}

// likeness says how well a line of a source explains one of the rendered text, both from
// 0: how much of it is written out, and how many lines around it and above it, by their
// indentation, fit, too.
func likeness(text []string, rendered int, lines []sourceLine, source int) int {
	const around, perParent = 6, 4
	score := 1
	if s := lines[source]; len(s.parts) == 1 {
		score = 4
	} else if strings.Contains(s.parts[0], ":") {
		score = 3
	}
	for _, step := range [...]int{-1, 1} {
		r, s := rendered, source
		for range around {
			if r = nextLine(r, step, len(text), func(i int) bool { return strings.TrimSpace(text[i]) != "" }); r < 0 {
				break
			}
			if s = nextLine(s, step, len(lines), func(i int) bool { return !lines[i].silent }); s < 0 || !lines[s].mayWrite(strings.TrimSpace(text[r])) {
				break
			}
			score++
		}
	}
	r, s := rendered, source
	for {
		if r = parentLine(r, len(text), func(i int) (int, bool) {
			trimmed := strings.TrimLeft(text[i], " ")
			return len(text[i]) - len(trimmed), strings.TrimSpace(trimmed) == ""
		}); r < 0 {
			break
		}
		if s = parentLine(s, len(lines), func(i int) (int, bool) { return lines[i].indent, lines[i].silent }); s < 0 || !lines[s].mayWrite(strings.TrimSpace(text[r])) {
			break
		}
		score += perParent
	}
	return score
}

// nextLine is the next line in a direction that counts, or -1.
func nextLine(from, step, total int, counts func(int) bool) int {
	for i := from + step; i >= 0 && i < total; i += step {
		if counts(i) {
			return i
		}
	}
	return -1
}

// parentLine is the nearest line above that is indented less, or -1.
func parentLine(from, total int, indentOf func(int) (indent int, skip bool)) int {
	own, _ := indentOf(from)
	if own == 0 {
		return -1
	}
	for i := from - 1; i >= 0; i-- {
		if indent, skip := indentOf(i); !skip && indent < own {
			return i
		}
	}
	return -1
}
