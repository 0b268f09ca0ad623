// Package transport carries requests to a marketplace and to a Helm
// repository: one HTTP client for both, with a deadline on every attempt, a
// retry of what is safe to send again, obedience to Retry-After for all
// requests to a host together, errors that keep what was being done, and no
// secret in any of their texts.
//
// An attempt ends only when the whole body of the answer has been read, so a
// server that sends headers and then hangs, or a connection that is cut in the
// middle of a body, is a failed attempt like any other.
//
// What an answer means (JSON, an index, a package) is the business of the
// packages cloud and helmrepo, not of this one.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Defaults of Options.
const (
	// DefaultReadTimeout is the deadline of one attempt of a read, headers and body.
	DefaultReadTimeout = 30 * time.Second
	// DefaultWriteTimeout is the deadline of one attempt of a write; it covers the upload of a package.
	DefaultWriteTimeout = 2 * time.Minute
	// DefaultAttempts is how often one request is sent at most, the first time included.
	DefaultAttempts = 5
	// DefaultFirstWait is the wait before the second attempt; later ones double it.
	DefaultFirstWait = 500 * time.Millisecond
	// DefaultLongestWait caps the wait between two attempts where the server names none.
	DefaultLongestWait = 15 * time.Second
	// DefaultPatience is how long one request waits in total, over all its attempts.
	DefaultPatience = 5 * time.Minute
	// DefaultLimit is the largest body of an answer that is read, in bytes, unless a request says otherwise.
	DefaultLimit = 8 << 20
)

// Options shape a Client. The zero value is usable: every field has a default.
type Options struct {
	// UserAgent is sent with every request, such as "ksrelease/1.4.0".
	UserAgent string
	// ReadTimeout and WriteTimeout are the deadlines of a single attempt.
	ReadTimeout, WriteTimeout time.Duration
	// Attempts is how often a request is sent at most. Answers that ask to
	// slow down (Error.SlowDown) are not counted: they are bounded by Patience.
	Attempts int
	// FirstWait and LongestWait shape the backoff between attempts.
	FirstWait, LongestWait time.Duration
	// Patience bounds the sum of waiting of one request, also where its
	// context has no deadline.
	Patience time.Duration
	// Parallelism is the number of connections to one host that are kept open
	// for reuse; 0 means 8, the default parallelism of a run.
	Parallelism int
	// Servers are those that the configuration names; others need no entry.
	Servers []Server
	// Warn gets each host that is sent requests by plain http although it
	// is another machine, once for each Client and before anything is sent. It
	// may be called from several goroutines at once. Nil: nobody is notified.
	Warn func(message string)
	// Proxy chooses the proxy of a request. Nil: from HTTPS_PROXY, HTTP_PROXY
	// and NO_PROXY of the environment.
	Proxy func(*http.Request) (*url.URL, error)
	// Notify gets every retry before its wait begins. It may be called
	// from several goroutines at once. A hook in the context (WithNotify)
	// takes its place for that context.
	Notify func(Retry)
	// Dial replaces how connections come about. Nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Admit is asked before each request, those after a redirect among them; an error
	// keeps the request from being sent, and is not tried again. Nil: all are sent.
	Admit func(*http.Request) error
	// RoundTripper replaces the network; Proxy, Dial, Parallelism and the RootCAs
	// of Servers are without effect then. It is for tests and for wrapping.
	RoundTripper http.RoundTripper
}

// Client sends requests. It is safe for use by many goroutines, and is meant
// to be shared: connections and the obedience to Retry-After belong to it.
type Client struct {
	http      *http.Client
	gate      *gate
	options   Options
	redactors sync.Map // redactors, by Authorization and proxy
	closeIdle func()
}

// New builds a client; options left zero take their defaults.
func New(options Options) *Client {
	options = withDefaults(options)
	roundTripper, closeIdle := options.RoundTripper, func() {}
	if roundTripper == nil {
		network := newNetwork(options)
		roundTripper, closeIdle = network, network.CloseIdleConnections
	}
	return &Client{
		http:      &http.Client{Transport: &warning{next: roundTripper, options: options}, CheckRedirect: checkRedirect},
		gate:      newGate(),
		options:   options,
		closeIdle: closeIdle,
	}
}

// Network is what carries the client's requests: connections, proxy and
// certificates, and the rule that credentials stay with their server, but
// neither deadlines nor retries: those are what Perform adds. It is for a library
// that makes its own requests, such as that for OCI registries.
func (c *Client) Network() *http.Client { return c.http }

// Close closes the connections that are kept for reuse. The client stays usable.
func (c *Client) Close() { c.closeIdle() }

