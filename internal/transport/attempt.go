package transport

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/redact"
)

// messageLimit is how much of an answer of failure is read for its message.
const messageLimit = 64 << 10

// target is where a request goes, worked out once for all its attempts.
type target struct {
	method, url, authorization string
	shown                      string // url without secrets
	host                       string
	read                       bool
}

// resolve takes user and password out of the address: they travel in a header,
// where no error can show them and no redirect carries them away.
func resolve(r *Request) (target, *Error) {
	t := target{method: r.method(), url: r.URL, shown: redact.URL(r.URL), authorization: r.Authorization, read: r.isRead()}
	u, err := url.Parse(r.URL)
	if err == nil && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		err = fmt.Errorf("the address must begin with https:// (or http://) and name a host")
	}
	if err != nil {
		failure := t.failure(r)
		failure.unsent, failure.Err = true, plainCause(err)
		return t, failure
	}
	if u.User != nil {
		if t.authorization == "" {
			password, _ := u.User.Password()
			t.authorization = BasicAuthorization(u.User.Username(), password)
		}
		u.User = nil
	}
	t.url, t.host = u.String(), hostPort(u)
	return t, nil
}

// BasicAuthorization is the value of an Authorization header for user and password.
func BasicAuthorization(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// failure is the beginning of every error of this request.
func (t *target) failure(r *Request) *Error {
	return &Error{Op: r.Op, Method: t.method, URL: t.shown, read: t.read}
}

// attempt sends the request once, and redacts what it proved itself with in all
// that comes back: a server, a proxy or a library may repeat it.
func (c *Client) attempt(ctx context.Context, r *Request, t target) (*Response, *Error) {
	secrets := c.redactorsFor(t)
	response, failure := c.exchange(ctx, r, t, secrets)
	if failure != nil {
		failure.Err = secrets.texts.Error(failure.Err)
		failure.location = secrets.texts.Text(failure.location)
		failure.URL = secrets.texts.Text(failure.URL)
	}
	return response, failure
}

// redactorsFor are the redactors of a request.
func (c *Client) redactorsFor(t target) redactors {
	var proxy *url.URL
	if u, err := url.Parse(t.url); err == nil {
		// The error is reported by whoever sends the request.
		proxy, _ = c.options.Proxy(&http.Request{URL: u})
	}
	return c.redactorsOf(t.authorization, proxy)
}

// exchange sends the request and reads the answer to its end, within the
// deadline of an attempt.
func (c *Client) exchange(ctx context.Context, r *Request, t target, secrets redactors) (*Response, *Error) {
	timeout := c.timeout(r)
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	failure := t.failure(r)
	request, err := c.build(limited, r, t)
	if err != nil {
		failure.unsent, failure.Err = true, err
		return nil, failure
	}
	answer, err := c.http.Do(request)
	if err != nil {
		failure.unsent = isUnsent(err)
		failure.Err = c.explain(ctx, limited, err, "waiting for the answer", &timeoutError{timeout, "no answer"})
		return nil, failure
	}
	defer answer.Body.Close()
	failure.Status, failure.Header = answer.StatusCode, answer.Header
	if !isSuccess(r, answer.StatusCode) {
		describe(failure, r, secrets.texts, answer)
		return nil, failure
	}
	response := &Response{Status: answer.StatusCode, Header: answer.Header, URL: secrets.texts.Text(redact.URL(answer.Request.URL.String()))}
	response.Redirected = answer.Request.URL.String() != t.url
	response.Describe = describes(r, answer)
	if r.Stream != nil && answer.StatusCode != http.StatusNotModified {
		from := &streamed{answer: answer, left: r.limit()}
		err := r.Stream(response, from)
		if from.err != nil {
			err = c.explain(ctx, limited, from.err, "reading the answer", &cutError{int(from.read), &timeoutError{timeout, "not complete"}})
		}
		if failure.Err = err; err != nil {
			return nil, failure
		}
		return response, nil
	}
	body, err := readBody(answer, r.limit())
	if err != nil {
		failure.Err = c.explain(ctx, limited, err, "reading the answer", &cutError{len(body), &timeoutError{timeout, "not complete"}})
		return nil, failure
	}
	response.Body = body
	if r.JSON {
		// What it says is reported, kept in reports, put into packages.
		response.Body = []byte(secrets.data.Text(string(body)))
	}
	return response, check(r, secrets.texts, response, failure)
}

func (c *Client) timeout(r *Request) time.Duration {
	switch {
	case r.Timeout > 0:
		return r.Timeout
	case r.isRead():
		return c.options.ReadTimeout
	}
	return c.options.WriteTimeout
}

func (r *Request) limit() int64 {
	if r.Limit > 0 {
		return r.Limit
	}
	return DefaultLimit
}

func (c *Client) build(ctx context.Context, r *Request, t target) (*http.Request, error) {
	var body io.Reader
	if r.Body != nil {
		// net/http gives such a body a GetBody, for its own use on 307 and 308.
		body = bytes.NewReader(r.Body)
	}
	request, err := http.NewRequestWithContext(ctx, t.method, t.url, body)
	if err != nil {
		return nil, plainCause(err)
	}
	for name, values := range r.Header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", c.options.UserAgent)
	if t.authorization != "" {
		request.Header.Set("Authorization", t.authorization)
	}
	if r.ContentType != "" {
		request.Header.Set("Content-Type", r.ContentType)
	}
	if r.JSON {
		request.Header.Set("Accept", "application/json")
	}
	return request, nil
}

func isSuccess(r *Request, status int) bool {
	if status == http.StatusNotModified {
		return r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != ""
	}
	return status >= 200 && status < 300
}

// explain puts the right name to an error of the network: the caller gave up,
// the attempt was out of time, or whatever it was.
func (c *Client) explain(caller, attempt context.Context, err error, doing string, timeout error) error {
	var asked *url.Error
	switch {
	case caller.Err() != nil:
		return stopped(caller, "gave up "+doing)
	case attempt.Err() != nil:
		return timeout
	case errors.As(err, &asked):
		// After a redirect it is another server than that of the request.
		if at, wrong := url.Parse(asked.URL); wrong == nil {
			if explained := c.explainCertificate(err, at); explained != nil {
				return explained
			}
		}
	}
	return plainCause(err)
}

// readBody reads a body up to a limit; an error of the network in the middle
// of it comes back as a *cutError.
func readBody(answer *http.Response, limit int64) ([]byte, error) {
	if answer.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	switch {
	case err != nil:
		return body, &cutError{len(body), err}
	case int64(len(body)) > limit:
		return nil, tooLarge(limit)
	}
	return body, nil
}

// streamed is the body of an answer, up to a limit. It remembers the error that
// ended it: whoever reads may have another one because of it.
type streamed struct {
	answer     *http.Response
	read, left int64
	err        error
}

func (s *streamed) Read(p []byte) (int, error) {
	switch {
	case s.err != nil:
		return 0, s.err
	case s.answer.ContentLength > s.read+s.left, s.left < 0:
		s.err = tooLarge(s.read + max(s.left, 0))
		return 0, s.err
	}
	n, err := s.answer.Body.Read(p[:min(int64(len(p)), s.left+1)])
	s.read += int64(n)
	s.left -= int64(n)
	if s.left < 0 {
		s.err = tooLarge(s.read - 1)
		return 0, s.err
	}
	if err != nil && err != io.EOF {
		s.err = &cutError{int(s.read), err}
		err = s.err
	}
	return n, err
}

func tooLarge(limit int64) error {
	return &advised{errTooLarge, fmt.Sprintf("%s: more than %s", errTooLarge, humanize.IBytes(uint64(limit))),
		"check the address: an answer of this size is not what was asked for, or has to be made smaller by those who run the server"}
}

// describe fills in what an answer of failure says.
func describe(failure *Error, r *Request, secrets *redact.Redactor, answer *http.Response) {
	// What was read before an error is all the message there is.
	body, _ := io.ReadAll(io.LimitReader(answer.Body, messageLimit))
	failure.RetryAfter = parseRetryAfter(answer.Header, time.Now())
	failure.Message = message(body, secrets)
	if describes(r, answer) {
		failure.Message = description(answer.Header, len(body), len(body) == messageLimit)
	}
	failure.page = r.JSON && IsPage(body)
	if location, err := answer.Location(); err == nil && answer.StatusCode < 400 {
		failure.location = redact.URL(location.String())
	}
}

// describes reports whether an answer is described and not quoted.
func describes(r *Request, answer *http.Response) bool {
	asked, err := url.Parse(r.URL)
	return r.Describe || err != nil || !sameServer(asked, answer.Request.URL)
}

// sameServer reports whether a redirect led to the server that was asked, be it from
// the default port of http to that of https.
func sameServer(asked, answered *url.URL) bool {
	upgraded := *asked
	if hostPort(asked) == strings.ToLower(asked.Hostname())+":80" {
		upgraded.Scheme, upgraded.Host = "https", strings.TrimSuffix(asked.Host, ":80")
	}
	return SameOrigin(asked, answered) || SameOrigin(&upgraded, answered)
}

// check lets the request judge an answer of success.
func check(r *Request, secrets *redact.Redactor, response *Response, failure *Error) *Error {
	if r.Check == nil || response.Status == http.StatusNotModified {
		return nil
	}
	if failure.Err = r.Check(response); failure.Err == nil {
		return nil
	}
	if IsPage(response.Body) {
		failure.Message = message(response.Body, secrets)
		if response.Describe {
			failure.Message = ""
		}
		failure.page = r.JSON
	}
	return failure
}
