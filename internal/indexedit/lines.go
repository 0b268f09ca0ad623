package indexedit

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// change puts a text in the place of a part of another.
type change struct {
	from, to int // in bytes; the same where something is put in between
	text     []byte
}

// text is an index by its lines.
type text struct {
	data   []byte
	starts []int // where each line begins, and the end of the last one
	ends   string
}

func textOf(data []byte) *text {
	t := &text{data: data, ends: "\n"}
	at := 0
	for line := range bytes.Lines(data) {
		t.starts = append(t.starts, at)
		at += len(line)
	}
	t.starts = append(t.starts, at)
	if first, _, found := bytes.Cut(data, []byte("\n")); found && bytes.HasSuffix(first, []byte("\r")) {
		t.ends = "\r\n"
	}
	return t
}

// lines is how many there are.
func (t *text) lines() int { return len(t.starts) - 1 }

// line is a line without what ends it; lines count from 0 here.
func (t *text) line(number int) []byte {
	return bytes.TrimRight(t.data[t.starts[number]:t.starts[number+1]], "\r\n")
}

// start is where a line begins.
func (t *text) start(number int) int { return t.starts[number] }

func indentOf(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// above is the first of the lines of comment right above a line, as far indented as it is:
// they are about what it begins.
func (t *text) above(number, indent int) int {
	for number > 0 {
		line := t.line(number - 1)
		if indentOf(line) != indent || !bytes.HasPrefix(line[indent:], []byte("#")) {
			break
		}
		number--
	}
	return number
}

// edited is the text with changes. Those at one place stay in their order.
func (t *text) edited(changes []change) []byte {
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var out bytes.Buffer
	at := 0
	for _, c := range changes {
		out.Write(t.data[at:c.from])
		if c.from == len(t.data) && c.from > 0 && out.Len() > 0 && out.Bytes()[out.Len()-1] != '\n' {
			out.WriteString(t.ends)
		}
		if t.ends != "\n" {
			c.text = bytes.ReplaceAll(c.text, []byte("\n"), []byte(t.ends))
		}
		out.Write(c.text)
		at = c.to
	}
	out.Write(t.data[at:])
	return out.Bytes()
}

var (
	// noEntries is the field entries where it has no value but that there are none.
	noEntries = lazyregexp.New(`^(entries|"entries"|'entries')\s*:\s*(\{\s*\}|null|~|)\s*(#.*)?$`)
	// noVersions is a chart without entries.
	noVersions = lazyregexp.New(`^(\s*[^\s#].*?\s*):\s*(\[\s*\]|null|~|)\s*(#.*)?$`)
	// generatedAt is when Helm wrote the index.
	generatedAt = lazyregexp.New(`^generated: *(?:"[0-9T:.Z+-]*"|'[0-9T:.Z+-]*'|[0-9][0-9T:.Z+-]*)?$`)
)

// addLines adds entries, the newest first, to an index in which each has lines of its own.
func addLines(data []byte, index *helmrepo.Index, entries []Entry, generated time.Time) ([]byte, error) {
	e := &lineEditor{text: textOf(data), index: index}
	if err := e.find(); err != nil {
		return nil, err
	}
	grouped := map[string][]Entry{}
	for _, entry := range entries {
		grouped[entry.Chart.Name] = append(grouped[entry.Chart.Name], entry)
	}
	// Versions of charts that are there come before new charts that begin at the same place.
	names := slices.Sorted(maps.Keys(grouped))
	for _, add := range []func(string, []Entry) error{e.versions, e.chart} {
		for _, name := range names {
			if err := add(name, grouped[name]); err != nil {
				return nil, err
			}
		}
	}
	for number := range e.text.lines() {
		if generatedAt.Match(e.text.line(number)) && (number+1 == e.text.lines() || indentOf(e.text.line(number+1)) == 0) {
			from := e.text.start(number)
			e.changes = append(e.changes, change{from, from + len(e.text.line(number)), fmt.Appendf(nil, "generated: %q", generated.Format(time.RFC3339Nano))})
			break
		}
	}
	return e.text.edited(e.changes), nil
}

// lineEditor collects what is put between the lines of an index.
type lineEditor struct {
	text    *text
	index   *helmrepo.Index
	charts  []string // in the order of the index
	indent  int      // of the names of charts
	end     int      // the line behind the last entry
	changes []change
}

// chartLine is the line of the name of a chart, from 0.
func (e *lineEditor) chartLine(name string) int { return e.index.Layout().Charts[name] - 1 }

// find looks where the field entries is, and where it ends.
func (e *lineEditor) find() error {
	layout := e.index.Layout()
	e.charts = slices.SortedFunc(maps.Keys(layout.Charts), func(a, b string) int { return cmp.Compare(layout.Charts[a], layout.Charts[b]) })
	e.indent = 2
	if len(e.charts) > 0 {
		if layout.Entries == 0 {
			return errLayout
		}
		e.indent = indentOf(e.text.line(e.chartLine(e.charts[0])))
		e.end = e.sectionEnd(layout.Entries)
		return nil
	}
	for number := range e.text.lines() {
		line := e.text.line(number)
		found := noEntries.FindSubmatch(line)
		if found == nil {
			continue
		}
		comment := ""
		if len(found[3]) > 0 {
			comment = " " + string(found[3])
		}
		from := e.text.start(number)
		e.changes = append(e.changes, change{from, from + len(line), fmt.Appendf(nil, "%s:%s", found[1], comment)})
		e.end = e.sectionEnd(number + 1)
		return nil
	}
	if len(e.index.Charts()) > 0 || layout.Entries > 0 {
		return errLayout
	}
	// There is no such field: it stands at the end of the first document.
	e.end = e.sectionEnd(0)
	for e.end < e.text.lines() && !isMarker(e.text.line(e.end)) {
		e.end = e.sectionEnd(e.end + 1)
	}
	e.changes = append(e.changes, change{e.at(e.end), e.at(e.end), []byte("entries:\n")})
	return nil
}

// isMarker says that a line begins or ends a document.
func isMarker(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) || bytes.HasPrefix(line, []byte("..."))
}

