package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/lint"
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
func (a *app) listRules() error {
	widest := 0
	for _, r := range lint.Rules() {
		widest = max(widest, len(r.Name))
	}
	for _, r := range lint.Rules() {
		fmt.Fprintf(a.stdout, "%-*s  %-7s  %s\n", widest, r.Name, r.Default, r.Summary)
	}
	fmt.Fprintln(a.stdout, "\n→ more of one: ksrelease lint --explain RULE")
	return nil
}

// explain prints what docs/rules.md says of a rule, for a terminal.
func (a *app) explain(name string) error {
	i := slices.Index(ruleNames(), name)
	if i < 0 {
		return unknownRule(name)
	}
	r := lint.Rules()[i]
	const widest = 80 // longer lines of prose are hard to read
	width := columns(a.stdout)
	if width == 0 || width > widest {
		width = widest
	}
	fmt.Fprintf(a.stdout, "%s (by default: %s)\n%s\n", r.Name, r.Default, text.WrapSoft(r.Summary, width))
	for _, part := range []struct{ title, prose string }{
		{"Why", r.Why}, {"How to mend it", r.Fix}, {"Source", r.Source},
	} {
		fmt.Fprintf(a.stdout, "\n%s\n", part.title)
		for i, p := range lint.Paragraphs(part.prose) {
			if i > 0 {
				fmt.Fprintln(a.stdout)
			}
			fmt.Fprintln(a.stdout, inset(p, width))
		}
	}
	fmt.Fprintf(a.stdout, "\nIn %s, for all extensions or for one (off, info, warning, error)\n  lint: {rules: {%s: %s}}\n", config.Name, r.Name, r.Default)
	return nil
}

// inset folds a paragraph to a width and sets it in; code stays as it is and
// stands further in.
func inset(p lint.Paragraph, width int) string {
	folded, margin := p.Text, "      "
	if !p.Code {
		margin = "  "
		folded = text.WrapSoft(strings.ReplaceAll(p.Text, "`", ""), width-len(margin))
	}
	lines := strings.Split(folded, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(margin+line, " ")
	}
	return strings.Join(lines, "\n")
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
	advice := "the rules are " + strings.Join(names, ", ")
	if near, ok := yamldoc.Nearest(name, names); ok {
		advice = fmt.Sprintf("did you mean %q? %s", near, advice)
	}
	return usage(fmt.Errorf("there is no rule %q", name), advice)
}
