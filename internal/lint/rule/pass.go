package rule

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
)

// Pass is one rule looking at one extension: what it may look at, and the way to report
// what it finds. The runner makes one for each rule; the fields are not to be changed.
type Pass struct {
	// Ctx ends where nobody waits for the findings any more.
	Ctx  context.Context
	Ext  *extension.Extension
	Rule Rule
	// Severities are what the config says of rules, by name.
	Severities map[string]Severity
	// Siblings are the versions of the extensions that are released together with this
	// one, by name.
	Siblings map[string][]string
	// Since is what the extension was before; nil where that is not known. Rules use Earlier.
	Since *Earlier
	// Said is what registries say of its images; nil where nobody has asked. Rules use Registries.
	Said *Registries
	// Material is shared by the passes of an extension. Rules use the methods below.
	Material *Material
	// Silences reports whether a comment in the extension silences a finding; nil
	// stands for none.
	Silences func(Finding) bool

	// Findings are those that were reported, in that order.
	Findings []Finding
}

// Severity is that of the rule, as configured.
func (p *Pass) Severity() Severity { return p.Rule.SeverityIn(p.Severities) }

// IsConfigured reports whether somebody chose the severity of the rule.
func (p *Pass) IsConfigured() bool {
	chosen, ok := p.Severities[p.Rule.Name]
	return ok && chosen.IsKnown()
}

// AtMost is a severity for the lesser findings of a rule: the given one, or that
// of the rule where it is less.
func (p *Pass) AtMost(severity Severity) Severity {
	if own := p.Severity(); own.Below(severity) {
		return own
	}
	return severity
}

// ByDefault is the severity of findings that are less than the rule's unless
// somebody chose the rule's severity: a user who writes `schema: error` wants
// unknown keys to be errors too.
func (p *Pass) ByDefault(severity Severity) Severity {
	if p.IsConfigured() {
		return p.Severity()
	}
	return p.AtMost(severity)
}

// IsOn reports whether another rule is run, and so reports what is its own. It is one
// of those in Rule.LeavesTo.
func (p *Pass) IsOn(rule string) bool {
	if !slices.Contains(p.Rule.LeavesTo, rule) {
		panic(fmt.Sprintf("the rule %s is not among those that the rule leaves something to", rule))
	}
	return p.Severities[rule] != Off
}

// Chart is the chart as Helm loads it. It is nil where Helm does not; a rule that needs
// the state Chart is not run then.
func (p *Pass) Chart() *helmchart.Chart {
	p.declared(Chart)
	loaded, err := p.Material.Load()
	if err != nil {
		return nil
	}
	return loaded
}

// Rendering is the chart as users install it. It is nil where nothing can be rendered;
// a rule that needs the state Rendering is not run then.
func (p *Pass) Rendering() *helmchart.Rendering {
	p.declared(Rendering)
	return p.Material.plain()
}

// Installations are the installations that KubeSphere makes of the extension, each by
// itself. There are none where Rendering is nil.
func (p *Pass) Installations() []helmchart.Installed {
	p.declared(Rendering)
	rendered, err := p.Material.Render()
	if err != nil {
		return nil
	}
	return rendered.Installations
}

// MarkedRendering is the rendering of the state MarkedRendering, as Rendering is.
func (p *Pass) MarkedRendering() *helmchart.Rendering {
	p.declared(MarkedRendering)
	marked, err := p.Material.RenderMarked()
	if err != nil {
		return nil
	}
	return marked
}

// Missing is the state whose absence this rule is to report, and why it is missing; the
// error is nil where there is none.
func (p *Pass) Missing() (State, error) { return p.Material.Missing(p.Rule.Explains) }

// declared holds a rule to what it says that it looks at.
func (p *Pass) declared(state State) {
	if max(p.Rule.Needs, p.Rule.Uses, p.Rule.Explains) < state {
		panic(fmt.Sprintf("the rule looks at the state %d of the extension, and declares neither that it needs nor that it uses it", state))
	}
}

// PackagedFiles are the files within packaged subcharts.
func (p *Pass) PackagedFiles() []extension.PackagedFile { return p.Material.packaged() }

// Derived is what several rules make of an extension; it is made once for all of them,
// and known by its type, which is one of the family.
func Derived[T any](p *Pass, derive func(*extension.Extension) T) T {
	kind := reflect.TypeFor[T]()
	made, ok := p.Material.derived[kind]
	if !ok {
		made = derive(p.Ext)
		p.Material.derived[kind] = made
	}
	return made.(T)
}

// Report adds a finding. Code, Subject and Severity are filled in.
func (p *Pass) Report(id Identity, severity Severity, f Finding) {
	if !p.Rule.Finds(id.what) {
		panic(fmt.Sprintf("the code %q is not among those of the rule", id.what))
	}
	p.Findings = append(p.Findings, p.Rule.Finding(id, severity, f))
}

// Problem reports a mistake in a YAML file, with the severity of the rule.
func (p *Pass) Problem(id Identity, problem diagnostic.Diagnostic) {
	p.ProblemAs(id, p.Severity(), problem)
}

// ProblemAs reports a mistake in a YAML file.
func (p *Pass) ProblemAs(id Identity, severity Severity, problem diagnostic.Diagnostic) {
	p.Report(id, severity, problem)
}

// InSource reports something about a template, with the severity of the rule. The line
// is 0 where there is none.
func (p *Pass) InSource(id Identity, at helmchart.Source, line int, message, hint string) {
	p.InSourceAs(id, p.Severity(), at, line, message, hint)
}

// InSourceAs reports something about a template.
func (p *Pass) InSourceAs(id Identity, severity Severity, at helmchart.Source, line int, message, hint string) {
	p.InSourceAt(id, severity, at, line, 0, message, hint)
}

// InSourceAt reports something about a template at a line and a column.
func (p *Pass) InSourceAt(id Identity, severity Severity, at helmchart.Source, line, column int, message, hint string) {
	if at.Inside != "" {
		message += " (" + at.Inside + " in the package)"
		id = id.in(at.Inside)
	}
	shown := at.Excerpt(line)
	if _, kind, ok := strings.Cut(shown, "kind: "); ok && strings.Contains(message, kind) {
		shown = "" // the message says as much
	}
	p.Report(id, severity, Finding{File: at.File, Range: diagnostic.At(line, column), Message: message, Hint: hint, Excerpt: shown})
}

// IsSilenced reports whether a comment would silence a finding at the place of a
// problem.
func (p *Pass) IsSilenced(id Identity, problem diagnostic.Diagnostic) bool {
	problem.Code = p.Rule.CodeOf(id.what)
	return p.Silences != nil && p.Silences(problem)
}

// File is the content of a file of the extension, or nil; it is never nil for a
// file that is there.
func (p *Pass) File(name string) []byte {
	for _, f := range p.Ext.Files {
		if f.Name == name {
			if f.Data == nil {
				return []byte{}
			}
			return f.Data
		}
	}
	return nil
}

// IsLeftOut reports whether .helmignore leaves out a file, and the rule helmignore
// reports that: others need not ask for what is there.
func (p *Pass) IsLeftOut(is func(name string) bool) bool {
	return p.IsOn("helmignore") && slices.ContainsFunc(p.Ext.LeftOut, func(out extension.LeftOut) bool { return is(out.Name) })
}
