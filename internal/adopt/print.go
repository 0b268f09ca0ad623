package adopt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/adopt/practice"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
)

// Print prints the report: as JSON, or for people, with the text of the files that would be
// written.
func (r *Report) Print(out *output.Stream, asJSON bool) {
	if asJSON {
		out.JSON(r, "  ")
		return
	}
	p := printer{out: out, width: out.Columns()}
	if out.IsTerminal() {
		p.bold = output.Bold
	}
	if len(r.Files) == 0 {
		out.Print("no file of a CI system, make or a shell here releases extensions: none calls ksbuilder, helm, oras or the like for them")
	}
	for _, f := range r.Files {
		p.file(f)
	}
	p.unread(r.Unread)
	p.partsOf("What can be taken out once the new files are in use:", r.Removable)
	p.partsOf("What stays, as ksrelease does not do it:", r.Stays)
	p.secrets(r)
	p.writes(r.Writes)
	if len(r.Writes) > 0 {
		for _, left := range r.LeftOut {
			p.note(output.Format("%s declares no extension in %s, as no release would take it: %s", config.Name, left.Path, left.Why))
		}
	}
	for _, note := range r.Notes {
		p.note(output.Cell(note))
	}
	p.next(r)
}

// printer prints a report for people.
type printer struct {
	out   *output.Stream
	width int
	bold  output.Color
}

func (p printer) heading(text output.Text) { p.out.Print("%s", text.Paint(p.bold)) }

// note is a line with an arrow, which hints have everywhere.
func (p printer) note(text output.Text) {
	p.out.Print("%s", output.Hint("", text.String(), p.width))
}

// line is a sentence of its own.
func (p printer) line(text output.Text) {
	p.out.Print("%s", output.Fold("", "  ", text.String(), p.width))
}

func (p printer) file(f *File) {
	p.heading(output.Name(f.Path))
	about := f.System.Title()
	for i, trigger := range f.Triggers {
		between := "; "
		if i == 0 {
			between = ": "
		}
		about += between + triggerInWords(trigger)
	}
	p.out.Print("%s", output.Fold("  ", "    ", about, p.width))
	var all []*Used
	for _, step := range f.Steps {
		all = append(all, step.Uses...)
	}
	for i, use := range all {
		if i > 0 && slices.ContainsFunc(all[:i], use.isAs) {
			continue
		}
		lines := fmt.Sprint(use.Line)
		for _, other := range all[i+1:] {
			if use.isAs(other) {
				lines += fmt.Sprintf(", %d", other.Line)
			}
		}
		p.use(use, lines)
	}
	p.out.Print("")
}

// triggerInWords is a trigger in the language in use; names of branches and tags follow what it is.
func triggerInWords(trigger string) string {
	for _, what := range triggerWords {
		rest, ok := strings.CutPrefix(trigger, what)
		if !ok || what == "" {
			continue
		}
		if names, ok := strings.CutPrefix(rest, " to "); ok && language.Current() != language.English {
			rest = " " + names
		}
		return language.Word(what) + rest
	}
	return trigger
}

// isAs reports whether two uses are explained in the same words, apart from what is written there.
func (u *Used) isAs(other *Used) bool {
	return u.Practice == other.Practice && u.Does == other.Does && u.Over == other.Over && u.Cover == other.Cover && u.By == other.By &&
		u.At == other.At && u.Note == other.Note && slices.Equal(u.Wrong, other.Wrong)
}

func (p printer) use(u *Used, lines string) {
	head := output.Format("  line %s", lines)
	if strings.Contains(lines, ",") {
		head = output.Format("  lines %s", lines)
	}
	if u.Command != "" {
		head = output.Format("%s: %s", head, output.Name(u.Command))
	}
	if p.width > 0 && head.Width() > p.width {
		head = output.Join([]output.Text{head.Trim(p.width - 1), output.Format("…")}, "")
	}
	p.out.Print("%s", head)
	does := language.Text(u.Does)
	if u.Over != "" {
		does = language.Hint(u.Over) + ": " + does
	}
	if u.At != "" {
		does += " (" + u.At + ")"
	}
	p.out.Print("%s", output.Fold("    ", "    ", does, p.width))
	for _, wrong := range u.Wrong {
		p.out.Print("%s", output.Fold("    ! ", "      ", wrong, p.width))
	}
	p.out.Print("%s", output.Hint("    ", instead(u), p.width))
}

