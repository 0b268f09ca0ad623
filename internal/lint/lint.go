// Package lint says what is wrong with an extension before it is released: what
// KubeSphere would refuse, drop without a word or show wrongly, and what users
// of the extension would miss.
//
// The list of rules is in rules.go; each has a file of its own, which is all
// there is to write for a new one. What several rules need (the loaded chart,
// its renderings) is made once by sources that they share, when the first of
// them asks. Rules look; nothing here changes an extension, loads one from disk,
// or knows how findings are shown.
//
// Helm's packages write warnings about odd values to the standard logger of
// package log. They are no findings; a program that calls Check should send that
// logger where it wants them.
package lint

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Severity says how much a finding matters.
type Severity string

// The severities, from the least. Only Error keeps an extension from being
// released.
const (
	Off     Severity = "off"
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// rank orders severities; an unknown one is no severity at all.
func (s Severity) rank() int {
	return slices.Index([]Severity{Off, Info, Warning, Error}, s)
}

// Finding is one thing that one rule found.
type Finding struct {
	Rule string
	// Code is the rule and what it found: images/unlisted. Rule.Codes lists them.
	// It never changes, and neither do Subject and File with the words of a message.
	Code string
	// Subject is what the finding is about: the name of the image, object, field or
	// file, as the extension has it, without its place. It is empty where the code
	// and the file say as much.
	Subject  string
	Severity Severity
	// Message says what is wrong and, where it is about a workload, names it, the
	// container and the image. It is one line.
	Message string
	// Hint says how to fix it; it may have several lines.
	Hint string
	// File is the path as the user would open it: the extension's, and the file's
	// below it. For a template inside a packaged subchart it is the package.
	File string
	// Line and Column are 1-based; Column counts characters. They are 0 where the
	// source does not tell the place.
	Line, Column int
	// Excerpt is the source line with its number, ready to be printed; it may be
	// empty.
	Excerpt string
}

// Failed reports whether there is a finding that keeps the extension from being
// released.
func Failed(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}

// Report is what there is to say of an extension.
type Report struct {
	// Ended is the limit that was reached before all rules had run; nil where they
	// have. The findings are then those of the rules before, and one of the rule limits.
	Ended    *Ended
	Findings []Finding
	// Silenced is the number of findings that comments in the extension silence.
	Silenced int
	// Loads says that Helm loaded the chart on the way.
	Loads bool
}

// Options are what is chosen for an extension, and known of what is around it.
type Options struct {
	// Severities override the default severities of rules, by name; a rule that is
	// off is not run.
	Severities map[string]Severity
	// Beside are the versions of the extensions that are released together with
	// this one, by name.
	Beside map[string][]string
	// Progress is called with each rule and each template that is begun; nil asks
	// for nothing. It is called by one goroutine at a time.
	Progress func(Progress)
}

// Progress says what is at work, so that it can be named where it has to be ended.
type Progress struct {
	// Rule is the rule at work.
	Rule string
	// Template is the template that is rendered, as Helm names it:
	// devops/charts/agent/templates/deployment.yaml. It is empty where none is, and
	// while templates are parsed.
	Template string
	// Findings and Silenced are what the rules before have found since the last call.
	Findings []Finding
	Silenced int
}

// Examine holds an extension to all rules.
//
// Findings are sorted by file, line and rule; those that comments in the
// extension silence (ksrelease:ignore) are not among them. No extension makes it
// panic: where a rule does, that is a finding of the rule. When ctx ends it
// returns at once with what it has; the caller tells from ctx that it is not all.
func Examine(ctx context.Context, ext *extension.Extension, opts Options) Report {
	return run(ctx, Rules(), ext, opts)
}

// ExamineMetadata is the part of Examine that needs no chart: what extension.yaml
// says and the pictures it names, the texts for users, permissions.yaml, and what
// must not be packed.
func ExamineMetadata(ctx context.Context, ext *extension.Extension, opts Options) Report {
	return run(ctx, slices.DeleteFunc(Rules(), func(r Rule) bool { return r.needsChart }), ext, opts)
}

func run(ctx context.Context, rules []Rule, ext *extension.Extension, opts Options) Report {
	var at Progress // what is at work
	if opts.Progress != nil {
		ctx = helmchart.WithTemplates(ctx, func(template string) {
			if at.Template != template {
				at.Template = template
				opts.Progress(Progress{Rule: at.Rule, Template: template})
			}
		})
	}
	material := newMaterial(ctx, ext)
	ignores := readIgnores(ext, func(name string) string { return pathIn(ext, name) })
	var report Report
	for _, rule := range rules {
		if ctx.Err() != nil {
			break
		}
		pass := &subject{ctx: ctx, ext: ext, material: material, ignores: ignores, rule: rule, Options: opts}
		if pass.severity() == Off {
			continue
		}
		if at = (Progress{Rule: rule.Name, Findings: at.Findings, Silenced: at.Silenced}); opts.Progress != nil {
			opts.Progress(at)
		}
		pass.run()
		kept, silenced := ignores.silence(rule.Name, pass.findings)
		report.Findings = append(report.Findings, kept...)
		report.Silenced += silenced
		at.Findings, at.Silenced = kept, silenced
	}
	report.Findings = append(report.Findings, notChecked(ctx, rules, ext, opts, material)...)
	report.Loads = material.loads
	report.sort()
	return report
}

// sort puts the findings into the order in which they are reported.
func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	// What two installations have in common is told once.
	r.Findings = slices.Compact(r.Findings)
}

