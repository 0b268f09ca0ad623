package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON is a value as JSON, without a line break at the end: on one line where indent and
// prefix are empty, else as json.MarshalIndent sets it in. It is equal to the value, and
// has escapes for all that a terminal or a CI system would obey if it were printed.
func JSON(value any, prefix, indent string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, indent)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return harmless(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// harmless writes what must not be obeyed as the escapes of JSON. Neither a "#" nor a
// character beyond ASCII stands outside of the strings of a JSON text.
func harmless(text []byte) []byte {
	if numbered.Match(text) {
		text = numbered.ReplaceAll(text, []byte(`\u0023#$1`))
	}
	plain := true
	for _, c := range text {
		if c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	var b bytes.Buffer
	before := rune(0)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r < 0x7f || shown(before, r):
			b.Write(text[i : i+size])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		before = r
		i += size
	}
	return b.Bytes()
}
