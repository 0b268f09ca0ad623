package lint

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// ignoreMark begins a comment that silences findings.
const ignoreMark = "ksrelease:ignore"

// ruleIgnore is the name of the rule on the comments. The runner knows it: it looks at
// what all others have found.
const ruleIgnore = "ignore"

func isIgnoreRule(r Rule) bool { return r.Name == ruleIgnore }

func ignoreRule() Rule {
	return Rule{
		Name:    ruleIgnore,
		Summary: "each comment ksrelease:ignore names rules or codes that there are, gives a reason, and silences something",
		Why: "A comment that is misspelt silences nothing, and one that outlives its finding would silence the next " +
			"one, which nobody has looked at. A reason is what the next reader needs to know whether it still holds.",
		Fix: "Write it at the end of the line of the finding, or directly above that line:\n\n" +
			ignoreExample + "\n\n" +
			"Take out one that silences nothing. In templates, which are no YAML before they are rendered, what looks like a " +
			"comment is one, be it within a text; `{{/* ksrelease:ignore … */}}` does, too.",
		Source: "ksrelease itself.",
		Codes: []Code{
			{Name: "no-rule", Meaning: "a comment names no rule"},
			{Name: "unknown-rule", Meaning: "a comment names a rule that there is not"},
			{Name: "no-reason", Meaning: "a comment gives no reason"},
			{Name: "unused", Meaning: "a comment silences nothing"},
		},
		Default: Warning, // The runner looks at the comments, after all rules have run.
	}
}

const ignoreExample = "# ksrelease:ignore images the wrapper picks the image when it starts"

// ignores are the comments of an extension that silence findings, with what
// they have silenced so far.
type ignores struct {
	all      []*ignore
	at       map[ignorePlace][]*ignore // by the place of what they are about
	takers   map[string]bool           // the files, as findings name them, that can hold such comments
	metadata string                    // extension.yaml, as findings name it
	ran      map[string]bool           // the rules whose findings have been shown to silence
	// blind: something is so wrong that rules may have found less than there is.
	blind bool
}

// ignorePlace is a line of a file; line 0 stands for the head of the file.
type ignorePlace struct {
	file string
	line int
}

// about are the comments that may hold a finding.
func (all *ignores) about(f Finding) []*ignore {
	var found []*ignore
	if f.Range.Start.Line > 0 {
		found = append(found, all.at[ignorePlace{f.File, f.Range.Start.Line}]...)
	} else {
		found = append(found, all.at[ignorePlace{f.File, 0}]...)
	}
	if f.File != all.metadata {
		found = append(found, all.at[ignorePlace{all.metadata, 0}]...)
	}
	return found
}

// ignore is one comment.
type ignore struct {
	File         string // as findings name it
	Line, Column int
	Excerpt      string
	// Target is the line whose findings are silenced; 0 where the comment stands
	// above none.
	Target int
	// Head is a comment before all content of the file; it silences the findings
	// that have no line, too.
	Head bool
	// Names are rules, or codes of findings (images/unlisted).
	Names  []string
	Reason string
	used   map[string]bool // by name
}

// readIgnores finds the comments in all files of an extension but those in
// packaged subcharts.
func readIgnores(ext *extension.Extension) *ignores {
	found := &ignores{takers: map[string]bool{}, ran: map[string]bool{}, metadata: extension.MetadataFile}
	for _, file := range ext.Files {
		if !takesComments(file.Name) {
			continue
		}
		found.takers[file.Name] = true
		if bytes.Contains(file.Data, []byte(ignoreMark)) {
			found.all = append(found.all, ignoresIn(file.Name, file.Data, rule.IsTemplate(file.Name))...)
		}
	}
	found.at = map[ignorePlace][]*ignore{}
	for _, ig := range found.all {
		if ig.Target > 0 {
			found.at[ignorePlace{ig.File, ig.Target}] = append(found.at[ignorePlace{ig.File, ig.Target}], ig)
		}
		if ig.Head {
			found.at[ignorePlace{ig.File, 0}] = append(found.at[ignorePlace{ig.File, 0}], ig)
		}
	}
	return found
}

// ignoresIn finds the comments of one file.
func ignoresIn(file string, text []byte, template bool) []*ignore {
	var found, waiting []*ignore // waiting for the line below them
	reader := comments{template: template}
	if lines, ok := yamldoc.CommentLines(text); ok && !template {
		reader.lines = lines
	}
	head, number := true, 0
	for source := range strings.Lines(string(text)) {
		number++
		line := reader.line(source)
		if line.Content && strings.TrimSpace(source) != "---" {
			head = false
		}
		if line.Content {
			for _, ig := range waiting {
				ig.Target = number
			}
		}
		if line.Content || line.Blank {
			waiting = nil
		}
		for _, comment := range line.Comments {
			ig, ok := readIgnore(comment)
			if !ok {
				continue
			}
			ig.File, ig.Line, ig.Head = file, number, head
			ig.Column = 1 + utf8.RuneCountInString(source[:strings.Index(source, ignoreMark)])
			ig.Excerpt = excerpt.Line(source, 1, number)
			if line.Content {
				ig.Target = number
			} else {
				waiting = append(waiting, ig)
			}
			found = append(found, ig)
		}
	}
	return found
}

