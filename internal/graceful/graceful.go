// Package graceful has contexts that end in two steps, as a graceful shutdown does: at the
// first nothing new is begun and nothing is waited for, at the second what has begun ends,
// too.
//
// Who hands on the context need not know of it: it ends with the first step, and so does all
// that is done under it. What must be brought to its end takes [Finish].
package graceful

import (
	"context"
	"time"
)

// steps are the two of a context that [With] has made.
type steps struct{ stop, end context.Context }

type key struct{}

// With returns a context that ends with stop, the first step, or with end, the second one,
// whichever comes first; its cause is that of the one that came. It has the values of stop.
func With(stop, end context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithValue(stop, key{}, steps{stop, end}))
	unregister := func() bool { return true }
	if end.Err() != nil {
		cancel(context.Cause(end))
	} else {
		unregister = context.AfterFunc(end, func() { cancel(context.Cause(end)) })
	}
	return until{ctx, end}, func() { unregister(); cancel(context.Canceled) }
}

// Finish returns a context for what has begun and must be brought to its end: it has the
// values of ctx and ends with the second step alone. Any other context is returned as it is.
func Finish(ctx context.Context) context.Context {
	s, ok := ctx.Value(key{}).(steps)
	if !ok {
		return ctx
	}
	return finishing{s.end, context.WithoutCancel(ctx)}
}

// Wait returns a context for the waits in what is brought to its end: it ends with ctx and
// with the first step.
func Wait(ctx context.Context) (context.Context, context.CancelFunc) {
	waiting, cancel := context.WithCancelCause(ctx)
	stop := Stop(ctx)
	unregister := context.AfterFunc(stop, func() { cancel(context.Cause(stop)) })
	return waiting, func() { unregister(); cancel(context.Canceled) }
}

// Stop is the first step of a context: done as soon as nothing is to be waited for any more.
// A context that was not made by [With] has none, and what is returned never is.
func Stop(ctx context.Context) context.Context {
	if s, ok := ctx.Value(key{}).(steps); ok {
		return s.stop
	}
	return context.Background()
}

// until is a context with the deadline of another one, if that is the earlier.
type until struct {
	context.Context
	end context.Context
}

func (c until) Deadline() (time.Time, bool) {
	own, has := c.Context.Deadline()
	ends, bounded := c.end.Deadline()
	if !has || bounded && ends.Before(own) {
		return ends, bounded
	}
	return own, has
}

// finishing is a context that ends as one does, and has the values of another.
type finishing struct {
	context.Context
	values context.Context // which never ends
}

func (c finishing) Value(key any) any {
	if v := c.values.Value(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}
