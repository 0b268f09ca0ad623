package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// The rules of all text that a run prints:
//
//   - Standard output holds the result: a table, what went wrong in full, the
//     counts, and what to type next. It is the same whether or not anybody
//     watches, but that a terminal gets it folded to its width: not within words,
//     and not within code, which somebody may want to copy.
//   - Standard error holds what happens meanwhile, a line an event worth
//     reading, each beginning with the extension it is about. What goes on
//     between these lines is shown by internal/progress.
//   - A fact stands in a line of its own; the hint follows, after "→".
//   - Colour only says again what a word says.
//
// internal/output prints it, and shows what others wrote so that nothing obeys it.

// Text reports to people.
type Text struct {
	out, err *output.Stream
	opts     TextOptions

	causes   map[string]bool    // that were said while the run goes on
	appeared map[[3]string]bool // name, version and target of what was said to be seen
}

// TextOptions is how a run is reported.
type TextOptions struct {
	Color    bool // both streams may be coloured
	Width    int  // columns of the terminal; 0 is unbounded
	Findings bool // report all findings in full (lint), not only the errors
	Quiet    bool // show only what is not as asked
	All      bool // show each finding; otherwise many are grouped by their cause
	// ShowAll gives the command that shows each; nil is lint.
	ShowAll func() string
	// Target names what a run releases to, in words; empty where it releases to nothing.
	Target string
	// Again gives the command that goes on with these extensions, or with
	// all of them.
	Again func(names []string) string
	// Bump gives the command that gives these extensions their next version, and Follow the one
	// that shows how far their review is; all says that they are all of the run. Each may be nil.
	Bump   func(names []string) string
	Follow func(names []string, all bool) string
	// Release gives the command that does what a dry run planned.
	Release func() string
}

// NewText makes a reporter on two streams.
func NewText(out, err *output.Stream, opts TextOptions) *Text {
	return &Text{out: out, err: err, opts: opts}
}

// Observe tells of one event.
func (t *Text) Observe(e results.Event) {
	if t.opts.Quiet {
		t.quiet(e)
		return
	}
	switch e.Kind {
	case results.EventRunStarted:
		if t.opts.Target != "" {
			t.err.Print("%s", output.Format("%s for %s", plural(len(e.Result.Extensions), "extension"), t.opts.Target).Fold("", "  ", t.err.Columns()))
		}
		if s := e.Result.Since; s != nil && sinceText(s) != "" {
			t.err.Print("%s", output.Fold("", "  ", sinceText(s), t.err.Columns()))
		}
		if s := e.Result.Selection; s != nil {
			t.err.Print("%s", output.Fold("", "  ", selectionText(s), t.err.Columns()))
		}
	case results.EventStageFinished:
		t.stage(e)
	case results.EventHookStarted:
		t.tell(e.Extension, output.Format("%s: %s", output.Word(e.Stage), output.Name(firstLine(e.Message))))
	case results.EventNote:
		if e.Appeared {
			if t.appeared == nil {
				t.appeared = map[[3]string]bool{}
			}
			t.appeared[versionIn(e)] = true
		}
		t.say(e.Extension, namedTarget(e.Target)+e.Message)
	case results.EventWarning:
		t.err.Print("%s", output.Fold("warning: ", "  ", e.Message, t.err.Columns()))
	case results.EventPlanned:
		if e.Message != "" {
			t.say(nil, e.Message)
		}
	case results.EventTargetEnded:
		if in := targetOf(e.Extension, e.Target); in != nil && !e.Planning && !in.AsAsked {
			x := asIn(*e.Extension, *in)
			t.ended(&x, e.Target)
		}
	case results.EventEnded:
		if !e.Planning && !e.Extension.AsAsked && len(e.Extension.Targets) == 0 { // else its targets have said it
			t.ended(e.Extension, "")
		}
	case results.EventRunFinished:
		t.finish(e.Result, e.Result)
	}
}

// versionIn is what an event of one version in one target is about.
func versionIn(e results.Event) [3]string {
	return [3]string{e.Extension.Name, e.Extension.Version, e.Target}
}

// namedTarget begins a message that is about one target of several.
func namedTarget(name string) string {
	if name == "" {
		return ""
	}
	return name + ": "
}

// sinceText says what a run is narrowed to; it is empty where nothing changed.
func sinceText(s *results.Since) string {
	if len(s.Changed) == 0 { // the counts say so
		return ""
	}
	text := fmt.Sprintf("changed since %s: %s", s.Base, strings.Join(s.Changed, ", "))
	for _, name := range slices.Sorted(maps.Keys(s.Dependents)) {
		text += fmt.Sprintf("; %s needs %s", name, strings.Join(s.Dependents[name], ", "))
	}
	return text
}

