package helmrepo

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"
)

// quickEntry reads an entry without a YAML library, which reads some 10 MB a
// second, where Helm has one for the types of the entry and this package another
// for the text of the version: most of an index is only looked at.
//
// It knows the layout that Helm writes, and all that use its library: block
// style, each field once, texts plain or quoted. Whatever it would have to guess
// about is not ok, and left to the library; so what it takes, Helm loads, and
// reads the same (TestReadsAsHelm, FuzzQuickIsWhatHelmReads).
func quickEntry(text []byte, dash int) (e Entry, ok bool) {
	if !isSimpleText(text) || len(text) < dash+3 || text[dash] != '-' || text[dash+1] != ' ' {
		return Entry{}, false
	}
	q := &quick{rest: text}
	q.fetch()
	// The first field stands behind the dash.
	inner := bytes.TrimLeft(q.text[1:], " ")
	q.indent += len(q.text) - len(inner)
	q.text = inner
	ok = q.fields(q.indent, entryFields, &e)
	return e, ok && q.done
}

// quick is an entry that is being read, line by line.
type quick struct {
	rest []byte
	// The line at hand, without the blanks around it.
	indent int
	text   []byte
	done   bool // there is no line at hand
	bad    bool // a line is blank, but not empty
}

// fetch goes to the next line that is not empty.
func (q *quick) fetch() {
	for {
		if len(q.rest) == 0 {
			q.done, q.text, q.indent = true, nil, -1
			return
		}
		end := bytes.IndexByte(q.rest, '\n')
		if end < 0 {
			end = len(q.rest) - 1
		}
		line := q.rest[:end]
		q.rest = q.rest[end+1:]
		if len(line) == 0 {
			continue
		}
		text := bytes.TrimLeft(line, " ")
		if len(text) == 0 {
			q.bad = true
			continue
		}
		q.indent, q.text = len(line)-len(text), bytes.TrimRight(text, " ")
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

type field struct {
	name string
	bit  uint
	kind fieldKind
	keep bool // a release needs it
}

// entryFields are those of repo.ChartVersion.
var entryFields = fieldsOf(map[string]fieldKind{
	"name": aText, "home": aText, "sources": aTexts, "version": aText, "description": aText, "keywords": aTexts,
	"maintainers": maintainers, "icon": aText, "apiVersion": aText, "condition": aText, "tags": aText,
	"appVersion": aText, "deprecated": aBool, "annotations": aTextMap, "kubeVersion": aText,
	"dependencies": dependencies, "type": aText,
	"urls": aTexts, "created": aTime, "removed": aBool, "digest": aText,
	"checksum": aText, "engine": aText, "tillerVersion": aText, "url": aText,
}, "name", "version", "urls", "created", "digest", "annotations")

var maintainerFields = fieldsOf(map[string]fieldKind{"name": aText, "email": aText, "url": aText})

var dependencyFields = fieldsOf(map[string]fieldKind{
	"name": aText, "version": aText, "repository": aText, "condition": aText, "tags": aTexts, "enabled": aBool, "alias": aText,
})

func fieldsOf(kinds map[string]fieldKind, keep ...string) map[string]field {
	fields := map[string]field{}
	for name, kind := range kinds {
		fields[name] = field{name: name, bit: uint(len(fields)), kind: kind}
	}
	for _, name := range keep {
		f := fields[name]
		f.keep = true
		fields[name] = f
	}
	return fields
}

// set takes a text of an entry.
func (e *Entry) set(key, value string) {
	switch key {
	case "name":
		e.OwnName = value
	case "version":
		e.Version = value
	case "digest":
		e.Digest = value
	case "created":
		_ = e.Created.UnmarshalText([]byte(value)) // it was looked at
	}
}

// fields reads the fields of a mapping, from the line at hand to the first that
// is not indented as they are. e takes what a release needs.
func (q *quick) fields(indent int, known map[string]field, e *Entry) bool {
	var seen uint
	for !q.done && q.indent == indent {
		colon := bytes.IndexByte(q.text, ':')
		if colon < 0 {
			return false
		}
		f, ok := known[string(q.text[:colon])]
		if !ok || seen&(1<<f.bit) != 0 {
			return false
		}
		seen |= 1 << f.bit
		value := q.text[colon+1:]
		if len(value) > 0 && value[0] != ' ' {
			return false
		}
		if !q.value(f, bytes.TrimLeft(value, " "), indent, e) || q.bad {
			return false
		}
	}
	return q.done || q.indent < indent
}

// value reads the value of a field, and goes to the line after it.
func (q *quick) value(f field, value []byte, indent int, e *Entry) bool {
	switch f.kind {
	case aText:
		text, ok := q.scalar(value, indent, f.keep)
		if ok && f.keep {
			e.set(f.name, text)
		}
		return ok
	case aBool:
		q.fetch()
		return (string(value) == "true" || string(value) == "false") && q.indent <= indent
	case aTime:
		text, ok := string(value), isPlainTime(value)
		if ok {
			q.fetch()
			ok = q.indent <= indent
		} else {
			text, ok = q.scalar(value, indent, true)
		}
		var at time.Time
		if !ok || at.UnmarshalText([]byte(text)) != nil {
			return false
		}
		e.set(f.name, text)
		return true
	case aTexts:
		if string(value) == "[]" || len(value) > 0 {
			q.fetch()
			return string(value) == "[]" && q.indent <= indent
		}
		q.fetch()
		var urls []string
		ok := q.items(indent, func(at int, value []byte) bool {
			text, ok := q.scalar(value, at, f.keep)
			if f.keep {
				urls = append(urls, text)
			}
			return ok && len(value) > 0
		})
		if f.keep {
			e.URLs = urls
		}
		return ok
	case aTextMap:
		return q.textMap(value, indent, e)
	}
	fields := maintainerFields
	if f.kind == dependencies {
		fields = dependencyFields
	}
	if len(value) > 0 {
		q.fetch()
		return string(value) == "[]" && q.indent <= indent
	}
	q.fetch()
	return q.items(indent, func(at int, first []byte) bool {
		if len(first) == 0 {
			return false
		}
		q.indent += len(q.text) - len(first)
		q.text = first
		return q.fields(q.indent, fields, nil)
	})
}

// items reads the items of a list below a field that is indented so. Each is
// handed the indentation of its dash, and what stands behind it.
func (q *quick) items(indent int, read func(at int, first []byte) bool) bool {
	at := q.indent
	if q.done || at < indent || !isItem(q.text) {
		return q.done || q.indent <= indent // there is no value, which is none
	}
	for !q.done && q.indent == at && isItem(q.text) {
		if !read(at, bytes.TrimLeft(q.text[1:], " ")) || q.bad {
			return false
		}
	}
	return q.done || q.indent <= indent
}

// textMap reads a mapping of texts.
func (q *quick) textMap(value []byte, indent int, e *Entry) bool {
	q.fetch()
	if len(value) > 0 {
		return string(value) == "{}" && q.indent <= indent
	}
	at := q.indent
	if q.done || at <= indent {
		return true
	}
	found := map[string]string{}
	for !q.done && q.indent == at {
		colon := bytes.Index(q.text, []byte(": "))
		if colon < 0 || !isPlainKey(q.text[:colon]) {
			return false
		}
		key := string(q.text[:colon])
		if _, twice := found[key]; twice {
			return false
		}
		text, ok := q.scalar(bytes.TrimLeft(q.text[colon+2:], " "), at, true)
		if !ok || q.bad {
			return false
		}
		found[key] = text
	}
	e.Annotations = found
	return q.done || q.indent <= indent
}

// scalar reads a text that begins with value, in a field or item that is indented
// so, and goes to the line after it. Only what is kept has to be known exactly.
func (q *quick) scalar(value []byte, indent int, keep bool) (string, bool) {
	if len(value) == 0 {
		q.fetch()
		return "", q.indent <= indent && (q.done || q.indent < indent || !isItem(q.text))
	}
	switch value[0] {
	case '"', '\'':
		return q.quoted(value, indent, keep)
	case '|', '>':
		return "", !keep && q.block(value, indent)
	}
	if !isPlainText(value) {
		return "", false
	}
	text := ""
	if keep {
		text = string(value)
	}
	q.fetch()
	for !q.done && q.indent > indent {
		if keep || !continuesPlain(q.text) {
			return "", false
		}
		q.fetch()
	}
	return text, true
}

// quoted reads a quoted text.
func (q *quick) quoted(value []byte, indent int, keep bool) (string, bool) {
	quote := value[0]
	rest := value[1:]
	escaped := false
	for {
		end, esc, ok := closing(quote, rest)
		if !ok {
			return "", false
		}
		escaped = escaped || esc
		if end >= 0 {
			if end != len(rest)-1 {
				return "", false // a comment, or a key
			}
			q.fetch()
			switch {
			case !keep:
				return "", q.indent <= indent
			case !escaped:
				return string(rest[:end]), q.indent <= indent
			case quote == '\'':
				return strings.ReplaceAll(string(rest[:end]), "''", "'"), q.indent <= indent
			}
			return "", false
		}
		if keep {
			return "", false // it goes on in the next line
		}
		if q.fetch(); q.done || q.indent <= indent {
			return "", false
		}
		rest = q.text
	}
}

// closing finds the quote that ends a text; -1 where this line has none.
func closing(quote byte, text []byte) (end int, escaped, ok bool) {
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
	digits := map[byte]int{'x': 2, 'u': 4}[text[at]]
	if digits == 0 || at+digits >= len(text) {
		return -1
	}
	for _, c := range text[at+1 : at+1+digits] {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return -1
		}
	}
	if digits == 4 && (text[at+1] == 'd' || text[at+1] == 'D') && text[at+2] > '7' {
		return -1 // half of a pair
	}
	return at + digits
}

// block passes over a block scalar.
func (q *quick) block(value []byte, indent int) bool {
	switch string(value) {
	case "|", "|-", "|+", ">", ">-", ">+":
	default:
		return false
	}
	if len(q.rest) > 0 && q.rest[0] == '\n' {
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

// isPlainText says that a text without quotes is a text in YAML 1.1, and only that.
func isPlainText(text []byte) bool {
	first := text[0]
	switch {
	case isLetter(first), first >= utf8.RuneSelf, first == '/', first == '^', first == '_', first == '(':
	case isDigit(first):
		if !isVersion(text) {
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

// isPlainKey says that a key is a text, and written plainly.
func isPlainKey(key []byte) bool {
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
