package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/pipeline"
)

// The rules of all text that a run prints:
//
//   - Standard output holds the result: a table, what went wrong in full, the
//     counts, and what to type next. It is the same whether or not anybody
//     watches, but that a terminal gets it folded to its width: not within words,
//     and not within code, which somebody may want to copy.
//   - Standard error holds what happens meanwhile, a line an event worth
//     reading, each beginning with the extension it is about. On a terminal
//     its last line says what is going on and is wiped before the next.
//   - A fact stands in a line of its own; the advice follows, after "→".
//   - Colour only says again what a word says.
//
// Every print goes through say, result or status.

// Text reports to people.
type Text struct {
	out, err io.Writer
	opts     TextOptions

	planned  *pipeline.Result
	total    int
	over     int
	busy     []string // "alc push", in the order in which they began
	statusOn bool
}

// TextOptions is how a run is told.
type TextOptions struct {
	Color    bool // both streams may be coloured
	Live     int  // columns of the terminal that standard error is; 0 where it is none
	Width    int  // columns of the terminal; 0 is unbounded
	Findings bool // tell all findings in full (lint), not only the errors
	// Target is the marketplace that a run is about; empty where there is none.
	Target string
	// Again gives the command that goes on with these extensions, or with
	// all of them.
	Again func(names []string) string
	// Release gives the command that does what a dry run planned.
	Release func() string
}

// NewText makes a reporter on two streams.
func NewText(out, err io.Writer, opts TextOptions) *Text {
	return &Text{out: out, err: err, opts: opts}
}

// Observe tells of one event.
func (t *Text) Observe(e pipeline.Event) {
	switch e.Kind {
	case pipeline.EventRunStarted:
		t.total = len(e.Result.Extensions)
		if t.opts.Target != "" {
			t.say(nil, fmt.Sprintf("%s for %s", plural(t.total, "extension"), t.opts.Target))
		}
	case pipeline.EventStageStarted:
		t.busy = append(t.busy, e.Extension.Name+" "+e.Stage)
	case pipeline.EventStageFinished:
		t.busy = slices.DeleteFunc(t.busy, func(s string) bool { return s == e.Extension.Name+" "+e.Stage })
		t.stage(e)
	case pipeline.EventNote:
		t.say(e.Extension, e.Message)
	case pipeline.EventWarning:
		t.say(nil, "warning: "+e.Message)
	case pipeline.EventPlanned:
		t.plan(e)
	case pipeline.EventEnded:
		t.over++
		if !e.Planning && !e.Extension.AsAsked {
			t.say(e.Extension, string(e.Extension.Outcome)+colon(e.Extension.Reason))
		}
	case pipeline.EventRunFinished:
		t.wipe()
		t.finish(e.Result)
		return
	}
	t.status()
}

// done says in plain words what each writing stage brought about.
var done = map[string]string{
	pipeline.StageUpload: "uploaded",
	pipeline.StagePush:   "submitted",
	pipeline.StageVerify: "seen in the Helm repository",
}

func (t *Text) stage(e pipeline.Event) {
	words, worth := done[e.Stage]
	if e.Planning || e.Status != pipeline.StageOK || !worth {
		return
	}
	if e.Stage == pipeline.StageUpload {
		if len(e.Extension.Assets) == 0 {
			return
		}
		words = fmt.Sprintf("uploaded %s", plural(len(e.Extension.Assets), "asset"))
	}
	t.say(e.Extension, words)
}

func (t *Text) plan(e pipeline.Event) {
	t.planned = e.Result
	t.total, t.over, t.busy = e.Result.Totals[pipeline.NotReached], 0, nil
	if e.Message != "" {
		t.say(nil, e.Message)
	}
}

func (t *Text) finish(r *pipeline.Result) {
	for _, x := range r.Extensions {
		said := map[[2]string]bool{} // what a rule advises, for this extension
		for _, f := range x.Findings {
			if t.opts.Findings || f.Severity == "error" || f.Rule == pipeline.RuleSize {
				t.finding(f, !said[[2]string{f.Rule, f.Hint}])
				said[[2]string{f.Rule, f.Hint}] = true
			}
		}
	}
	if len(r.Extensions) > 0 {
		t.table(r)
	}
	t.failures(r)
	for _, x := range r.Extensions {
		t.sizes(x)
	}
	took := ""
	if r.Finished != nil {
		took = " in " + duration(r.Finished.Sub(r.Started))
	}
	t.result("\n%s%s\n", counts(r), took)
	if n := warningsIn(r); n > 0 && !t.opts.Findings {
		t.result("%s: see ksrelease lint\n", plural(n, "warning"))
	}
	t.next(r)
}