func withDefaults(o Options) Options {
	orDuration(&o.ReadTimeout, DefaultReadTimeout)
	orDuration(&o.WriteTimeout, DefaultWriteTimeout)
	orDuration(&o.FirstWait, DefaultFirstWait)
	orDuration(&o.LongestWait, DefaultLongestWait)
	orDuration(&o.Patience, DefaultPatience)
	if o.Attempts <= 0 {
		o.Attempts = DefaultAttempts
	}
	if o.Parallelism <= 0 {
		o.Parallelism = 8
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	if o.Admit == nil {
		o.Admit = func(*http.Request) error { return nil }
	}
	if o.Notify == nil {
		o.Notify = func(Retry) {}
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.UserAgent == "" {
		o.UserAgent = "ksrelease"
	}
	return o
}

func orDuration(value *time.Duration, fallback time.Duration) {
	if *value <= 0 {
		*value = fallback
	}
}

// newHTTPTransport makes connections that trust the authorities of the system,
// or others.
func newHTTPTransport(o Options, rootCAs *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:             o.Proxy,
		DialContext:       o.Dial,
		ForceAttemptHTTP2: true,
		// Some are planned, some sent and some verified at the same time.
		MaxIdleConns:          12 * o.Parallelism,
		MaxIdleConnsPerHost:   3 * o.Parallelism,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
		// A header is small; a server that sends more than this is not one of ours.
		MaxResponseHeaderBytes: 256 << 10,
		TLSClientConfig:        &tls.Config{RootCAs: rootCAs, MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
	}
}

// Request is one request, with a body that can be sent again.
type Request struct {
	// Op says what is being done and to what, in words that stand before a
	// colon: "uploading the package of alc 1.2.0".
	Op string
	// Method is the HTTP method; empty means GET.
	Method string
	// URL is absolute. A user and password in it are sent as basic
	// authentication and stand in no error.
	URL string
	// Header holds further headers. It is not changed.
	Header http.Header
	// Authorization is the value of the header of that name. It is sent to
	// the host of URL alone, never after a redirect to another, and is cut out
	// of every message that echoes it.
	Authorization string
	// Body is sent with the request, again with each attempt.
	Body []byte
	// ContentType goes with Body.
	ContentType string
	// Read says that the request changes nothing on the server although its
	// method suggests so (a search by POST). It gets the deadline and the
	// retries of a read. GET and HEAD are reads by themselves.
	Read bool
	// Repeatable says that a write may be sent again when it is not known
	// whether it was done, because doing it twice is the same as once.
	Repeatable bool
	// Describe says that errors describe an answer by its size and type, and quote
	// nothing of it: the address came from somebody who need not be trusted, and what
	// is there may be for nobody's eyes. The answer of another server, to which
	// redirects led, is always described.
	Describe bool
	// JSON says that the server answers in JSON: an HTML page, whatever its
	// status, is then not the server's word but that of something between.
	JSON bool
	// Timeout replaces the client's deadline for one attempt.
	Timeout time.Duration
	// Limit is the largest body read, in bytes; 0 means DefaultLimit.
	Limit int64
	// Stream reads the body of an answer of success as it comes, up to Limit, as a
	// part of the attempt; Body stays empty then. It is called once an attempt, so
	// it has to begin anew each time. Its error becomes the Err of an *Error, unless
	// the body was cut, which is worth another attempt of a read.
	Stream func(answer *Response, body io.Reader) error
	// Check judges an answer of success as a part of its attempt; its error
	// becomes the Err of an *Error. An error that wraps io.ErrUnexpectedEOF
	// means a cut body, which is worth another attempt of a read.
	Check func(*Response) error
}

func (r *Request) method() string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func (r *Request) isRead() bool {
	return r.Read || r.method() == http.MethodGet || r.method() == http.MethodHead
}

// Response is an answer of success (2xx, or 304 to a conditional request),
// read to its end, but while it is streamed.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// URL is where the answer came from after redirects, without secrets.
	URL string
	// Redirected says that URL is not the one that was asked.
	Redirected bool
	// Describe is that of the request, and set where redirects led to another server
	// than the one that was asked, too.
	Describe bool
}

type notifyKey struct{}

// WithNotify returns a context whose requests report their retries to notify
// instead of to the client's own hook, so that a caller knows for whom.
func WithNotify(ctx context.Context, notify func(Retry)) context.Context {
	return context.WithValue(ctx, notifyKey{}, notify)
}

// Notify passes on a retry that another library than this one makes, as the client
// reports its own.
func (c *Client) Notify(ctx context.Context, retry Retry) { c.notify(ctx)(retry) }

func (c *Client) notify(ctx context.Context) func(Retry) {
	if notify, ok := ctx.Value(notifyKey{}).(func(Retry)); ok && notify != nil {
		return notify
	}
	return c.options.Notify
}