// instead is what becomes of a use, in a sentence.
func instead(u *Used) string {
	var text string
	switch {
	case u.Cover == practice.Kept && (u.Note == neededNote || u.Note == hooksNote):
		text = "keep it"
	case u.Cover == practice.Kept && u.By != "":
		text = language.Sprintf("keep it; see %s", u.By)
	case u.Cover == practice.Kept:
		text = "not covered, keep it"
	case u.By != "":
		text = u.By
	default:
		text = "not needed any more"
	}
	text = language.Hint(text)
	if u.Note != "" {
		text += ": " + language.Hint(u.Note)
	}
	return text
}

func (p printer) unread(list []Unread) {
	if len(list) == 0 {
		return
	}
	p.heading(output.Format("What was not read:"))
	for _, u := range list {
		text := u.Message
		if u.Hint != "" {
			text += "; " + u.Hint
		}
		p.out.Print("%s", output.Lines(text).Behind(place(u.File, u.Line)).Fold("  ", "    ", p.width))
	}
	p.out.Print("")
}

func place(file string, line int) output.Text {
	if line < 1 {
		return output.Format("%s: ", file)
	}
	return output.Format("%s:%d: ", file, line)
}

func (p printer) partsOf(heading string, parts []Part) {
	if len(parts) == 0 {
		return
	}
	p.heading(output.Cell(heading))
	for _, part := range parts {
		p.out.Print("%s", output.Lines(part.What).Behind(place(part.File, part.Line)).Fold("  ", "    ", p.width))
	}
	p.out.Print("")
}

func (p printer) secrets(r *Report) {
	if len(r.Literals) > 0 {
		p.heading(output.Format("Keys and passwords that stand in files, for all who can read them:"))
		for _, l := range r.Literals {
			p.out.Print("%s", output.Lines(l.What+"; replace it at its issuer, then keep the new one as a secret").Behind(place(l.File, l.Line)).Fold("  ", "    ", p.width))
		}
		p.out.Print("")
	}
	if len(r.Secrets) == 0 {
		return
	}
	p.heading(output.Format("Secrets that are used, by name:"))
	for _, s := range r.Secrets {
		text := s.Name
		if s.Key {
			text += ", the API key of the marketplace"
		}
		p.out.Print("%s", output.Lines(text).Behind(place(s.File, s.Line)).Fold("  ", "    ", p.width))
	}
	p.out.Print("")
}

// writes prints the new files as a diff, which tools can apply.
func (p printer) writes(writes []*Write) {
	for _, w := range writes {
		switch w.State {
		case stateWritten:
			p.line(output.Format("%s is written", w.Path))
		case StateSame:
			p.line(output.Format("%s is there already, as it would be written", w.Path))
		case stateKept:
			p.line(output.Format("%s is there already, and is left as it is", w.Path))
		default:
			p.diff(w)
		}
	}
}

func (p printer) diff(w *Write) {
	if w.State == stateNew {
		p.out.Print("--- /dev/null\n+++ b/%s", w.Path)
		after := strings.Split(strings.TrimSuffix(w.Text, "\n"), "\n")
		p.out.Print("@@ -0,0 +%s @@", rangeOf(len(after)))
		for _, line := range after {
			p.out.Print("+%s", output.Name(line))
		}
		p.out.Print("")
		return
	}
	text := string(diff.Diff("a/"+w.Path, []byte(w.before), "b/"+w.Path, []byte(w.Text)))
	// Its first line is the command, which nobody has run.
	_, text, _ = strings.Cut(text, "\n")
	for _, line := range strings.Split(text, "\n") {
		p.out.Print("%s", output.Name(line))
	}
}

func rangeOf(count int) output.Text {
	if count == 1 {
		return output.Format("1")
	}
	return output.Format("1,%d", count)
}

// next is what the user can do now.
func (p printer) next(r *Report) {
	count := 0
	written := false
	for _, w := range r.Writes {
		if w.State == stateNew || w.State == stateDiffers {
			count++
		}
		written = written || w.State == stateWritten
	}
	switch {
	case len(r.Files) == 0:
		p.note(output.Format("ksrelease init writes a config; name other files to look at: ksrelease adopt PATH…"))
	case written:
		p.note(output.Format("next: ksrelease check, then ksrelease run --dry-run; look at the new files before you commit them"))
	case count > 0:
		p.note(output.Format("ksrelease adopt --write writes what is shown above, and changes nothing else"))
	}
}
