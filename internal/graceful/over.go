package graceful

import (
	"context"
	"errors"
)

// Over says that nothing new is to be begun under ctx. Its second step may be there a moment
// before ctx itself has ended.
func Over(ctx context.Context) bool { return ctx.Err() != nil || Finish(ctx).Err() != nil }

// Interruption says in a few words why a context ended.
func Interruption(ctx context.Context) string {
	if ctx.Err() == nil {
		ctx = Finish(ctx) // which may end a moment before
	}
	switch cause := context.Cause(ctx); {
	case cause == nil, errors.Is(cause, context.Canceled):
		return "interrupted"
	case errors.Is(cause, context.DeadlineExceeded):
		return "the time was up"
	default:
		return cause.Error()
	}
}
