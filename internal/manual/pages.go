// Package manual writes the manual pages of a command line, in the language of man(7): a page for the
// program, and one for each command.
package manual

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/rivo/uniseg"

	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/language"
)

// Entry is something that is explained, such as an exit code or a variable.
type Entry struct{ Name, About string }

// Section is one of the page of the program.
type Section struct {
	Title   string // in capitals, as is usual
	Entries []Entry
}

// Pages are the manual pages of a grammar by their file names: PROGRAM.1, PROGRAM-COMMAND.1, and
// PROGRAM-COMMAND-COMMAND.1 for commands of commands. Equal grammars and versions give equal bytes:
// no page has a date. The page of the program has the sections, and all others point to it.
func Pages(grammar *kong.Application, version string, sections []Section) map[string][]byte {
	m := manual{program: grammar.Name, version: version, sections: sections, pages: map[string][]byte{}}
	m.add(grammar.Node, nil)
	return m.pages
}

type manual struct {
	program, version string
	sections         []Section
	pages            map[string][]byte
}

// add adds the page of a command, which has these words, and those of what is below it.
func (m *manual) add(node *kong.Node, words []string) {
	name := strings.Join(append([]string{m.program}, words...), "-")
	var p page
	p.macro("TH", strings.ToUpper(name), "1", "", strings.TrimSpace(m.program+" "+m.version), language.Sprintf("%s manual", m.program))
	p.begin()
	p.section(language.Word("NAME"))
	p.line(name, " \\- ", escape(inLines(summary(node.Help))))
	p.section(language.Word("SYNOPSIS"))
	p.macro("nh")
	p.synopsis(m.program, node, words)
	p.section(language.Word("DESCRIPTION"))
	p.text(node.Help)
	p.text(node.Detail)
	below := children(node)
	if len(below) > 0 {
		p.section(language.Word("COMMANDS"))
		for _, child := range below {
			p.macro("TP")
			p.line(`\fB`, escape(child.Name), `\fR`)
			p.paragraph(child.Help)
		}
	}
	if len(node.Positional) > 0 {
		p.section(language.Word("ARGUMENTS"))
		for _, a := range node.Positional {
			p.macro("TP")
			p.line(`\fI`, escape(a.Name), `\fR`)
			p.paragraph(a.Help)
		}
	}
	p.section(language.Word("OPTIONS"))
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			p.macro("TP")
			p.line(flagHead(f))
			p.paragraph(f.Help)
		}
	}
	if len(words) == 0 {
		for _, s := range m.sections {
			p.section(language.Word(s.Title))
			for _, e := range s.Entries {
				p.macro("TP")
				p.line(`\fB`, escape(e.Name), `\fR`)
				p.paragraph(language.Text(e.About))
			}
		}
	}
	p.section(language.Word("SEE ALSO"))
	p.line(strings.Join(m.related(words, below), ", "))
	m.pages[name+".1"] = []byte(p.b.String())
	for _, child := range below {
		m.add(child, append(words[:len(words):len(words)], child.Name))
	}
}

// related are the pages above a command and below it.
func (m *manual) related(words []string, below []*kong.Node) (all []string) {
	reference := func(words ...string) string {
		return `\fB` + escape(strings.Join(append([]string{m.program}, words...), "-")) + `\fR(1)`
	}
	if len(words) > 0 {
		all = append(all, reference())
	}
	if len(words) > 1 {
		all = append(all, reference(words[:len(words)-1]...))
	}
	for _, child := range below {
		all = append(all, reference(append(words[:len(words):len(words)], child.Name)...))
	}
	return all
}

// children are the commands below one that are shown.
func children(node *kong.Node) (all []*kong.Node) {
	for _, child := range node.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			all = append(all, child)
		}
	}
	return all
}

