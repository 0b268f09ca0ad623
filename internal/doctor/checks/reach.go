package checks

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// patience is how long a server may take to answer.
const patience = 10 * time.Second

// expiresSoon is how long before its end a certificate is worth a warning.
const expiresSoon = 14 * 24 * time.Hour

// answer is what came of asking a server.
type answer struct {
	status  int
	header  http.Header
	sent    time.Time
	took    time.Duration
	mu      *sync.Mutex
	address string // of the other end of the connection
	tls     *tls.ConnectionState
}

// ask sends a HEAD request and follows its connection.
func (c *Checker) ask(ctx context.Context, name, address string) (*answer, error) {
	a := &answer{mu: &sync.Mutex{}}
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if info.Conn != nil && info.Conn.RemoteAddr() != nil {
				a.address = info.Conn.RemoteAddr().String()
			}
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if err == nil {
				a.tls = &state
			}
		},
	})
	a.sent = c.now()
	begun := time.Now()
	response, err := c.Web.Do(traced, transport.Request{Op: "asking the " + name, Method: http.MethodHead, URL: address, Timeout: patience})
	a.took = time.Since(begun)
	if response != nil {
		a.status, a.header = response.Status, response.Header
	}
	if failed, ok := transport.As(err); ok {
		a.status, a.header = failed.Status, failed.Header
	}
	return a, err
}

// reach checks that a server answers, whatever it says to a request for its root.
func (c *Checker) reach(ctx context.Context, name, address string) (Check, answer) {
	a, err := c.ask(ctx, name, address)
	a.mu.Lock()
	defer a.mu.Unlock()
	check := Check{Name: name, Status: OK}
	if a.status == 0 || a.status == http.StatusProxyAuthRequired {
		check.Status, check.Message, check.Hint = Failed, err.Error(), failure.Hint(err)
		return check, *a
	}
	parts := []string{redact.URL(address)}
	if a.address != "" {
		parts[0] += " at " + a.address
	}
	u, _ := url.Parse(address)
	switch {
	case a.tls != nil:
		parts = append(parts, tls.VersionName(a.tls.Version))
		if len(a.tls.PeerCertificates) > 0 {
			end := a.tls.PeerCertificates[0].NotAfter
			parts = append(parts, "certificate until "+end.UTC().Format(time.DateOnly))
			if end.Sub(c.now()) < expiresSoon {
				check.Status, check.Hint = Warning, "those who run the server have to renew its certificate"
			}
		}
	case u != nil && u.Scheme == "http" && !isLoopback(u.Hostname()):
		parts = append(parts, "not encrypted")
		check.Status, check.Hint = Warning, "use an https:// address"
	}
	if a.status >= 500 {
		parts = append(parts, fmt.Sprintf("it answers %d %s", a.status, http.StatusText(a.status)))
		check.Status, check.Hint = Warning, "those who run the server have to look at it, or something between answers for it"
	}
	check.Message = strings.Join(append(parts, "in "+short(a.took)), ", ")
	return check, *a
}

func isLoopback(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1"
}

// short is a duration for people.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// clockLimit is how far the clocks may be apart. The header Date has whole seconds.
const clockLimit = 10 * time.Second

// clock compares the clock of this machine with those of the servers.
func (c *Checker) clock() Check {
	for i, of := range []string{"the marketplace", "the Helm repository"} {
		a := c.answers[i]
		date, err := http.ParseTime(a.header.Get("Date"))
		if err != nil || a.header.Get("Age") != "" {
			continue // or a cache answered, at another time
		}
		apart := date.Sub(a.sent.Add(a.took / 2))
		if apart.Abs() <= clockLimit {
			return Check{Name: NameClock, Status: OK, Message: "that of this machine and that of " + of + " are less than 10 s apart"}
		}
		direction := "behind"
		if apart < 0 {
			direction = "ahead of"
		}
		return Check{
			Name: NameClock, Status: Warning, Message: fmt.Sprintf("this machine is %s %s %s", short(apart.Abs().Round(time.Second)), direction, of),
			Hint: "set the clock: certificates, and the times in packages and reports, go by it",
		}
	}
	return Check{Name: NameClock, Status: Skipped, Message: "no server said what time it is"}
}

