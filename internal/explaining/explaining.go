// Package explaining prints what a rule asks for, why, and how to fix what it finds.
package explaining

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// List prints each rule in a line.
func List(a *app.App) {
	widest := 0
	for _, r := range lint.Rules() {
		widest = max(widest, len(r.Name))
	}
	for _, r := range lint.Rules() {
		a.Stdout.Print("%-*s  %s  %s", widest, r.Name, output.Word(string(r.Default)).Fit(len("warning")), r.Summary)
	}
	a.Stdout.Print("\n→ more of one: ksrelease lint --explain RULE")
}

// Explain prints what docs/rules.md says of a rule, for a terminal. For a code, RULE/WHAT, it says
// first what that means; there are codes of what no rule of lint finds, too. The error is one of
// usage, where there is no such rule.
func Explain(a *app.App, name string) error {
	rule, _, isCode := strings.Cut(name, "/")
	i := slices.Index(RuleNames(), rule)
	if i < 0 {
		return explainOther(a, name)
	}
	r := lint.Rules()[i]
	if isCode {
		at := slices.IndexFunc(r.Codes, func(c diagnostic.Code) bool { return r.CodeOf(c.Name) == name })
		if at < 0 {
			return unknownCode(name, r.Codes, r.CodeOf)
		}
		a.Stdout.Print("%s: %s\n", name, r.Codes[at].Meaning)
	}
	const widest = 80 // longer lines of prose are hard to read
	width := a.Stdout.Columns()
	if width == 0 || width > widest {
		width = widest
	}
	a.Stdout.Print("%s (by default: %s)\n%s", r.Name, output.Word(string(r.Default)), output.Fold("", "", r.Summary, width))
	for _, part := range []struct{ title, prose string }{
		{"Why", r.Why}, {"How to fix it", r.Fix}, {"Source", r.Source},
	} {
		a.Stdout.Print("\n%s", output.Word(part.title))
		for i, p := range lint.Paragraphs(language.Prose(part.prose)) {
			if i > 0 {
				a.Stdout.Print("")
			}
			a.Stdout.Print("%s", inset(p, width))
		}
	}
	a.Stdout.Print("\nWhat it finds")
	for _, c := range r.Codes {
		a.Stdout.Print("  %s: %s", r.CodeOf(c.Name), c.Meaning)
	}
	a.Stdout.Print("\nIn %s, for all extensions or for one (off, info, warning, error)\n  lint: {rules: {%s: %s}}", config.Name, r.Name, r.Default)
	return nil
}

// explainOther explains a code of what no rule of lint finds, or all of such a rule.
func explainOther(a *app.App, name string) error {
	rule, _, isCode := strings.Cut(name, "/")
	page := "docs/rules.md"
	other := results.OtherRule(rule)
	switch rule {
	case config.Rule:
		page, other = "docs/configuration.md", results.Rule{Name: rule, Asks: "the config and the baseline can be read, and say what there is", Codes: config.Codes()}
	case yamldoc.Rule:
		page, other = "docs/configuration.md", results.Rule{Name: rule, Asks: "a file can be read as YAML", Codes: yamldoc.Codes()}
	}
	if other.Name == "" {
		return unknownRule(rule)
	}
	of := func(what string) string { return rule + "/" + what }
	if isCode {
		at := slices.IndexFunc(other.Codes, func(c diagnostic.Code) bool { return of(c.Name) == name })
		if at < 0 {
			return unknownCode(name, other.Codes, of)
		}
		a.Stdout.Print("%s: %s\n", name, other.Codes[at].Meaning)
	}
	a.Stdout.Print("%s\n%s\n\nWhat it finds", rule, other.Asks)
	for _, c := range other.Codes {
		a.Stdout.Print("  %s: %s", of(c.Name), c.Meaning)
	}
	a.Stdout.Print("\nMore: %s", page)
	return nil
}

func unknownCode(name string, codes []diagnostic.Code, of func(string) string) error {
	var all []string
	for _, c := range codes {
		all = append(all, of(c.Name))
	}
	hint := "the codes of this rule are " + strings.Join(all, ", ")
	if near, ok := yamldoc.Nearest(name, all); ok {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return app.Usage(fmt.Errorf("there is no code %q", name), hint)
}

// inset folds a paragraph to a width and indents it; code stays as it is and
// is indented further.
func inset(p lint.Paragraph, width int) output.Text {
	if p.Code {
		return output.Fold("      ", "      ", p.Text, 0)
	}
	return output.Fold("  ", "  ", strings.ReplaceAll(p.Text, "`", ""), width)
}

// RuleNames are the names of all rules, in their order.
func RuleNames() []string {
	var names []string
	for _, r := range lint.Rules() {
		names = append(names, r.Name)
	}
	return names
}

func unknownRule(name string) error {
	names := RuleNames()
	hint := "the rules are " + strings.Join(names, ", ")
	if near, ok := yamldoc.Nearest(name, names); ok {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return app.Usage(fmt.Errorf("there is no rule %q", name), hint)
}
