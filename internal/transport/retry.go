package transport

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/ksrelease/ksrelease/internal/graceful"
)

// Retry is an attempt that failed and will be made again after Wait.
type Retry struct {
	// Op is that of the request.
	Op string
	// Attempt is the number of the attempt to come: the first retry is 2.
	Attempt int
	// Of is the number of attempts at most; 0 where the server asked to slow
	// down, which is obeyed until the patience of the client is at its end.
	Of int
	// Wait is how long from now the attempt is made.
	Wait time.Duration
	// Cause is the failure.
	Cause *Error
}

// String is the retry as a line of progress: "uploading the package of alc
// 1.2.0: 503 Service Unavailable, trying again in 2s, 2 of 5".
func (r Retry) String() string {
	text := fmt.Sprintf("%s: %s, trying again in %s", r.Op, r.Cause.Summary(), shortDuration(r.Wait))
	if r.Of > 0 {
		text += fmt.Sprintf(", %d of %d", r.Attempt, r.Of)
	}
	return text
}

func shortDuration(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// Do sends a request and reads its whole answer, again where that is safe and
// may help. Every error that comes back is an *Error.
//
// Reads and repeatable writes are sent again after no answer, a cut one, 408,
// 425, 429, 500, 502, 503 and 504. Other writes only where they cannot have
// been done: no connection came about, or the server refused to look at the
// request (429).
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	target, failure := resolve(&r)
	if failure != nil {
		return nil, failure
	}
	var response *Response
	failure = c.repeat(ctx, &r, target, func() *Error {
		var failure *Error
		response, failure = c.attempt(ctx, &r, target)
		return failure
	})
	if failure != nil {
		return nil, failure
	}
	return response, nil
}

// repeat makes attempts until one succeeds or no other may be made.
func (c *Client) repeat(ctx context.Context, r *Request, t target, attempt func() *Error) *Error {
	s := &sending{client: c, request: r, target: t, backoff: c.newBackoff(), attempts: 1}
	for {
		if failure := s.passGate(ctx); failure != nil {
			return failure
		}
		failure := attempt()
		if failure == nil {
			c.gate.leave(t.host, false)
			return nil
		}
		s.sent++
		failure.attempts = s.sent
		wait := s.waitAfter(failure)
		if !s.mayRepeat(ctx, failure, wait) || !s.wait(ctx, wait, failure) {
			return failure
		}
	}
}

func (c *Client) newBackoff() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     c.options.FirstWait,
		RandomizationFactor: backoff.DefaultRandomizationFactor,
		Multiplier:          2,
		MaxInterval:         c.options.LongestWait,
	}
	b.Reset()
	return b
}

// sending is one request on its way through its attempts.
type sending struct {
	client  *Client
	request *Request
	target  target
	backoff *backoff.ExponentialBackOff
	// attempts counts what Options.Attempts bounds, sent all of them.
	attempts, sent int
	waited         time.Duration
}

// passGate waits until the host takes this request.
func (s *sending) passGate(ctx context.Context) *Error {
	for {
		entered, closed, freed := s.client.gate.enter(s.target.host)
		if entered {
			return nil
		}
		failure := s.target.failure(s.request)
		failure.unsent, failure.attempts = true, s.sent
		failure.Message = "the server asked to slow down"
		if freed != nil {
			select {
			case <-freed:
				continue
			case <-ctx.Done():
				failure.Err = stopped(ctx, "gave up waiting for its turn")
				return failure
			}
		}
		failure.RetryAfter = closed
		if !s.wait(ctx, closed, failure) {
			return failure
		}
	}
}

// waitAfter is how long to wait after a failure. Where the server refuses for
// the load it has, all requests to it wait.
func (s *sending) waitAfter(failure *Error) time.Duration {
	wait := failure.RetryAfter
	switch {
	case failure.SlowDown():
		wait = s.client.gate.shut(s.target.host, wait, s.client.newBackoff)
	case wait == 0:
		wait = s.backoff.NextBackOff()
	}
	s.client.gate.leave(s.target.host, failure.SlowDown())
	return wait
}

// mayRepeat decides whether a failed attempt is made once more after a wait,
// and says it if so.
func (s *sending) mayRepeat(ctx context.Context, failure *Error, wait time.Duration) bool {
	if !isRepeatable(s.request, failure) {
		return false
	}
	if ctx.Err() != nil {
		failure.Err = stopped(ctx, "gave up trying again")
		return false
	}
	retry := Retry{Op: s.request.Op, Wait: wait, Cause: failure, Attempt: s.sent + 1}
	if !failure.SlowDown() {
		if s.attempts >= s.client.options.Attempts {
			return false
		}
		s.attempts++
		retry.Attempt, retry.Of = s.attempts, s.client.options.Attempts
	}
	if !s.affordable(ctx, wait, failure) {
		return false
	}
	s.client.notify(ctx)(retry)
	return true
}

// isRepeatable says that sending the request again is safe and may help.
func isRepeatable(r *Request, failure *Error) bool {
	switch {
	case failure.Status == http.StatusTooManyRequests:
		return true
	case failure.unsent, r.isRead(), r.Repeatable:
		return failure.Temporary()
	}
	return false
}

// affordable says that a wait ends before the patience of the client and the
// deadline of the caller do, and that the caller has not asked to stop: waiting for an attempt that cannot be made would
// only put the error off.
func (s *sending) affordable(ctx context.Context, wait time.Duration, failure *Error) bool {
	deadline, ok := ctx.Deadline()
	switch stop := graceful.Stop(ctx); {
	case stop.Err() != nil:
		failure.outOfTime = noMore(stop)
	case ok && !time.Now().Add(wait).Before(deadline):
		failure.outOfTime = fmt.Sprintf("the next attempt would be in %s, after the deadline", shortDuration(wait))
	case s.waited+wait > s.client.options.Patience:
		failure.outOfTime = fmt.Sprintf("the next attempt would be in %s, and no request waits longer than %s altogether", shortDuration(wait), s.client.options.Patience)
	default:
		return true
	}
	return false
}

// wait sleeps; false means that the wait is too long, or that the caller gave
// up, and failure says so.
func (s *sending) wait(ctx context.Context, wait time.Duration, failure *Error) bool {
	if !s.affordable(ctx, wait, failure) {
		return false
	}
	s.waited += wait
	pauses(ctx, cmp.Or(failure.Summary(), failure.Message), wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	stop := graceful.Stop(ctx)
	select {
	case <-timer.C:
		return true
	case <-stop.Done():
		failure.outOfTime = noMore(stop)
		return false
	case <-ctx.Done():
		failure.Err = stopped(ctx, "gave up waiting to try again")
		return false
	}
}