// selectionText says what chose the extensions of a run.
func selectionText(s *results.Selection) string {
	var titles []string
	for _, name := range slices.Sorted(maps.Keys(s.Extensions)) {
		titles = append(titles, titleOf(results.Extension{Name: name, Version: s.Extensions[name]}))
	}
	return fmt.Sprintf("chosen by the %s %q: %s", s.By, s.Text, strings.Join(titles, ", "))
}

// firstLine is what is shown of a command while it runs.
func firstLine(command string) string {
	first, more, _ := strings.Cut(strings.TrimSpace(command), "\n")
	if strings.TrimSpace(more) != "" {
		first += " …"
	}
	return first
}

// ended says that an extension did not end as asked, in a target if that is named. A cause that
// many share is said for the first of them; the table has all.
func (t *Text) ended(x *results.Extension, target string) {
	message := Ended(*x)
	cause := message
	if x.Error != nil && x.Outcome == results.Failed {
		cause = x.Error.Message
	}
	if t.causes[cause] {
		return
	}
	if t.causes == nil {
		t.causes = map[string]bool{}
	}
	t.causes[cause] = true
	t.say(x, namedTarget(target)+message)
}

// done says in plain words what each writing stage brought about.
var done = map[string]string{
	results.StageUpload: "uploaded",
	results.StagePush:   "submitted", // see also the method of that name
	results.StageVerify: "seen in the Helm repository",
}

func (t *Text) stage(e results.Event) {
	words, worth := done[e.Stage]
	if e.Planning || e.Status != results.StageOK || !worth || e.Stage == results.StageVerify && t.appeared[versionIn(e)] {
		return
	}
	if e.Stage == results.StageUpload {
		if len(e.Extension.Assets) == 0 {
			return
		}
		words = fmt.Sprintf("uploaded %s", plural(len(e.Extension.Assets), "asset"))
	}
	said := output.Cell(words)
	switch {
	case e.Target == "" && e.Stage == results.StagePush:
		t.submitted(e.Extension)
		return
	case e.Target == "":
	case e.Stage == results.StageUpload:
		said = output.Format("uploaded %s to %s", plural(len(e.Extension.Assets), "asset"), output.Name(e.Target))
	case e.Stage == results.StagePush:
		said = output.Format("sent to %s", output.Name(e.Target))
	case e.Stage == results.StageVerify:
		said = output.Format("seen in %s", output.Name(e.Target))
	}
	t.tell(e.Extension, said)
}

// finish prints the result: what is to be shown of it, and what there is to do for the whole.
func (t *Text) finish(r, whole *results.Document) {
	left := t.findings(r)
	if len(r.Extensions) > 0 {
		t.table(r)
	}
	t.failures(r)
	for _, x := range r.Extensions {
		if !isPlan(r) { // which has them below the row
			eachEnd(x, t.differs)
		}
		t.sizes(x)
	}
	if len(r.Extensions) > 0 {
		t.out.Print("")
	}
	if shown, others := t.warnings(r); shown+others > 0 && !t.opts.Findings && !t.opts.Quiet {
		t.out.Print("%s: %s", plural(shown+others, "warning"), whereWarnings(shown, others))
	}
	t.counted(r, left)
	for _, a := range r.Announcements {
		t.out.Print("%s", output.Fold("", "  ", announcementText(a), t.opts.Width))
	}
	t.whereToSee(r)
	t.out.Print("%s", output.Name(tookText(counts(r), r)).Fold("", "  ", t.opts.Width))
	t.showAll(r, left)
	t.next(whole)
}

// announcementText says what became of an announcement.
func announcementText(a results.Announcement) string {
	what := strings.Join(a.Extensions, ", ")
	switch a.Status {
	case results.AnnouncementPlanned:
		return fmt.Sprintf("would be announced by %s: %s", a.Kind, what)
	case results.AnnouncementFailed:
		return fmt.Sprintf("not announced by %s: %s: %s", a.Kind, what, a.Error)
	}
	return fmt.Sprintf("announced by %s: %s", a.Kind, what)
}

