package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/ci"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
)

// reportFailure writes the reports of a command that was ended before it had any result:
// each says so, in place of an older one.
func (a *App) reportFailure(args []string) {
	asked := commandline.ReportsAsked(args)
	if asked.Command == "" || asked.Command == "report" { // which makes no run, and may have named its journal
		return
	}
	now := time.Now()
	result := results.Document{
		SchemaVersion: 1, Command: asked.Command, Tool: MadeBy(),
		DryRun: slices.Contains(args, "--dry-run"), Started: now, Finished: &now, Error: a.CommandError(a.failure),
	}
	if set := a.hooks.Load(); set != nil {
		result.Hooks = a.Redact.Hooks(set.Project())
	}
	job := ci.In(ci.Asked(args), a.Env, a.warn)
	job.Failed(&result, a.Stderr)
	done := map[string]bool{}
	for i, file := range append(asked.Files, job.Reports(asked.Command)...) {
		var unusable *report.PathError
		if file == "" || errors.As(a.failure, &unusable) && unusable.Path == file {
			continue // which is what was reported
		}
		to, err := report.ParseDestination(file)
		if err != nil {
			a.PrintError(err, "")
			continue
		}
		if errors.As(a.failure, &unusable) && unusable.Path == to.Path {
			continue
		}
		path, ok := a.reportPath(asked.Dir, to.Path)
		if !ok || done[path] {
			continue
		}
		done[path] = true
		to.Path = path
		switch err := to.WriteFailed(Tool(), result); {
		case err != nil && i >= len(asked.Files): // nobody has asked for it
			job.Lacks(err)
		case err != nil:
			a.PrintError(err, "")
		}
	}
}

// reportPath is where a report lies: below -C, whether or not the command went there. It
// is nowhere if that folder is not there.
func (a *App) reportPath(dir, file string) (string, bool) {
	if filepath.IsAbs(file) || dir == "" || a.entered {
		return file, true
	}
	info, err := os.Stat(dir)
	return filepath.Join(dir, file), err == nil && info.IsDir()
}

// CommandError is an error as documents have it, without secrets.
func (a *App) CommandError(err error) *results.CommandError {
	var (
		problems diagnostic.List
		wrong    *UsageError
	)
	shown := &results.CommandError{Message: a.Redact.Text(err.Error())}
	switch {
	case errors.As(err, &problems):
		shown.Message = Plural(len(problems), "mistake") + " in the configuration"
		for _, p := range problems.Sorted() {
			p = a.Redact.Diagnostic(p)
			shown.Problems = append(shown.Problems, results.FindingOf(p, ""))
		}
	case errors.As(err, &wrong):
		shown.Hint = a.Redact.Text(wrong.Hint)
	default:
		shown.Hint = a.Redact.Text(failure.Hint(err))
	}
	return shown
}

// Plural is a number with its noun: 1 extension, 2 extensions.
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
