package main

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// inEnglishAlone are the documents without a Chinese one, and why. Whoever adds docs/X.zh.md takes
// docs/X.md out of it. A Chinese document links to the Chinese ones.
var inEnglishAlone = map[string]string{
	"docs/design.md":   "for those who change the program",
	"docs/glossary.md": "the words of the English texts, for those who write them",
}

// documents are those for users, in English, by their path.
func documents(t *testing.T) []string {
	t.Helper()
	found, err := fs.Glob(os.DirFS("../.."), "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(slices.DeleteFunc(found, inChinese), "README.md")
}

func inChinese(name string) bool { return strings.HasSuffix(name, ".zh.md") }

// chineseOf is the name of the Chinese document for an English one.
func chineseOf(name string) string { return strings.TrimSuffix(name, ".md") + ".zh.md" }

func isThere(name string) bool {
	_, err := os.Stat(path.Join("../..", name))
	return err == nil
}

// Each document has a Chinese one that says the same, as far as a test sees that.
func TestDocumentsInChinese(t *testing.T) {
	all := documents(t)
	for _, name := range all {
		switch chinese := chineseOf(name); {
		case inEnglishAlone[name] == "" && !isThere(chinese):
			t.Errorf("%s is not there", chinese)
		case inEnglishAlone[name] == "":
			t.Run(name, func(t *testing.T) { comparePair(t, name) })
		case isThere(chinese):
			t.Errorf("%s is there: take %s out of inEnglishAlone", chinese, name)
		}
	}
	for name := range inEnglishAlone {
		if !slices.Contains(all, name) {
			t.Errorf("inEnglishAlone has %s, which is not there", name)
		}
	}
	translated, err := fs.Glob(os.DirFS("../.."), "docs/*.zh.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range translated {
		if english := strings.TrimSuffix(name, ".zh.md") + ".md"; !slices.Contains(all, english) {
			t.Errorf("%s is there, and %s is not", name, english)
		}
	}
}

func comparePair(t *testing.T, name string) {
	english, chinese := readSections(readDoc(t, name)), readSections(readDoc(t, chineseOf(name)))
	file := path.Base(name)
	if !strings.HasPrefix(english[1].text, "\n[中文]("+chineseOf(file)+")\n") {
		t.Errorf("%s: the line [中文](%s) does not follow its title", name, chineseOf(file))
	}
	if !strings.HasPrefix(chinese[1].text, "\n[English]("+file+")\n") {
		t.Errorf("%s: the line [English](%s) does not follow its title", chineseOf(name), file)
	}
	for i := range max(len(english), len(chinese)) {
		if i >= len(english) || i >= len(chinese) || english[i].level != chinese[i].level {
			t.Errorf("%s: headings %d differ: English %q, Chinese %q", name, i, headingAt(english, i), headingAt(chinese, i))
			return
		}
	}
	for i, en := range english {
		zh := chinese[i]
		lacks := func(format string, args ...any) {
			t.Helper()
			t.Errorf("%s: %s (%s): "+format, append([]any{chineseOf(name), zh.title, en.title}, args...)...)
		}
		for what, of := range map[string]func(section) []string{"the code": section.codes, "the anchor": section.anchors, "the link": section.links} {
			has := of(zh)
			for _, one := range of(en) {
				if what == "the link" {
					one = translatedLink(path.Dir(name), one)
				}
				if i > 1 || one != chineseOf(file) {
					if !slices.Contains(has, one) {
						lacks("lacks %s %s", what, one)
					}
				}
			}
		}
		if got, want := zh.rows(), en.rows(); !slices.Equal(got, want) {
			lacks("has tables of the rows\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got, want := zh.blocks, en.blocks; !slices.EqualFunc(got, want, sameBlock) {
			lacks("has the code\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// sameBlock says that a block of a Chinese document is that of the English one. What the program prints, which
// stands in blocks of no language, may be what it prints in Chinese, in as many lines.
func sameBlock(chinese, english string) bool {
	isHan := func(r rune) bool { return unicode.Is(unicode.Han, r) }
	return chinese == english || strings.HasPrefix(english, "```\n") && strings.HasPrefix(chinese, "```\n") &&
		strings.ContainsFunc(chinese, isHan) && strings.Count(chinese, "\n") == strings.Count(english, "\n")
}

func headingAt(sections []section, i int) string {
	if i >= len(sections) {
		return "none"
	}
	return strings.Repeat("#", sections[i].level) + " " + sections[i].title
}

// section is what stands below one heading. The first of a document is what stands above any.
type section struct {
	level  int
	title  string
	text   string   // without blocks
	blocks []string // of code, and commands that readers do not see, without what may be translated
}

var (
	codeComment = regexp.MustCompile(`(?m)(^|[ \t]+)#( .*)?$|^[ \t]*//.*$`)
	anchorTag   = regexp.MustCompile(`<a id="([^"]+)"></a>`)
	link        = regexp.MustCompile(`\]\(([^()\s]+)\)`)
)

func readSections(text string) []section {
	sections := []section{{}}
	inside, fence, block := false, "", ""
	for line := range strings.Lines(text) {
		at := &sections[len(sections)-1]
		trimmed := strings.TrimSpace(line)
		switch {
		case inside && trimmed == fence:
			inside = false
			at.blocks = append(at.blocks, block+untranslated(at.takeBlock())+fence)
		case inside:
			at.text += line
		case strings.HasPrefix(trimmed, "```"):
			inside, fence, block = true, trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))], trimmed+"\n"
			at.text += blockMark
		case strings.HasPrefix(line, "<!-- before: "):
			at.blocks = append(at.blocks, trimmed)
		case strings.HasPrefix(line, "#"):
			title := strings.TrimLeft(line, "#")
			sections = append(sections, section{level: len(line) - len(title), title: strings.TrimSpace(title)})
		default:
			at.text += line
		}
	}
	return sections
}

const blockMark = "\x00"

// takeBlock takes the lines since the mark out of the text.
func (s *section) takeBlock() string {
	text, block, _ := strings.Cut(s.text, blockMark)
	s.text = text
	return block
}

// untranslated is code without its comments, and of a session the commands alone.
func untranslated(block string) string {
	var commands strings.Builder
	continued := false
	for line := range strings.Lines(block) {
		if continued || strings.HasPrefix(line, "$ ") {
			commands.WriteString(line)
			continued = strings.HasSuffix(line, "\\\n")
		}
	}
	if commands.Len() > 0 {
		block = commands.String()
	}
	return codeComment.ReplaceAllString(block, "")
}

// codes are the spans of code in the text, with one blank for any.
func (s section) codes() []string {
	var found []string
	for rest := s.text; ; {
		_, after, ok := strings.Cut(rest, "`")
		if !ok {
			return found
		}
		after, more := strings.TrimLeft(after, "`"), len(after)-len(strings.TrimLeft(after, "`"))
		code, behind, ok := strings.Cut(after, strings.Repeat("`", more+1))
		if !ok {
			return found
		}
		found = append(found, "`"+strings.Join(strings.Fields(code), " ")+"`")
		rest = behind
	}
}

func (s section) anchors() []string {
	return firstGroups(anchorTag, s.text)
}

// links are those to other documents, folders and places.
func (s section) links() []string {
	return firstGroups(link, s.text)
}

func firstGroups(pattern *regexp.Regexp, text string) []string {
	var found []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// translatedLink is where a link of an English document in the folder leads in its Chinese one.
func translatedLink(folder, to string) string {
	file, fragment, hasFragment := strings.Cut(to, "#")
	if !strings.HasSuffix(file, ".md") || inChinese(file) || !isThere(chineseOf(path.Join(folder, file))) {
		return to
	}
	if hasFragment {
		return chineseOf(file) + "#" + fragment
	}
	return chineseOf(file)
}

// figures are the numbers of a row that stand in no code and no address.
var (
	figures       = regexp.MustCompile(`\d(?:[\d,.]*\d)?`)
	codeOrAddress = regexp.MustCompile("`[^`]*`|<[^>]*>|\\]\\([^)]*\\)")
)

// rows are the rows of the tables: how many columns each has, its first cell where that is
// nothing but code, links and numbers, and its figures, sorted.
func (s section) rows() []string {
	var rows []string
	for line := range strings.Lines(s.text) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), `\|`, ""), "|")
		first := section{text: cells[1]}.codes()
		words := codeOrAddress.ReplaceAllString(cells[1], "")
		first = slices.DeleteFunc(first, func(code string) bool { // a message, which stands there in English, too
			return strings.ContainsFunc(code, func(r rune) bool { return unicode.Is(unicode.Han, r) })
		})
		if strings.ContainsFunc(words, unicode.IsLetter) {
			first = nil
		}
		numbers := figures.FindAllString(codeOrAddress.ReplaceAllString(line, ""), -1)
		slices.Sort(numbers)
		rows = append(rows, strings.Join(append(append([]string{strings.Repeat("| ", len(cells)-1)}, first...), numbers...), " "))
	}
	return rows
}

