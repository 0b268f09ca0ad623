package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/redact"
)

// Error is a request that did not succeed. Its texts hold no secret: neither
// the credentials of the request nor those of a URL.
type Error struct {
	// Op says what was being done and to what.
	Op string
	// Method and URL are those of the request, URL without secrets.
	Method, URL string
	// Status is that of the answer; 0 means that no answer came.
	Status int
	// Header is that of the answer, and may hold secrets; nil where no answer came.
	Header http.Header
	// Message is what the server said, or the first line (the title, of an
	// HTML page) of whatever came instead; at most 300 characters.
	Message string
	// Err is the cause where no answer came, or where an answer of success
	// could not be used.
	Err error
	// RetryAfter is how long the server asked to wait; 0 where it did not.
	RetryAfter time.Duration

	// unsent: the request never left, so a write cannot have happened.
	unsent bool
	// read: a read in spite of its method.
	read bool
	// page: an HTML page came from a server that speaks JSON.
	page bool
	// location is where a redirect that was not followed led to.
	location string
	// outOfTime: why no further attempt was made although one was worth it.
	outOfTime string
	// attempts is how often the request was sent, where more than once.
	attempts int
}

// Error says what was being done, the status or cause, what the server said
// and, last, which request it was.
func (e *Error) Error() string {
	parts := []string{}
	for _, part := range []string{e.Op, e.statusText(), e.Message, e.cause(), e.advice()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	text := strings.Join(parts, ": ") + " (" + e.Method + " " + e.URL
	if e.attempts > 1 {
		text += fmt.Sprintf(", %d attempts", e.attempts)
	}
	return text + ")"
}

// Unwrap gives the cause, so that errors.Is finds a cancelled context.
func (e *Error) Unwrap() error { return e.Err }

// Summary is the error in a few words for a line of progress: its cause, or
// its status.
func (e *Error) Summary() string {
	if text := e.cause(); text != "" {
		return text
	}
	return e.statusText()
}

// NotFound says that the server does not know what was asked for. A 404 page
// in HTML from a server that speaks JSON does not say that: a proxy, or
// another server than the one that was meant, wrote it.
func (e *Error) NotFound() bool { return e.Status == http.StatusNotFound && !e.page }

// Unauthorized says that the server did not accept the credentials (401) or
// does not let them do this (403).
func (e *Error) Unauthorized() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// Temporary says that the same request may well succeed later.
func (e *Error) Temporary() bool {
	switch e.Status {
	case 0:
		return !isPermanent(e.Err)
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return isCut(e.Err)
}

// Untrusted says that the server's certificate was not accepted. Nothing but
// what the cause advises will help.
func (e *Error) Untrusted() bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(e.Err, &certificate)
}

// SlowDown says that the server refused for the load it has, and wants to be
// asked less often: 429, or 503 with a time in Retry-After.
func (e *Error) SlowDown() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable && e.RetryAfter > 0
}

// InDoubt says that a write may have happened although it did not succeed
// here: no answer came after it was sent, or one that is no verdict (408, 409,
// any 5xx, a redirect, an answer of success that cannot be read). Whoever gets
// it reads the state back before deciding anything. A read is never in doubt.
func (e *Error) InDoubt() bool {
	if e.read || e.unsent || e.Method == http.MethodGet || e.Method == http.MethodHead {
		return false
	}
	switch {
	case e.Status < 400: // nothing, a redirect, or a success that was unreadable
		return true
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusConflict:
		return true
	}
	return e.Status >= 500
}

func (e *Error) statusText() string {
	switch {
	case e.Status == 0:
		return ""
	case http.StatusText(e.Status) == "":
		return fmt.Sprint(e.Status)
	}
	return fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
}

func (e *Error) cause() string {
	if e.Err == nil {
		return ""
	}
	return redact.Userinfo(e.Err.Error())
}

// advice is what to do, where the status alone says it.
func (e *Error) advice() string {
	switch {
	case e.outOfTime != "":
		return e.outOfTime
	case e.location != "":
		return "redirected to " + e.location + "; set the server's own address"
	case e.Status == http.StatusProxyAuthRequired:
		return "the proxy wants a user and password: put them into HTTPS_PROXY"
	case e.page && e.Status >= 400:
		return "an HTML page, written by a proxy or another server than the one that was meant"
	}
	return ""
}

// Hint is what the user can do about it, where that is not to wait and try
// again (Temporary), and not about credentials (Unauthorized): of those only
// the caller knows how.
func (e *Error) Hint() string {
	var cause interface{ Hint() string }
	if errors.As(e.Err, &cause) {
		return cause.Hint()
	}
	switch {
	case e.Temporary(), e.Unauthorized(), e.outOfTime != "":
		return ""
	case e.page, e.Status == http.StatusNotFound, e.Status > 0 && e.Status < 400:
		return "check the address of the server and the proxy settings: another one than was meant may have answered"
	case e.Status > 0:
		return "the server refuses what it was sent: fix what it complains of"
	}
	return ""
}

// As finds an *Error in err.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
