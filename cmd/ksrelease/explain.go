package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// asked is the rule that somebody asks about; where none is named, all of them.
type asked string

// allRules is no name that a rule can have.
const allRules asked = "*"

// Decode takes the word behind the flag, if there is one.
func (r *asked) Decode(ctx *kong.DecodeContext) error {
	if !ctx.Scan.Peek().IsValue() {
		*r = allRules
		return nil
	}
	var name string
	if err := ctx.Scan.PopValueInto("RULE", &name); err != nil {
		return err
	}
	if *r = asked(name); name == "" {
		*r = allRules
	}
	return nil
}

// listRules prints each rule in a line.
func listRules(a *app.App) error {
	widest := 0
	for _, r := range lint.Rules() {
		widest = max(widest, len(r.Name))
	}
	for _, r := range lint.Rules() {
		a.Stdout.Print("%-*s  %-7s  %s", widest, r.Name, r.Default, r.Summary)
	}
	a.Stdout.Print("\n→ more of one: ksrelease lint --explain RULE")
	return nil
}

// explain prints what docs/rules.md says of a rule, for a terminal.
// It takes the code of a finding for its rule.
func explain(a *app.App, name string) error {
	rule, _, _ := strings.Cut(name, "/")
	i := slices.Index(ruleNames(), rule)
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

func ruleNames() []string {
	var names []string
	for _, r := range lint.Rules() {
		names = append(names, r.Name)
	}
	return names
}

func unknownRule(name string) error {
	names := ruleNames()
	hint := "the rules are " + strings.Join(names, ", ")
	if near, ok := yamldoc.Nearest(name, names); ok {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return app.Usage(fmt.Errorf("there is no rule %q", name), hint)
}
