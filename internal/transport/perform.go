package transport

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/redact"
)

// Perform has work done by a library that makes its own requests, with the attempts,
// deadlines and errors of Do: r says what is being done, and one attempt may be several
// requests. They have to go through Network, with the context that work gets. The
// header, body, Stream and Check of r are without effect.
//
// A nil error of work is success, whatever was answered last. Otherwise the last answer
// says what went wrong: its status decides whether another attempt is made, and the
// error is an *Error like all others.
func (c *Client) Perform(ctx context.Context, r Request, work func(context.Context, *Attempt) error) error {
	target, failure := resolve(&r)
	if failure != nil {
		return failure
	}
	failure = c.repeat(ctx, &r, target, func() *Error { return c.perform(ctx, &r, target, work) })
	if failure != nil {
		return failure
	}
	return nil
}

// Attempt is one attempt of Perform.
type Attempt struct {
	alive func()

	mu     sync.Mutex
	answer *answered // nil where the last request has none
}

// answered is what an attempt keeps of an answer.
type answered struct {
	*http.Response
	begin []byte // of the body of an answer of failure
}

// Alive says that something moves. The deadline of the attempt begins anew, so that it is
// one for silence, and a large body may take as long as it needs.
func (a *Attempt) Alive() { a.alive() }

// Status is that of the last answer; 0 where the last request has none.
func (a *Attempt) Status() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answer == nil {
		return 0
	}
	return a.answer.StatusCode
}

// Page says that the last answer is a page for people, which no API of a server
// answers with: a proxy, or another server than the one that was meant, wrote it.
func (a *Attempt) Page() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answer == nil {
		return false
	}
	kind, _, err := mime.ParseMediaType(a.answer.Header.Get("Content-Type"))
	return err == nil && kind == "text/html" || IsPage(a.answer.begin)
}

type attemptKey struct{}

// note keeps the last answer for the attempt that the request is a part of.
func note(request *http.Request, answer *http.Response) {
	a, ok := request.Context().Value(attemptKey{}).(*Attempt)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = nil
	if answer == nil {
		return
	}
	a.answer = &answered{Response: answer}
	answer.Body = &cuttable{ReadCloser: answer.Body}
	if answer.StatusCode >= 400 {
		// The library reads the answer, too. What was read before an error is all the
		// message there is.
		a.answer.begin, _ = io.ReadAll(io.LimitReader(answer.Body, messageLimit))
		answer.Body = &again{io.MultiReader(bytes.NewReader(a.answer.begin), answer.Body), answer.Body}
	}
}

// cuttable is a body whose errors say that it was cut off, whatever the library makes
// of them.
type cuttable struct {
	io.ReadCloser
	read int
}

func (b *cuttable) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += n
	if err != nil && err != io.EOF {
		err = &cutError{b.read, err}
	}
	return n, err
}

// again is a body of which the beginning was read.
type again struct {
	io.Reader
	io.Closer
}

// watched is a context that ends when nothing was alive for a time.
func watched(parent context.Context, silence time.Duration) (context.Context, func(), context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	timer := time.AfterFunc(silence, func() { cancel(context.DeadlineExceeded) })
	return ctx, func() { timer.Reset(silence) }, func() { timer.Stop(); cancel(nil) }
}

func (c *Client) perform(ctx context.Context, r *Request, t target, work func(context.Context, *Attempt) error) *Error {
	silence := c.timeout(r)
	limited, alive, cancel := watched(ctx, silence)
	defer cancel()
	a := &Attempt{alive: alive}
	err := work(context.WithValue(limited, attemptKey{}, a), a)
	if err == nil {
		return nil
	}
	failure := t.failure(r)
	a.mu.Lock()
	defer a.mu.Unlock()
	secrets := c.redactorsFor(t).texts
	if a.answer == nil {
		failure.unsent = isUnsent(err)
		failure.Err = c.explain(ctx, limited, err, "waiting for the answer", &timeoutError{silence, "no answer"})
	} else {
		failure.Status, failure.Header = a.answer.StatusCode, a.answer.Header
		if a.answer.StatusCode >= 400 {
			a.describe(failure, r, secrets)
		} else {
			failure.Err = c.explain(ctx, limited, err, "reading the answer", &cutError{0, &timeoutError{silence, "not complete"}})
		}
	}
	failure.Err = secrets.Error(failure.Err)
	return failure
}

// describe fills in what an answer of failure says.
func (a *Attempt) describe(failure *Error, r *Request, secrets *redact.Redactor) {
	failure.RetryAfter = parseRetryAfter(a.answer.Header, time.Now())
	failure.Message = message(a.answer.begin, secrets)
	if describes(r, a.answer.Response) {
		failure.Message = description(a.answer.Header, len(a.answer.begin), len(a.answer.begin) == messageLimit)
	}
	failure.page = IsPage(a.answer.begin)
}

// Permanent makes an error one that no other attempt would change.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ err error }

func (e *permanent) Error() string   { return e.err.Error() }
func (e *permanent) Unwrap() error   { return e.err }
func (e *permanent) Permanent() bool { return true }
