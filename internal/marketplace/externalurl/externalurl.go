// Package externalurl reads the address under which others reach a local marketplace, and
// compares requests with it.
package externalurl

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// Check says why a text cannot be the external URL of a marketplace.
func Check(text string) error {
	_, err := Parse(text)
	return err
}

// Parse reads the address under which others reach a marketplace, http or
// https, possibly with a path, and brings it into one form: without a slash at the end.
// "" is no address, and nil.
func Parse(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	const example = "give an address like https://marketplace.example.org or https://example.org/market"
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("external URL %q: %s", text, example)
	}
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("external URL of %s: it has a user in it, and would stand in the index for everybody: %s", u.Host, example)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return nil, fmt.Errorf("external URL %q: nothing may follow the path: %s", text, example)
	}
	if err := checkHost(u); err != nil {
		return nil, fmt.Errorf("external URL %q: %w: %s", text, err, example)
	}
	trimmed := strings.TrimRight(u.Path, "/")
	if u.RawPath != "" || trimmed != "" && path.Clean(trimmed) != trimmed || strings.Contains(trimmed, `\`) {
		return nil, fmt.Errorf("external URL %q: its path is not plain (it has '.', '..', an empty part, or an escaped slash): %s", text, example)
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: trimmed}, nil
}

func checkHost(u *url.URL) error {
	host, port := u.Hostname(), u.Port()
	if host == "" {
		return errors.New("it has no host")
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return fmt.Errorf("nobody can reach %s, which stands for all addresses of a host", host)
	}
	for _, c := range host {
		if c <= ' ' || c > '~' {
			return errors.New("its host has characters other than ASCII: write an international name in its xn-- form")
		}
		if strings.ContainsRune(`"'<>\^{|}`+"`", c) {
			return fmt.Errorf("its host has the character %q", c)
		}
	}
	if strings.HasSuffix(u.Host, ":") {
		return errors.New("its port is empty")
	}
	if port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%s is no port", port)
		}
	}
	return nil
}

// Below is the request without the path of the external URL, nil where it lacks it.
func Below(r *http.Request, external *url.URL) *http.Request {
	rest, ok := strings.CutPrefix(r.URL.Path, external.Path)
	if !ok || !strings.HasPrefix(rest, "/") {
		return nil
	}
	within := r.WithContext(r.Context())
	address := *r.URL
	address.Path = rest
	if address.RawPath != "" {
		// The path of the external URL has one way to be escaped, others may send another.
		raw, ok := strings.CutPrefix(address.RawPath, external.EscapedPath())
		if !ok {
			raw = ""
		}
		address.RawPath = raw
	}
	within.URL = &address
	return within
}

// splitHost takes a Host header apart; port is empty where it has none.
func splitHost(header string) (host, port string, ok bool) {
	u, err := url.Parse("//" + header)
	if err != nil || u.Host != header || u.User != nil || strings.HasSuffix(header, ":") {
		return "", "", false
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port(), true
}

func IsLoopbackHost(header, port string) bool {
	host, has, ok := splitHost(header)
	if !ok || has != "" && has != port {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func IsHostOf(external *url.URL, header string) bool {
	host, has, ok := splitHost(header)
	if !ok || external == nil || host != strings.TrimSuffix(strings.ToLower(external.Hostname()), ".") {
		return false
	}
	usual := map[string]string{"http": "80", "https": "443"}[external.Scheme]
	want := external.Port()
	if want == "" {
		want = usual
	}
	return has == want || has == ""
}

// LocalURL is the address for a client on the host that listens on addr, HOST:PORT or a
// URL: a host that stands for all addresses is none that can be asked.
func LocalURL(addr string) string {
	if strings.Contains(addr, "://") {
		return strings.TrimSuffix(addr, "/")
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
