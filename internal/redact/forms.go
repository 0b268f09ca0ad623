package redact

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
)

// forms are the texts that a secret may stand in.
func forms(secret string) []string {
	if secret == "" {
		return nil
	}
	asHex := hex.EncodeToString([]byte(secret))
	all := []string{
		secret,
		quoted(secret), inJSON(secret, true), inJSON(secret, false), inXML(secret), html.EscapeString(secret),
		inJSON(inJSON(secret, true), true), inJSON(quoted(secret), false), inXML(inJSON(secret, false)),
		url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword(secret, "").String(),
		percent(secret, "0123456789ABCDEF"), percent(secret, "0123456789abcdef"),
		asHex, strings.ToUpper(asHex),
	}
	for before := range 3 {
		encoded := aligned(secret, before)
		all = append(all, encoded, strings.NewReplacer("+", "-", "/", "_").Replace(encoded))
	}
	return all
}

// aligned is what stays the same of a secret in base64 wherever it begins in
// what is encoded with it, such as a user before a password: before is the
// number of bytes in front of it, modulo 3.
func aligned(secret string, before int) string {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), secret...))
	to := len(encoded)
	if (before+len(secret))%3 != 0 {
		to-- // holds bits of what follows
	}
	from := min(to, []int{0, 2, 3}[before])
	return encoded[from:to]
}

func quoted(s string) string { return strings.Trim(strconv.Quote(s), `"`) }

func inJSON(s string, forHTML bool) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(forHTML)
	_ = encoder.Encode(s) // a string never fails
	text := b.String()
	return text[1 : len(text)-2] // without quotes and line break
}

func inXML(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer never fails
	return b.String()
}

// percent encodes every byte, also those that need not be.
func percent(s, digits string) string {
	var b strings.Builder
	for i := range len(s) {
		b.Write([]byte{'%', digits[s[i]>>4], digits[s[i]&15]})
	}
	return b.String()
}
