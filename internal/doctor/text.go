package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/doctor/replay"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/output"
)

// Text is the report for people, on a terminal of so many columns; 0 folds nothing.
func (r *Report) Text(columns int) output.Text {
	var parts []output.Text
	if len(r.Checks) > 0 {
		parts = append(parts, r.checks(columns), output.Text{})
	}
	if r.Repository != nil {
		parts = append(parts, r.Repository.text(columns)...)
	}
	return output.Join(append(parts, r.summary(columns)), "\n")
}

// checks are a line each.
func (r *Report) checks(columns int) output.Text {
	table := output.NewTable("check", "status", "found")
	for _, c := range r.Checks {
		message := language.Text(c.Message)
		if message == c.Message {
			message = inParts(c.Message)
		}
		if c.Hint != "" {
			message += " → " + language.Hint(c.Hint)
		}
		table.Row(output.Name(c.Name), output.Word(string(c.Status)), output.Name(message))
	}
	return table.Render(columns)
}

// forWhat is how much space there is for what, and where.
var forWhat = lazyregexp.New(`^(\S+ \S+) for ([a-z ]+) \((.+)\)$`)

// inParts is the message of a check that is a list, in the language in use.
func inParts(message string) string {
	message, space := strings.CutSuffix(message, " free")
	parts := strings.Split(message, ", ")
	for i, part := range parts {
		at := forWhat.FindStringSubmatch(part)
		switch host, took, answered := strings.Cut(part, " in "); {
		case space && at != nil:
			parts[i] = language.Sprintf("%s for %s (%s)", at[1], language.Text(at[2]), at[3])
		case answered && !strings.Contains(host+took, " "):
			parts[i] = host + " " + language.Hint("in "+took)
		default:
			parts[i] = language.Hint(part)
		}
	}
	message = strings.Join(parts, ", ")
	if space {
		return language.Sprintf("%s free", message)
	}
	return message
}

func (r *Repository) text(columns int) []output.Text {
	cluster := []string{"depth " + fmt.Sprint(r.Depth)}
	if r.Depth == 0 {
		cluster[0] = "all versions kept"
	}
	for _, v := range []struct{ name, version string }{{"KubeSphere", r.KubeSphereVersion}, {"Kubernetes", r.KubernetesVersion}} {
		if v.version != "" {
			cluster = append(cluster, v.name+" "+v.version)
		}
	}
	parts := []output.Text{output.Fold("", "  ", fmt.Sprintf("A cluster (%s) with %s:", strings.Join(cluster, ", "), r.URL), columns)}
	add := func(first, text string) {
		parts = append(parts, output.Fold("", "  ", language.Word(first)+language.Text(text), columns))
	}
	if r.Error != nil {
		add("error: ", r.Error.Message)
		if r.Error.Hint != "" {
			parts = append(parts, output.Hint("  ", r.Error.Hint, columns))
		}
		return append(parts, output.Text{})
	}
	if len(r.Extensions) > 0 {
		parts = append(parts, r.table(columns))
	} else if r.Loads {
		add("", "There is no extension in the index.")
	}
	for _, p := range r.Problems {
		parts = append(parts, output.Text{})
		parts = append(parts, problem(p, columns)...)
	}
	var remarks []output.Text
	add = func(first, text string) {
		remarks = append(remarks, output.Fold("", "  ", language.Word(first)+language.Text(text), columns))
	}
	for _, w := range r.Warnings {
		add("warning: ", w)
	}
	for _, group := range r.notLookedAt() {
		add("not looked at: ", group)
	}
	if (r.KubeSphereVersion == "" || r.KubernetesVersion == "") && r.hasConstraints() {
		add("", "Constraints on the cluster are judged with --kubesphere-version and --kubernetes-version.")
	}
	if len(r.Extensions) > 0 {
		add("", "Not known from here: names that another Repository of the cluster has already; KubeSphere passes over them.")
	}
	if len(remarks) > 0 {
		parts = append(append(parts, output.Text{}), remarks...)
	}
	return append(parts, output.Text{})
}

func (r *Repository) hasConstraints() bool {
	return slices.ContainsFunc(r.Extensions, func(x replay.Extension) bool {
		return slices.ContainsFunc(x.Versions, func(v replay.Version) bool {
			return v.State == replay.StateShown && (v.KSVersion != "" && r.KubeSphereVersion == "" || v.KubeVersion != "" && r.KubernetesVersion == "")
		})
	})
}

