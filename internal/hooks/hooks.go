// Package hooks runs the commands that a config has for before and after a release: with the
// environment that is documented, without secrets that are not named, for a bounded time, and
// with all that they start ended at their end.
//
// Hooks are commands of the repository. Who runs them, and when, is decided by others.
package hooks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/childprocess"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
)

// AfterInterrupt is how long all hooks that clean up may take together once the run was
// interrupted, or its time was up.
const AfterInterrupt = 30 * time.Second

// The outcomes of a run, as the hooks of the project get them.
const (
	OutcomeOK          = "ok"
	OutcomeFailed      = "failed"
	OutcomeInterrupted = "interrupted"
)

// Options is what hooks are run with.
type Options struct {
	Before, After []config.Hook // those of the project
	Root          string        // absolute: the folder of the config
	Environment   []string      // of the program, NAME=value
	// Variables are what all hooks get besides: the command, the folders.
	Variables map[string]string
	// Redact takes secrets out of what hooks print; nil leaves it as it is.
	Redact func(string) string
	// Secret gets each secret that a hook is given because it names it, before the hook
	// is started; may be nil.
	Secret func(value string)
}

// Set is the hooks of one command. Its methods may be called by several goroutines at once.
type Set struct {
	options   Options
	processes childprocess.Processes

	mu      sync.Mutex
	begun   bool
	ended   bool
	project []results.Hook

	bounding sync.Once
	bounded  context.Context // of all that cleans up
}

// New makes the hooks of a command; none is run yet.
func New(o Options) *Set {
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	if o.Secret == nil {
		o.Secret = func(string) {}
	}
	return &Set{options: o}
}

// Begin runs the hooks of the project that come before everything else, until one fails.
// observe gets each as it begins and as it ends. When ctx ends, they do.
func (s *Set) Begin(ctx context.Context, observe func(results.Hook)) error {
	s.mu.Lock()
	s.begun = true
	s.mu.Unlock()
	return s.run(ctx, results.StageBefore, s.options.Before, s.options.Root, nil, s.keep(observe))
}

// End runs the hooks of the project that come after everything else, if Begin was called; the
// first call alone does. Each is run, whatever came of the others; the error is that of all that
// failed. What ended ctx does not end them at once, see AfterInterrupt.
func (s *Set) End(ctx context.Context, outcome string, observe func(results.Hook)) error {
	s.mu.Lock()
	due := s.begun && !s.ended
	s.ended = true
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.runAll(ctx, s.options.After, s.options.Root, map[string]string{"KSRELEASE_OUTCOME": outcome}, s.keep(observe))
}

// Before runs the hooks of an extension that is going to be read, until one fails.
func (s *Set) Before(ctx context.Context, x Extension) error {
	return s.run(ctx, results.StageBefore, x.Settings.Before, x.folder(), x.variables(), x.keep)
}

// After runs those of one that has ended, as End does.
func (s *Set) After(ctx context.Context, x Extension) error {
	variables := x.variables()
	variables["KSRELEASE_OUTCOME"] = OutcomeOK // where it was only checked, and has no outcome
	if x.Result.Outcome != results.NotReached || x.Result.Reason != "" {
		variables["KSRELEASE_OUTCOME"] = string(x.Result.Outcome)
	}
	if p := x.Result.Package; p != nil && p.Path != "" {
		variables["KSRELEASE_PACKAGE"] = filepath.Join(x.Settings.Package.Output, filepath.Base(p.Path))
	}
	return s.runAll(ctx, x.Settings.After, x.folder(), variables, x.keep)
}

// Project are the hooks of the project that were run so far.
func (s *Set) Project() []results.Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.project)
}

// Kill ends at once whatever runs, and nothing is started any more. It is for the end of the
// program.
func (s *Set) Kill() { s.processes.Kill() }

// keep notes the hooks of the project, and passes them on.
func (s *Set) keep(observe func(results.Hook)) func(results.Hook) {
	return func(h results.Hook) {
		s.mu.Lock()
		if h.Status == results.StageStarted {
			s.project = append(s.project, h)
		} else {
			s.project[len(s.project)-1] = h
		}
		s.mu.Unlock()
		observe(h)
	}
}

