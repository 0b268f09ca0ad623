package projectbundle

import (
	"net"
	"net/http"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/bundle/serve"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/marketplace/externalurl"
	"github.com/ksrelease/ksrelease/internal/progress"
)

// Showing says what is served to be read: bundles, or a folder of packages.
type Showing struct {
	Bundles []string
	Charts  string
}

// Handler verifies what is served and makes its handler, until end is called. what is what is served, in words.
func (s Showing) Handler(a *app.App, at net.Addr) (handler http.Handler, what string, end func(), err error) {
	if s.Charts != "" {
		folder, err := serve.NewFolder(s.Charts)
		if err != nil {
			return nil, "", nil, failure.WithHint(err, "name a folder of packages that can be read with --charts")
		}
		return onlyFor(at, folder), app.Plural(folder.Len(), "package") + " of " + s.Charts, func() { _ = folder.Close() }, nil
	}
	set, end, err := Open(a.Stop, a, s.Bundles)
	if err != nil {
		return nil, "", nil, err
	}
	meter := progress.New(a.Stderr)
	err = Verify(a.Stop, set, meter)
	meter.Close()
	var bundles *serve.Handler
	if err == nil {
		bundles, err = serve.New(set)
	}
	if err != nil {
		end()
		return nil, "", nil, err
	}
	if missing := set.Missing(); len(missing) > 0 {
		a.Stderr.Print("warning: what is served goes on from a base that was not named, and lacks %s of that one", app.Plural(len(missing), "file"))
	}
	return onlyFor(at, bundles), app.Plural(len(set), "bundle"), end, nil
}

// onlyFor keeps web pages of other hosts from a server on a loopback address, as the marketplace does.
func onlyFor(listening net.Addr, next http.Handler) http.Handler {
	at, ok := listening.(*net.TCPAddr)
	if !ok || !at.IP.IsLoopback() {
		return next
	}
	_, port, _ := net.SplitHostPort(listening.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !externalurl.IsLoopbackHost(r.Host, port) {
			http.Error(w, "this server listens on a loopback address, and answers to no other host", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
