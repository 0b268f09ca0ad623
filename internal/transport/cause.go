package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// errTooLarge is an answer that goes beyond the limit of its request: sending
// it again would bring the same.
var errTooLarge = errors.New("the answer is larger than is accepted")

// What net/http says of a server that speaks plain HTTP on a port for HTTPS,
// and of a proxy that refuses to build a tunnel.
const (
	httpOnHTTPS        = "server gave HTTP response to HTTPS client"
	proxyWantsPassword = "Proxy Authentication Required"
)

// timeoutError is an attempt that ran into its own deadline, in words that
// name it; the caller's context is still good.
type timeoutError struct {
	after time.Duration
	doing string
}

func (e *timeoutError) Error() string { return fmt.Sprintf("%s within %s", e.doing, e.after) }

// Timeout makes it a timeout in the sense of the package net.
func (e *timeoutError) Timeout() bool { return true }

// cutError is a body that stopped before its end.
type cutError struct {
	after int
	err   error
}

func (e *cutError) Error() string {
	return fmt.Sprintf("the answer was cut off after %d bytes: %s", e.after, e.err)
}

func (e *cutError) Unwrap() error { return e.err }

// stoppedError is a request that its caller no longer wants: its context was
// cancelled, or is out of time. Deadlines of sockets match
// context.DeadlineExceeded too, so only this type distinguishes the two.
type stoppedError struct {
	doing string
	cause error
}

func (e *stoppedError) Error() string { return e.doing + ": " + e.cause.Error() }

func (e *stoppedError) Unwrap() error { return e.cause }

func stopped(ctx context.Context, doing string) error {
	return &stoppedError{doing: doing, cause: context.Cause(ctx)}
}

// isCut says that an answer ended before its end.
func isCut(err error) bool {
	var cut *cutError
	return errors.As(err, &cut) && !isPermanent(err) || errors.Is(err, io.ErrUnexpectedEOF)
}

// isUnsent says that no connection came about, so that the server has seen
// nothing of the request. Without such a proof a request counts as sent.
func isUnsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// isPermanent says that a request without an answer would fare no better the
// next time: nobody wants it any more, the name does not exist, the
// certificate is not accepted, the address makes no sense.
func isPermanent(err error) bool {
	var dns *net.DNSError
	var unknownAuthority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var redirect *redirectError
	var stop *stoppedError
	var final interface{ Permanent() bool }
	switch {
	case err == nil:
		return false
	case errors.As(err, &stop), errors.As(err, &redirect), errors.Is(err, errTooLarge):
		return true
	case errors.As(err, &final):
		return final.Permanent()
	case errors.As(err, &dns):
		return dns.IsNotFound
	case errors.As(err, &unknownAuthority), errors.As(err, &hostname), errors.As(err, &invalid),
		errors.As(err, &verification), errors.As(err, &record):
		return true
	}
	// net/http has no type for these.
	text := err.Error()
	return strings.Contains(text, httpOnHTTPS) || strings.Contains(text, proxyWantsPassword)
}

// plainCause takes the address off an error of net/http, which repeats it with
// its query, and puts the hint to causes that need one.
func plainCause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the server closed the connection without an answer: %w", io.ErrUnexpectedEOF)
	case errors.As(err, &dns) && dns.IsNotFound:
		return &advised{err, "the host " + dns.Name + " is not known", "check the address, the network and the proxy settings"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused(err)
	case strings.Contains(err.Error(), httpOnHTTPS):
		return &advised{err, err.Error(), "use http:// for this address"}
	case strings.Contains(err.Error(), proxyWantsPassword):
		return &advised{err, "the proxy says: " + err.Error(), "put user and password into HTTPS_PROXY"}
	}
	return err
}

// PlainCause puts an error of net/http that did not come through a Client into the
// words that a Client has for it.
func PlainCause(err error) error { return plainCause(err) }

// refused says who refused the connection: the server, or the proxy before it.
func refused(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		return &advised{err, "the proxy refused the connection", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"}
	}
	return &advised{err, "connection refused", "check that the server runs at this address"}
}

// advised is a cause that comes with advice, which is kept apart from the fact
// so that each reporter can set it as it likes.
type advised struct {
	err  error
	text string
	hint string
}

func (e *advised) Error() string { return e.text }
func (e *advised) Unwrap() error { return e.err }

// Hint is what the user can do about it.
func (e *advised) Hint() string { return e.hint }
