package transport

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Watch is who follows what requests do, to show it. It is called from several goroutines at once,
// and must not wait.
type Watch struct {
	// Pauses gets why a request waits before it is sent, in a few words, and until when.
	Pauses func(why string, until time.Time)
	// Sends gets each body of some size that begins to be sent.
	Sends func(*Sending)
}

type watchKey struct{}

// WithWatch returns a context whose requests are followed.
func WithWatch(ctx context.Context, w Watch) context.Context {
	return context.WithValue(ctx, watchKey{}, w)
}

// pauses says that a request waits.
func pauses(ctx context.Context, why string, wait time.Duration) {
	if w, ok := ctx.Value(watchKey{}).(Watch); ok && w.Pauses != nil {
		w.Pauses(why, time.Now().Add(wait))
	}
}

// Sending is a body on its way.
type Sending struct {
	of   int64
	done atomic.Int64
	over atomic.Bool
}

// Bytes is how many bytes were sent, and of how many; of is 0 when the answer has come, or the
// attempt has failed.
func (s *Sending) Bytes() (done, of int64) {
	if s.over.Load() {
		return 0, 0
	}
	return s.done.Load(), s.of
}

// fewBytes are sent before anybody could see how far they are.
const fewBytes = 16 << 10

// followed is a request whose body is counted if somebody follows it; over ends that.
func followed(r *http.Request) (counted *http.Request, over func()) {
	w, ok := r.Context().Value(watchKey{}).(Watch)
	if !ok || w.Sends == nil || r.Body == nil || r.Body == http.NoBody || r.ContentLength < fewBytes {
		return r, func() {}
	}
	s := &Sending{of: r.ContentLength}
	copied := *r // a RoundTripper must not change the request
	copied.Body = &countedBody{r.Body, s}
	if again := r.GetBody; again != nil { // after a connection that was closed meanwhile
		copied.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			s.done.Store(0)
			return &countedBody{body, s}, nil
		}
	}
	w.Sends(s)
	return &copied, func() { s.over.Store(true) }
}

// countedBody counts what is read of a body, as it is sent.
type countedBody struct {
	io.ReadCloser
	to *Sending
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.to.done.Add(int64(n))
	return n, err
}
