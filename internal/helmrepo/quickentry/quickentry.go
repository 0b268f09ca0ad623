// Package quickentry reads an entry of an index without a YAML library, which reads some 10 MB a
// second, where Helm has one for the types of the entry and this package another
// for the text of the version: most of an index is only looked at.
//
// It knows the layout that Helm writes, and all that use its library: block
// style, each field once, texts plain or quoted. Whatever it would have to guess
// about is not ok, and left to the library; so what it takes, Helm loads, and
// reads the same (TestReadsAsHelm and FuzzQuickIsWhatHelmReads of package helmrepo).
package quickentry

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"
)

// Entry is what a release needs of an entry. Its bytes are those of the text where that can be, so
// that it is good until the text changes.
type Entry struct {
	Version, Digest, OwnName []byte
	URLs                     [][]byte
	Annotations              [][2][]byte // keys and values
	Created                  time.Time
	Line                     int // is for whoever knows it
}

func (e *Entry) reset() { *e = Entry{URLs: e.URLs[:0], Annotations: e.Annotations[:0]} }

// Reader reads entries.
type Reader struct {
	text []byte // with a line feed at its end
	next int    // where the line after the one at hand begins
	// The line at hand, without the blanks around it.
	begin  int
	indent int
	line   []byte
	lines  int  // how many are before it
	done   bool // there is no line at hand
	bad    bool // a line is blank, but not empty

	// Into is the entry that was read last.
	Into Entry
}

// Read reads the entry at the beginning of a text, with its dash indented so. In whole
// nothing comes after it; otherwise it ends before a line that is not indented as deep as it is,
// which has to be there. size and lines are what it takes up of the text.
func (q *Reader) Read(text []byte, dash int, whole bool) (size, lines int, ok bool) {
	if len(text) < dash+3 || text[dash] != '-' || text[dash+1] != ' ' {
		return 0, 0, false
	}
	q.Into.reset()
	*q = Reader{text: text, Into: q.Into}
	q.fetch()
	if q.done {
		return 0, 0, false
	}
	// The first field stands behind the dash.
	inner := bytes.TrimLeft(q.line[1:], " ")
	q.indent += len(q.line) - len(inner)
	q.line = inner
	if !q.entryFields() {
		return 0, 0, false
	}
	switch {
	case whole:
		size, ok = len(text), q.done
	case !q.done:
		// After a comment, or a line that looks empty, the entry may go on.
		size, ok = q.begin, q.indent <= dash && q.line[0] != '\t' && q.line[0] != '\r' && q.line[0] != '#'
	}
	return size, q.lines - 1, ok && isSimpleText(text[:size])
}

// IsShort says that the text ended before what was read last.
func (q *Reader) IsShort() bool { return q.done }

// fetch goes to the next line that is not empty.
func (q *Reader) fetch() {
	for {
		q.begin = q.next
		end := bytes.IndexByte(q.text[q.begin:], '\n')
		if end < 0 {
			q.done, q.line, q.indent = true, nil, -1
			return
		}
		q.lines++
		q.next += end + 1
		if end == 0 {
			continue
		}
		line := q.text[q.begin : q.begin+end]
		indent := 0
		for indent < len(line) && line[indent] == ' ' {
			indent++
		}
		if indent == len(line) {
			q.bad = true
			continue
		}
		for line[len(line)-1] == ' ' {
			line = line[:len(line)-1]
		}
		q.indent, q.line = indent, line[indent:]
		return
	}
}

// fieldKind is what belongs into a field.
type fieldKind int

const (
	aText fieldKind = iota
	aTexts
	aTextMap
	aBool
	aTime
	maintainers
	dependencies
)

// field is a field of a mapping.
type field struct {
	bit  uint64 // that no other field of the mapping has
	kind fieldKind
	keep bool // a release needs it
}

// The bits of the texts that a release needs.
const (
	nameBit uint64 = 1 << iota
	versionBit
	digestBit
	otherBit
)

