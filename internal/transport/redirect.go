package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ksrelease/ksrelease/internal/redact"
)

// maxRedirects is how many redirects of one request are followed.
const maxRedirects = 10

// redirectError is a redirect that leads nowhere good: asking again is in vain.
type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

// checkRedirect decides whether a redirect is followed, and with what.
//
// A POST is followed only where the method and body stay (307, 308) and the
// host too: net/http would turn a POST into a GET otherwise (301, 302, 303),
// and a login page would pass for the answer to a write.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) >= maxRedirects {
		return &redirectError{fmt.Sprintf("redirected %d times, the last time to %s", maxRedirects, redact.URL(next.URL.String()))}
	}
	if first.URL.Scheme == "https" && next.URL.Scheme != "https" {
		return &redirectError{fmt.Sprintf("redirected from https to %s, which is not followed; set the server's own address", redact.URL(next.URL.String()))}
	}
	if isWrite(first) && (next.Method != first.Method || !SameOrigin(first.URL, next.URL)) {
		return http.ErrUseLastResponse
	}
	// net/http keeps credentials for subdomains and for other ports of the
	// host; here they stay with exactly the server they were given for.
	if !SameOrigin(first.URL, next.URL) {
		next.Header.Del("Authorization")
		next.URL.User = nil
	}
	// The address may hold a secret in its query.
	next.Header.Del("Referer")
	return nil
}

func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// SameOrigin says that two addresses are of one server: scheme, host and port
// are equal. Credentials go no further than that.
func SameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && hostPort(a) == hostPort(b)
}

// hostPort names a server in one way, however its address is spelt.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// ParseServer reads the address of a server out of a configuration: http or
// https, with a host, without query or fragment. The path keeps no slash at
// its end. what names the setting for the error.
func ParseServer(what, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil, fmt.Errorf("%s is empty: give an address such as https://host", what)
	case err != nil:
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return nil, fmt.Errorf("%s %q is no address: %s", what, redact.Userinfo(address), redact.Userinfo(err.Error()))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%s %q must begin with https:// (or http://)", what, redact.URL(address))
	case u.Hostname() == "":
		return nil, fmt.Errorf("%s %q names no host", what, redact.URL(address))
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%s %q must end before the ? or #", what, redact.URL(address))
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}
