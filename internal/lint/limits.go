package lint

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Limits bound what looking at one extension may cost. They are kept by whoever
// calls Examine in a process of its own (internal/worker): neither templates nor
// the parsers that rules use can be stopped from within.
type Limits struct {
	// Time is how long it may take; 0 is without end.
	Time time.Duration
	// Memory is how much it may take, in bytes; 0 is all there is. A quarter of it
	// may be stack.
	Memory int64
}

// Limit is one of the limits.
type Limit string

// The limits that can be reached.
const (
	LimitTime   Limit = "time"
	LimitMemory Limit = "memory"
	LimitStack  Limit = "stack"
	// LimitFault stands for a process that ended without any.
	LimitFault Limit = rule.InternalError
)

// Ended says that the look at an extension was ended before its end.
type Ended struct {
	By     Limit
	Limits Limits
	// Rule and Template are what was at work; see Progress.
	Rule, Template string
}

// RuleLimits is the name of the rule of which an end at a limit is a finding.
const RuleLimits = "limits"

func limitsRule() Rule {
	return Rule{
		Name:    RuleLimits,
		Summary: "the extension can be looked at within the time and the memory of lint",
		Why: "A template can loop for as long as it likes, call itself without end, or render more than a machine has " +
			"memory; so can what a schema, a README or a list of values asks for. KubeSphere renders an extension in one of " +
			"its own processes, and others wait for it meanwhile. Each extension is looked at in a process with limits " +
			"(`lint.timeout`, `lint.memory`), which is ended where it reaches one of them: that extension fails, the others go on.\n\n" +
			"The rules after the one that was ended have not looked at the extension. So the rule can be a warning, and not less.",
		Fix: "Correct the template or file that the finding names: look for a loop or a call of itself that does not end, and for " +
			"values that are repeated many times.\n\n" +
			"An extension that needs more gets it in .ksrelease.yaml:\n\n" +
			"extensions:\n  - path: apps/large\n    lint: {timeout: 3m, memory: 2GiB}",
		Source: "ksrelease. Real extensions take less than a second and 100 MiB.",
		Codes: []Code{
			{Name: string(LimitTime), Meaning: "it takes longer than lint.timeout to look at the extension"},
			{Name: string(LimitMemory), Meaning: "it takes more memory than lint.memory to look at the extension"},
			{Name: string(LimitStack), Meaning: "something in the extension calls itself, or is nested, deeper than there is stack for"},
		},
		Default: Error,
		Run:     func(*rule.Pass) {}, // nothing is to be seen from within
	}
}

// Cut is the report of an extension whose look was ended: what the rules before have
// found, and the limit.
func Cut(ext *extension.Extension, opts Options, end Ended, before []Finding, silenced int) Report {
	severity := Error
	if chosen := opts.Severities[RuleLimits]; chosen.IsKnown() && chosen != Error {
		severity = Warning
	}
	f := limitsRule().Finding(rule.Found(string(end.By), cmp.Or(end.Template, end.Rule)), severity, end.finding(ext))
	report := Report{Ended: &end, Findings: append(slices.Clone(before), f), Silenced: silenced}
	report.sort()
	return report
}

func (e Ended) finding(ext *extension.Extension) Finding {
	f := Finding{File: ""}
	what := "the rule " + e.Rule
	switch {
	case e.Template != "":
		file := helmchart.FileOfTemplate(ext, e.Template)
		f.File = file
		if what = "rendering this template"; path.Base(file) != path.Base(e.Template) {
			what = "rendering " + excerpt.OneLine(e.Template)
		}
		what += " (for the rule " + e.Rule + ")"
	case e.Rule == "":
		what = "reading it"
	}
	switch e.By {
	case LimitTime:
		f.Message = fmt.Sprintf("%s takes longer than %s: all that comes after was not looked at", what, e.Limits.Time)
		f.Hint = "look for a loop that does not end or goes on for very long; where it needs that time, set lint.timeout in .ksrelease.yaml"
	case LimitMemory:
		f.Message = fmt.Sprintf("%s takes more memory than %s: all that comes after was not looked at", what, rule.Size(int(e.Limits.Memory)))
		f.Hint = "look for what is repeated many times; where it needs that much, set lint.memory in .ksrelease.yaml"
	case LimitStack:
		f.Message = fmt.Sprintf("%s goes deeper than there is stack for (%s): all that comes after was not looked at", what, rule.Size(int(e.Limits.Stack())))
		f.Hint = "look for a template that calls itself without end (include, tpl); a quarter of lint.memory in .ksrelease.yaml may be stack"
	default:
		f.Message = what + " ended the process that looks at the extension: all that comes after was not looked at"
		f.Hint = "this is a fault of ksrelease, please report it"
		if e.Rule != "" {
			f.Hint += fmt.Sprintf("; until it is corrected, set lint.rules.%s to off", e.Rule)
		}
	}
	return f
}

// Stack is how much stack one goroutine may take, in bytes; 0 is the most that Go
// gives.
func (l Limits) Stack() int64 { return l.Memory / 4 }

// WithoutLimits takes the findings of the rule limits apart from all others.
func WithoutLimits(all []Finding) (others, limits []Finding) {
	for _, f := range all {
		if f.Rule() == RuleLimits {
			limits = append(limits, f)
		} else {
			others = append(others, f)
		}
	}
	return others, limits
}
