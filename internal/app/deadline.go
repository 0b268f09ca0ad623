package app

import (
	"context"
	"fmt"
	"time"

	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/graceful"
)

// Deadline is the flag of a command that ends after a time.
type Deadline struct {
	Timeout commandline.Duration `placeholder:"D" help:"End after this time, such as 10m."`
}

// Begin is the context of a command: with stop, which the first signal ends, it begins
// nothing new, and when the time is up it ends. It is made first of all, so that the time
// counts from the start.
func (d Deadline) Begin(stop context.Context) (context.Context, context.CancelFunc) {
	end, cancelEnd := context.WithoutCancel(stop), context.CancelFunc(func() {})
	if d.Timeout != 0 {
		end, cancelEnd = context.WithTimeoutCause(end, time.Duration(d.Timeout), fmt.Errorf("--timeout of %s is over", d.Timeout))
	}
	ctx, cancel := graceful.With(stop, end)
	return ctx, func() { cancel(); cancelEnd() }
}