// entryField is a field of repo.ChartVersion. A switch costs a fifth of a look-up in a map.
func entryField(name []byte) (f field, ok bool) {
	switch string(name) {
	case "name":
		return field{nameBit, aText, true}, true
	case "version":
		return field{versionBit, aText, true}, true
	case "digest":
		return field{digestBit, aText, true}, true
	case "urls":
		return field{otherBit, aTexts, true}, true
	case "created":
		return field{otherBit << 1, aTime, true}, true
	case "annotations":
		return field{otherBit << 2, aTextMap, true}, true
	case "home":
		return field{otherBit << 3, aText, false}, true
	case "sources":
		return field{otherBit << 4, aTexts, false}, true
	case "description":
		return field{otherBit << 5, aText, false}, true
	case "keywords":
		return field{otherBit << 6, aTexts, false}, true
	case "maintainers":
		return field{otherBit << 7, maintainers, false}, true
	case "icon":
		return field{otherBit << 8, aText, false}, true
	case "apiVersion":
		return field{otherBit << 9, aText, false}, true
	case "condition":
		return field{otherBit << 10, aText, false}, true
	case "tags":
		return field{otherBit << 11, aText, false}, true
	case "appVersion":
		return field{otherBit << 12, aText, false}, true
	case "deprecated":
		return field{otherBit << 13, aBool, false}, true
	case "kubeVersion":
		return field{otherBit << 14, aText, false}, true
	case "dependencies":
		return field{otherBit << 15, dependencies, false}, true
	case "type":
		return field{otherBit << 16, aText, false}, true
	case "removed":
		return field{otherBit << 17, aBool, false}, true
	case "checksum":
		return field{otherBit << 18, aText, false}, true
	case "engine":
		return field{otherBit << 19, aText, false}, true
	case "tillerVersion":
		return field{otherBit << 20, aText, false}, true
	case "url":
		return field{otherBit << 21, aText, false}, true
	}
	return field{}, false
}

// maintainerField is a field of chart.Maintainer.
func maintainerField(name []byte) (f field, ok bool) {
	switch string(name) {
	case "name":
		return field{bit: 1, kind: aText}, true
	case "email":
		return field{bit: 2, kind: aText}, true
	case "url":
		return field{bit: 4, kind: aText}, true
	}
	return field{}, false
}

// dependencyField is a field of chart.Dependency, but for import-values, which may hold anything.
func dependencyField(name []byte) (f field, ok bool) {
	switch string(name) {
	case "name":
		return field{bit: 1, kind: aText}, true
	case "version":
		return field{bit: 2, kind: aText}, true
	case "repository":
		return field{bit: 4, kind: aText}, true
	case "condition":
		return field{bit: 8, kind: aText}, true
	case "tags":
		return field{bit: 16, kind: aTexts}, true
	case "enabled":
		return field{bit: 32, kind: aBool}, true
	case "alias":
		return field{bit: 64, kind: aText}, true
	}
	return field{}, false
}

// entryFields reads the fields of an entry, from the line at hand to the first that is not
// indented as they are.
func (q *Reader) entryFields() bool { return q.fields(q.indent, entryField) }

// fields reads the fields of a mapping.
func (q *Reader) fields(indent int, known func([]byte) (field, bool)) bool {
	var seen uint64
	for !q.done && q.indent == indent {
		colon := bytes.IndexByte(q.line, ':')
		if colon < 0 {
			return false
		}
		f, ok := known(q.line[:colon])
		if !ok || seen&f.bit != 0 {
			return false
		}
		seen |= f.bit
		value := q.line[colon+1:]
		if len(value) > 0 && value[0] != ' ' {
			return false
		}
		for len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		if !q.value(f, value, indent) || q.bad {
			return false
		}
	}
	return q.done || q.indent < indent
}

