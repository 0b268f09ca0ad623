package graceful

import "context"

// Await does work that nothing interrupts: reading, hashing, packing. Where ctx ends
// before the work does, the work is left behind: it goes on by itself to its end, or
// to that of the process, and its result is lost. So it must not touch what others use.
//
// Work that a stranger's content can make last for more than some seconds, or that
// can end the process, is for a worker process (internal/worker).
func Await[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := work()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