// failures prints each cause once, with all extensions that it struck. What lint found
// stands above, with its places.
func (t *Text) failures(r *results.Document) {
	type cause struct{ Message, Hint string }
	type victims struct{ stages, titles []string }
	var causes []cause
	struck := map[cause]*victims{}
	for _, x := range r.Extensions {
		for _, f := range failings(x) {
			if f.err.Stage == results.StageLint && (errorsOf(x) > 0 || t.opts.Findings && warningsOf(x) > 0) {
				continue
			}
			of := cause{f.err.Message, f.err.Hint}
			if struck[of] == nil {
				causes = append(causes, of)
				struck[of] = &victims{}
			}
			v := struck[of]
			if !slices.Contains(v.stages, f.err.Stage) {
				v.stages = append(v.stages, f.err.Stage)
			}
			v.titles = append(v.titles, f.title)
		}
	}
	for _, cause := range causes {
		v := struck[cause]
		head := output.Format("failed in %s: %s", listed(inWords(v.stages)), output.Name(strings.Join(v.titles, ", ")))
		t.out.Print("\n%s", t.paint(output.Bold, head.Fold("", "  ", t.opts.Width)))
		t.out.Print("%s", output.Fold("  ", "  ", cause.Message, t.opts.Width))
		if cause.Hint != "" {
			t.out.Print("%s", hint(cause.Hint, t.opts.Width))
		}
	}
}

// listed are texts in the language in use, with what that has between them.
func listed(texts []string) (list string) {
	for i, text := range texts {
		if i == 0 {
			list = text
			continue
		}
		list = language.Sprintf("%s, %s", list, text)
	}
	return list
}

// inWords are words of a document in the language in use.
func inWords(words []string) []string {
	shown := make([]string, len(words))
	for i, word := range words {
		shown[i] = language.Word(word)
	}
	return shown
}

// tookText is "4 released in 1.2 s": counts, and the time of a run that had something to do.
func tookText(counts string, r *results.Document) string {
	if r.Finished == nil || len(r.Extensions) == 0 && r.Since != nil {
		return counts
	}
	return language.Sprintf("%s in %v", counts, duration(r.Finished.Sub(r.Started)))
}

// mostNamed are how many extensions a command to go on with names, where it does the same without.
const mostNamed = 8

// next says what to type where something is left to do.
func (t *Text) next(r *results.Document) {
	var left []string
	all, others := true, false // others than those that are there
	for _, x := range r.Extensions {
		switch x.Outcome {
		case results.Failed, results.Blocked, results.Unverified, results.NotReached:
			left = append(left, x.Name)
		case results.Released, results.Exists:
			all = false
		default:
			all, others = false, true
		}
	}
	drifted := namesOf(r, func(x results.Extension) bool { return x.Outcome == results.Drift && !x.AsAsked })
	open := namesOf(r, func(x results.Extension) bool {
		return slices.Contains([]results.Outcome{results.Released, results.Exists}, x.Outcome) && x.Review == results.ReviewOpen
	})
	left = slices.Compact(left) // of several versions, those that are there are not sent again
	switch {
	case len(left) > 0 && t.opts.Again != nil:
		if all || len(left) > mostNamed && !others {
			left = nil // of those that are there nothing is sent again
		}
		first := ""
		if slices.ContainsFunc(r.Extensions, func(x results.Extension) bool { return errorsOf(x) > 0 }) {
			first = "fix what lint reports, then "
		}
		t.out.Print("→ to go on: %s%s", first, t.opts.Again(left))
	case r.DryRun && r.Totals[results.Planned] > 0 && t.opts.Release != nil:
		t.out.Print("→ to release: %s", t.opts.Release())
	case len(drifted) > 0 && t.opts.Bump != nil:
		t.out.Print("→ to give what differs a new version: %s", t.opts.Bump(drifted))
	case len(open) > 0 && t.opts.Follow != nil:
		t.out.Print("→ to follow the review: %s", t.opts.Follow(open, len(open) == len(r.Extensions)))
	}
}

// namesOf are the names of some extensions, each once.
func namesOf(r *results.Document, is func(results.Extension) bool) (names []string) {
	for _, x := range r.Extensions {
		if is(x) {
			names = append(names, x.Name)
		}
	}
	return slices.Compact(names)
}

// finding reports one finding, with its hint where that is not what it was for
// another before.
func (t *Text) finding(f results.Finding, advised bool) {
	p := f.Diagnostic()
	p.Message = fmt.Sprintf("%s (%s)", f.Message, f.Code)
	if !advised {
		p.Hint = ""
	}
	lead := output.Format("%s: ", t.paint(severityColor[f.Severity], output.Word(f.Severity)))
	t.out.Print("%s", problem(p, lead, t.opts.Width))
}

var severityColor = map[string]text.Color{"error": text.FgRed, "warning": text.FgYellow, "info": text.FgCyan}

