package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// fragment is how many characters in a row of a secret are a leak, in whatever
// form: fewer do not help to guess the rest.
const fragment = 12

// needle is a piece of text that gives a secret away.
type needle struct {
	text         string
	secret, form string
}

// needles are all the texts that give a secret away.
func needles(secret Secret) []needle {
	var all []needle
	known := map[string]bool{}
	add := func(form string, texts ...string) {
		for _, text := range texts {
			for _, piece := range pieces(text) {
				if !known[piece] {
					known[piece] = true
					all = append(all, needle{piece, secret.Name, form})
				}
			}
		}
	}
	value := secret.Value
	add("plain", value)
	add("escaped", quoted(value), inJSON(value, true), inJSON(value, false), inXML(value), html.EscapeString(value))
	// A message of a server in a JSON document, or one document in another.
	add("escaped twice", inJSON(inJSON(value, true), true), inJSON(quoted(value), false), inXML(inJSON(value, false)))
	add("percent-encoded", url.QueryEscape(value), url.PathEscape(value), url.UserPassword(value, "").String(),
		percent(value, "0123456789ABCDEF"), percent(value, "0123456789abcdef"))
	add("in hex", hex.EncodeToString([]byte(value)), strings.ToUpper(hex.EncodeToString([]byte(value))))
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			add("in base64", aligned(alphabet, value, before))
		}
	}
	return all
}

// pieces are the fragments of a text; a text that is shorter is one by itself.
// White space is taken out, as it is of what is searched.
func pieces(text string) []string {
	text = string(squeeze([]byte(text)))
	if len(text) <= fragment {
		return []string{text}
	}
	var all []string
	for i := range len(text) - fragment + 1 {
		all = append(all, text[i:i+fragment])
	}
	return all
}

// aligned is what stays the same of a value in base64 wherever it begins in
// what is encoded with it: before is the number of bytes in front of it, modulo 3.
func aligned(alphabet *base64.Encoding, value string, before int) string {
	encoded := alphabet.EncodeToString(append(make([]byte, before), value...))
	from := []int{0, 2, 3}[before]
	to := len(encoded)
	if (before+len(value))%3 != 0 {
		to-- // holds bits of what follows
	}
	return encoded[from:to]
}

func quoted(value string) string { return strings.Trim(strconv.Quote(value), `"`) }

func inJSON(value string, forHTML bool) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(forHTML)
	_ = encoder.Encode(value) // a string never fails
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(b.String(), "\n"), `"`), `"`)
}

func inXML(value string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(value)) // a buffer never fails
	return b.String()
}

// percent encodes every byte.
func percent(value, digits string) string {
	var b strings.Builder
	for i := range len(value) {
		b.WriteByte('%')
		b.WriteByte(digits[value[i]>>4])
		b.WriteByte(digits[value[i]&15])
	}
	return b.String()
}

// isFolding says that a character may stand between two parts of a text that
// was folded or drawn into a table, or is not seen at all.
func isFolding(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '|' || r >= 0x2500 && r <= 0x257f
}

// squeeze takes out what may stand between two parts of a folded text.
func squeeze(data []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if isFolding(r) {
			return -1
		}
		return r
	}, data)
}
