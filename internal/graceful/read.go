package graceful

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// Reads counts what a program does that loses nothing by an end at any time: it reads
// files, or opens what bears the end of the process. The zero value is ready; it may be used
// from several goroutines.
type Reads struct{ active atomic.Int32 }

// Begin counts one more, until end is called.
func (r *Reads) Begin() (end func()) {
	r.active.Add(1)
	return func() { r.active.Add(-1) }
}

// Active says that the program may be ended at once.
func (r *Reads) Active() bool { return r.active.Load() > 0 }

// Read does work that loses nothing by an end: it reads the config, what its patterns match,
// the baseline. Neither YAML nor patterns nor files can be stopped from within. So reads is
// active meanwhile, and where the second step of ctx comes first, the work is left behind
// with a [CutError], as [Await] does it: it must not touch what others use. doing completes
// "--timeout of 10s is over while …". A panic of the work becomes one of the caller, with a
// [Panic].
func Read[T any](ctx context.Context, reads *Reads, doing string, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
		panic *Panic
	}
	ctx = Finish(ctx) // the first step ends the program, and not this work
	defer reads.Begin()()
	o, late := Await(ctx, func() (o outcome, _ error) {
		defer func() {
			if thrown := recover(); thrown != nil {
				o.panic = &Panic{thrown, debug.Stack()}
			}
		}()
		o.value, o.err = work()
		return o, nil
	})
	if late != nil {
		var none T
		return none, &CutError{fmt.Errorf("%w while %s", context.Cause(ctx), doing)}
	}
	if o.panic != nil {
		panic(o.panic)
	}
	return o.value, o.err
}

// CutError is the error of a command that was ended while it only read.
type CutError struct{ Err error }

func (e *CutError) Error() string { return e.Err.Error() }

// Unwrap returns why it was ended.
func (e *CutError) Unwrap() error { return e.Err }

// Hint is what the user can do about it.
func (e *CutError) Hint() string {
	return "nothing was changed: give it more time, or see what takes so long there"
}

// Panic is a panic of another goroutine, with the stack of where it was.
type Panic struct {
	Value any
	Stack []byte
}
