// Package signals turns the signals that end a program into a context and an exit code.
package signals

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Context returns a context that ends with the first SIGINT, SIGTERM or SIGHUP. The second one
// ends the process at once by exit, and so does the first while atOnce says so. signalled is
// the exit code of the signal that came, or 0.
func Context(atOnce func() bool, exit func(code int)) (ctx context.Context, signalled func() int) {
	ctx, cancel := context.WithCancelCause(context.Background())
	came := make(chan os.Signal, 2)
	signal.Notify(came, syscall.SIGINT, syscall.SIGTERM)
	// A terminal that is closed should not cut a release off in the middle either;
	// who starts it with nohup wants it to go on to its end.
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(came, syscall.SIGHUP)
	}
	codes := make(chan int, 1)
	go func() {
		first := <-came
		codes <- exitCode(first)
		cancel(errors.New("interrupted"))
		if atOnce() {
			exit(exitCode(first))
		}
		exit(exitCode(onceMore(came, first)))
	}()
	return ctx, func() int {
		select {
		case code := <-codes:
			return code
		default:
			return 0
		}
	}
}

// Echo is how long after a signal another one of its kind is the same one: timeout(1)
// signals its child, and at once the group of processes that the child is in.
const Echo = 200 * time.Millisecond

// onceMore waits for the signal that ends the process at once after the first one.
func onceMore(came <-chan os.Signal, first os.Signal) os.Signal {
	at := time.Now()
	for {
		if next := <-came; next != first || time.Since(at) > Echo {
			return next
		}
	}
}

// exitCode is 128 and the number of the signal, as shells have it.
func exitCode(s os.Signal) int {
	number, _ := s.(syscall.Signal)
	return 128 + int(number)
}
