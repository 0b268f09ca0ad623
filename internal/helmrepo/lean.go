package helmrepo

import (
	"bytes"
	"strings"
)

// lean leaves out of an index what no release needs (descriptions, embedded
// icons, dependencies), before the YAML library sees it: that library reads
// some 10 MB a second, and most of an index is passed over anyway.
//
// It knows one layout, the one that Helm and all that use its library write:
// block style, two spaces a level, lists not indented. ok is false for any
// line it would have to guess about, and the index is read whole then; so it
// is if what is left does not parse (an anchor may have gone). What is left
// out is not checked.
func lean(body []byte) (rest []byte, ok bool) {
	if bytes.ContainsAny(body, "\r\t") {
		return nil, false
	}
	l := leaner{out: make([]byte, 0, len(body)/2), keep: true}
	for line := range bytes.Lines(body) {
		if !l.line(line) {
			return nil, false
		}
	}
	return l.out, l.open == 0
}

// neededKeys are those of wireEntry.
var neededKeys = []string{"name", "version", "digest", "urls", "annotations", "created"}

type leaner struct {
	out       []byte
	inEntries bool
	// inItem is false between the name of a chart and its first entry.
	inItem bool
	// keep says whether the value that goes on is needed.
	keep bool
	// open is the quote of a scalar that goes on in the next line.
	open byte
}

func (l *leaner) line(line []byte) bool {
	text := bytes.TrimLeft(line, " ")
	indent := len(line) - len(text)
	text = bytes.TrimRight(text, "\n ")
	switch {
	case len(text) == 0 || l.inEntries && indent > 4:
		l.continued(line, text)
		return l.inItem || len(text) == 0
	case l.open != 0:
		return false
	case indent == 0:
		return l.topLevel(line, text)
	case !l.inEntries:
		l.out = append(l.out, line...)
		return true
	case indent == 2 && bytes.HasPrefix(text, []byte("- ")):
		return l.item(line, text[2:])
	case indent == 2:
		return l.chart(line, text)
	case !l.inItem:
		return false
	case indent == 4 && (bytes.HasPrefix(text, []byte("- ")) || string(text) == "-"):
		l.continued(line, text)
		return true
	case indent == 4:
		return l.key(line, text)
	}
	return false
}

// continued is a line that belongs to the value before it.
func (l *leaner) continued(line, text []byte) {
	if l.keep {
		l.out = append(l.out, line...)
	}
	if l.open != 0 {
		l.open = openQuote(l.open, text)
	}
}

func (l *leaner) topLevel(line, text []byte) bool {
	key, value, found := bytes.Cut(text, []byte(":"))
	l.keep, l.inItem, l.inEntries = true, false, string(key) == "entries"
	l.out = append(l.out, line...)
	return found && isWord(key) && (!l.inEntries || len(value) == 0)
}

// chart is the name of a chart, whose entries follow.
func (l *leaner) chart(line, text []byte) bool {
	l.keep, l.inItem = true, false
	l.out = append(l.out, line...)
	return isWord(bytes.TrimSuffix(text, []byte(":"))) && bytes.HasSuffix(text, []byte(":"))
}

// item begins an entry; its first key stands in the same line.
func (l *leaner) item(line, text []byte) bool {
	before := len(l.out)
	l.inItem = true
	if !l.key(line, text) {
		return false
	}
	if len(l.out) == before {
		l.out = append(l.out, "  -\n"...)
	}
	return true
}

func (l *leaner) key(line, text []byte) bool {
	key, value, found := bytes.Cut(text, []byte(":"))
	if !found || !isWord(key) || len(value) > 0 && value[0] != ' ' {
		return false
	}
	value = bytes.TrimLeft(value, " ")
	l.keep = false
	for _, needed := range neededKeys {
		l.keep = l.keep || string(key) == needed
	}
	if l.keep {
		l.out = append(l.out, line...)
	}
	if len(value) == 0 || string(value) == "[]" || string(value) == "{}" {
		return true
	}
	if value[0] == '"' || value[0] == '\'' {
		l.open = openQuote(value[0], value[1:])
		return true
	}
	return !strings.ContainsRune("[]{}&*!%@`#?", rune(value[0]))
}

// openQuote looks for the end of a quoted scalar; it returns the quote where
// the text has none, and 0 where the scalar is closed.
func openQuote(quote byte, text []byte) byte {
	for i := 0; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
		case text[i] == quote:
			return 0
		}
	}
	return quote
}

// isWord says that a key is written plainly.
func isWord(key []byte) bool {
	for _, c := range key {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return len(key) > 0
}
