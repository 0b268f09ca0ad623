package marketplace

import (
	"net"
	"net/http"
	"strconv"

	"github.com/ksrelease/ksrelease/internal/marketplace/externalurl"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

// ExternalURL is the address under which others reach the marketplace, without a slash
// at the end; empty where none was set.
func (m *Marketplace) ExternalURL() string { return m.state.ExternalBase() }

// SetExternalURL sets the address under which others reach the marketplace, "" for none.
// Addresses of packages in the index, and those of files uploaded from now on, begin with
// it. It is kept: whoever opens the directory later writes the same index.
func (m *Marketplace) SetExternalURL(text string) error {
	external, err := externalurl.Parse(text)
	if err != nil {
		return err
	}
	return m.state.SetExternal(external)
}

// belowExternal serves everything below the path of the external URL as well: a proxy
// may or may not take the path off before it passes a request on. Where both readings of
// an address are possible, it is the one that leads somewhere with the path taken off.
func (m *Marketplace) belowExternal(mux *http.ServeMux) http.Handler {
	next := jsonErrors(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		external := m.state.ExternalURL()
		if external == nil || external.Path == "" {
			next.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == external.Path && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			// Relative links of the page would lead past the path.
			http.Redirect(w, r, external.EscapedPath()+"/", http.StatusPermanentRedirect)
			return
		}
		if within := externalurl.Below(r, external); within != nil {
			if _, pattern := mux.Handler(within); pattern != "" {
				next.ServeHTTP(w, within)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
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
		if !externalurl.IsLoopbackHost(r.Host, port) && !externalurl.IsHostOf(m.state.ExternalURL(), r.Host) {
			wire.AnswerRefusal(w, wire.Refuse(http.StatusMisdirectedRequest, "this marketplace listens on a loopback address and answers to localhost:%s and 127.0.0.1:%s, not to the host %q: name another one with --external-url, or listen on another address with --addr", port, port, r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}
