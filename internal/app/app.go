// Package app is what every command of ksrelease starts from: what it reaches of the outside
// (streams, environment, signals), the project that it works on, what it talks to, how a run
// is performed and printed, and how its end becomes words, reports and an exit code.
//
// It is the only package that knows the environment and exit codes. The grammar, and a file for
// each command, are in cmd/ksrelease.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/hooks"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/places"
	"github.com/ksrelease/ksrelease/internal/secrets"
	"github.com/ksrelease/ksrelease/internal/signals"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/terminal"
)

// App is what commands reach of the outside. Streams, Env and Stop have to be set.
type App struct {
	Stdin          *os.File
	Stdout, Stderr *output.Stream
	Env            func(string) (string, bool) // a variable of the environment, and whether it is set
	Stop           context.Context             // done with the first signal: begin nothing new
	// UserCache is the folder of the user for what can be made anew; nil: there is none.
	UserCache func() (string, error)
	StopIsEnd bool // the command has ended by a signal as it should
	// Connect replaces how connections to targets come about; nil: TCP.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
	// RetryWait is how long a request waits before its second attempt, and ReviewWait how long
	// status --wait waits before it asks again; 0: the usual time. They are for tests, which
	// would wait in vain.
	RetryWait, ReviewWait time.Duration
	// Attempts is how often a request is sent at most; 0: as usual.
	Attempts int
	// InProcess looks at extensions in this process, without limits. It is for tests in
	// fake time, which does not advance while a real process is alive.
	InProcess bool
	// Warnings takes what commands and packages warn of, and Redact knows the secrets, which
	// it takes out of all that is printed.
	Warnings output.Warnings
	Redact   secrets.Redactor
	// Reads are what is read before the first extension. As long as nothing else goes on, a
	// signal ends the program at once.
	Reads graceful.Reads
	// reported says that the reports that were asked for are of a whole run, and failure
	// is what ended the command, nil where nothing did.
	reported bool
	failure  error
	entered  bool // the working directory is that of -C
	hooks    atomic.Pointer[hooks.Set]
	caching  caching
	commands endings
}

// endings end the commands of targets where the program is ended at once.
type endings struct {
	mu  sync.Mutex
	all []func()
}

func (e *endings) add(end func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, end)
}

func (e *endings) now() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, end := range e.all {
		end()
	}
}

// Exit ends the process at once, with what was printed so far as long as somebody reads it.
func (a *App) Exit(code int) {
	ctx, cancel := context.WithTimeout(context.Background(), signals.Echo)
	defer cancel()
	if set := a.hooks.Load(); set != nil {
		set.Kill()
	}
	a.commands.now()
	a.Stderr.Plain()
	a.Stdout.Flush(ctx)
	os.Exit(code)
}

// HasColor says whether a stream is coloured.
func (a *App) HasColor(s *output.Stream) bool { return terminal.Env(a.Env).HasColor(s) }

// Execute runs a command, whose words are args, and returns the exit code. What ended it is
// printed, and is in the reports that were asked for.
func (a *App) Execute(args []string, command func() error) int {
	a.Redact.FromEnvironment(a.Env, credentials.Variable, places.RepositoryPassword, signing.PGPPassphrase)
	terminal.Env(a.Env).Settle(a.Stdout, a.Stderr)
	code := a.guard(command)
	a.Stderr.Plain()
	a.endHooks()
	a.closeCache()
	if a.failure != nil && !a.reported {
		a.reportFailure(args)
	}
	return a.delivered(code)
}

// delivered is the exit code when the command is done: what could not be printed is an
// error. It is said whatever else went wrong, because a result that is cut off looks
// like a whole one; an exit code that says more than 1 stays. Who follows only the progress
// and leaves has missed no result.
func (a *App) delivered(code int) int {
	a.Stdout.Flush(context.Background())
	a.Stderr.Flush(context.Background())
	for _, to := range []struct {
		stream *output.Stream
		name   string
	}{{a.Stdout, "standard output"}, {a.Stderr, "standard error"}} {
		err := to.stream.Err()
		gone := errors.Is(err, syscall.EPIPE)
		switch {
		case err == nil, gone && to.stream == a.Stderr:
		case gone:
			a.PrintError(errors.New("not all results were written: nobody reads standard output any more"), "")
			code = max(code, ExitNotReleased)
		default:
			a.PrintError(fmt.Errorf("not all results were written: writing to %s: %w", to.name, err), "see that there is space on the disk, and that the output is open")
			code = max(code, ExitNotReleased)
		}
	}
	return code
}