var outcomeColor = map[results.Outcome]text.Color{
	results.Released: text.FgGreen, results.Planned: text.FgGreen,
	results.LeftOut: text.FgCyan, results.Linted: text.FgGreen, results.Packed: text.FgGreen, results.Exists: text.FgCyan,
	results.Drift: text.FgYellow, results.Unverified: text.FgYellow, results.NotReached: text.FgYellow,
	results.Blocked: text.FgRed, results.Failed: text.FgRed,
}

// why is why an extension ended so, in short.
func why(x results.Extension) string {
	switch {
	case x.Error != nil && x.Outcome == results.Failed:
		return language.Word("in " + x.Error.Stage)
	case x.Reason != "":
		return x.Reason
	case x.Outcome == results.NotReached:
		return cutOff(x)
	}
	return ""
}

// cutOff says where a run that was killed, or goes on, is with an extension.
func cutOff(x results.Extension) string {
	for _, s := range x.Stages {
		switch {
		case s.Status != results.StageStarted:
		case s.Name == results.StageUpload, s.Name == results.StagePush:
			return language.Sprintf("it has no end in %s; what it sent is in doubt, the next run reads it back", language.Word(s.Name))
		default:
			return language.Sprintf("it has no end in %s", language.Word(s.Name))
		}
	}
	return ""
}

func warningsOf(x results.Extension) (n int) {
	for _, f := range x.Findings {
		if f.Severity == "warning" {
			n++
		}
	}
	return n
}

// errorsOf counts the errors that lint found.
func errorsOf(x results.Extension) (n int) {
	for _, f := range x.Findings {
		if f.Severity == "error" && !ofRun(f) {
			n++
		}
	}
	return n
}

// ofRun says that a finding is one of the run itself, which is always shown in full.
func ofRun(f results.Finding) bool {
	return results.OtherRule(f.Rule).Name != ""
}

// shows says that a finding is shown in full.
func (t *Text) shows(f results.Finding) bool {
	return t.opts.Findings || f.Severity == "error" || ofRun(f)
}

// warnings counts the warnings that are shown in full, and the others.
func (t *Text) warnings(r *results.Document) (shown, others int) {
	for _, x := range r.Extensions {
		for _, f := range x.Findings {
			switch {
			case f.Severity != "warning":
			case t.shows(f):
				shown++
			default:
				others++
			}
		}
	}
	return shown, others
}

// whereWarnings says where warnings are to be read.
func whereWarnings(shown, others int) string {
	switch {
	case others == 0:
		return "see above"
	case shown == 0:
		return "see ksrelease lint"
	default:
		return fmt.Sprintf("see above for %d, see ksrelease lint for %d", shown, others)
	}
}

// say prints what happens to an extension, now.
func (t *Text) say(x *results.Extension, message string) { t.tell(x, output.Cell(message)) }

// tell is like say, for what is in the language in use already.
func (t *Text) tell(x *results.Extension, message output.Text) {
	if x != nil {
		message = output.Format("%s: %s", output.Name(titleOf(*x)), message)
	}
	t.err.Print("%s", message.Fold("", "  ", t.err.Columns()))
}

// submitted says that a version was sent. The word alone is a status, too, which is another word in
// other languages.
func (t *Text) submitted(x *results.Extension) {
	t.err.Print("%s", output.Format("%s: submitted", output.Name(titleOf(*x))).Fold("", "  ", t.err.Columns()))
}

// Ended says how an extension ended, and why.
func Ended(x results.Extension) string { return language.Word(string(x.Outcome)) + colon(reasonOf(x)) }

// reasonOf is why an extension ended so, with the stage in the language in use.
func reasonOf(x results.Extension) string {
	if x.Error == nil {
		return x.Reason
	}
	if rest, ok := strings.CutPrefix(x.Reason, x.Error.Stage+": "); ok {
		return language.Word(x.Error.Stage) + ": " + language.Text(rest)
	}
	return x.Reason
}

func (t *Text) paint(c output.Color, s output.Text) output.Text {
	if !t.opts.Color {
		return s
	}
	return s.Paint(c)
}

// counts is the line of counts: "4 released, 1 drift".
func counts(r *results.Document) string {
	var parts []string
	for _, o := range results.Outcomes() {
		if n := r.Totals[o]; n > 0 {
			parts = append(parts, language.Sprintf("%d %s", n, language.Word(string(o))))
		}
	}
	switch {
	case len(parts) > 0:
	case r.Since != nil && len(r.Since.Changed) == 0:
		return language.Sprintf("nothing to do: nothing changed since %s", r.Since.Base)
	default:
		return language.Text("no extensions")
	}
	return listed(parts)
}

func titleOf(x results.Extension) string {
	if x.Version == "" {
		return x.Name
	}
	return x.Name + " " + x.Version
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
