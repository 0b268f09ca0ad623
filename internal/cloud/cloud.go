// Package cloud is the client of KubeSphere Cloud, the marketplace that
// extensions are pushed to: one method a request, typed answers, and errors
// that say what the server said or what came instead.
//
// The wire is that of the public ksbuilder client (v0.4.5); there is no
// published API document. So a client is liberal in what it accepts: unknown
// fields are ignored, unknown statuses kept as they are, every 2xx is success.
// It is strict where a wrong guess would pass for the truth: an answer without
// the one value it is asked for is an error, and so is a page of a proxy.
//
// What to do with a failed or doubtful write is decided by the pipeline, which
// reads the state back; nothing here decides on states.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ksrelease/ksrelease/internal/transport"
)

// DefaultServer is the address of KubeSphere Cloud.
const DefaultServer = "https://apis.kubesphere.cloud"

// answerLimit is the largest answer read, in bytes. The longest is the list of
// a developer's extensions, at some hundred bytes each.
const answerLimit = 16 << 20

// Options of a Client.
type Options struct {
	// Server is the address, with or without a path before /apis; empty means DefaultServer.
	Server string
	// Token is the API key, such as kck-1e63267b-cb3c-4757-b739-3d94a06781aa.
	Token string
	// Transport sends the requests. Nil: one of its own with the defaults and UserAgent.
	Transport *transport.Client
	// UserAgent is used where Transport is nil.
	UserAgent string
}

// Client talks to one marketplace as one user. It is safe for concurrent use.
type Client struct {
	server    *url.URL
	token     string
	transport *transport.Client
}

// ErrNoToken is New's answer to an empty token.
var ErrNoToken = errors.New("no API key for the marketplace: run `ksrelease login`, or set KSRELEASE_TOKEN")

// New makes a client. The error is ErrNoToken, or says what is wrong with the
// address or the token (without showing the token).
func New(options Options) (*Client, error) {
	if options.Server == "" {
		options.Server = DefaultServer
	}
	server, err := transport.ParseServer("cloud.server", options.Server)
	if err != nil {
		return nil, err
	}
	if options.Token == "" {
		return nil, ErrNoToken
	}
	if strings.ContainsFunc(options.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the API key holds a space, a line break or a character that no key has: copy it again")
	}
	if options.Transport == nil {
		options.Transport = transport.New(transport.Options{UserAgent: options.UserAgent})
	}
	return &Client{server: server, token: options.Token, transport: options.Transport}, nil
}

// call sends a request and hands its JSON answer to read. An empty answer
// comes to read as nil.
func (c *Client) call(ctx context.Context, r transport.Request, read func(body []byte) error, segments ...string) error {
	address, err := c.address(segments...)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Op, err)
	}
	r.URL = address + r.URL
	r.Authorization = "Bearer " + c.token
	r.JSON, r.Limit = true, answerLimit
	r.Check = func(answer *transport.Response) error { return checkAnswer(answer, read) }
	_, err = c.transport.Do(ctx, r)
	return err
}

// address joins escaped segments to the address of the server. An empty
// segment, or one that servers fold away, would make it another request.
func (c *Client) address(segments ...string) (string, error) {
	address := strings.Builder{}
	address.WriteString(c.server.String())
	address.WriteString("/apis")
	for _, segment := range segments {
		if segment == "" || segment == "." || segment == ".." {
			return "", fmt.Errorf("%q cannot stand in the address of a request", segment)
		}
		address.WriteString("/" + url.PathEscape(segment))
	}
	return address.String(), nil
}
