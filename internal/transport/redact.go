package transport

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/mask"
)

// hidden stands wherever a secret was.
const hidden = mask.Hidden

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

// scrubbedError is an error whose text showed the user and password of an address.
type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string { return e.text }

func (e *scrubbedError) Unwrap() error { return e.err }

// scrub hides credentials in the text of an error.
func scrub(err error, m *mask.Mask) error {
	if err = m.Error(err); err == nil {
		return nil
	}
	plain := err.Error()
	if text := redactText(plain); text != plain {
		return &scrubbedError{text, err}
	}
	return err
}

// masks hide what a request proves itself with: to its server, and to the proxy
// before it. Both may repeat it.
type masks struct {
	texts *mask.Mask
	// data is for answers that are used, not only shown: a secret that is a word
	// ("test") may stand there by itself.
	data *mask.Mask
}

// dataSecret is the least number of bytes of a secret that is hidden in data; an
// API key has 40.
const dataSecret = 16

func (c *Client) masksOf(authorization string, proxy *url.URL) masks {
	key := authorization + "\n"
	if proxy != nil {
		key += proxy.User.String()
	}
	if known, ok := c.masks.Load(key); ok {
		return known.(masks)
	}
	secrets := secretsOf(authorization)
	if proxy != nil && proxy.User != nil {
		password, _ := proxy.User.Password()
		secrets = append(secrets, secretsOf(BasicAuthorization(proxy.User.Username(), password))...)
	}
	long := slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < dataSecret })
	made, _ := c.masks.LoadOrStore(key, masks{texts: mask.New(secrets...), data: mask.New(long...)})
	return made.(masks)
}

// secretsOf are the secrets in the value of an Authorization header. The mask
// finds the pair of user and password where it finds the password.
func secretsOf(authorization string) []string {
	scheme, value, found := strings.Cut(authorization, " ")
	if !found {
		return []string{authorization}
	}
	if strings.EqualFold(scheme, "basic") {
		if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
			_, password, _ := strings.Cut(string(plain), ":")
			return []string{password, value}
		}
	}
	return []string{value}
}
