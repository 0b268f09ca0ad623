package yamldoc

import (
	"bytes"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Span is where a scalar value is written: the byte offsets in Source of its
// first byte and of the byte after its last, quotes included, anchor, tag and
// trailing comment excluded. The span of an alias is the alias (*name) itself.
// That of a block scalar begins at its | or > and ends before the line break of
// its last line that is not blank. ok is false where there is no scalar or
// nothing of it is written, as in "icon:".
func (d *Document) Span(ptr ...string) (start, end int, ok bool) {
	found := d.find(ptr)
	if found.missing || found.node == nil || resolveAlias(found.node).Kind != yaml.ScalarNode {
		return 0, 0, false
	}
	if isEmpty(found.node) {
		return 0, 0, false
	}
	start = d.start(found.node)
	end = d.end(found.node, start, d.blockIndent(ptr))
	return start, end, end > start
}

// start is the offset of a node's content. The scanner's mark stands before an
// anchor and a tag; no content begins with & or !, so they can be stepped over.
func (d *Document) start(node *yaml.Node) int {
	at := d.lines.offset(node.Line, node.Column)
	if isEmpty(node) {
		return at
	}
	for at < len(d.src) && (d.src[at] == '&' || d.src[at] == '!') {
		at = d.skipBlank(d.skipWord(at))
	}
	return at
}

func (d *Document) skipWord(at int) int {
	for at < len(d.src) && !isBlank(d.src[at]) && breakWidth(d.src, at) == 0 {
		at++
	}
	return at
}

// skipBlank steps over white space, line breaks and comments.
func (d *Document) skipBlank(at int) int {
	for at < len(d.src) {
		switch width := breakWidth(d.src, at); {
		case width > 0:
			at += width
		case isBlank(d.src[at]):
			at++
		case d.src[at] == '#':
			at = d.lineEnd(at)
		default:
			return at
		}
	}
	return at
}

func (d *Document) lineEnd(at int) int {
	for at < len(d.src) && breakWidth(d.src, at) == 0 {
		at++
	}
	return at
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// length is the number of characters to mark for a node: a scalar as far as it
// goes on its first line, one character of anything else.
func (d *Document) length(node *yaml.Node) int {
	start := d.start(node)
	if node.Kind != yaml.AliasNode && node.Kind != yaml.ScalarNode || isEmpty(node) {
		return 1
	}
	end := min(d.end(node, start, -1), d.lineEnd(start))
	if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || end <= start {
		return 1
	}
	return utf8.RuneCount(d.src[start:end])
}

// end is the offset after a scalar or alias that starts at start, or start when
// it cannot be reported. indent is that of the block around it, for block scalars.
func (d *Document) end(node *yaml.Node, start, indent int) int {
	if start >= len(d.src) {
		return start
	}
	if node.Kind == yaml.AliasNode {
		return min(start+len("*")+len(node.Value), len(d.src))
	}
	switch {
	case node.Style&yaml.DoubleQuotedStyle != 0 && d.src[start] == '"':
		return d.doubleQuotedEnd(start)
	case node.Style&yaml.SingleQuotedStyle != 0 && d.src[start] == '\'':
		return d.singleQuotedEnd(start)
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockEnd(start, indent)
	}
	return d.plainEnd(start, node.Value)
}

func (d *Document) doubleQuotedEnd(start int) int {
	for i := start + 1; i < len(d.src); i++ {
		switch d.src[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return start
}

func (d *Document) singleQuotedEnd(start int) int {
	for i := start + 1; i < len(d.src); i++ {
		if d.src[i] != '\'' {
			continue
		}
		if i+1 < len(d.src) && d.src[i+1] == '\'' {
			i++
			continue
		}
		return i + 1
	}
	return start
}

// plainEnd follows a plain scalar along its value. Nothing in it is escaped, so
// source and value differ only in white space around line breaks, which is
// folded: one break reads as a space, more of them as one break less.
func (d *Document) plainEnd(start int, value string) int {
	i := start
	for j := 0; j < len(value); {
		if run, breaks := d.whiteRun(i); breaks > 0 {
			folded := " "
			if breaks > 1 {
				folded = string(bytes.Repeat([]byte{'\n'}, breaks-1))
			}
			if !bytes.HasPrefix([]byte(value[j:]), []byte(folded)) {
				return start
			}
			i, j = i+run, j+len(folded)
			continue
		}
		if i >= len(d.src) || d.src[i] != value[j] {
			return start
		}
		i, j = i+1, j+1
	}
	return i
}

// whiteRun measures the white space at i and counts the line breaks in it.
func (d *Document) whiteRun(i int) (length, breaks int) {
	from := i
	for i < len(d.src) {
		width := breakWidth(d.src, i)
		switch {
		case width > 0:
			breaks++
			i += width
		case isBlank(d.src[i]):
			i++
		default:
			return i - from, breaks
		}
	}
	return i - from, breaks
}

// blockEnd finds the last line of a block scalar that is not blank: lines belong
// to it while they are indented as its first one, or as its header says.
func (d *Document) blockEnd(start, parentIndent int) int {
	header := d.lineEnd(start)
	end := start + len(bytes.TrimRight(d.src[start:header], " \t"))
	content := 0
	for _, c := range d.src[start+1 : header] {
		if c == '#' || isBlank(c) {
			break
		}
		if c >= '1' && c <= '9' {
			content = max(parentIndent, 0) + int(c-'0')
		}
	}
	for at := header; at < len(d.src); {
		at += breakWidth(d.src, at)
		next := d.lineEnd(at)
		line := d.src[at:next]
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		if len(bytes.Trim(line, " \t")) == 0 {
			at = next
			continue
		}
		if content == 0 {
			content = max(indent, parentIndent+1)
		}
		if indent < content || content == 0 && isDocumentMark(line) {
			break
		}
		end, at = next, next
	}
	return end
}

func isDocumentMark(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) || bytes.HasPrefix(line, []byte("..."))
}

// blockIndent is the number of spaces before the innermost block mapping or
// list around a value; -1 at the top.
func (d *Document) blockIndent(ptr []string) int {
	holder := d.find(ptr).holder
	if holder == nil {
		return -1
	}
	return d.column(d.start(holder)) - 1
}

func (d *Document) column(offset int) int {
	_, column := d.lines.place(offset)
	return column
}
