package registrytest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// Proxy puts a handler in front of a registry, which is at HOST:PORT until the test ends. wrap gets
// what hands requests on to the registry; where that does not answer, the connection is cut.
func Proxy(tb testing.TB, r *Registry, wrap func(next http.Handler) http.Handler) string {
	tb.Helper()
	to, err := url.Parse(r.URL())
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(wrap(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.Out.Host = p.In.Host // so that the addresses of uploads lead through here
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}))
	tb.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}