// readIgnore reads the text of a comment. Rules are divided by commas; what
// follows the last of them is the reason.
func readIgnore(comment string) (*ignore, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(comment), ignoreMark)
	if !ok || rest != "" && !strings.ContainsAny(rest[:1], " \t:") {
		return nil, false
	}
	words := strings.Fields(strings.TrimPrefix(rest, ":"))
	names := 0
	for names < len(words) && (names == 0 || strings.HasSuffix(words[names-1], ",")) {
		names++
	}
	ig := &ignore{Reason: strings.Join(words[names:], " "), used: map[string]bool{}}
	for _, name := range strings.Split(strings.Join(words[:names], ""), ",") {
		if name = strings.TrimRight(name, ":"); name != "" {
			ig.Names = append(ig.Names, name)
		}
	}
	return ig, true
}

// holds reports whether a finding is silenced by the comment.
func (ig *ignore) holds(f Finding, all *ignores) bool {
	if len(ig.names(f)) == 0 || !ig.hasReason() {
		return false
	}
	switch {
	case ig.File == f.File && f.Range.Start.Line > 0 && f.Range.Start.Line == ig.Target:
		return true
	case ig.File == f.File && f.Range.Start.Line == 0:
		return ig.Head
	default:
		// A picture, a package or the folder itself holds no comments.
		return ig.Head && ig.File == all.metadata && !all.takers[f.File]
	}
}

// names are those in the comment that a finding goes by.
func (ig *ignore) names(f Finding) []string {
	var names []string
	for _, name := range ig.Names {
		if name == f.Rule() || name == f.Code {
			names = append(names, name)
		}
	}
	return names
}

// hasReason reports whether the comment says why; a dash says nothing.
func (ig *ignore) hasReason() bool {
	return strings.ContainsFunc(ig.Reason, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// silences reports whether a comment silences a finding.
func (all *ignores) silences(f Finding) bool {
	return slices.ContainsFunc(all.about(f), func(ig *ignore) bool { return ig.holds(f, all) })
}

// silence takes out of the findings of one rule those that comments silence.
func (all *ignores) silence(r Rule, findings []Finding) (kept []Finding, silenced int) {
	all.ran[r.Name] = true
	for _, f := range findings {
		if r.Explains > rule.Files && f.Severity == Error {
			all.blind = true
		}
		quiet := false
		for _, ig := range all.about(f) {
			if ig.holds(f, all) {
				quiet = true
				for _, name := range ig.names(f) {
					ig.used[name] = true
				}
			}
		}
		if quiet {
			silenced++
			continue
		}
		kept = append(kept, f)
	}
	return kept, silenced
}

// check looks at the comments after all other rules have run.
func (all *ignores) check(pass *rule.Pass) {
	for _, ig := range all.all {
		if len(ig.Names) == 0 {
			ignoreAs(pass, rule.Found("no-rule"), pass.Severity(), ig, "the comment names no rule", "write "+ignoreExample)
			continue
		}
		for _, name := range ig.Names {
			all.checkName(pass, ig, name)
		}
		if !ig.hasReason() {
			ignoreAs(pass, rule.Found("no-reason"), pass.Severity(), ig, "the comment gives no reason, and silences nothing", "say why behind the rule: "+ignoreExample)
		}
	}
}

// checkName looks at one name in a comment: that of a rule, or a code.
func (all *ignores) checkName(pass *rule.Pass, ig *ignore, name string) {
	owner, _, isCode := strings.Cut(name, "/")
	switch {
	case !slices.Contains(ruleNames(), owner):
		hint := "the rules are " + strings.Join(ruleNames(), ", ")
		if near, ok := yamldoc.Nearest(owner, ruleNames()); ok {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		ignoreAs(pass, rule.Found("unknown-rule", name), pass.Severity(), ig, fmt.Sprintf("there is no rule %q", excerpt.OneLine(owner)), hint)
	case isCode && !slices.Contains(codesOf(owner), name):
		hint := "its findings are " + strings.Join(codesOf(owner), ", ")
		if near, ok := yamldoc.Nearest(name, codesOf(owner)); ok {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		ignoreAs(pass, rule.Found("unknown-rule", name), pass.Severity(), ig, fmt.Sprintf("the rule %s has no finding %q", owner, excerpt.OneLine(name)), hint)
	case !ig.hasReason() || ig.used[name] || !all.ran[owner] || all.blind:
	case ig.Target == 0 && !ig.Head:
		ignoreAs(pass, rule.Found("unused", name), pass.ByDefault(Info), ig, fmt.Sprintf("the comment silences no finding of %s: it stands above no line", name),
			"put it directly above the line of the finding, or at its end")
	case ig.Target != 0 && ig.Target != ig.Line && !ig.Head:
		ignoreAs(pass, rule.Found("unused", name), pass.ByDefault(Info), ig, fmt.Sprintf("the comment silences nothing: line %d has no finding of %s", ig.Target, name), "take it out")
	default:
		ignoreAs(pass, rule.Found("unused", name), pass.ByDefault(Info), ig, fmt.Sprintf("the comment silences nothing: there is no finding of %s here", name), "take it out")
	}
}

// codesOf are the codes of the findings of a rule.
func codesOf(rule string) []string {
	var codes []string
	for _, r := range Rules() {
		for _, c := range r.Codes {
			if r.Name == rule {
				codes = append(codes, r.CodeOf(c.Name))
			}
		}
	}
	return codes
}

func ignoreAs(pass *rule.Pass, m rule.Identity, severity Severity, ig *ignore, message, hint string) {
	pass.Report(m, severity, Finding{
		File: ig.File, Range: diagnostic.At(ig.Line, ig.Column), Excerpt: ig.Excerpt, Message: message, Hint: hint,
	})
}

func ruleNames() []string {
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	return names
}