// subject is what a rule gets: the extension, what is derived from it, and the
// way to tell what it finds.
type subject struct {
	Options
	ctx      context.Context
	ext      *extension.Extension
	material *material
	ignores  *ignores
	rule     Rule
	findings []Finding
}

// severity is that of the rule, as configured.
func (pass *subject) severity() Severity {
	configured, ok := pass.configured()
	if !ok {
		return pass.rule.Default
	}
	return configured
}

// configured is the severity that somebody chose for the rule.
func (pass *subject) configured() (Severity, bool) {
	chosen, ok := pass.Severities[pass.rule.Name]
	return chosen, ok && chosen.rank() >= 0
}

// isOn reports whether another rule is run, and so will tell what is its own.
func (pass *subject) isOn(rule string) bool {
	return pass.Severities[rule] != Off
}

// run runs the rule. A panic in it is a fault of this program, but it must cost
// the user one rule, not the run.
func (pass *subject) run() {
	defer func() {
		if cause := recover(); cause != nil {
			pass.tell(coded(internalError), pass.severity(), Finding{
				File:    pass.path(""),
				Message: fmt.Sprintf("the rule %s broke down on this extension: %v", pass.rule.Name, cause),
				Hint:    fmt.Sprintf("this is a fault of ksrelease, please report it; until it is fixed, set lint.rules.%s to off", pass.rule.Name),
			})
		}
	}()
	pass.rule.check(pass)
}

// mark is what a finding is known by, whatever its words.
type mark struct{ what, subject string }

// coded is the mark of a finding: what was found, which is one of the codes of the
// rule, and the names of what it is about.
func coded(what string, subject ...string) mark {
	return mark{what, excerpt.Printable(subjectWidth, strings.Join(strings.Fields(strings.Join(subject, " ")), " "))}
}

// subjectWidth bounds the subject of a finding, in characters.
const subjectWidth = 200

// internalError is a code that each rule has.
const internalError = "internal-error"

func (pass *subject) tell(m mark, severity Severity, f Finding) {
	if !pass.rule.finds(m.what) {
		panic(fmt.Sprintf("the code %q is not among those of the rule", m.what))
	}
	f.Rule, f.Code, f.Subject, f.Severity = pass.rule.Name, pass.rule.CodeOf(m.what), m.subject, severity
	f.Message = lineBreaks.Replace(f.Message)
	pass.findings = append(pass.findings, f)
}

// lineBreaks keeps a message in one line, whatever names of objects and containers a
// template renders: what comes in a line of its own could pass for another message.
var lineBreaks = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`, "\v", `\n`, "\f", `\n`, "\u0085", `\n`, "\u2028", `\n`, "\u2029", `\n`)

// isSilenced reports whether a comment would silence a finding at the place of a
// problem.
func (pass *subject) isSilenced(m mark, p yamldoc.Problem) bool {
	f := Finding{Rule: pass.rule.Name, Code: pass.rule.CodeOf(m.what), File: p.File, Line: p.Line}
	return slices.ContainsFunc(pass.ignores.about(f), func(ig *ignore) bool { return ig.holds(f, pass.ignores) })
}

// problem tells a mistake in a YAML file, with the severity of the rule.
func (pass *subject) problem(m mark, p yamldoc.Problem) { pass.problemAs(m, pass.severity(), p) }

func (pass *subject) problemAs(m mark, severity Severity, p yamldoc.Problem) {
	pass.tell(m, severity, Finding{
		Message: p.Message, Hint: p.Hint, File: p.File, Line: p.Line, Column: p.Column, Excerpt: p.Excerpt,
	})
}

// atMost is a severity for the lesser findings of a rule: the given one, or that
// of the rule where it is less.
func (pass *subject) atMost(severity Severity) Severity {
	if own := pass.severity(); own.rank() < severity.rank() {
		return own
	}
	return severity
}

// byDefault is the severity of findings that are less than the rule's unless
// somebody chose the rule's severity: a user who writes `schema: error` wants
// unknown keys to be errors too.
func (pass *subject) byDefault(severity Severity) Severity {
	if chosen, ok := pass.configured(); ok {
		return chosen
	}
	return pass.atMost(severity)
}

// path is a file of the extension as the user would open it.
func (pass *subject) path(name string) string { return pathIn(pass.ext, name) }

func pathIn(ext *extension.Extension, name string) string {
	return filepath.ToSlash(filepath.Join(ext.Path, filepath.FromSlash(name)))
}

// inSource tells something about a template, with the severity of the rule.
func (pass *subject) inSource(m mark, at helmchart.Source, line int, message, hint string) {
	pass.inSourceAs(m, pass.severity(), at, line, message, hint)
}

func (pass *subject) inSourceAs(m mark, severity Severity, at helmchart.Source, line int, message, hint string) {
	pass.inSourceAt(m, severity, at, line, 0, message, hint)
}

func (pass *subject) inSourceAt(m mark, severity Severity, at helmchart.Source, line, column int, message, hint string) {
	if at.Inside != "" {
		message += " (" + at.Inside + " in the package)"
		m = coded(m.what, at.Inside, m.subject)
	}
	excerpt := at.Excerpt(line)
	if _, kind, ok := strings.Cut(excerpt, "kind: "); ok && strings.Contains(message, kind) {
		excerpt = "" // the message says as much
	}
	pass.tell(m, severity, Finding{File: pass.path(at.File), Line: line, Column: column, Message: message, Hint: hint, Excerpt: excerpt})
}