// sectionEnd is the first line, from one on, that begins another field at the top or ends the
// document; comments right above it belong to it.
func (e *lineEditor) sectionEnd(from int) int {
	for number := from; number < e.text.lines(); number++ {
		line := e.text.line(number)
		if len(line) == 0 || line[0] == ' ' || line[0] == '#' || line[0] == '\t' {
			continue
		}
		if above := e.text.above(number, 0); above >= from {
			return above
		}
		return number
	}
	return e.text.lines()
}

// at is where a line begins, or the end.
func (e *lineEditor) at(number int) int { return e.text.start(min(number, e.text.lines())) }

// behind is the line behind the last entry of a chart.
func (e *lineEditor) behind(name string) int {
	next := slices.Index(e.charts, name) + 1
	if next == len(e.charts) {
		return e.end
	}
	return e.text.above(e.chartLine(e.charts[next]), e.indent)
}

// versions adds versions of a chart that is there, each before the first older one.
func (e *lineEditor) versions(name string, entries []Entry) error {
	if e.index.Layout().Charts[name] == 0 {
		return nil
	}
	line := e.chartLine(name)
	there := e.index.Entries(name)
	if len(there) == 0 {
		found := noVersions.FindSubmatch(e.text.line(line))
		if found == nil {
			return errLayout
		}
		head := string(found[1]) + ":"
		if len(found[3]) > 0 {
			head += " " + string(found[3])
		}
		from := e.text.start(line)
		e.changes = append(e.changes, change{from, from + len(e.text.line(line)), []byte(head)})
	}
	indent := e.indent
	for i, entry := range there {
		switch {
		case entry.Line-1 <= line:
			return errLayout // its entries are in the line of its name
		case i == 0:
			indent = indentOf(e.text.line(entry.Line - 1))
		}
	}
	for _, entry := range entries {
		number := e.behind(name)
		for _, other := range there {
			if versions.Compare(other.Version, entry.Chart.Version) < 0 {
				number = e.text.above(other.Line-1, indent)
				break
			}
		}
		rendered, err := Render(entry, indent)
		if err != nil {
			return err
		}
		e.changes = append(e.changes, change{e.at(number), e.at(number), rendered})
	}
	return nil
}

// chart adds a chart that is not there, before the first whose name comes later.
func (e *lineEditor) chart(name string, entries []Entry) error {
	if e.index.Layout().Charts[name] != 0 {
		return nil
	}
	number := e.end
	for _, other := range e.charts {
		if other > name {
			number = e.text.above(e.chartLine(other), e.indent)
			break
		}
	}
	key, err := Key(name)
	if err != nil {
		return err
	}
	made := []byte(strings.Repeat(" ", e.indent) + key + ":\n")
	for _, entry := range entries {
		rendered, err := Render(entry, e.indent)
		if err != nil {
			return err
		}
		made = append(made, rendered...)
	}
	e.changes = append(e.changes, change{e.at(number), e.at(number), made})
	return nil
}
