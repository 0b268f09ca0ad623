package engine

import (
	"bytes"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// changing is a call of one of Helm's functions that change a mapping in place. A new
// mapping, in parentheses, is nobody else's.
var changing = lazyregexp.New("\\b(?:(?:un)?set|(?:mustM|m)erge(?:Overwrite)?)\\s+[$.]\\S*\\s+[\"`($.]")

// ChangesValues reports whether a template has a call that may change the values that others see.
func ChangesValues(template []byte) bool {
	// The pattern is slow, and API definitions are long and call nothing.
	if !bytes.Contains(template, []byte("{{")) {
		return false
	}
	for _, word := range [...]string{"set ", "erge"} {
		for rest := template; ; {
			i := bytes.Index(rest, []byte(word))
			if i < 0 {
				break
			}
			rest = rest[i+len(word):]
			if next := bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte("Overwrite")), []byte(" ")); len(next) > 0 && (next[0] == '.' || next[0] == '$') {
				return changing.Match(template)
			}
		}
	}
	return false
}
