package changelog

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Opening is a section to be opened.
type Opening struct {
	// Current is the version before, and Version the one that the section is for.
	Current, Version string
	// Entries are what it begins with: plain texts, one for each item of its list. Without
	// any the list has one item without text.
	Entries []string
	// Day stands in the heading where the newest one has a date.
	Day time.Time
}

// Opened is what came of it.
type Opened struct {
	// Source is the whole file.
	Source []byte
	// Heading is that of the section, as it stands in the file.
	Heading string
	// There says that the file has the section already, and is as it was.
	There bool
	// Collected says that the section holds what stood below "Unreleased", and no entries.
	Collected bool
}

// Open opens the section of a version, above the newest one and with a heading like that: its
// level, a v, brackets, a date, the lines below it. Where the oldest version comes first, it is
// the last one. What stands below a heading "Unreleased" becomes part of it. Without any version
// it comes below the title, which is the first heading of level 1, or in the first line.
//
// The result is read again, and Open fails where anything but one more heading comes of it.
func Open(source []byte, o Opening) (Opened, error) {
	headings := Headings(source)
	for _, h := range headings {
		if h.Names(o.Version) {
			return Opened{Source: source, Heading: h.Text, There: true}, nil
		}
	}
	p := o.placeIn(source, headings)
	block := p.heading + p.eol
	if !p.tight {
		block += p.eol
	}
	if !p.collected {
		block += o.list(source, p)
	}
	var out bytes.Buffer
	out.Write(source[:p.at])
	if missing := missingBreak(source[:p.at], p.blank, p.eol); missing != "" {
		out.WriteString(missing)
	}
	out.WriteString(block)
	rest := source[p.at:]
	if len(rest) > 0 && !p.collected {
		out.WriteString(p.eol)
	}
	if p.collected {
		rest = bytes.TrimLeft(rest, "\r\n")
	}
	out.Write(rest)
	opened := Opened{Source: out.Bytes(), Heading: p.text, Collected: p.collected}
	if !isOneMore(headings, Headings(opened.Source), o.Version) {
		return Opened{}, errors.New("no section can be opened there: what is in the file would read otherwise")
	}
	return opened, nil
}

// spot is where a section comes, and how it looks.
type spot struct {
	at      int
	heading string // its lines, without the last line break
	text    string // what is written in it
	eol     string
	// blank says that a blank line has to be before it, and tight that none is behind it.
	blank, tight bool
	collected    bool
}

var unreleased = lazyregexp.New(`(?i)^\[?(?:unreleased|未发布)\]?$`)

func (o Opening) placeIn(source []byte, headings []Heading) spot {
	p := spot{eol: lineBreak(source)}
	family := versions(headings, o.Current)
	if len(family) == 0 {
		return o.firstPlace(source, headings, p)
	}
	newest := family[0]
	p.at = newest.Start
	if oldest := family[len(family)-1]; isLower(newest.Version, oldest.Version) {
		newest, p.at, p.blank = oldest, len(source), true
	}
	p.text = newest.followed(o)
	p.heading = newest.like(p.text, source, p.eol)
	p.tight = !isBlank(source[newest.End:lineEnd(source, newest.End)]) && newest.End < len(source)
	for _, h := range headings {
		if h.Start < newest.Start && h.Level == newest.Level && unreleased.MatchString(h.Text) {
			p.at, p.blank, p.tight = h.End, true, false
			p.collected = !isBlank(source[h.End:newest.Start])
			if !p.collected {
				p.at, p.blank = newest.Start, true
			}
		}
	}
	return p
}

// firstPlace is the place of a section in a file without any: what is there stays above it,
// but for what stands below headings other than the title.
func (o Opening) firstPlace(source []byte, headings []Heading, p spot) spot {
	p.text, p.at, p.blank = strings.TrimPrefix(o.Version, "v"), len(source), true
	marks := "## "
	if len(headings) > 0 && headings[0].Level == 1 && !unreleased.MatchString(headings[0].Text) {
		headings = headings[1:]
	}
	if len(headings) > 0 && unreleased.MatchString(headings[0].Text) {
		marks = strings.Repeat("#", headings[0].Level) + " "
		if strings.HasPrefix(headings[0].Text, "[") {
			p.text = "[" + p.text + "] - " + o.Day.Format(time.DateOnly)
		}
		p.at = headings[0].End
		p.collected = !isBlank(source[p.at:])
	} else if len(headings) > 0 {
		p.at = headings[0].Start
	}
	p.heading = marks + p.text
	return p
}