// flagHead names a flag in all its forms, with what it takes.
func flagHead(f *kong.Flag) string {
	var forms []string
	for _, name := range commandline.FlagNames(f) {
		form := `\fB` + escape(name) + `\fR`
		if !f.IsBool() && !f.IsCounter() {
			between := "="
			if !strings.HasPrefix(name, "--") {
				between = " "
			}
			form += between + `\fI` + escape(strings.Trim(f.FormatPlaceHolder(), `"`)) + `\fR`
		}
		forms = append(forms, form)
	}
	return strings.Join(forms, ", ")
}

// summary is the first sentence of a help, without its end.
func summary(help string) string {
	line := strings.Join(strings.Fields(help), " ")
	if first, _, more := strings.Cut(line, ". "); more {
		line = first
	}
	if first, _, more := strings.Cut(line, "。"); more {
		return first
	}
	return strings.TrimSuffix(line, ".")
}

// widest is how many columns a summary in Chinese has at most in one line.
const widest = 56

// inLines is a summary with breaks behind commas and colons, where it is Chinese and long: nobody else breaks that
// line, as programs that read the names of pages take no other breaks (lexgrog(1)).
func inLines(summary string) string {
	var b strings.Builder
	column := 0
	for part := range strings.SplitAfterSeq(strings.NewReplacer("，", "，\n", "：", "：\n").Replace(summary), "\n") {
		part = strings.TrimSuffix(part, "\n")
		width := uniseg.StringWidth(part)
		if column > 0 && column+width > widest {
			b.WriteString("\n")
			column = 0
		}
		b.WriteString(part)
		column += width
	}
	return b.String()
}

// page is one in the making.
type page struct{ b strings.Builder }

// macro writes a request with its arguments.
func (p *page) macro(name string, arguments ...string) {
	p.b.WriteString("." + name)
	for _, a := range arguments {
		fmt.Fprintf(&p.b, ` "%s"`, strings.ReplaceAll(escape(a), `"`, `\(dq`))
	}
	p.b.WriteString("\n")
}

// begin has lines of Chinese end where words do, and not stretched to the margin by the few blanks in them.
func (p *page) begin() {
	if language.Current() != language.English {
		p.b.WriteString(".ad l\n")
	}
}

func (p *page) section(title string) { p.macro("SH", title) }

// line writes a line of what is escaped already.
func (p *page) line(parts ...string) {
	p.b.WriteString(guarded(strings.Join(parts, "")) + "\n")
}

// paragraph writes words that are filled.
func (p *page) paragraph(words string) {
	if words = strings.Join(strings.Fields(words), " "); words != "" {
		p.line(breakable(escape(words)))
	}
}

// breakable marks where lines of Chinese may end, which has no blanks between words.
func breakable(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		b.WriteRune(r)
		if i+1 < len(runes) && commandline.MayBreak(r, runes[i+1]) {
			b.WriteString(`\:`)
		}
	}
	return b.String()
}

// text writes paragraphs, between which there are empty lines. What is set in stays as it is.
func (p *page) text(text string) {
	for part := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		p.macro("PP")
		if !strings.HasPrefix(part, " ") {
			p.paragraph(part)
			continue
		}
		p.macro("nf")
		for line := range strings.SplitSeq(part, "\n") {
			p.line(escape(line))
		}
		p.macro("fi")
	}
}

// synopsis shows how the command is typed.
func (p *page) synopsis(program string, node *kong.Node, words []string) {
	typed := `\fB` + escape(strings.Join(append([]string{program}, words...), " ")) + `\fR`
	if len(children(node)) > 0 {
		typed += ` \fIcommand\fR`
	}
	for _, a := range node.Positional {
		name := `\fI` + escape(a.Name) + `\fR`
		if a.IsCumulative() {
			name += " ..."
		}
		if !a.Required {
			name = "[" + name + "]"
		}
		typed += " " + name
	}
	p.line(typed + ` [\fIoptions\fR]`)
}

// escape has a text mean itself: backslashes, and hyphens, which would become others that nobody can
// copy into a command line (groff_char(7)).
func escape(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `...`).Replace(s)
}

// guarded keeps a line from being a request, which begins with a dot or an apostrophe.
func guarded(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
