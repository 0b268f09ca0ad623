package marketplace

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

// CheckExternalURL says why a text cannot be the external URL of a marketplace.
func CheckExternalURL(text string) error {
	_, err := parseExternalURL(text)
	return err
}

// parseExternalURL reads the address under which others reach a marketplace, http or
// https, possibly with a path, and brings it into one form: without a slash at the end.
// "" is no address, and nil.
func parseExternalURL(text string) (*url.URL, error) {
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

// externalBase is the external URL as text, "" where there is none.
func (m *Marketplace) externalBase() string {
	if external := m.external.Load(); external != nil {
		return external.String()
	}
	return ""
}

// ExternalURL is the address under which others reach the marketplace, without a slash
// at the end; empty where none was set.
func (m *Marketplace) ExternalURL() string { return m.externalBase() }

// SetExternalURL sets the address under which others reach the marketplace, "" for none.
// Addresses of packages in the index, and those of files uploaded from now on, begin with
// it. It is kept: whoever opens the directory later writes the same index.
func (m *Marketplace) SetExternalURL(text string) error {
	external, err := parseExternalURL(text)
	if err != nil {
		return err
	}
	if m.options.ReadOnly {
		return errReadOnly
	}
	m.register.Lock()
	defer m.register.Unlock()
	next := contents{}
	if external != nil {
		next.ExternalURL = external.String()
	}
	if next.ExternalURL == m.externalBase() {
		return nil
	}
	m.mu.RLock()
	for name := range m.registered {
		next.Extensions = append(next.Extensions, name)
	}
	m.mu.RUnlock()
	if err := m.store.writeContents(next); err != nil {
		return fmt.Errorf("keeping the external URL: %w", err)
	}
	m.mu.Lock()
	m.external.Store(external)
	m.listing = nil
	m.generation++
	m.mu.Unlock()
	return m.publisher.publish()
}

// belowExternal serves everything below the path of the external URL as well: a proxy
// may or may not take the path off before it passes a request on. Where both readings of
// an address are possible, it is the one that leads somewhere with the path taken off.
func (m *Marketplace) belowExternal(mux *http.ServeMux) http.Handler {
	next := jsonErrors(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		external := m.external.Load()
		if external == nil || external.Path == "" {
			next.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == external.Path && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			// Relative links of the page would lead past the path.
			http.Redirect(w, r, external.EscapedPath()+"/", http.StatusPermanentRedirect)
			return
		}
		if within := below(r, external); within != nil {
			if _, pattern := mux.Handler(within); pattern != "" {
				next.ServeHTTP(w, within)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// below is the request without the path of the external URL, nil where it lacks it.
func below(r *http.Request, external *url.URL) *http.Request {
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

// GuardHost keeps web pages of other hosts from a marketplace that listens on a loopback
// address. Their name can be made to lead there (DNS rebinding), so that the browser of
// whoever opens such a page would read and write here for it. So a request has to name
// the host that it is for by a loopback address or localhost, without a port or with that
// of listening, or as the external URL does. A server that listens elsewhere is reached by
// names that it does not know, and answers to all.
func (m *Marketplace) GuardHost(listening net.Addr, next http.Handler) http.Handler {
	at, ok := listening.(*net.TCPAddr)
	if !ok || !at.IP.IsLoopback() {
		return next
	}
	port := strconv.Itoa(at.Port)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopbackHost(r.Host, port) && !isHostOf(m.external.Load(), r.Host) {
			refuse(http.StatusMisdirectedRequest, "this marketplace listens on a loopback address and answers to localhost:%s and 127.0.0.1:%s, not to the host %q: name another one with --external-url, or listen on another address with --addr", port, port, r.Host).answer(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// splitHost takes a Host header apart; port is empty where it has none.
func splitHost(header string) (host, port string, ok bool) {
	u, err := url.Parse("//" + header)
	if err != nil || u.Host != header || u.User != nil || strings.HasSuffix(header, ":") {
		return "", "", false
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port(), true
}

func isLoopbackHost(header, port string) bool {
	host, has, ok := splitHost(header)
	if !ok || has != "" && has != port {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isHostOf(external *url.URL, header string) bool {
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