func (r *Repository) table(columns int) output.Text {
	table := output.NewTable("extension", "shown", "recommended", "notes").Folding(0, 1, 2)
	for _, x := range r.Extensions {
		recommended := cmp.Or(x.Recommended, "-")
		table.Row(output.Name(x.Name), output.Name(few(x.Shown, 5)), output.Name(recommended), output.Name(strings.Join(r.notes(x), "; ")))
	}
	return table.Render(columns)
}

// few are the first of a list.
func few(all []string, n int) string {
	switch {
	case len(all) == 0:
		return "-"
	case len(all) > n:
		return strings.Join(all[:n], ", ") + language.Sprintf(" and %d more", len(all)-n)
	}
	return strings.Join(all, ", ")
}

// notes are what there is to say of an extension in a few words.
func (r *Repository) notes(x replay.Extension) (notes []string) {
	count := map[replay.State]int{}
	for _, v := range x.Versions {
		count[v.State]++
	}
	unseen := 0
	for _, n := range r.NotLookedAt {
		if n.Extension == x.Name {
			unseen++
		}
	}
	for _, note := range []struct {
		n    int
		text string
	}{
		{count[replay.StateRefused], "refused by the cluster"}, {count[replay.StateBehind], "held back by that"},
		{count[replay.StateDropped], "left out"}, {count[replay.StateBeyond], "beyond the depth"}, {unseen, "not looked at"},
	} {
		if note.n > 0 {
			notes = append(notes, language.Sprintf("%d %s", note.n, language.Word(note.text)))
		}
	}
	for _, p := range r.Problems {
		text := map[replay.Code]string{
			replay.CodePreRelease: "a pre-release is recommended", replay.CodeNoneFits: "none fits the cluster",
			replay.CodeStableHidden: "no stable version shown", replay.CodeConstraint: "a constraint cannot be read",
			replay.CodeTwice: "a version twice", replay.CodeSpelledTwice: "a version in two spellings",
		}[p.Code]
		if text != "" && slices.ContainsFunc(p.Entries, func(e replay.Place) bool { return e.Extension == x.Name }) {
			notes = append(notes, language.Text(text))
		}
	}
	return notes
}

// shownEntries is how many entries of a problem are printed.
const shownEntries = 10

// problem is a problem with its entries and its hint.
func problem(p replay.Problem, columns int) []output.Text {
	severity := "warning: "
	if p.Severity == diagnostic.Error {
		severity = "error: "
	}
	parts := []output.Text{output.Fold("", "  ", language.Word(severity)+language.Text(p.Message), columns)}
	for i, e := range p.Entries {
		if i == shownEntries && len(p.Entries) > shownEntries+1 {
			parts = append(parts, output.Format("    and %d more (--output json has them all)", len(p.Entries)-i))
			break
		}
		text := strings.TrimSpace(e.Extension + " " + e.Version)
		if e.Line > 0 {
			text += language.Sprintf(" (line %d of the index)", e.Line)
		}
		text = strings.TrimSpace(text)
		switch {
		case text == "":
			text = language.Hint(e.Detail)
		case e.Detail != "":
			text += ": " + language.Hint(e.Detail)
		}
		parts = append(parts, output.Fold("    ", "      ", text, columns))
	}
	if p.Hint != "" {
		parts = append(parts, output.Hint("  ", p.Hint, columns))
	}
	return parts
}

// notLookedAt are the reasons, each with how many packages it is for.
func (r *Repository) notLookedAt() (lines []string) {
	count := map[string]int{}
	var order []string
	for _, n := range r.NotLookedAt {
		if count[n.Reason] == 0 {
			order = append(order, n.Reason)
		}
		count[n.Reason]++
	}
	for _, reason := range order {
		lines = append(lines, fmt.Sprintf("%s: %s", counted(count[reason], "package"), reason))
	}
	return lines
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// summary is the last line.
func (r *Report) summary(columns int) output.Text {
	var found []string
	if r.Repository != nil && r.Repository.Error == nil && r.Totals.Entries > 0 {
		found = append(found, fmt.Sprintf("%s with %s: %d shown", counted(r.Totals.Extensions, "extension"), counted(r.Totals.Entries, "version"), r.Totals.Shown))
	}
	if r.Repository != nil && !r.Repository.Loads && r.Repository.Error == nil {
		found = append(found, "the index does not load")
	}
	var wrong []string
	for _, w := range []struct {
		n    int
		word string
	}{{r.Totals.Failed, "failed check"}, {r.Totals.Errors, "error"}, {r.Totals.Warnings, "warning"}} {
		if w.n > 0 {
			wrong = append(wrong, counted(w.n, w.word))
		}
	}
	if len(wrong) == 0 {
		wrong = []string{"nothing is wrong"}
	}
	return output.Fold("", "  ", strings.Join(append(found, strings.Join(wrong, ", ")), "; "), columns)
}