func (s *Set) run(ctx context.Context, stage string, hooks []config.Hook, dir string, variables map[string]string, observe func(results.Hook)) error {
	for _, h := range hooks {
		if err := s.one(ctx, stage, h, dir, variables, observe); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) runAll(ctx context.Context, hooks []config.Hook, dir string, variables map[string]string, observe func(results.Hook)) error {
	var failed []error
	for _, h := range hooks {
		if err := s.one(s.lasting(ctx), results.StageAfter, h, dir, variables, observe); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// lasting is a context for all that cleans up: it goes on for AfterInterrupt when ctx ends.
func (s *Set) lasting(ctx context.Context) context.Context {
	s.bounding.Do(func() {
		bounded, end := context.WithCancelCause(context.WithoutCancel(ctx))
		context.AfterFunc(ctx, func() {
			time.AfterFunc(AfterInterrupt, func() { end(fmt.Errorf("the run was ended %s ago", AfterInterrupt)) })
		})
		s.bounded = bounded
	})
	return s.bounded
}

// one runs a hook, and reports it.
func (s *Set) one(ctx context.Context, stage string, h config.Hook, dir string, variables map[string]string, observe func(results.Hook)) error {
	record := results.Hook{Stage: stage, Run: h.Run, Status: results.StageStarted}
	observe(record)
	start := time.Now()
	err := s.start(ctx, stage, h, dir, variables)
	record.Status, record.Milliseconds = results.StageOK, time.Since(start).Milliseconds()
	if err != nil {
		record.Status, record.Message = results.StageFailed, err.Error()
	}
	observe(record)
	return err
}

// start runs a hook. What it says in its errors is without secrets.
func (s *Set) start(ctx context.Context, stage string, h config.Hook, dir string, variables map[string]string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("the hook %q was not run: %w", Short(h.Run), context.Cause(ctx))
	}
	all := maps.Clone(s.options.Variables)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, variables)
	all["KSRELEASE_HOOK"], all["KSRELEASE_ROOT"] = stage, s.options.Root
	dir = cmp.Or(h.Dir, dir)
	all["PWD"] = dir
	env, withheld, err := childprocess.Environment(s.options.Environment, h.Env, all, s.options.Secret)
	if err != nil {
		return fmt.Errorf("the hook %q: %w", Short(h.Run), err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return failure.WithHint(fmt.Errorf("the hook %q: there is no folder %s", Short(h.Run), s.shown(dir)), "correct its dir in the config")
	}
	timed, cancel := context.WithTimeoutCause(ctx, h.Timeout, errTimeout)
	defer cancel()
	printed := &childprocess.Tail{}
	err = s.processes.Run(timed, childprocess.Command{Line: h.Run, Dir: dir, Env: env, Output: printed, Diagnostics: printed})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("the hook %q was ended: %w", Short(h.Run), context.Cause(ctx))
	case errors.Is(err, errTimeout):
		err = fmt.Errorf("the hook %q took longer than %s, and was ended", Short(h.Run), h.Timeout)
	default:
		err = fmt.Errorf("the hook %q: %w", Short(h.Run), err)
	}
	said := printed.LastLines(s.options.Redact)
	if said == "" {
		err = fmt.Errorf("%w; it printed nothing", err)
	} else {
		err = fmt.Errorf("%w; the last it printed:\n%s", err, said)
	}
	// Ours are for ksrelease alone, mostly.
	withheld = slices.DeleteFunc(withheld, func(name string) bool { return strings.HasPrefix(name, "KSRELEASE_") })
	if len(withheld) > 0 {
		return failure.WithHint(err, "if it needs one of the variables that look like secrets, name it in its env: %s", strings.Join(withheld, ", "))
	}
	return err
}

// shown is a path from the folder of the config.
func (s *Set) shown(dir string) string {
	if relative, err := filepath.Rel(s.options.Root, dir); err == nil {
		return filepath.ToSlash(relative)
	}
	return dir
}

// errTimeout ends a hook whose time is up.
var errTimeout = errors.New("its time is up")

// Short is a command in one line that is not too long, as messages show it.
func Short(command string) string { return childprocess.Short(command) }
