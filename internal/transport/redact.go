package transport

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
)

// hidden stands wherever a secret was.
const hidden = "xxxxx"

// secretWords mark a query parameter whose value is nobody's business; the
// signed URLs of object stores (X-Amz-Signature and the like) are among them.
var secretWords = []string{"token", "key", "secret", "pass", "pwd", "sig", "cred", "auth", "session", "jwt", "code"}

// userinfo is what stands between :// and @ of an address in running text.
var userinfo = regexp.MustCompile(`(://)[^/?#\s"'@]*(?:@[^/?#\s"'@]*)*@`)

// address is an address in running text.
var address = regexp.MustCompile(`https?://[^\s"'<>]+[^\s"'<>:,;.)]`)

// RedactURL gives an address as it may be shown: without user, password,
// fragment, and the values of query parameters that look secret. What is no
// address comes back with everything before an @ hidden.
func RedactURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return redactText(address)
	}
	if u.User != nil {
		u.User = url.User(hidden)
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
			pairs[i] = key + "=" + hidden
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

// RedactText hides user, password and the values of secret query parameters of
// every address in a text, such as the error of a library.
func RedactText(text string) string {
	return address.ReplaceAllStringFunc(text, RedactURL)
}

// redactText hides user and password of every address in a text.
func redactText(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	return userinfo.ReplaceAllString(text, "${1}"+hidden+"@")
}

// redactCredentials hides the credentials of a request where a server, or an
// error, repeats them: the value of the header, and for basic authentication
// its decoded form and the password too.
func redactCredentials(text, authorization string) string {
	for _, secret := range secretsOf(authorization) {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return redactText(text)
}

// scrubbedError is an error whose text repeated credentials.
type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string { return e.text }

func (e *scrubbedError) Unwrap() error { return e.err }

// scrub hides credentials in the text of an error.
func scrub(err error, authorization string) error {
	plain := err.Error()
	if text := redactCredentials(plain, authorization); text != plain {
		return &scrubbedError{text, err}
	}
	return err
}

func secretsOf(authorization string) []string {
	scheme, value, found := strings.Cut(authorization, " ")
	if !found {
		scheme, value = "", authorization
	}
	secrets := []string{}
	if value != "" {
		secrets = append(secrets, value, base64.StdEncoding.EncodeToString([]byte(value)))
	}
	if strings.EqualFold(scheme, "basic") {
		if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
			_, password, _ := strings.Cut(string(plain), ":")
			secrets = append(secrets, string(plain))
			if password != "" {
				secrets = append(secrets, password, url.QueryEscape(password))
			}
		}
	}
	return secrets
}
