// Package lint says what is wrong with an extension before it is released: what
// KubeSphere would refuse, drop without a word or show wrongly, and what users
// of the extension would miss.
//
// It runs the rules. Their list is in rules.go; they stand in packages by family, such
// as lint/metadata, and what a rule is stands in lint/rule. The runner makes a pass for
// each rule, leaves out those whose needs are not met, silences what comments in the
// extension silence, and sorts what is left. Nothing here changes an extension, loads
// one from disk, or knows how findings are shown.
//
// Helm's packages write warnings about odd values to the standard logger of
// package log. They are no findings; a program that calls Examine should send that
// logger where it wants them.
package lint

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// What a rule is, and what it finds: see package rule.
type (
	Rule     = rule.Rule
	Code     = rule.Code
	Severity = rule.Severity
	Finding  = rule.Finding
)

// The severities, from the least. Only Error keeps an extension from being
// released.
const (
	Off     = rule.Off
	Info    = rule.Info
	Warning = rule.Warning
	Error   = rule.Error
)

// Earlier is an extension as it was before, and Past a version that it had once.
type (
	Earlier = rule.Earlier
	Past    = rule.Past
)

// Registries is what registries say of the images of an extension, and ImageFault an image that is
// not there as it should be.
type (
	Registries = rule.Registries
	ImageFault = rule.ImageFault
)

// RuleUpgrade is the name of the rule that compares with the version before, and RuleImageExists
// of the one that goes by what registries say.
const (
	RuleUpgrade     = "upgrade"
	RuleImageExists = "image-exists"
)

// The faults of an image: see package rule.
const (
	ImageMissing  = rule.ImageMissing
	ImageNotFor   = rule.ImageNotFor
	ImageNotKnown = rule.ImageNotKnown
)

// Only are severities with which one rule alone is run, as the given ones have it.
func Only(rule string, given map[string]Severity) map[string]Severity {
	only := map[string]Severity{}
	for _, r := range Rules() {
		if r.Name != rule {
			only[r.Name] = Off
		} else if severity, ok := given[rule]; ok {
			only[rule] = severity
		}
	}
	return only
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
	// Siblings are the versions of the extensions that are released together with
	// this one, by name.
	Siblings map[string][]string
	// Earlier is what the extension was before; nil where that is not known. Rules that
	// compare are not run then.
	Earlier *Earlier
	// Registries is what registries say of its images; nil where nobody has asked. Rules that ask
	// are not run then.
	Registries *Registries
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
// returns at once with what it has; the caller sees by ctx that it is not all.
func Examine(ctx context.Context, ext *extension.Extension, opts Options) Report {
	return run(ctx, Rules(), ext, opts)
}

// ExamineMetadata is the part of Examine that needs no chart: what extension.yaml
// says and the pictures it names, the texts for users, permissions.yaml, and what
// must not be packed.
func ExamineMetadata(ctx context.Context, ext *extension.Extension, opts Options) Report {
	return run(ctx, slices.DeleteFunc(Rules(), func(r Rule) bool { return r.Needs > rule.Files }), ext, opts)
}

// run runs rules in their order, and then looks at the comments that silence findings.
func run(ctx context.Context, rules []Rule, ext *extension.Extension, opts Options) Report {
	e := &examination{Options: opts, ext: ext, ignores: readIgnores(ext)}
	if opts.Progress != nil {
		ctx = helmchart.WithTemplates(ctx, func(template string) {
			if e.at.Template != template {
				e.at.Template = template
				opts.Progress(Progress{Rule: e.at.Rule, Template: template})
			}
		})
	}
	e.ctx, e.material = ctx, rule.NewMaterial(ctx, ext)
	for _, r := range rules {
		if r.Run != nil {
			e.run(r)
		}
	}
	if i := slices.IndexFunc(rules, isIgnoreRule); i >= 0 {
		r := rules[i]
		r.Run = e.ignores.check
		e.run(r)
	}
	e.report.Findings = append(e.report.Findings, e.notChecked(rules)...)
	e.report.Loads = e.material.Loaded()
	e.report.sort()
	return e.report
}

// examination is one look at one extension.
type examination struct {
	Options
	ctx      context.Context
	ext      *extension.Extension
	material *rule.Material
	ignores  *ignores
	at       Progress // what is at work
	report   Report
}

// run runs one rule, unless it is off.
func (e *examination) run(r Rule) {
	pass := e.pass(r)
	if r.Compares && e.Earlier == nil || r.Asks && e.Registries == nil {
		return
	}
	if e.ctx.Err() != nil || pass.Severity() == Off {
		return
	}
	if e.at = (Progress{Rule: r.Name, Findings: e.at.Findings, Silenced: e.at.Silenced}); e.Progress != nil {
		e.Progress(e.at)
	}
	runRule(pass)
	kept, silenced := e.ignores.silence(r, pass.Findings)
	e.report.Findings = append(e.report.Findings, kept...)
	e.report.Silenced += silenced
	e.at.Findings, e.at.Silenced = kept, silenced
}

func (e *examination) pass(r Rule) *rule.Pass {
	return &rule.Pass{
		Ctx: e.ctx, Ext: e.ext, Rule: r, Severities: e.Severities, Siblings: e.Siblings, Since: e.Earlier, Said: e.Registries,
		Material: e.material, Silences: e.ignores.silences,
	}
}

// runRule runs a rule whose needs are met. A panic in it is a fault of this program, but
// it must cost the user one rule, not the run.
func runRule(pass *rule.Pass) {
	defer func() {
		if cause := recover(); cause != nil {
			pass.Report(rule.Found(rule.InternalError), pass.Severity(), Finding{
				File:    "",
				Message: fmt.Sprintf("the rule %s broke down on this extension: %v", pass.Rule.Name, cause),
				Hint:    fmt.Sprintf("this is a fault of ksrelease, please report it; until it is fixed, set lint.rules.%s to off", pass.Rule.Name),
			})
		}
	}()
	if _, err := pass.Material.Missing(pass.Rule.Needs); err == nil {
		pass.Rule.Run(pass)
	}
}

// sort puts the findings into the order in which they are reported.
func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Range.Start.Line, b.Range.Start.Line), cmp.Compare(a.Rule(), b.Rule()),
			cmp.Compare(a.Range.Start.Column, b.Range.Start.Column), cmp.Compare(a.Message, b.Message))
	})
	// What two installations have in common is reported once.
	r.Findings = slices.Compact(r.Findings)
}
