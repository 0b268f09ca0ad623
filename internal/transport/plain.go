package transport

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
)

// warning reports each host that is spoken to in the open, before the first
// request to it leaves; also where a redirect or an index leads there.
type warning struct {
	next    http.RoundTripper
	options Options
	warned  sync.Map // a *sync.Once for each host: the others wait until it is reported
}

// RoundTrip sends a request that is admitted, after a warning where there is reason
// for one, and keeps the answer for the attempt that it is a part of.
func (w *warning) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.options.Admit(r); err != nil {
		note(r, nil)
		return nil, err
	}
	if isPlainRemote(r.URL) {
		once, _ := w.warned.LoadOrStore(hostPort(r.URL), new(sync.Once))
		once.(*sync.Once).Do(func() { w.options.Warn(plainWarning(r.URL, w.options.Servers)) })
	}
	counted, over := followed(r)
	answer, err := w.next.RoundTrip(counted)
	over()
	note(r, answer)
	return answer, err
}

func plainWarning(at *url.URL, servers []Server) string {
	text := fmt.Sprintf("http://%s is not encrypted: whoever is on the way can read what is sent, and change what comes", at.Host)
	for _, server := range servers {
		if u, err := url.Parse(server.Address); err == nil && server.Setting != "" && SameOrigin(u, at) {
			return text + "; set " + server.Setting + " to an https:// address"
		}
	}
	return text
}