// value reads the value of a field, and goes to the line after it.
func (q *Reader) value(f field, value []byte, indent int) bool {
	switch f.kind {
	case aText:
		text, ok := q.scalar(value, indent, f.keep)
		if f.keep {
			switch f.bit {
			case nameBit:
				q.Into.OwnName = text
			case versionBit:
				q.Into.Version = text
			case digestBit:
				q.Into.Digest = text
			}
		}
		return ok
	case aBool:
		q.fetch()
		return (string(value) == "true" || string(value) == "false") && q.indent <= indent
	case aTime:
		text, ok := value, isPlainTime(value)
		if ok {
			q.fetch()
			ok = q.indent <= indent
		} else {
			text, ok = q.scalar(value, indent, true)
		}
		return ok && q.Into.Created.UnmarshalText(text) == nil
	case aTexts:
		if len(value) > 0 {
			q.fetch()
			return string(value) == "[]" && q.indent <= indent
		}
		return q.texts(indent, f.keep)
	case aTextMap:
		return q.textMap(value, indent)
	}
	fields := maintainerField
	if f.kind == dependencies {
		fields = dependencyField
	}
	if len(value) > 0 {
		q.fetch()
		return string(value) == "[]" && q.indent <= indent
	}
	q.fetch()
	at := q.indent
	if q.noItems(indent) {
		return q.done || q.indent <= indent // there is no value, which is none
	}
	for q.isItemAt(at) {
		first := q.item()
		if len(first) == 0 {
			return false
		}
		q.indent += len(q.line) - len(first)
		q.line = first
		if !q.fields(q.indent, fields) || q.bad {
			return false
		}
	}
	return q.done || q.indent <= indent
}

// texts reads a list of texts below a field that is indented so.
func (q *Reader) texts(indent int, keep bool) bool {
	q.fetch()
	at := q.indent
	if q.noItems(indent) {
		return q.done || q.indent <= indent
	}
	for q.isItemAt(at) {
		first := q.item()
		text, ok := q.scalar(first, at, keep)
		if keep {
			q.Into.URLs = append(q.Into.URLs, text)
		}
		if !ok || len(first) == 0 || q.bad {
			return false
		}
	}
	return q.done || q.indent <= indent
}

func (q *Reader) noItems(indent int) bool { return q.done || q.indent < indent || !IsItem(q.line) }

func (q *Reader) isItemAt(indent int) bool { return !q.done && q.indent == indent && IsItem(q.line) }

// item is what stands behind the dash of the line at hand.
func (q *Reader) item() []byte {
	first := q.line[1:]
	for len(first) > 0 && first[0] == ' ' {
		first = first[1:]
	}
	return first
}

// mostAnnotations is how many keys are compared with one another.
const mostAnnotations = 64

// textMap reads a mapping of texts.
func (q *Reader) textMap(value []byte, indent int) bool {
	q.fetch()
	if len(value) > 0 {
		return string(value) == "{}" && q.indent <= indent
	}
	at := q.indent
	if q.done || at <= indent {
		return true
	}
	for !q.done && q.indent == at {
		colon := bytes.Index(q.line, []byte(": "))
		if colon < 0 || !IsPlainKey(q.line[:colon]) || len(q.Into.Annotations) == mostAnnotations {
			return false
		}
		key := q.line[:colon]
		for _, before := range q.Into.Annotations {
			if bytes.Equal(key, before[0]) {
				return false
			}
		}
		value := q.line[colon+2:]
		for len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		text, ok := q.scalar(value, at, true)
		if !ok || q.bad {
			return false
		}
		q.Into.Annotations = append(q.Into.Annotations, [2][]byte{key, text})
	}
	return q.done || q.indent <= indent
}

// scalar reads a text that begins with value, in a field or item that is indented
// so, and goes to the line after it. Only what is kept has to be known exactly.
func (q *Reader) scalar(value []byte, indent int, keep bool) ([]byte, bool) {
	if len(value) == 0 {
		q.fetch()
		return nil, q.indent <= indent && (q.done || q.indent < indent || !IsItem(q.line))
	}
	switch value[0] {
	case '"', '\'':
		return q.quoted(value, indent, keep)
	case '|', '>':
		if keep {
			return q.literal(value, indent)
		}
		return nil, q.block(value, indent)
	}
	if !isPlainText(value) {
		return nil, false
	}
	before := q.lines
	q.fetch()
	for folded := false; !q.done && q.indent > indent; folded = true {
		if !continuesPlain(q.line) {
			return nil, false
		}
		if keep {
			value = fold(value, folded, q.lines-before, q.line)
		}
		before = q.lines
		q.fetch()
	}
	return value, true
}

