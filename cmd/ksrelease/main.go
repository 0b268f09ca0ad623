// Command ksrelease releases the KubeSphere extensions of a monorepo.
//
// This package wires the others together: it is the only one that knows the environment and
// exit codes. Each command has a file.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/baseline"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/marketplace"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/secrets"
	"github.com/ksrelease/ksrelease/internal/signals"
	"github.com/ksrelease/ksrelease/internal/worker"
)

// version is set by the linker; see the Makefile.
var version = ""

// The exit codes, which scripts rely on (docs/exit-codes.md).
const (
	exitOK          = 0
	exitNotReleased = 1   // at least one extension is not released as asked
	exitUsage       = 2   // usage or configuration
	exitAuth        = 3   // authentication
	exitHungUp      = 129 // SIGHUP
	exitInterrupted = 130 // SIGINT
	exitTerminated  = 143 // SIGTERM
)

func main() {
	if worker.Asked() {
		serveWorker()
	}
	os.Exit(realMain())
}

// serveWorker looks at extensions for the process that has started this one.
func serveWorker(adjust ...func(*lint.Options)) {
	log.SetOutput(io.Discard)
	worker.Serve(os.Stdin, os.Stdout, adjust...)
}

func realMain(adjust ...func(*app)) int {
	// Helm's packages log remarks on values to the standard logger; what
	// matters of that is a finding of lint.
	log.SetOutput(io.Discard)

	collectLess()
	// A reader that goes away (`ksrelease run | head`) must not end a release
	// halfway; what is written to it is lost, no more.
	signal.Ignore(syscall.SIGPIPE)

	a := &app{stdin: os.Stdin, stdout: output.New(os.Stdout), stderr: output.New(os.Stderr), env: os.LookupEnv}
	for _, f := range adjust {
		f(a)
	}
	// A terminal that is stopped, or a pipe that nobody reads, holds up no extension.
	defer output.Background(a.stdout, a.stderr)()
	ctx, signalled := signals.Context(func() bool { return a.reads.Active() }, a.exit)
	a.stop = ctx
	code := a.main(os.Args[1:])
	if by := signalled(); by != 0 && !a.stopIsEnd {
		return by
	}
	return code
}

// collectLess trades memory for time: a run is short, and rendering makes much
// garbage. On six real packages it saves a sixth of the processor time and
// takes 100 MiB instead of 70. Beyond 1 GiB memory is dearer, and the collector
// works as hard as ever. Who sets GOGC or GOMEMLIMIT knows better.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(1 << 30)
	}
}

// app is what commands reach of the outside.
type app struct {
	stdin          *os.File
	stdout, stderr *output.Stream
	env            func(string) (string, bool)
	stop           context.Context // done with the first signal: begin nothing new
	stopIsEnd      bool            // the command has ended by a signal as it should
	// connect replaces how connections to the marketplace and the Helm repository
	// come about; nil: TCP.
	connect func(ctx context.Context, network, address string) (net.Conn, error)
	// retryWait is how long a request waits before its second attempt, and reviewWait how long
	// status --wait waits before it asks again; 0: the usual time. They are for tests, which
	// would wait in vain.
	retryWait, reviewWait time.Duration
	// attempts is how often a request is sent at most; 0: as usual.
	attempts int
	// inProcess looks at extensions in this process, without limits. It is for tests in
	// fake time, which does not advance while a real process is alive.
	inProcess bool
	warnings  output.Warnings
	redact    secrets.Redactor
	// reported says that the reports that were asked for are of a whole run, and failure
	// is what ended the command, nil where nothing did.
	reported bool
	failure  error
	entered  bool // the working directory is that of -C
	reads    graceful.Reads
}

// exit ends the process at once, with what was printed so far as long as somebody reads it.
func (a *app) exit(code int) {
	ctx, cancel := context.WithTimeout(context.Background(), signals.Echo)
	defer cancel()
	a.stdout.Flush(ctx)
	os.Exit(code)
}

// main runs one command line and returns the exit code.
func (a *app) main(args []string) int {
	a.redact.FromEnvironment(a.env, credentials.Variable, repositoryPassword)
	parser, err := kong.New(&cli{}, append(grammar(),
		kong.Writers(a.stdout.Lines(), a.stderr.Lines()),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.Bind(a),
	)...)
	if err != nil {
		panic(err) // the grammar is wrong; a test holds it
	}
	code := a.guard(func() error {
		words, err := commandline.Arrange(parser.Model, args)
		if err != nil {
			return usage(err, "")
		}
		parsed, err := parser.Parse(words)
		if err != nil {
			return usage(err, "see "+helpFor(err))
		}
		return parsed.Run()
	})
	if a.failure != nil && !a.reported {
		a.reportFailure(args)
	}
	return a.delivered(code)
}

