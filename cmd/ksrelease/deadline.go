package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/graceful"
)

// deadline is the flag of a command that ends after a time.
type deadline struct {
	Timeout commandline.Duration `placeholder:"D" help:"End after this time, such as 10m."`
}

// begin is the context of a command: with stop, which the first signal ends, it begins
// nothing new, and when the time is up it ends. It is made first of all, so that the time
// counts from the start.
func (d deadline) begin(stop context.Context) (context.Context, context.CancelFunc) {
	end, cancelEnd := context.WithoutCancel(stop), context.CancelFunc(func() {})
	if d.Timeout != 0 {
		end, cancelEnd = context.WithTimeoutCause(end, time.Duration(d.Timeout), fmt.Errorf("--timeout of %s is over", d.Timeout))
	}
	ctx, cancel := graceful.With(stop, end)
	return ctx, func() { cancel(); cancelEnd() }
}

// reading does work that loses nothing by an end: it reads the config, what its patterns
// match, the baseline, or opens what bears an end at any time. Neither YAML nor patterns
// nor files can be stopped from within. So the first signal ends the program at once meanwhile, and where
// ctx ends the work is left behind: it must not touch what others use. doing completes
// "--timeout of 10s is over while …".
func reading[T any](ctx context.Context, a *app, doing string, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
		panic *panicked
	}
	late := func() (T, error) {
		var none T
		return none, &cutError{fmt.Errorf("%w while %s", context.Cause(ctx), doing)}
	}
	ctx = graceful.Finish(ctx) // a signal ends the program, and not this work
	if ctx.Err() != nil {
		return late()
	}
	a.onlyReading.Add(1)
	defer a.onlyReading.Add(-1)
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if thrown := recover(); thrown != nil {
				o.panic = &panicked{thrown, debug.Stack()}
			}
			done <- o
		}()
		o.value, o.err = work()
	}()
	select {
	case o := <-done:
		if o.panic != nil {
			panic(o.panic)
		}
		return o.value, o.err
	case <-ctx.Done():
		return late()
	}
}

// cutError is the error of a command that was ended while it only read.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }
func (e *cutError) Hint() string {
	return "nothing was changed: give it more time, or see what takes so long there"
}

// panicked is a panic of another goroutine, with the stack of where it was.
type panicked struct {
	value any
	stack []byte
}
