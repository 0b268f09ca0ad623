// Package rule is what a rule of lint is, and what it gets to look at.
//
// A Rule is a value: what users read of it, what it needs, and a function over a
// Pass. The function looks at the extension and calls the methods of the Pass to
// report what it finds. It changes nothing, and knows neither the other rules nor how
// findings are shown. What several rules need (the loaded chart, its renderings) is
// made once for an extension, when the first of them asks (Material).
//
// The runner is package lint; it has the list of all rules. They stand in packages by
// family, such as lint/metadata.
package rule

import (
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
)

// Rule is one thing that an extension is held to.
type Rule struct {
	// Name is how configs, reports and comments call it. It never changes.
	Name string
	// Summary is what the rule asks for, in one line.
	Summary string
	// Why says what happens to an extension that breaks the rule, and Fix how to
	// fix it. Both are prose for docs/rules.md and for a terminal: paragraphs
	// with a blank line between them, names of files and fields as they are, or
	// in `backquotes`. What follows a paragraph that ends with a colon is code.
	Why, Fix string
	// Source is where the fact comes from: whose rule it is, and in which version.
	Source string
	// Codes are what the rule finds; besides them each rule has InternalError.
	Codes []Code
	// Default is the severity of its findings where the config says nothing.
	Default Severity

	// Needs is what has to be there for the rule to be run. Where it is not, the rule
	// that explains that reports it, and this one finds nothing.
	Needs State
	// Uses is what the rule looks at besides, where it is there.
	Uses State
	// Explains is the last state whose absence this rule reports. It begins behind Needs.
	Explains State
	// Compares says that the rule holds the extension against what it was before (Earlier). It
	// is not run where that is not known.
	Compares bool
	// Asks says that the rule goes by what registries say (Registries). It is not run where nobody
	// has asked them.
	Asks bool
	// LeavesTo are the rules that report a part of what this one comes across. It asks
	// for them by Pass.IsOn, and reports that part itself where they are off.
	LeavesTo []string

	// Run looks at an extension. A rule without it is the business of the runner.
	Run func(*Pass)
}

// Code is one thing that a rule finds.
type Code = diagnostic.Code

// InternalError is a code that each rule has.
const InternalError = "internal-error"

// Finds reports whether a rule has a code.
func (r Rule) Finds(name string) bool {
	return name == InternalError || slices.ContainsFunc(r.Codes, func(c Code) bool { return c.Name == name })
}

// CodeOf is the code of a finding by its name in a rule: images/unlisted.
func (r Rule) CodeOf(name string) string { return r.Name + "/" + name }

// ReadsChart reports whether the rule looks at more than files.
func (r Rule) ReadsChart() bool { return max(r.Needs, r.Explains) >= Chart }

// SeverityIn is the severity of a rule, as somebody configured it by its name.
func (r Rule) SeverityIn(configured map[string]Severity) Severity {
	if chosen, ok := configured[r.Name]; ok && chosen.IsKnown() {
		return chosen
	}
	return r.Default
}

// Severity says how much a finding matters.
type Severity = diagnostic.Severity

// The severities, from the least.
const (
	Off     = diagnostic.Off
	Info    = diagnostic.Info
	Warning = diagnostic.Warning
	Error   = diagnostic.Error
)

// Finding is one thing that one rule found.
//
// File is relative to the extension; empty for the extension as a whole. For a template
// inside a packaged subchart it is the package. Message is one line; where it is about a
// workload, it names that, the container and the image.
type Finding = diagnostic.Diagnostic

// Identity is what a finding is known by, whatever its words.
type Identity struct{ what, subject string }

// Found is the identity of a finding: what was found, which is one of the codes of the
// rule, and the names of what it is about.
func Found(code string, subject ...string) Identity {
	return Identity{code, excerpt.Printable(subjectWidth, strings.Join(strings.Fields(strings.Join(subject, " ")), " "))}
}

// in is the identity of the same thing within something else.
func (id Identity) in(outer string) Identity { return Found(id.what, outer, id.subject) }

// subjectWidth bounds the subject of a finding, in characters.
const subjectWidth = 200

// Finding completes a finding of the rule by what it is known by.
func (r Rule) Finding(id Identity, severity Severity, f Finding) Finding {
	f.Code, f.Subject, f.Severity = r.CodeOf(id.what), id.subject, severity
	f.Message = lineBreaks.Replace(f.Message)
	return f
}

// lineBreaks keeps a message in one line, whatever names of objects and containers a
// template renders: what comes in a line of its own could pass for another message.
var lineBreaks = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`, "\v", `\n`, "\f", `\n`, "\u0085", `\n`, "\u2028", `\n`, "\u2029", `\n`)