// failures tells each cause once, with all whom it struck. What lint found
// stands above, with its places.
func (t *Text) failures(r *pipeline.Result) {
	var causes []pipeline.ErrorResult
	struck := map[pipeline.ErrorResult][]string{}
	for _, x := range r.Extensions {
		if x.Error == nil || x.Error.Stage == pipeline.StageLint && errorsOf(x) > 0 {
			continue
		}
		if struck[*x.Error] == nil {
			causes = append(causes, *x.Error)
		}
		struck[*x.Error] = append(struck[*x.Error], titleOf(x))
	}
	for _, cause := range causes {
		t.result("\n%s\n", t.paint(text.Bold, fmt.Sprintf("failed in %s: %s", cause.Stage, strings.Join(struck[cause], ", "))))
		t.result("%s\n", folded("  ", "  ", cause.Message, t.opts.Width))
		if cause.Remedy != "" {
			t.result("%s\n", advice(cause.Remedy, t.opts.Width))
		}
	}
}

// next tells what to type where something is left to do.
func (t *Text) next(r *pipeline.Result) {
	var left []string
	for _, x := range r.Extensions {
		switch x.Outcome {
		case pipeline.Failed, pipeline.Blocked, pipeline.Unverified, pipeline.NotReached:
			left = append(left, x.Name)
		}
	}
	switch {
	case len(left) > 0 && t.opts.Again != nil:
		if len(left) == len(r.Extensions) {
			left = nil
		}
		first := ""
		if slices.ContainsFunc(r.Extensions, func(x pipeline.ExtensionResult) bool { return errorsOf(x) > 0 }) {
			first = "mend what lint tells, then "
		}
		t.result("→ to go on: %s%s\n", first, t.opts.Again(left))
	case r.DryRun && r.Totals[pipeline.Planned] > 0 && t.opts.Release != nil:
		t.result("→ to release: %s\n", t.opts.Release())
	}
}

// finding tells one finding, with its advice where that is not what it was for
// another before.
func (t *Text) finding(f pipeline.FindingResult, advised bool) {
	p := problemOf(f)
	p.Message = fmt.Sprintf("%s: %s (%s)", t.paint(severityColor[f.Severity], f.Severity), f.Message, f.Rule)
	if !advised {
		p.Hint = ""
	}
	t.result("%s\n", Problem(p, t.opts.Width))
}

var severityColor = map[string]text.Color{"error": text.FgRed, "warning": text.FgYellow, "info": text.FgCyan}

var outcomeColor = map[pipeline.Outcome]text.Color{
	pipeline.Released: text.FgGreen, pipeline.Planned: text.FgGreen,
	pipeline.Linted: text.FgGreen, pipeline.Packed: text.FgGreen, pipeline.Exists: text.FgCyan,
	pipeline.Drift: text.FgYellow, pipeline.Unverified: text.FgYellow, pipeline.NotReached: text.FgYellow,
	pipeline.Blocked: text.FgRed, pipeline.Failed: text.FgRed,
}

func (t *Text) table(r *pipeline.Result) {
	sized := slices.ContainsFunc(r.Extensions, func(x pipeline.ExtensionResult) bool { return x.Package != nil })
	heads := []string{"extension", "version", "outcome", "size", "notes"}
	if !sized {
		heads = slices.Delete(heads, 3, 4)
	}
	tab := NewTable(heads...)
	for _, x := range r.Extensions {
		row := []string{x.Name, x.Version, t.paint(outcomeColor[x.Outcome], string(x.Outcome)), sizeOf(x), t.details(x)}
		if !sized {
			row = slices.Delete(row, 3, 4)
		}
		tab.Row(row...)
	}
	t.result("%s\n", tab.Render(t.opts.Width))
}

func (t *Text) details(x pipeline.ExtensionResult) string {
	var parts []string
	switch {
	case x.Error != nil:
		parts = append(parts, "in "+x.Error.Stage)
	case x.Reason != "":
		parts = append(parts, x.Reason)
	}
	if n := len(x.Assets); n > 0 && (x.Outcome == pipeline.Planned || x.Outcome == pipeline.Released) {
		parts = append(parts, plural(n, "asset"))
	}
	if n := warningsOf(x); n > 0 {
		parts = append(parts, plural(n, "warning"))
	}
	if t.opts.Findings && x.Silenced > 0 {
		parts = append(parts, fmt.Sprintf("%d silenced", x.Silenced))
	}
	if t.opts.Findings && x.Known > 0 {
		parts = append(parts, fmt.Sprintf("%d in the baseline", x.Known))
	}
	return strings.Join(parts, ", ")
}

