package transport

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/redact"
)

// redactors take out what a request proves itself with: to its server, and to the proxy
// before it. Both may repeat it.
type redactors struct {
	texts *redact.Redactor
	// data is for answers that are used, not only shown: a secret that is a word
	// ("test") may stand there by itself.
	data *redact.Redactor
}

// dataSecret is the least number of bytes of a secret that is redacted in data; an
// API key has 40.
const dataSecret = 16

func (c *Client) redactorsOf(authorization string, proxy *url.URL) redactors {
	key := authorization + "\n"
	if proxy != nil {
		key += proxy.User.String()
	}
	if known, ok := c.redactors.Load(key); ok {
		return known.(redactors)
	}
	secrets := secretsOf(authorization)
	if proxy != nil && proxy.User != nil {
		password, _ := proxy.User.Password()
		secrets = append(secrets, secretsOf(BasicAuthorization(proxy.User.Username(), password))...)
	}
	long := slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < dataSecret })
	both := redactors{texts: redact.New(secrets...)}
	if both.data = both.texts; len(long) < len(secrets) {
		both.data = redact.New(long...)
	}
	made, _ := c.redactors.LoadOrStore(key, both)
	return made.(redactors)
}

// secretsOf are the secrets in the value of an Authorization header. The redactor
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