// fold adds a line of a plain or quoted text to those before it, with so many line breaks in between: the
// first of them counts only where there are no others. own says that the text is in memory of its own.
func fold(text []byte, own bool, breaks int, line []byte) []byte {
	if !own {
		text = bytes.Clone(text)
	}
	if breaks == 1 {
		text = append(text, ' ')
	}
	for ; breaks > 1; breaks-- {
		text = append(text, '\n')
	}
	return append(text, line...)
}

// quoted reads a quoted text.
func (q *Reader) quoted(value []byte, indent int, keep bool) ([]byte, bool) {
	quote := value[0]
	rest := value[1:]
	escaped, folded, breaks := false, false, 0
	var text []byte // of the lines before
	for {
		end, esc, ok := closing(quote, rest)
		if !ok {
			return nil, false
		}
		escaped = escaped || esc
		part := rest
		if end >= 0 {
			if end != len(rest)-1 {
				return nil, false // a comment, or a key
			}
			part = rest[:end]
		}
		switch {
		case !keep:
		case escaped && quote == '"':
			return nil, false
		case breaks == 0:
			text = part
		default:
			text, folded = fold(text, folded, breaks, part), true
		}
		before := q.lines
		q.fetch()
		switch {
		case end >= 0 && escaped && keep:
			return bytes.ReplaceAll(text, []byte("''"), []byte("'")), q.indent <= indent
		case end >= 0:
			return text, q.indent <= indent
		case q.done || q.indent <= indent:
			return nil, false
		}
		rest, breaks = q.line, q.lines-before
	}
}

// literal reads a block that keeps its line breaks.
func (q *Reader) literal(value []byte, indent int) ([]byte, bool) {
	if string(value) != "|" && string(value) != "|-" || q.next < len(q.text) && q.text[q.next] == '\n' {
		return nil, false
	}
	q.fetch()
	at := q.indent
	if q.done || at <= indent {
		return nil, false
	}
	var text []byte
	for {
		if q.indent < at {
			return nil, false
		}
		text = append(text, q.text[q.begin+at:q.next-1]...) // with the blanks at its end
		before := q.lines
		if q.fetch(); q.done || q.indent <= indent {
			break
		}
		for range q.lines - before {
			text = append(text, '\n')
		}
	}
	if string(value) == "|" {
		text = append(text, '\n')
	}
	return text, true
}

// IsItem says that a line, without the blanks before it, is an item of a list.
func IsItem(text []byte) bool {
	return len(text) > 0 && text[0] == '-' && (len(text) == 1 || text[1] == ' ')
}

// closing finds the quote that ends a text; -1 where this line has none.
func closing(quote byte, text []byte) (end int, escaped, ok bool) {
	if quote == '\'' && bytes.IndexByte(text, quote) < 0 {
		return -1, false, true
	}
	for i := 0; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			escaped = true
			if i++; i == len(text) {
				return -1, true, true // the line break is escaped
			}
			switch text[i] {
			case '0', 'a', 'b', 't', 'n', 'v', 'f', 'r', 'e', '"', '\\', ' ', 'N', '_', 'L', 'P':
			default:
				if i = escapedDigits(text, i); i < 0 {
					return 0, true, false
				}
			}
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == '\'':
			escaped = true
			i++
		default:
			return i, escaped, true
		}
	}
	return -1, escaped, true
}

// escapedDigits is the last byte of \xHH or \uHHHH; -1 where it is another escape.
func escapedDigits(text []byte, at int) int {
	digits := 0
	switch text[at] {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	}
	if digits == 0 || at+digits >= len(text) {
		return -1
	}
	for _, c := range text[at+1 : at+1+digits] {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return -1
		}
	}
	switch {
	case digits == 4 && (text[at+1] == 'd' || text[at+1] == 'D') && text[at+2] > '7':
		return -1 // half of a pair
	case digits == 8 && !bytes.HasPrefix(text[at+1:], []byte("0001")):
		return -1 // most pictures of characters are there, and nothing that is no character
	}
	return at + digits
}

// block passes over a block scalar.
func (q *Reader) block(value []byte, indent int) bool {
	switch string(value) {
	case "|", "|-", "|+", ">", ">-", ">+":
	default:
		return false
	}
	if q.next < len(q.text) && q.text[q.next] == '\n' {
		return false // how much it is indented shows only later
	}
	q.fetch()
	for at := q.indent; !q.done && q.indent > indent; q.fetch() {
		if q.indent < at {
			return false
		}
	}
	return true
}