func warningsOf(x pipeline.ExtensionResult) int { return findingsOf(x, "warning") }

func errorsOf(x pipeline.ExtensionResult) int { return findingsOf(x, "error") }

// findingsOf counts what lint found; the finding of the size is told in full.
func findingsOf(x pipeline.ExtensionResult, severity string) (n int) {
	for _, f := range x.Findings {
		if f.Severity == severity && f.Rule != pipeline.RuleSize {
			n++
		}
	}
	return n
}

func warningsIn(r *pipeline.Result) (n int) {
	for _, x := range r.Extensions {
		n += warningsOf(x)
	}
	return n
}

// say prints a line about what happens, now.
func (t *Text) say(x *pipeline.ExtensionResult, message string) {
	t.wipe()
	if x != nil {
		message = titleOf(*x) + ": " + message
	}
	fmt.Fprintln(t.err, message)
}

// result prints what the run is about.
func (t *Text) result(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// status shows, on a terminal, what is going on.
func (t *Text) status() {
	if t.opts.Live == 0 || t.total == 0 {
		return
	}
	t.wipe()
	verb := "planning"
	if t.planned != nil {
		verb = "releasing"
	}
	line := fmt.Sprintf("%s %d of %d", verb, t.over, t.total)
	if len(t.busy) > 0 {
		line += ": " + strings.Join(t.busy, ", ")
	}
	line = text.Trim(line, t.opts.Live-1)
	fmt.Fprint(t.err, line)
	t.statusOn = true
}

func (t *Text) wipe() {
	if t.statusOn {
		fmt.Fprint(t.err, "\r\x1b[K")
		t.statusOn = false
	}
}

func (t *Text) paint(c text.Color, s string) string {
	if !t.opts.Color || c == 0 {
		return s
	}
	return c.Sprint(s)
}

// counts is the line of counts: "4 released, 1 drift".
func counts(r *pipeline.Result) string {
	var parts []string
	for _, o := range pipeline.Outcomes() {
		if n := r.Totals[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if len(parts) == 0 {
		return "no extensions"
	}
	return strings.Join(parts, ", ")
}

// Table is a plain table: a header, left-aligned columns, no lines.
type Table struct {
	heads   table.Row
	rows    []table.Row
	numbers int
}

// NewTable begins a table with these column heads.
func NewTable(heads ...string) *Table {
	return &Table{heads: rowOf(heads)}
}

// Numbers sets the first n columns to the right.
func (t *Table) Numbers(n int) *Table {
	t.numbers = n
	return t
}

// Row adds a row of as many cells as there are heads.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, rowOf(cells)) }

// Render draws the table. Where it is wider than width columns the last column
// is folded; a width of 0 folds nothing.
func (t *Table) Render(width int) string {
	w := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	w.AppendHeader(t.heads)
	w.AppendRows(t.rows)
	var columns []table.ColumnConfig
	for n := range t.numbers {
		columns = append(columns, table.ColumnConfig{Number: n + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	if width > 0 {
		columns = append(columns, table.ColumnConfig{
			Number: len(t.heads), WidthMax: max(narrowest, width-t.widthOfAllButLast()), WidthMaxEnforcer: text.WrapSoft,
		})
	}
	w.SetColumnConfigs(columns)
	return w.Render()
}

func (t *Table) widthOfAllButLast() int {
	sum := 0
	for column := range len(t.heads) - 1 {
		widest := 0
		for _, row := range append([]table.Row{t.heads}, t.rows...) {
			widest = max(widest, text.StringWidthWithoutEscSequences(row[column].(string)))
		}
		sum += widest + len("  ")
	}
	return sum
}

func rowOf(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = c
	}
	return row
}

func titleOf(x pipeline.ExtensionResult) string {
	if x.Version == "" {
		return x.Name
	}
	return x.Name + " " + x.Version
}

func problemOf(f pipeline.FindingResult) yamldoc.Problem {
	return yamldoc.Problem{File: f.File, Line: f.Line, Column: f.Column, Message: f.Message, Excerpt: f.Excerpt, Hint: f.Hint}
}

func colon(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}
