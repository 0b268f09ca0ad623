package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
)

// tool is what reports say they were made by.
func tool() report.Tool { return report.Tool{Version: programVersion(), URL: projectURL} }

// reportFailure writes the reports of a command that was ended before it had any result:
// each says so, in place of an older one.
func (a *app) reportFailure(args []string) {
	asked := commandline.ReportsAsked(args)
	if asked.Command == "" || asked.Command == "report" { // which makes no run, and may have named its journal
		return
	}
	now := time.Now()
	result := results.Document{
		SchemaVersion: 1, Command: asked.Command, Tool: results.Tool{Name: "ksrelease", Version: programVersion()},
		DryRun: slices.Contains(args, "--dry-run"), Started: now, Finished: &now, Error: a.commandError(a.failure),
	}
	done := map[string]bool{}
	for _, file := range asked.Files {
		var unusable *report.PathError
		if file == "" || errors.As(a.failure, &unusable) && unusable.Path == file {
			continue // which is what was reported
		}
		to, err := report.ParseDestination(file)
		if err != nil {
			a.printError(err, "")
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
		if err := to.WriteFailed(tool(), result); err != nil {
			a.printError(err, "")
		}
	}
}

// reportPath is where a report lies: below -C, whether or not the command went there. It
// is nowhere if that folder is not there.
func (a *app) reportPath(dir, file string) (string, bool) {
	if filepath.IsAbs(file) || dir == "" || a.entered {
		return file, true
	}
	info, err := os.Stat(dir)
	return filepath.Join(dir, file), err == nil && info.IsDir()
}

// commandError is an error as reports have it, without secrets.
func (a *app) commandError(err error) *results.CommandError {
	var (
		problems diagnostic.List
		wrong    *usageError
	)
	shown := &results.CommandError{Message: a.redact.Text(err.Error())}
	switch {
	case errors.As(err, &problems):
		shown.Message = plural(len(problems), "mistake") + " in the configuration"
		for _, p := range problems.Sorted() {
			p = a.redact.Diagnostic(p)
			shown.Problems = append(shown.Problems, results.FindingOf(p, ""))
		}
	case errors.As(err, &wrong):
		shown.Hint = a.redact.Text(wrong.hint)
	default:
		shown.Hint = a.redact.Text(failure.Hint(err))
	}
	return shown
}