// followed is the text of the heading after this one: as it is, with another version and
// another date. What else stands behind its version was said of that version.
func (h Heading) followed(o Opening) string {
	before, _ := withDate(h.Text[:h.versionAt], o.Day)
	version := strings.TrimPrefix(o.Version, "v")
	rest := h.Text[h.versionAt+len(h.Version):]
	dated, hasDate := withDate(rest, o.Day)
	if !hasDate {
		dated = closing.FindString(rest)
	}
	return before + version + readdressed(dated, h.Version, version)
}

// closing is what ends the mark-up around a version, the address of a link with it.
var closing = lazyregexp.New("^(?:[\\])}*_`]*(?:\\([^()\\s]*\\))?[\\])}*_`]*[:：]?)")

// readdressed puts a version into the address of a link that has the one before, alone or as
// the end of a comparison (v1.2.2...v1.2.3).
func readdressed(text, before, version string) string {
	quoted := regexp.QuoteMeta(before)
	comparison := regexp.MustCompile(`(v?)` + versionText.String() + `(\.\.\.?)(v?)` + quoted + `\b`)
	const self = "\x00" // stands for the version before, which is not to be replaced again
	text = comparison.ReplaceAllString(text, "${1}"+self+"${2}${3}"+strings.ReplaceAll(version, "$", "$$"))
	if !strings.Contains(text, self) {
		alone := regexp.MustCompile(`(^|[^0-9A-Za-z.]v?)` + quoted + `\b`)
		text = alone.ReplaceAllString(text, "${1}"+strings.ReplaceAll(version, "$", "$$"))
	}
	return strings.ReplaceAll(text, self, before)
}

// like writes a heading as this one is written.
func (h Heading) like(text string, source []byte, eol string) string {
	if h.underline != "" {
		marks := h.underline
		if len([]rune(h.Text)) == len(marks) {
			marks = strings.Repeat(marks[:1], len([]rune(text)))
		}
		return text + eol + marks
	}
	line := string(source[h.Start:h.End])
	at := strings.Index(line, h.Text)
	tail := strings.TrimRight(line[at+len(h.Text):], "\r\n")
	if strings.Trim(tail, " \t#") != "" {
		tail = "" // attributes
	}
	return line[:at] + text + strings.TrimRight(tail, " \t")
}

// list are the entries as a list with the marks that the file has.
func (o Opening) list(source []byte, p spot) string {
	bullet := "-"
	if m := firstBullet.FindSubmatch(source); m != nil {
		bullet = string(m[1])
	}
	if len(o.Entries) == 0 {
		return bullet + p.eol
	}
	var out strings.Builder
	for _, entry := range o.Entries {
		out.WriteString(bullet + " " + PlainText(entry) + p.eol)
	}
	return out.String()
}

var firstBullet = lazyregexp.New(`(?m)^([-*+]) \S`)

// lineBreak is the one of a file.
func lineBreak(source []byte) string {
	if i := bytes.IndexByte(source, '\n'); i > 0 && source[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

func isBlank(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }

// missingBreak ends the line before a section, and puts a blank one below it.
func missingBreak(before []byte, blank bool, eol string) string {
	before = bytes.TrimPrefix(before, mark)
	switch {
	case len(before) == 0 || !blank:
		return ""
	case !bytes.HasSuffix(before, []byte("\n")):
		return eol + eol
	case isBlank(before[bytes.LastIndexByte(before[:len(before)-1], '\n')+1:]):
		return ""
	}
	return eol
}

func isLower(a, b string) bool {
	left, err := semver.NewVersion(a)
	right, wrong := semver.NewVersion(b)
	return err == nil && wrong == nil && left.LessThan(right)
}

// isOneMore says that a file has the headings that it had, and one for a version.
func isOneMore(before, after []Heading, version string) bool {
	if len(after) != len(before)+1 {
		return false
	}
	opened := false
	for _, h := range after {
		switch {
		case !opened && h.Names(version):
			opened = true
		case len(before) == 0 || h.Text != before[0].Text || h.Level != before[0].Level:
			return false
		default:
			before = before[1:]
		}
	}
	return opened
}
