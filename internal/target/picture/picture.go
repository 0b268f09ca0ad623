// Package picture downloads icons and screenshots of published packages, wherever they are: a
// package that is in several places has the addresses of the one that keeps them.
package picture

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Download asks without credentials: icons and screenshots are public, and may be on any host.
// near is where this process reaches what has an address for others; nil is that address. The
// errors are those of web, an answer that is no picture among them, with a hint; none of them
// is a refusal of a key.
func Download(ctx context.Context, web *transport.Client, address string, near func(string) string) ([]byte, error) {
	shown := address
	if u, err := url.Parse(address); err == nil {
		shown = path.Base(u.Path)
	}
	if near != nil {
		address = near(address)
	}
	answer, err := web.Do(ctx, transport.Request{Op: "downloading the published asset " + shown, URL: address, Check: check})
	if err != nil {
		return nil, failure.NotTheKey(err, "check that the published asset can be read by everybody, and run again")
	}
	return answer.Body, nil
}

// check refuses what is no picture of any kind: a login page, or an error in words, would pass
// for other content otherwise.
func check(answer *transport.Response) error {
	body := answer.Body
	if len(body) == 0 {
		return fmt.Errorf("nothing came instead of a picture: %w", io.ErrUnexpectedEOF)
	}
	head := bytes.ToLower(body[:min(len(body), 4096)])
	text := strings.HasPrefix(http.DetectContentType(body), "text/")
	if text && (!bytes.Contains(head, []byte("<svg")) || bytes.Contains(head, []byte("<html"))) {
		return fmt.Errorf("%q came instead of a picture", transport.Excerpt(body))
	}
	return nil
}
