// Package changelog knows the sections of a CHANGELOG: which version each heading names, and
// how one for the next version is opened in the form that the file has. All else of the file
// stays as it is, to the byte.
package changelog

import (
	"bytes"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	mdtext "github.com/yuin/goldmark/text"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Largest is how many bytes of a CHANGELOG are to be read. It may be a stranger's, and the
// parser of Markdown takes time with the square of its input where that is nested quotations.
const Largest = 1 << 20

// languageForm is what the name of a file may say of its language. CHANGELOG_archive.md is in
// none, and KubeSphere shows it to nobody.
var languageForm = lazyregexp.New(`^[a-z]{2,3}(?:[_-][a-z0-9]+)*$`)

// Language is the language of a CHANGELOG, in small letters, as the name of its file says it;
// empty where it says none. Other files are not ok.
func Language(file string) (language string, ok bool) {
	language, ok = naming.DocLanguage(file, "CHANGELOG")
	if !ok || language != "" && !languageForm.MatchString(language) {
		return "", false
	}
	return language, true
}

// Heading is a heading of a Markdown file that stands in no list or quotation.
type Heading struct {
	// Level is 1 to 6.
	Level int
	// Text is what is written in it, in Markdown, without its marks.
	Text string
	// Version is the one that it names, as written and without a v before it; empty where
	// there is none. A heading that begins with a date or a word may name one, too.
	Version string
	// Start and End are the bytes of its lines, with the last line break.
	Start, End int

	underline string // the marks below it, where it has no # before it
	versionAt int    // where the version is in Text
}

// Section is what stands below a heading, up to the next version.
type Section struct {
	Heading Heading
	// Body are the bytes behind the heading.
	Body []byte
}

// mark is the byte order mark of UTF-8.
var mark = []byte("\uFEFF")

// Headings are those of a Markdown file, in order. Code, HTML and what is in comments has none.
func Headings(source []byte) []Heading {
	// A byte order mark would be part of the first line to the parser.
	lead := len(source) - len(bytes.TrimPrefix(source, mark))
	source = source[lead:]
	var found []Heading
	for node := newParser().Parse(mdtext.NewReader(source)).FirstChild(); node != nil; node = node.NextSibling() {
		heading, ok := node.(*ast.Heading)
		if !ok || heading.Lines().Len() == 0 {
			continue // a heading without text
		}
		h := headingOf(source, heading)
		h.Start, h.End = h.Start+lead, h.End+lead
		found = append(found, h)
	}
	return found
}

// newParser is the parser alone, without goldmark.New, which would bring the renderer, and
// without what stands within lines.
func newParser() parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
}

func headingOf(source []byte, node *ast.Heading) Heading {
	lines := node.Lines()
	first, last := lines.At(0), lines.At(lines.Len()-1)
	start := bytes.LastIndexByte(source[:first.Start], '\n') + 1
	h := Heading{Level: node.Level, Start: start, End: lineEnd(source, last.Start)}
	if first.Stop > first.Start {
		h.Text = strings.TrimSpace(string(source[first.Start:last.Stop]))
	}
	if !bytes.HasPrefix(bytes.TrimLeft(source[start:], " "), []byte("#")) || lines.Len() > 1 {
		below := h.End
		h.End = lineEnd(source, below)
		h.underline = strings.TrimSpace(string(source[below:h.End]))
	}
	h.Version, h.versionAt = versionIn(h.Text)
	return h
}

// lineEnd is where the line that a byte is in ends, behind its line break.
func lineEnd(source []byte, at int) int {
	if i := bytes.IndexByte(source[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(source)
}

// versionText is what may be a version: two or three numbers, a pre-release and a build.
var versionText = lazyregexp.New(`[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*)?(?:\+[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*)?`)

// introduction is what stands before the version in its heading: "v", "[", "Release ", "web-v".
var introduction = lazyregexp.New(`^[^0-9]{0,40}$`)

// versionIn finds the version that a heading names, which is no date.
func versionIn(text string) (version string, at int) {
	dates := datesIn(text)
	for _, span := range versionText.FindAllStringIndex(text, -1) {
		isDate, lead := false, 0
		for _, date := range dates {
			isDate = isDate || span[0] < date.end && date.start < span[1]
			if date.end <= span[0] {
				lead = date.end // a date may stand before it
			}
		}
		word := text[span[0]:span[1]]
		if _, err := semver.NewVersion(word); err != nil || isDate || !introduction.MatchString(text[lead:span[0]]) {
			continue
		}
		if before := text[:span[0]]; before != "" && strings.ContainsRune(".+", rune(before[len(before)-1])) {
			continue
		}
		return word, span[0]
	}
	return "", 0
}

// Names says whether a heading is that of a version, with or without a v before it.
func (h Heading) Names(version string) bool {
	if h.Version == "" {
		return false
	}
	version = strings.TrimPrefix(version, "v")
	if h.Version == version {
		return true
	}
	ours, err := semver.NewVersion(h.Version)
	theirs, wrong := semver.NewVersion(version)
	return err == nil && wrong == nil && ours.Equal(theirs) && ours.Metadata() == theirs.Metadata()
}

// Sections are those of the versions in a CHANGELOG, in order. current is the version that the
// extension has: it distinguishes headings of versions from others that hold a number.
func Sections(source []byte, current string) []Section {
	family := versions(Headings(source), current)
	sections := make([]Section, len(family))
	for i, h := range family {
		end := len(source)
		if i+1 < len(family) {
			end = family[i+1].Start
		}
		sections[i] = Section{Heading: h, Body: source[h.End:end]}
	}
	return sections
}

// bareLevel is the deepest level of which a heading may be that of a version though others have
// another level. Tools such as semantic-release write "# 1.1.0" and "## 1.1.1"; and a line of
// "=" or "-" below makes one of these two.
const bareLevel = 2

// target is where the text of a heading leads.
var target = lazyregexp.New(`\]\([^()\s]*\)`)

// isBare says that a heading has nothing but a version of three numbers, and perhaps a date.
func (h Heading) isBare() bool {
	if _, err := semver.StrictNewVersion(h.Version); err != nil {
		return false
	}
	rest := []byte(h.Text)
	blank := func(start, end int) {
		for i := start; i < end; i++ {
			rest[i] = ' '
		}
	}
	blank(h.versionAt, h.versionAt+len(h.Version))
	for _, d := range datesIn(h.Text) {
		blank(d.start, d.end)
	}
	for _, at := range target.FindAllStringIndex(h.Text, -1) {
		blank(at[0], at[1])
	}
	return strings.Trim(string(rest), "vV[]()（）-–—:/, \t") == ""
}

// versions are the headings of versions: of one level, which is that of the heading for the
// current version, or else of the first that names one; and those of the first levels that have
// nothing but a version.
func versions(headings []Heading, current string) (family []Heading) {
	level := 0
	for _, h := range headings {
		if h.Version == "" {
			continue
		}
		if h.Names(current) {
			level = h.Level
			break
		}
		if level == 0 {
			level = h.Level
		}
	}
	for _, h := range headings {
		if h.Version != "" && (h.Level == level || h.Level <= bareLevel && h.isBare()) {
			family = append(family, h)
		}
	}
	return family
}
