package redact

import (
	"net/url"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// secretWords mark a query parameter whose value is nobody's business; the
// signed URLs of object stores (X-Amz-Signature and the like) are among them.
var secretWords = []string{"token", "key", "secret", "pass", "pwd", "sig", "cred", "auth", "session", "jwt", "code"}

// userinfo is what stands between :// and @ of an address in running text.
var userinfo = lazyregexp.New(`(://)[^/?#\s"'@]*(?:@[^/?#\s"'@]*)*@`)

// address is an address in running text.
var address = lazyregexp.New(`https?://[^\s"'<>]+[^\s"'<>:,;.)]`)

// URL gives an address as it may be shown: without user, password,
// fragment, and the values of query parameters that look secret. What is no
// address comes back with everything before an @ redacted.
func URL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return Userinfo(address)
	}
	if u.User != nil {
		u.User = url.User(Placeholder)
	}
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = redactQuery(u.RawQuery)
	return u.String()
}

// redactQuery works on the text, so that what is not secret stays as it was
// written, and what is malformed is not lost.
func redactQuery(query string) string {
	if query == "" {
		return ""
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, _, found := strings.Cut(pair, "=")
		if found && isSecretName(key) {
			pairs[i] = key + "=" + Placeholder
		}
	}
	return strings.Join(pairs, "&")
}

func isSecretName(key string) bool {
	if plain, err := url.QueryUnescape(key); err == nil {
		key = plain
	}
	key = strings.ToLower(key)
	for _, word := range secretWords {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// URLs redacts user, password and the values of secret query parameters of
// every address in a text, such as the error of a library.
func URLs(text string) string {
	return address.ReplaceAllStringFunc(text, URL)
}

// Userinfo redacts user and password of every address in a text.
func Userinfo(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	return userinfo.ReplaceAllString(text, "${1}"+Placeholder+"@")
}