// delivered is the exit code when the command is done: what could not be printed is an
// error. It is said whatever else went wrong, because a result that is cut off looks
// like a whole one; an exit code that says more than 1 stays. Who follows only the progress
// and leaves has missed no result.
func (a *app) delivered(code int) int {
	a.stdout.Flush(context.Background())
	a.stderr.Flush(context.Background())
	for _, to := range []struct {
		stream *output.Stream
		name   string
	}{{a.stdout, "standard output"}, {a.stderr, "standard error"}} {
		err := to.stream.Err()
		gone := errors.Is(err, syscall.EPIPE)
		switch {
		case err == nil, gone && to.stream == a.stderr:
		case gone:
			a.printError(errors.New("not all results were written: nobody reads standard output any more"), "")
			code = max(code, exitNotReleased)
		default:
			a.printError(fmt.Errorf("not all results were written: writing to %s: %w", to.name, err), "see that there is space on the disk, and that the output is open")
			code = max(code, exitNotReleased)
		}
	}
	return code
}

// grammar is how the command line is read and explained.
func grammar() []kong.Option {
	return []kong.Option{
		kong.Name("ksrelease"),
		kong.Description("Releases the KubeSphere extensions of a monorepo: declared in .ksrelease.yaml, checked as KubeSphere would, pushed, and seen in the Helm repository."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"stages": strings.Join(skippable(), ","), "marketplace_addr": marketplace.DefaultAddr, "baseline": baseline.Name, "reports": report.Help()},
	}
}

// helpFor is the help of the command that was typed wrong.
func helpFor(err error) string {
	words := []string{"ksrelease"}
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		for _, at := range wrong.Context.Path {
			if at.Command != nil {
				words = append(words, at.Command.Name)
			}
		}
	}
	return strings.Join(append(words, "--help"), " ")
}

// exited carries kong's wish to exit (after --help) up to guard.
type exited int

// guard runs a command and turns its error into words and an exit code: the
// one switch that does.
func (a *app) guard(command func() error) (code int) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case exited:
			code = int(thrown)
		default: // the runtime would print it as it is
			value, stack := any(thrown), debug.Stack()
			if elsewhere, ok := thrown.(*graceful.Panic); ok {
				value, stack = elsewhere.Value, elsewhere.Stack
			}
			a.failure = fmt.Errorf("this is a mistake in ksrelease: %v\n%s", value, stack)
			a.printError(a.failure, "please report it with what is above: "+projectURL+"/issues")
			code = exitNotReleased
		}
	}()
	err := command()
	if err == nil {
		return exitOK
	}
	a.failure = err
	a.showKept(err)
	var (
		quiet    *outcomeError
		problems diagnostic.List
		wrong    *usageError
	)
	switch {
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &problems):
		for _, p := range problems.Sorted() {
			a.stderr.Print("%s", report.Problem(a.redact.Diagnostic(p), 0))
		}
		return exitUsage
	case errors.As(err, &wrong):
		a.printError(err, wrong.hint)
		return exitUsage
	case failure.Unauthorized(err):
		a.printError(err, failure.Hint(err))
		return exitAuth
	default:
		a.printError(err, failure.Hint(err))
		return exitNotReleased
	}
}

// printError prints an error and, apart from it, the hint.
func (a *app) printError(err error, hint string) {
	a.stderr.Print("%s", output.Fold("ksrelease: ", "  ", a.redact.Text(err.Error()), 0))
	if hint != "" {
		a.stderr.Print("%s", output.Fold("  → ", "    ", a.redact.Text(hint), 0))
	}
}

// outcomeError ends a command whose output has said everything already.
type outcomeError struct {
	code   int
	result *results.Document // of a run; nil for other commands
}

func (e *outcomeError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// usageError is a mistake in what was typed or configured.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usageIf is usage of an error that may be nil.
func usageIf(err error) error {
	if err == nil {
		return nil
	}
	return usage(err, "")
}

// usage makes one. Without a hint of its own it has that of the error, if it has any.
func usage(err error, hint string) error {
	return &usageError{err, cmp.Or(hint, failure.Hint(err))}
}

// programVersion is the version that was linked in, else that of the module.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "devel"
}
