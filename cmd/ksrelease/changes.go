package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/changes"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
)

type changesCommand struct {
	app.Reading
	Since  string `placeholder:"REF" default:"auto" help:"The branch, tag or commit to compare with; default, and auto: the base of the pull request, or the newest tag of each extension, or what is published of it."`
	Output string `enum:"text,json,names" default:"text" help:"text, json, or names: those that changed, one a line."`
}

// Run prints what became of each extension.
func (c *changesCommand) Run(a *app.App) error {
	ctx, p, end, err := c.Start(a)
	if err != nil {
		return err
	}
	defer end()
	found, err := p.Changes(ctx, c.Since, c.LocalFlags)
	if err != nil {
		return err
	}
	for _, warning := range found.Warnings {
		a.Warnings.Add(warning)
	}
	for i := range found.Extensions {
		found.Extensions[i].Notes = a.Redact.Texts(found.Extensions[i].Notes)
	}
	switch c.Output {
	case "json":
		a.Stdout.JSON(found, "  ")
	case "names":
		for _, name := range found.Names() {
			a.Stdout.Print("%s", output.Name(name))
		}
		if len(found.Names()) == 0 {
			a.Stderr.Print("nothing changed since %s", found.Base())
		}
	default:
		c.print(a, found)
	}
	return nil
}

// print prints a table, what else is to be known, and the counts.
func (c *changesCommand) print(a *app.App, found *changes.Changes) {
	since := commonBase(found.Extensions)
	table := output.NewTable("extension", "version", "status", "files").Folding(1)
	if since == "" {
		table = output.NewTable("extension", "version", "status", "since", "files").Folding(1, 3)
	}
	for _, e := range found.Extensions {
		row := []output.Text{output.Name(e.Name), output.Name(versionsOf(e)), output.Word(string(e.Status))}
		if since == "" {
			row = append(row, output.Cell(e.Base.String()))
		}
		table.Row(append(row, output.Name(filesOf(e)))...)
	}
	if len(found.Extensions) > 0 {
		a.Stdout.Print("%s", table.Render(a.Stdout.Columns()))
	}
	for _, e := range found.Extensions {
		for _, note := range e.Notes {
			a.Stdout.Print("%s", output.Fold("note: ", "  ", e.Name+": "+note, a.Stdout.Columns()))
		}
	}
	var counts []string
	for _, status := range []changes.Status{changes.Changed, changes.Bumped, changes.Added, changes.Removed, changes.Unchanged} {
		if n := found.Count(status); n > 0 {
			counts = append(counts, language.Sprintf("%d %s", n, language.Word(string(status))))
		}
	}
	summary := language.Join(counts)
	if since != "" && found.Extensions[0].Base.Kind != changes.BaseNone {
		summary = language.Sprintf("%s since %s", summary, language.Text(since))
	}
	if len(found.Names()) == 0 && found.Count(changes.Removed) == 0 {
		summary = "nothing changed since " + found.Base()
	}
	a.Stdout.Print("%s", output.Fold("", "", summary, a.Stdout.Columns()))
	if n := needVersions(found.Extensions); n > 0 {
		its := "its version"
		if n > 1 {
			its = "their versions"
		}
		said := fmt.Sprintf("%s changed and kept %s: other content needs another version", app.Plural(n, "extension"), its)
		a.Stdout.Print("%s", output.Fold("", "", said, a.Stdout.Columns()))
	}
}

// needVersions is how many extensions have other content under the version that they had.
func needVersions(extensions []changes.Extension) (n int) {
	for _, e := range extensions {
		if e.NeedsVersion() {
			n++
		}
	}
	return n
}

// commonBase is what all extensions are compared with, or "" where they have several bases: these
// need a column of their own, which a narrow terminal has no space for otherwise.
func commonBase(extensions []changes.Extension) string {
	since := ""
	for i, e := range extensions {
		if i > 0 && e.Base.String() != since {
			return ""
		}
		since = e.Base.String()
	}
	return since
}

// versionsOf are the version at the base and that of today, where they differ.
func versionsOf(e changes.Extension) string {
	switch {
	case e.Version == "":
		return e.BaseVersion
	case e.BaseVersion == "" || e.BaseVersion == e.Version:
		return e.Version
	}
	return e.BaseVersion + " → " + e.Version
}

// filesOf names the first files that differ, and says how many more there are.
func filesOf(e changes.Extension) string {
	const shown = 5
	words := slices.Clone(e.Files[:min(shown, len(e.Files))])
	if at := slices.Index(words, config.Name); at >= 0 && len(e.Settings) > 0 {
		words[at] += " (" + strings.Join(e.Settings, ", ") + ")"
	}
	if more := len(e.Files) - shown; more > 0 {
		words = append(words, language.Sprintf("and %d more", more))
	}
	said := strings.Join(words, ", ")
	if e.BasePath != "" {
		said += language.Sprintf(" (was in %s)", e.BasePath)
	}
	return strings.TrimSpace(said)
}
