package chartdiff

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/markdown"
	"github.com/ksrelease/ksrelease/internal/output"
)

// How much people are shown; JSON has all that is kept.
const (
	shownChanges = 60  // of a section
	shownFields  = 12  // of an object
	shownFiles   = 10  // of the files that differ
	shownValue   = 100 // characters
	shownSame    = 6   // names of those of equal content
)

// title says what is compared with what. quote is for names and words of others.
func (d Diff) title(quote func(string) string) string {
	if d.IsNew {
		return quote(d.Name + " " + d.Version)
	}
	return language.Sprintf("%s, compared with %s", quote(d.Name+" "+d.Version), quote(language.Text(d.Against)))
}

func unquoted(s string) string { return s }

// summary is what there is to say where little or nothing changes; else empty.
func (d Diff) summary() string {
	switch {
	case d.IsNew:
		return "it is new: there is no other version to compare it with"
	case d.Equal:
		return "the content is the same"
	case len(d.Changes) == 0:
		return "files differ, and an administrator notices nothing"
	case len(of(d.Changes, Size)) == len(d.Changes):
		return "files differ, and an administrator notices nothing but the size"
	}
	return ""
}

// apart takes those of equal content out where there are several: they are counted, and of a
// thousand extensions of which one has changed that one is seen.
func apart(diffs []Diff) (shown, same []Diff) {
	for _, d := range diffs {
		if d.Equal && len(d.Notes) == 0 {
			same = append(same, d)
		} else {
			shown = append(shown, d)
		}
	}
	if len(same) < 2 {
		return diffs, nil
	}
	return shown, same
}

// Text prints differences for people, with nothing between them but blank lines. Those of equal
// content are one line at the end.
func Text(out *output.Stream, diffs []Diff) {
	shown, same := apart(diffs)
	for i, d := range shown {
		if i > 0 {
			out.Print("")
		}
		out.Print("%s", output.Name(d.title(unquoted)))
		if summary := d.summary(); summary != "" {
			out.Print("  %s", summary)
		}
		for _, s := range Sections() {
			section(out, s, of(d.Changes, s))
		}
		files(out, d.Files)
		for _, note := range d.Notes {
			out.Print("%s", output.Fold("  note: ", "    ", note, out.Columns()))
		}
	}
	if len(same) == 0 {
		return
	}
	if len(shown) > 0 {
		out.Print("")
	}
	var names []string
	for _, d := range same[:min(len(same), shownSame)] {
		names = append(names, d.Name+" "+d.Version)
	}
	text := fmt.Sprintf("of %d extensions the content is the same: %s", len(same), strings.Join(names, ", "))
	if more := len(same) - len(names); more > 0 {
		text = fmt.Sprintf("of %d extensions the content is the same: %s and %d more", len(same), strings.Join(names, ", "), more)
	}
	out.Print("%s", output.Fold("", "  ", text, out.Columns()))
}

func section(out *output.Stream, s Section, changes []Change) {
	if len(changes) == 0 {
		return
	}
	out.Print("  %s", language.Word(s.Title()))
	shown := changes[:min(len(changes), shownChanges)]
	for _, c := range shown {
		out.Print("    %s %s", output.Word(string(c.Kind)).Fit(8), output.Name(c.line()))
		fields := c.Fields[:min(len(c.Fields), shownFields)]
		for _, f := range fields {
			out.Print("      %s", output.Name(f.line()))
		}
		if more := len(c.Fields) - len(fields) + c.More; more > 0 {
			out.Print("      and %d more", more)
		}
	}
	if more := len(changes) - len(shown); more > 0 {
		out.Print("    and %d more: --output json has all", more)
	}
}

func files(out *output.Stream, all compare.Differences) {
	if len(all) == 0 {
		return
	}
	out.Print("  %s", output.Word("Files"))
	shown := all[:min(len(all), shownFiles)]
	for _, d := range shown {
		out.Print("    %s %s", output.Word(string(d.Kind)).Fit(9), output.Name(fileName(d)))
	}
	if more := len(all) - len(shown); more > 0 {
		out.Print("    and %d more: --output json has all", more)
	}
}

func fileName(d compare.Difference) string {
	if d.Detail == "" {
		return d.File
	}
	return d.File + ": " + d.Detail
}

func of(all []Change, s Section) (some []Change) {
	for _, c := range all {
		if c.Section == s {
			some = append(some, c)
		}
	}
	return some
}