// isSimpleText says that all of a text is printable and breaks lines by line
// feeds alone.
func isSimpleText(text []byte) bool {
	for i := 0; i < len(text); i++ {
		for i+8 <= len(text) && isPlainASCII(binary.LittleEndian.Uint64(text[i:])) {
			i += 8
		}
		if i == len(text) {
			break
		}
		c := text[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' || c == 0x7f {
				return false
			}
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError || r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r >= 0xfffe && r <= 0xffff {
			return false
		}
		i += size - 1
	}
	return true
}

// isPlainASCII says that eight bytes are printable ASCII or line feeds.
func isPlainASCII(eight uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	feeds := eight ^ ones*'\n'
	feeds = ^((feeds&^highs + ones*0x7f) | feeds) & highs // 0x80 where a line feed is
	eight |= feeds >> 1                                   // which makes a letter of it
	below := (eight - ones*' ') &^ eight & highs
	deleted := eight ^ ones*0x7f
	deleted = (deleted - ones) &^ deleted & highs
	return eight&highs|below|deleted == 0
}

// isPlainText says that a text without quotes is a text in YAML 1.1, and only that.
func isPlainText(text []byte) bool {
	first := text[0]
	switch {
	case isLetter(first), first >= utf8.RuneSelf, first == '/', first == '^', first == '_', first == '(':
	case isDigit(first):
		if !isVersion(text) && !hasLetterOfNoNumber(text) {
			return false
		}
	default:
		return false
	}
	return isPlainLine(text) && !isWordOfYAML(text)
}

// isPlainLine says that a line holds nothing that ends a plain text.
func isPlainLine(text []byte) bool {
	return text[len(text)-1] != ':' && !bytes.Contains(text, []byte(": ")) && !bytes.Contains(text, []byte(" #"))
}

// continuesPlain says that a line goes on with a plain text.
func continuesPlain(text []byte) bool {
	return !strings.ContainsRune("-?:,[]{}#&*!|>'\"%@`", rune(text[0])) && isPlainLine(text)
}

// isVersion says that a text begins as a version does, so that it is no number:
// 1.2.3.
func isVersion(text []byte) bool {
	dots := 0
	for _, c := range text {
		switch {
		case c == '.':
			dots++
		case dots >= 2 && (isDigit(c) || isLetter(c) || c == '-' || c == '+'):
		case !isDigit(c):
			return false
		}
	}
	return dots >= 2
}

// hasLetterOfNoNumber says that a text that begins with a digit has a letter that no number and
// no time in YAML 1.1 has, as most digests do: numbers have e, x, o and b, times T and Z, and only
// what begins with 0x has others.
func hasLetterOfNoNumber(text []byte) bool {
	if text[0] == '0' && len(text) > 1 && (text[1] == 'x' || text[1] == 'X') || bytes.IndexByte(text, '_') >= 0 {
		return false // _ counts for nothing in a number
	}
	for _, c := range text {
		if isLetter(c) && !strings.ContainsRune("eExXoObBtTzZ", rune(c)) {
			return true
		}
	}
	return false
}

func isPlainTime(text []byte) bool {
	if len(text) == 0 || !isDigit(text[0]) {
		return false
	}
	for _, c := range text {
		if !isDigit(c) && c != 'T' && c != 'Z' && c != ':' && c != '.' && c != '-' && c != '+' {
			return false
		}
	}
	return true
}

// IsPlainKey says that a key is a text, and written plainly.
func IsPlainKey(key []byte) bool {
	if len(key) == 0 || !isLetter(key[0]) || isWordOfYAML(key) {
		return false
	}
	for _, c := range key {
		if !isLetter(c) && !isDigit(c) && c != '-' && c != '_' && c != '.' && c != '/' {
			return false
		}
	}
	return true
}

// isWordOfYAML says that a word is true, false or nothing in YAML 1.1.
func isWordOfYAML(text []byte) bool {
	if len(text) > 5 {
		return false
	}
	switch strings.ToLower(string(text)) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return true
	}
	return false
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
