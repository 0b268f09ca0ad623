package transport

import "context"

type stopKey struct{}

// WithStop returns a context whose requests wait for nothing any more once stop
// is done: one that is under way goes on to its answer or its deadline, but a
// further attempt that would have to wait is not made.
func WithStop(ctx, stop context.Context) context.Context {
	return context.WithValue(ctx, stopKey{}, stop)
}

// stopOf is the stop of a context; one that never comes where it has none.
func stopOf(ctx context.Context) context.Context {
	if stop, ok := ctx.Value(stopKey{}).(context.Context); ok {
		return stop
	}
	return context.Background()
}

// noMore is why no further attempt is made after a stop.
func noMore(stop context.Context) string {
	return context.Cause(stop).Error() + " before the next attempt"
}