// proxies says which proxy is on the way to each server.
func (c *Checker) proxies() Check {
	proxy := c.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	var parts []string
	direct := true
	for _, address := range []string{c.Places.Server, c.Places.Repository} {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		part := fmt.Sprintf("%s direct", u.Host)
		by, err := proxy(&http.Request{URL: u})
		if err != nil {
			return Check{Name: NameProxy, Status: Failed, Message: redact.Userinfo(err.Error()), Hint: "correct HTTPS_PROXY or HTTP_PROXY: http://HOST:PORT"}
		}
		if by != nil {
			part, direct = fmt.Sprintf("%s by %s", u.Host, redact.URL(by.String())), false
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	if direct {
		return Check{Name: NameProxy, Status: OK, Message: "none is on the way (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)"}
	}
	return Check{Name: NameProxy, Status: OK, Message: strings.Join(parts, ", ")}
}

// limits says what the marketplace takes.
func (c *Checker) limits(a answer, usage cloud.Usage) Check {
	check := Check{Name: NameLimits, Status: OK, Message: fmt.Sprintf("packages of at most %s (size.limit)", bytesText(uint64(max(0, c.Project.Limit))))}
	if usage.Quota > 0 {
		check.Message += fmt.Sprintf("; uploaded files take %s of %s", bytesText(uint64(usage.Used)), bytesText(uint64(usage.Quota)))
		if usage.Used >= usage.Quota/10*9 {
			check.Status, check.Hint = Warning, "remove files of old versions in the marketplace, or ask for more"
		}
	}
	named := ""
	for _, name := range []string{"RateLimit-Remaining", "X-RateLimit-Remaining", "X-Rate-Limit-Remaining"} {
		if value := strings.TrimSpace(a.header.Get(name)); value != "" && len(value) < 20 {
			named = fmt.Sprintf("%s requests are left by the server's rate limit", value)
			if value == "0" {
				check.Status, check.Hint = Warning, "wait until the limit is reset: a run waits as long as the server asks, at most five minutes for a request"
			}
			break
		}
	}
	switch {
	case a.status == 0:
		return check
	case named == "" && a.header.Get("RateLimit") != "" && len(a.header.Get("RateLimit")) < 200:
		named = "rate limit " + a.header.Get("RateLimit")
	case named == "":
		named = "the server names no rate limit"
	}
	check.Message += "; " + named
	return check
}

// Assets checks that the hosts of published icons and screenshots answer: those are where
// uploaded files are.
func (c *Checker) Assets(ctx context.Context, addresses []string) Check {
	const enough = 3
	var parts, hosts []string
	check := Check{Name: NameAssets, Status: OK}
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || slices.Contains(hosts, u.Host) {
			continue
		}
		if hosts = append(hosts, u.Host); len(hosts) > enough {
			break
		}
		a, err := c.ask(ctx, "host of published pictures", address)
		switch {
		case a.status == 0:
			check.Status, check.Hint = Warning, failure.Hint(err)
			parts = append(parts, err.Error())
		case a.status >= 400 && a.status != http.StatusMethodNotAllowed:
			check.Status, check.Hint = Warning, "users do not see this picture: see that everybody may read it"
			parts = append(parts, fmt.Sprintf("%s: %d %s", redact.URL(address), a.status, http.StatusText(a.status)))
		default:
			parts = append(parts, fmt.Sprintf("%s in %s", u.Host, short(a.took)))
		}
	}
	if len(hosts) == 0 {
		return Check{Name: NameAssets, Status: Skipped, Message: "the host of uploaded pictures is not known before the first release"}
	}
	check.Message = strings.Join(parts, ", ")
	return check
}
