package changelog

import (
	"bytes"
	"slices"
	"strings"

	"github.com/yuin/goldmark/parser"
	mdtext "github.com/yuin/goldmark/text"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// definition is a line that says where a link leads: [1.2.0]: https://….
var definition = lazyregexp.New(`^ {0,3}\[([^\]\\]+)\]:[ \t]*\S`)

// linkDefinition is one of a CHANGELOG.
type linkDefinition struct{ label, line string }

// Links are the definitions of links of a CHANGELOG, which mostly stand at its end, behind the
// oldest version.
type Links []linkDefinition

// LinksOf are those of a CHANGELOG.
func LinksOf(source []byte) (all Links) {
	// What looks like one in code is none, which the parser knows.
	context := parser.NewContext()
	newParser().Parse(mdtext.NewReader(source), parser.WithContext(context))
	for line := range bytes.Lines(source) {
		text := strings.TrimRight(string(line), "\r\n")
		if m := definition.FindStringSubmatch(text); m != nil {
			if _, ok := context.Reference(label(m[1])); ok {
				all = append(all, linkDefinition{label(m[1]), text})
			}
		}
	}
	return all
}

// label is how links are known: without regard to case and to blanks.
func label(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// used finds what may be a link by its label.
var used = lazyregexp.New(`\[([^\]\[\\]+)\]`)

// Complete is the text of a section, with the definitions of its links behind it, and without
// those that are for others and comments at its end.
func (l Links) Complete(body []byte) string {
	var kept []string
	for line := range strings.SplitSeq(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") {
		if m := definition.FindStringSubmatch(line); m != nil && slices.Contains(l, linkDefinition{label(m[1]), line}) {
			continue
		}
		kept = append(kept, line)
	}
	text := withoutLastComments(strings.Trim(strings.Join(kept, "\n"), "\n \t"))
	links := map[string]bool{}
	for _, m := range used.FindAllStringSubmatch(text, -1) {
		links[label(m[1])] = true
	}
	var behind []string
	for _, d := range l {
		if links[d.label] {
			behind = append(behind, d.line)
		}
	}
	if len(behind) > 0 {
		text += "\n\n" + strings.Join(behind, "\n")
	}
	return text
}

// withoutLastComments leaves out comments at the end of a section: they belong to the heading
// below, as the marks of releases in KubeSphere's own extensions do, and chats would show them.
func withoutLastComments(text string) string {
	for strings.HasSuffix(text, "-->") {
		at := strings.LastIndex(text, "<!--")
		if at < 0 || at > 0 && text[at-1] != '\n' || strings.Contains(text[at:len(text)-len("-->")], "-->") {
			break
		}
		text = strings.TrimRight(text[:at], "\n \t")
	}
	return text
}
