// Package replaying makes the result of a run out of its journal, or of several, and reports on it as
// the run did: the command report.
package replaying

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/journal"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

// Command is what the command line asks for; the grammar says what each field is.
type Command struct {
	Dir    string
	From   []string
	Output string
	All    bool
	Report []string
}

// merge is the word before journals that are to make one result. It is no command of its own:
// kong loses the flags of a command that is the default of another.
const merge = "merge"

// Run makes the result of a run out of its journal, and reports on it as the run did; or one
// result of several.
func (c *Command) Run(a *app.App) error {
	switch several := c.From[0] == merge; {
	case several && len(c.From) == 1:
		return app.Usage(errors.New("report merge names no journal"), "name those of the runs: ksrelease report merge FILE.jsonl…")
	case several:
		return c.make(a, true, c.From[1:])
	case len(c.From) > 1:
		return app.Usage(errors.New("report is of one run"), "to make one result of several: ksrelease report merge FILE.jsonl…")
	}
	return c.make(a, false, c.From)
}

// journalLimit is the size of the largest journal that is read, in bytes: a run of ten
// thousand extensions writes less.
const journalLimit = 512 << 20

// make makes the result of journals, and reports on it as the runs did.
func (c *Command) make(a *app.App, merged bool, journals []string) error {
	if err := (app.Place{Dir: c.Dir}).Enter(); err != nil {
		return err
	}
	destinations, err := report.ParseDestinations(c.Report)
	if err != nil {
		return app.Usage(err, "")
	}
	for _, d := range destinations {
		if slices.ContainsFunc(journals, func(from string) bool { return sameFile(from, d.Path) }) {
			return app.Usage(&report.PathError{Path: d.Path, Err: errors.New("it is the journal itself")}, "name another file")
		}
	}
	var all []*results.Document
	for _, from := range journals {
		replay, err := Read(from)
		if err != nil {
			return err
		}
		if replay.Cut {
			a.Stderr.Print("the last line of %s is cut off, and is left out", from)
		}
		if replay.Result.Finished == nil {
			a.Stderr.Print("the run has no end in %s: it was killed, or goes on", from)
		}
		all = append(all, replay.Result)
	}
	result, err := results.Merge(all)
	if err != nil {
		return app.Usage(fmt.Errorf("the journals do not belong together: %w", err), "name the journals of one release")
	}
	var missing []string
	if merged {
		if missing = results.MissingShards(all); len(missing) > 0 {
			result.Warnings = append(slices.Clone(result.Warnings), "this is not the whole: there is no journal of shard "+strings.Join(missing, ", "))
		}
	}
	result = a.Redact.Document(result)
	c.print(a, result)
	var unwritten error
	for _, d := range destinations {
		unwritten = errors.Join(unwritten, d.Write(result, app.Tool()))
	}
	var unusable *report.PathError
	switch {
	case errors.As(unwritten, &unusable):
		return app.Usage(unwritten, "name a file in a folder that can be written to")
	case unwritten != nil:
		return unwritten
	}
	code := exitCodeOf(result)
	if code == app.ExitOK && len(missing) > 0 {
		code = app.ExitNotReleased
	}
	if code != app.ExitOK {
		return &app.OutcomeError{Code: code}
	}
	return nil
}

// Read reads a journal. What is wrong in it is a problem with its line.
func Read(from string) (*journal.Replay, error) {
	data, err := regularfile.Read(from, journalLimit)
	if err != nil {
		return nil, app.Usage(fmt.Errorf("reading the journal %s: %w", from, err), "name a file that ksrelease run --report FILE.jsonl has written")
	}
	replay, err := journal.Read(bytes.NewReader(data))
	var wrong *journal.LineError
	if errors.As(err, &wrong) {
		hint := "name a file that ksrelease run --report FILE.jsonl has written"
		if wrong.Line > 1 {
			hint = "what comes before this line is whole: a copy that ends there can be read"
		}
		return nil, diagnostic.List{{Code: results.CodeUnreadableJournal, Severity: diagnostic.Error, File: from, Range: diagnostic.At(wrong.Line, 0), Message: wrong.Err.Error(), Hint: hint}}
	}
	return replay, err
}

// print prints the result.
func (c *Command) print(a *app.App, result *results.Document) {
	if c.Output == "json" {
		a.Stdout.JSON(result, "  ")
		return
	}
	text := report.NewText(a.Stdout, a.Stderr, report.TextOptions{
		Findings: result.Command == "lint", All: c.All, ShowAll: c.allLine, Color: a.HasColor(a.Stdout), Width: a.Stdout.Columns(),
	})
	for _, warning := range result.Warnings {
		text.Observe(results.Event{Kind: results.EventWarning, Message: warning})
	}
	text.Observe(results.Event{Kind: results.EventRunFinished, Result: result})
	if result.Error != nil {
		a.PrintError(errors.New(result.Error.Message), result.Error.Hint)
		for _, p := range result.Error.Problems {
			a.Stderr.Print("%s", report.Problem(p.Diagnostic(), 0))
		}
	}
}

// allLine is the command line that shows each finding.
func (c *Command) allLine() string {
	words := append([]string{"ksrelease", "report", "--all"}, app.Place{Dir: c.Dir}.Words()...)
	for _, from := range c.From {
		words = append(words, shellword.Quote(from))
	}
	return strings.Join(words, " ")
}

// exitCodeOf is the exit code that the run had. One that was killed, or goes on, has not
// released what it was asked to.
func exitCodeOf(r *results.Document) int {
	switch {
	case r.Error != nil:
		return app.ExitUsage
	case r.AsAsked() && r.Finished != nil:
		return app.ExitOK
	case r.AuthRefused:
		return app.ExitAuth
	}
	return app.ExitNotReleased
}

// sameFile says whether two paths lead to one file.
func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