// line is a change in one line, without its kind and its fields.
func (c Change) line() string {
	return c.what() + c.where() + values(c.Old, c.New)
}

// what names what a change is of: an object of a chart has a name, but rights and sizes are words of ours.
func (c Change) what() string {
	switch c.Section {
	case Size:
		return language.Hint(c.What)
	case Rights:
		if rule, ok := strings.CutSuffix(c.What, inCluster); ok {
			return language.Sprintf("%s in the cluster", strings.TrimSpace(rule))
		}
	}
	return c.What
}

// where is the end of a line on an object.
func (c Change) where() string {
	if c.Where == "" {
		return ""
	}
	return language.Sprintf(" on %s", language.Text(c.Where))
}

// line is a field in one line.
func (f Field) line() string {
	sign := "~ "
	switch f.Kind {
	case compare.Added:
		sign = "+ "
	case compare.Removed:
		sign = "- "
	}
	return sign + f.Path + values(f.Old, f.New)
}

// values are what was and what is: ": 1 → 2".
func values(old, new string) string {
	switch {
	case old == "" && new == "":
		return ""
	case old == "":
		return ": " + short(new)
	case new == "":
		return ": " + short(old)
	case old == withheld && new == withheld:
		return language.Sprintf(": another value %s", language.Text(withheld))
	}
	return ": " + short(old) + " → " + short(new)
}

func short(text string) string {
	if utf8.RuneCountInString(text) <= shownValue {
		return text
	}
	return string([]rune(text)[:shownValue]) + "…"
}

// Markdown is for a pull request: what matters in tables, all else folded. Texts of others
// are words or code (package markdown).
func Markdown(diffs []Diff) []byte {
	var b bytes.Buffer
	shown, same := apart(diffs)
	for i, d := range shown {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "### %s\n\n", d.title(markdown.Prose))
		if summary := d.summary(); summary != "" {
			b.WriteString(language.Sprintf("%s.\n\n", language.Text(summary)))
		}
		for _, s := range Sections() {
			if changes := of(d.Changes, s); len(changes) > 0 {
				sectionMarkdown(&b, s, changes)
			}
		}
		if len(d.Files) > 0 {
			b.WriteString(language.Sprintf("<details><summary>Files that differ: %d</summary>\n\n| | file |\n| --- | --- |\n", len(d.Files)))
			shown := d.Files[:min(len(d.Files), shownChanges)]
			for _, f := range shown {
				fmt.Fprintf(&b, "| %s | %s |\n", language.Word(string(f.Kind)), markdown.Cell(fileName(f)))
			}
			if more := len(d.Files) - len(shown); more > 0 {
				b.WriteString(language.Sprintf("| | and %d more |\n", more))
			}
			b.WriteString("\n</details>\n")
		}
		for _, note := range d.Notes {
			fmt.Fprintf(&b, "\n%s\n", markdown.Prose(language.Text(note)))
		}
	}
	if len(same) > 0 {
		b.WriteString(language.Sprintf("\nOf %s the content is the same.\n", language.Text(fmt.Sprintf("%d extensions", len(same)))))
	}
	return b.Bytes()
}

func sectionMarkdown(b *bytes.Buffer, s Section, changes []Change) {
	fmt.Fprintf(b, "**%s**\n\n| | | %s | %s |\n| --- | --- | --- | --- |\n", language.Word(s.Title()), language.Word("was"), language.Word("is"))
	shown := changes[:min(len(changes), shownChanges)]
	for _, c := range shown {
		name := markdown.Cell(c.what()) + c.where()
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", language.Word(string(c.Kind)), name, code(c.Old), code(c.New))
		fields := c.Fields[:min(len(c.Fields), shownFields)]
		for _, f := range fields {
			fmt.Fprintf(b, "| | %s %s | %s | %s |\n", language.Word(string(f.Kind)), markdown.Cell(f.Path), code(f.Old), code(f.New))
		}
		if more := len(c.Fields) - len(fields) + c.More; more > 0 {
			b.WriteString(language.Sprintf("| | and %d more | | |\n", more))
		}
	}
	if more := len(changes) - len(shown); more > 0 {
		b.WriteString(language.Sprintf("| | and %d more | | |\n", more))
	}
	b.WriteString("\n")
}

// code is a value in a cell.
func code(value string) string {
	if value == withheld {
		return markdown.Cell(language.Text(withheld))
	}
	return markdown.Cell(strings.TrimSpace(short(value)))
}
