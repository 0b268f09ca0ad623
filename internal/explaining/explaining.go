// Package explaining prints what a rule asks for, why, and how to fix what it finds.
package explaining

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// List prints each rule in a line.
func List(a *app.App) {
	widest := 0
	for _, r := range lint.Rules() {
		widest = max(widest, len(r.Name))
	}
	for _, r := range lint.Rules() {
		a.Stdout.Print("%-*s  %-7s  %s", widest, r.Name, r.Default, r.Summary)
	}
	a.Stdout.Print("\n→ more of one: ksrelease lint --explain RULE")
}

// Explain prints what docs/rules.md says of a rule, for a terminal.
// It takes the code of a finding for its rule. The error is one of usage, where there is no such
// rule.
func Explain(a *app.App, name string) error {
	rule, _, _ := strings.Cut(name, "/")
	i := slices.Index(RuleNames(), rule)
	if i < 0 {
		return unknownRule(rule)
	}
	r := lint.Rules()[i]
	const widest = 80 // longer lines of prose are hard to read
	width := a.Stdout.Columns()
	if width == 0 || width > widest {
		width = widest
	}
	a.Stdout.Print("%s (by default: %s)\n%s", r.Name, r.Default, output.Fold("", "", r.Summary, width))
	for _, part := range []struct{ title, prose string }{
		{"Why", r.Why}, {"How to fix it", r.Fix}, {"Source", r.Source},
	} {
		a.Stdout.Print("\n%s", part.title)
		for i, p := range lint.Paragraphs(part.prose) {
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