// Links between documents lead to headings and files that are there, and from Chinese documents
// to Chinese ones.
func TestLinksBetweenDocuments(t *testing.T) {
	links := 0
	for _, english := range documents(t) {
		for _, name := range []string{english, chineseOf(english)} {
			if !isThere(name) {
				continue
			}
			for i, s := range readSections(readDoc(t, name)) {
				for _, to := range s.links() {
					if strings.Contains(to, ":") {
						continue
					}
					links++
					file, fragment, _ := strings.Cut(to, "#")
					file = path.Join(path.Dir(name), file)
					if strings.HasPrefix(to, "#") {
						file = name
					}
					switch {
					case !isThere(file):
						t.Errorf("%s: %s: %s is not there", name, s.title, to)
					case inChinese(name) && file != english && translatedLink(path.Dir(name), to) != to:
						t.Errorf("%s: %s: %s leads to the English document", name, s.title, to)
					case inChinese(name) && file == english && i > 1:
						t.Errorf("%s: %s: %s leads to the English document", name, s.title, to)
					case fragment != "" && strings.HasSuffix(file, ".md") && !slices.Contains(anchorsOf(readDoc(t, file)), fragment):
						t.Errorf("%s: %s: %s has no heading or anchor of that name", name, s.title, to)
					}
				}
			}
		}
	}
	if links < 300 {
		t.Errorf("only %d links", links)
	}
}

// anchorsOf are the fragments by which GitHub finds headings and anchors.
func anchorsOf(text string) []string {
	found := firstGroups(anchorTag, text)
	for _, s := range readSections(text) {
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsNumber(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, s.title)
		found = append(found, slug)
	}
	return found
}

// docs/troubleshooting.zh.md quotes in Chinese what the program says in it.
func TestChineseTroubleshootingQuotesMessages(t *testing.T) {
	catalog := readDoc(t, "internal/language/zh.gotext.json")
	quoted := 0
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)`<br>`").FindAllStringSubmatch(readDoc(t, "docs/troubleshooting.zh.md"), -1) {
		quoted++
		for _, part := range strings.Split(row[1], "…") {
			if part = strings.TrimSpace(part); part != ")" && !strings.Contains(catalog, part) {
				t.Errorf("nothing says %q", part)
			}
		}
	}
	if quoted < 12 {
		t.Errorf("%d messages are quoted", quoted)
	}
}
