package helmrepo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/helmrepo/quickentry"
)

// Bounds on what an index may ask of the memory, in bytes.
const (
	// entryLimit bounds one entry, and one line. Helm loads no chart whose
	// Chart.yaml is larger than 5 MiB.
	entryLimit = 6 << 20
	// wholeLimit bounds an index in a layout that cannot be read entry by entry.
	wholeLimit = 4 << 20
	// partsLimit bounds the number of values in what a YAML library is handed at
	// once: each takes it some hundred bytes, whatever few bytes it is written in.
	partsLimit = 200_000
	// expandedLimit bounds what aliases make of it.
	expandedLimit = 16 << 20
)

// Read reads an index, YAML or JSON, as a stream: what it keeps of an entry is an
// Entry, and nothing else of the index is in memory for longer than it takes to
// look at it. How much memory that takes does not depend on what is in it.
//
// Each entry is held against Helm's own types, as repo.LoadIndexFile of
// helm.sh/helm/v3 does with the whole of them (strictly where the index is YAML;
// where it is JSON, unknown keys are passed over). What it does not load is no
// error, but the Refused of the Index: its other entries can be read. An error
// is what cannot be read at all, or is no index; Helm refuses one without
// apiVersion, and so KubeSphere does.
func Read(source io.Reader) (*Index, error) { return readThrough(source, bufferSize) }

// bufferSize is how much of an index is looked at at once, in bytes; it holds some hundred entries.
const bufferSize = 256 << 10

func readThrough(source io.Reader, buffer int) (*Index, error) {
	recorded := &recorder{source: source}
	r := &reader{
		index: newIndex(),
		lines: bufio.NewReaderSize(recorded, buffer),
		seen:  map[string]bool{}, faults: map[string]*Refused{}, charts: map[string]bool{},
	}
	r.index.layout = Layout{Lines: true, Charts: map[string]int{}}
	err := r.read()
	if errors.Is(err, errOtherLayout) {
		whole, complete, failed := recorded.rest()
		switch {
		case failed != nil:
			return nil, failed
		case !complete:
			return nil, &LayoutError{Line: r.number}
		case len(bytes.TrimSpace(whole)) == 0:
			return nil, errors.New("the index is empty")
		}
		r.index = newIndex()
		if err = r.readWhole(whole); err != nil && looksLikeIndex(whole) {
			err = broken(whole, err)
		}
		r.entriesMet = r.entriesMet || looksLikeIndex(whole)
	}
	switch {
	case err != nil:
		return nil, err
	case r.nothing:
		return nil, errors.New("the index is empty")
	case r.apiVersion == "" && r.entriesMet:
		return nil, &Refused{Cause: noAPIVersion}
	case r.apiVersion == "":
		return nil, errors.New("the index has no apiVersion, so Helm and KubeSphere refuse it")
	}
	r.index.entries.end()
	return r.index, nil
}

// LayoutError is an index that cannot be read entry by entry and is too large to
// be read as a whole, or a line or entry that is.
type LayoutError struct {
	// Line is where, from 1.
	Line int
	// What is too large; empty where it is the index as a whole.
	What string
	// Cause is why it cannot be read where it is not for its size.
	Cause string
}

func (e *LayoutError) Error() string {
	switch {
	case e.Cause != "":
		return "it cannot be read as an index: " + e.Cause
	case e.What != "":
		return fmt.Sprintf("it cannot be read as an index: %s in line %d has more than %d MiB", e.What, e.Line, entryLimit>>20)
	}
	return fmt.Sprintf("it cannot be read as an index: line %d is broken, or the index has another layout than Helm writes, and more than %d MiB", e.Line, wholeLimit>>20)
}

// Hint says how to write an index of any size.
func (e *LayoutError) Hint() string {
	return "the index has to be written anew by those who run the repository: `helm repo index` does"
}

// errOtherLayout says that the index has to be read as a whole, or not at all.
var errOtherLayout = errors.New("another layout")

// recorder keeps the beginning of what is read, for those who have to begin anew.
type recorder struct {
	source io.Reader
	head   [][]byte // in pieces, so that it is never copied
	size   int
	over   bool // there was more than is kept
}

// pieceSize is that of a piece.
const pieceSize = 64 << 10

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.source.Read(p)
	switch {
	case r.over:
	case r.size+n > wholeLimit:
		r.over, r.head = true, nil
	default:
		r.keep(p[:n])
	}
	return n, err
}

func (r *recorder) keep(data []byte) {
	r.size += len(data)
	for len(data) > 0 {
		last := len(r.head) - 1
		if last < 0 || len(r.head[last]) == pieceSize {
			r.head = append(r.head, make([]byte, 0, pieceSize))
			last++
		}
		n := min(len(data), pieceSize-len(r.head[last]))
		r.head[last] = append(r.head[last], data[:n]...)
		data = data[n:]
	}
}

// rest is all of it, from the beginning; complete is false where that is too much.
func (r *recorder) rest() (whole []byte, complete bool, err error) {
	if _, err := io.CopyN(io.Discard, r, wholeLimit+1); err != nil && err != io.EOF {
		return nil, false, err
	}
	return slices.Concat(r.head...), !r.over, nil
}

// reader takes an index apart: into the fields at its top, and its entries.
type reader struct {
	index      *Index
	lines      *bufio.Reader
	number     int // of the line at hand
	apiVersion string
	nothing    bool                // no content came yet
	commented  bool                // what came so far is nothing in JSON
	marked     bool                // the document was begun with ---
	seen       map[string]bool     // the fields at the top
	faults     map[string]*Refused // what was wrong with the last value of a field at the top
	spelling   string              // of entries
	entriesMet bool                // what came has the field entries
	charts     map[string]bool     // those of entries

	part    part
	entries entriesAt
	quick   quickentry.Reader
}

// part is what is being collected: lines that belong together.
type part struct {
	kind partKind
	text []byte
	line int // of its first line
}

type partKind int

const (
	noPart    partKind = iota
	topPart            // a field at the top, with its value
	chartPart          // the name of a chart, and what stands behind it
	entryPart          // an entry of a chart
)

// entriesAt is where in the value of entries the reader is.
type entriesAt struct {
	inside bool
	chart  int    // indentation of the names of charts; 0 before the first
	item   int    // indentation of the dashes of this chart; -1 before the first
	name   string // of this chart
	named  bool
	bare   bool // nothing but the name of this chart came yet
}

func (r *reader) read() error {
	r.nothing = true
	for {
		for r.entries.inside {
			if taken, err := r.quickEntry(); err != nil {
				return err
			} else if !taken {
				break
			}
		}
		line, err := r.next()
		switch {
		case err == io.EOF:
			return r.finish()
		case err != nil:
			return err
		}
		if r.nothing && r.number == 1 {
			var marked bool
			line, marked = bytes.CutPrefix(line, []byte("\xef\xbb\xbf"))
			r.commented = marked
		}
		if r.nothing && bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("{")) {
			if r.nothing = false; r.commented {
				return errOtherLayout // which is no JSON
			}
			r.index.layout = Layout{}
			return r.readJSON(line)
		}
		end, err := r.line(line)
		if err != nil {
			return err
		}
		if end {
			return r.finish()
		}
	}
}

// quickEntry takes the next entry, where it is written as Helm writes it, as it stands in the
// buffer. What is left to the library, and to readEntry, goes line by line.
func (r *reader) quickEntry() (taken bool, err error) {
	at := &r.entries
	if at.chart == 0 || !at.bare && at.item < 0 {
		return false, nil
	}
	for {
		text, _ := r.lines.Peek(r.lines.Buffered())
		dash := at.item
		if at.bare {
			dash = len(text) - len(bytes.TrimLeft(text, " "))
		}
		switch {
		case len(text) <= dash+1: // too little of it is there
		case dash < at.chart || text[dash] != '-' || text[dash+1] != ' ' || len(bytes.TrimLeft(text[:dash], " ")) > 0:
			return false, nil
		default:
			if err := r.beforeEntry(); err != nil {
				return false, err
			}
			size, lines, ok := r.quick.Read(text, dash, false)
			switch {
			case ok:
				at.item, at.bare = dash, false
				r.quick.Into.Line = r.number + 1
				r.index.entries.add(at.name, &r.quick.Into)
				r.number += lines
				_, err := r.lines.Discard(size)
				return true, err
			case !r.quick.IsShort():
				return false, nil
			}
		}
		// At most once: it fills the buffer.
		if more, _ := r.lines.Peek(r.lines.Size()); len(more) == len(text) {
			return false, nil
		}
	}
}

// beforeEntry takes what comes before an entry.
func (r *reader) beforeEntry() error {
	if err := r.nameChart(); err != nil {
		return err
	}
	return r.flush()
}

// next is the next line, with a line feed at its end.
func (r *reader) next() ([]byte, error) {
	r.number++
	line, err := r.lines.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line = bytes.Clone(line)
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t\xef\xbb\xbf"), []byte("{")) && r.nothing {
			return line, nil // JSON has long lines
		}
		for err == bufio.ErrBufferFull {
			if len(line) > entryLimit {
				return nil, &LayoutError{Line: r.number, What: "a line"}
			}
			var more []byte
			more, err = r.lines.ReadSlice('\n')
			line = append(line, more...)
		}
	}
	switch {
	case err == io.EOF && len(line) == 0:
		return nil, io.EOF
	case err != nil && err != io.EOF:
		return nil, err
	}
	text := bytes.TrimSuffix(line, []byte("\n"))
	text = bytes.TrimSuffix(text, []byte("\r"))
	if bytes.IndexByte(text, '\r') >= 0 {
		return nil, errOtherLayout // it ends a line in YAML
	}
	if len(text) == len(line)-1 {
		return line, nil
	}
	return append(bytes.Clone(text), '\n'), nil
}

// line takes a line to where it belongs; end is whether the document ends with it.
func (r *reader) line(line []byte) (end bool, err error) {
	text := bytes.TrimLeft(line, " ")
	indent := len(line) - len(text)
	text = bytes.TrimRight(text, " \n")
	switch {
	case breaksInside(text) && (r.part.kind != entryPart || indent <= r.entries.item):
		return false, errOtherLayout
	case len(text) == 0 || text[0] == '#':
		r.commented = r.commented || len(text) > 0
		return false, r.keep(line)
	case text[0] == '\t':
		if r.part.kind != entryPart || indent == 0 {
			return false, errOtherLayout
		}
		return false, r.keep(line)
	case indent == 0 && isMarker(text, "..."), indent == 0 && isMarker(text, "---"):
		if r.nothing && string(text) == "---" && !r.marked {
			r.marked, r.commented = true, true
			return false, nil
		}
		if r.nothing {
			return false, errOtherLayout
		}
		return true, nil // what comes after the first document is nobody's concern
	case indent == 0 && text[0] == '%':
		return false, errOtherLayout
	}
	if r.nothing = false; indent == 0 {
		return false, r.top(line, text)
	}
	if !r.entries.inside {
		if r.part.kind == noPart {
			return false, errOtherLayout
		}
		return false, r.keep(line)
	}
	return false, r.inEntries(line, text, indent)
}

// breaksInside says whether a line is more than one line in YAML 1.1, which ends
// lines by a few more characters than others do. Within an entry that changes
// nothing about where it ends, or it leaves it.
func breaksInside(text []byte) bool {
	return bytes.Contains(text, []byte("\u0085")) || bytes.Contains(text, []byte("\u2028")) || bytes.Contains(text, []byte("\u2029"))
}

// leaves says whether a break within a line of an entry has a field or an entry follow that is no
// deeper than the entry at item: to YAML it is no part of that.
func leaves(text []byte, item int) bool {
	if !breaksInside(text) {
		return false
	}
	for line := range strings.Lines(string(text)) {
		pieces := strings.FieldsFunc(line, func(c rune) bool { return c == '\u0085' || c == '\u2028' || c == '\u2029' })
		for _, piece := range pieces[min(1, len(pieces)):] {
			rest := strings.TrimLeft(piece, " ")
			if len(piece)-len(rest) <= item && (strings.Contains(rest, ":") || strings.HasPrefix(rest, "-")) {
				return true
			}
		}
	}
	return false
}

func isMarker(text []byte, marker string) bool {
	return bytes.HasPrefix(text, []byte(marker)) && (len(text) == len(marker) || text[len(marker)] == ' ')
}

// top is a line without indentation.
func (r *reader) top(line, text []byte) error {
	if quickentry.IsItem(text) {
		if r.part.kind != topPart || r.entries.inside {
			return errOtherLayout
		}
		return r.keep(line) // of a list that is the value of a field
	}
	if err := r.flush(); err != nil {
		return err
	}
	key, found := bytes.CutSuffix(text, []byte(":"))
	if found && strings.EqualFold(string(unquoted(key)), "entries") {
		r.entries = entriesAt{inside: true, item: -1}
		r.index.layout.Lines = r.index.layout.Entries == 0 // or it is there twice
		r.index.layout.Entries = r.number
		return r.once(string(unquoted(key)))
	}
	r.entries = entriesAt{}
	return r.begin(topPart, line)
}

// once refuses an index that has a field at its top twice. Two spellings of
// entries are one field to Helm, which a library knows best how to join.
func (r *reader) once(field string) error {
	if r.seen[field] {
		r.index.refuse(&Refused{Line: r.part.line, Cause: field + " is there twice", HelmAlone: true})
		if before := r.faults[field]; before != nil {
			before.HelmAlone = true // KubeSphere goes by the last one
		}
		if strings.EqualFold(field, "entries") {
			r.index.supersede(func(before *Refused) bool { return before.Chart != "" })
		}
	}
	r.seen[field] = true
	if !strings.EqualFold(field, "entries") {
		return nil
	}
	if r.spelling != "" && r.spelling != field {
		return errOtherLayout
	}
	r.spelling, r.entriesMet = field, true
	return nil
}

func unquoted(key []byte) []byte {
	if len(key) > 1 && (key[0] == '"' || key[0] == '\'') && key[len(key)-1] == key[0] {
		return key[1 : len(key)-1]
	}
	return key
}

// inEntries is an indented line in the value of entries.
func (r *reader) inEntries(line, text []byte, indent int) error {
	at := &r.entries
	if at.chart == 0 {
		at.chart = indent
	}
	switch {
	case indent < at.chart:
		return errOtherLayout
	case indent == at.chart && !quickentry.IsItem(text):
		if err := r.flush(); err != nil {
			return err
		}
		at.item, at.named, at.bare = -1, false, text[len(text)-1] == ':'
		return r.begin(chartPart, line)
	case quickentry.IsItem(text) && (indent == at.item || at.bare):
		if err := r.beforeEntry(); err != nil {
			return err
		}
		at.item, at.bare = indent, false
		return r.begin(entryPart, line)
	case r.part.kind == noPart || at.item >= 0 && indent <= at.item:
		return errOtherLayout
	}
	at.bare = false
	return r.keep(line)
}

// begin starts a part.
func (r *reader) begin(kind partKind, line []byte) error {
	r.part.kind, r.part.line = kind, r.number
	r.part.text = append(r.part.text[:0], line...)
	return nil
}

// keep adds a line to the part at hand.
func (r *reader) keep(line []byte) error {
	if r.part.kind == noPart {
		return nil
	}
	if len(r.part.text)+len(line) > entryLimit {
		what := "the entry"
		if r.part.kind == topPart {
			what = "the field"
		}
		return &LayoutError{Line: r.part.line, What: what}
	}
	r.part.text = append(r.part.text, line...)
	return nil
}

func (r *reader) finish() error { return r.flush() }

// flush looks at the part at hand.
func (r *reader) flush() error {
	kind := r.part.kind
	r.part.kind = noPart
	switch kind {
	case topPart:
		return r.readTop()
	case chartPart:
		return r.readChart()
	case entryPart:
		return r.readEntry()
	}
	return nil
}

// readTop reads a field at the top with its value.
func (r *reader) readTop() error {
	file, err := decode(r.part.text)
	key, named := firstKey(r.part.text)
	switch {
	case !named:
		return errOtherLayout
	case strings.EqualFold(key, "entries") && (err != nil || len(file.Entries) > 0):
		return errOtherLayout // which a library reads best as a whole
	}
	if err := r.once(key); err != nil {
		return err
	}
	if err != nil {
		fault := explain(err, r.part.text, r.part.line, 0)
		if fault == nil {
			return errOtherLayout
		}
		r.index.refuse(fault)
		r.faults[key] = fault
		return nil
	}
	if strings.EqualFold(key, "apiVersion") {
		r.apiVersion = file.APIVersion
	}
	return nil
}

// chartName is a chart alone, as Helm writes it.
func chartName(text []byte) (string, bool) {
	text = bytes.TrimSpace(text)
	name, found := bytes.CutSuffix(text, []byte(":"))
	if !found || !quickentry.IsPlainKey(name) {
		return "", false
	}
	return string(name), true
}

// nameChart reads the name of the chart whose first entry follows.
func (r *reader) nameChart() error {
	if r.entries.named {
		return nil
	}
	name, plain := chartName(r.part.text)
	if !plain {
		file, err := decode(slices.Concat([]byte("entries:\n"), r.part.text))
		if err != nil || len(file.Entries) != 1 {
			return errOtherLayout
		}
		for name = range file.Entries {
		}
	}
	r.entries.name, r.entries.named = name, true
	r.part.kind = noPart
	return r.newChart(name, r.part.line)
}

func (r *reader) newChart(name string, line int) error {
	if r.charts[name] {
		r.index.supersede(func(before *Refused) bool { return before.Chart == name })
		r.index.breaks(name, &Refused{Chart: name, Line: line, Cause: "the chart is there twice", HelmAlone: true})
	}
	r.charts[name] = true
	r.index.layout.Charts[name] = line
	return nil
}

// readChart reads a chart without entries, or one whose entries do not stand in
// lines of their own.
func (r *reader) readChart() error {
	text := slices.Concat([]byte("entries:\n"), r.part.text)
	file, err := decode(text)
	if err != nil {
		key, named := firstKey(r.part.text)
		fault := explain(err, text, r.part.line-1, 1)
		if !named || fault == nil || !quickentry.IsPlainKey([]byte(key)) {
			return errOtherLayout
		}
		if err := r.newChart(key, r.part.line); err != nil {
			return err
		}
		fault.Chart = key
		r.index.breaks(key, fault)
		return nil
	}
	if len(file.Entries) != 1 {
		return errOtherLayout
	}
	for name, versions := range file.Entries {
		if err := r.newChart(name, r.part.line); err != nil {
			return err
		}
		for _, version := range versions {
			r.take(name, version, r.part.line)
		}
	}
	return nil
}

// take takes an entry that Helm has loaded.
func (r *reader) take(chart string, version *chartVersion, line int) {
	if version == nil || version.Metadata == nil {
		r.index.hasEmpty(chart, line)
		return
	}
	entry := Entry{
		OwnName: version.Name, Version: version.Version, Digest: version.Digest,
		URLs: version.URLs, Annotations: version.Annotations, Created: version.Created, Line: line,
	}
	r.index.entries.add(chart, entry.record())
}

// readEntry reads one entry: most are written as Helm writes them, and need no
// library.
func (r *reader) readEntry() error {
	if _, _, ok := r.quick.Read(r.part.text, r.entries.item, true); ok {
		r.quick.Into.Line = r.part.line
		r.index.entries.add(r.entries.name, &r.quick.Into)
		return nil
	}
	if leaves(r.part.text, r.entries.item) {
		return errOtherLayout
	}
	chart, line := r.entries.name, r.part.line
	// The entry, as an index of its own.
	head := "entries:\n" + strings.Repeat(" ", r.entries.chart) + "x:\n"
	text := slices.Concat([]byte(head), r.part.text)
	file, err := decode(text)
	if err == nil {
		versions, ok := file.Entries["x"]
		if len(file.Entries) != 1 || !ok || len(versions) != 1 {
			return errOtherLayout
		}
		r.take(chart, versions[0], line)
		return nil
	}
	fault := explain(err, text, line-2, 2)
	if fault == nil {
		return errOtherLayout
	}
	fault.Chart = chart
	wire, err := decodeLean(text)
	lax := &indexFile{}
	if err != nil && fault.HelmAlone && yaml.Unmarshal(text, lax) == nil && len(lax.Entries["x"]) == 1 && lax.Entries["x"][0] != nil && lax.Entries["x"][0].Metadata != nil {
		// A key is there twice, of which KubeSphere takes the last.
		fault.Version = lax.Entries["x"][0].Version
		r.index.refuse(fault)
		r.take(chart, lax.Entries["x"][0], line)
		return nil
	}
	if err != nil || len(wire.Entries["x"]) != 1 {
		r.index.breaks(chart, fault)
		return nil
	}
	entry := wire.Entries["x"][0].entry()
	fault.Version, entry.Line = entry.Version, line
	r.index.refuse(fault)
	r.index.entries.add(chart, entry.record())
	return nil
}

// decode is what Helm makes of an index in YAML (jsonOrYamlUnmarshal in
// helm.sh/helm/v3/pkg/repo).
func decode(text []byte) (*indexFile, error) {
	if err := refuseTooMuch(text); err != nil {
		return nil, err
	}
	file := &indexFile{}
	if err := yaml.UnmarshalStrict(text, file); err != nil {
		return nil, err
	}
	return file, nil
}

// explain is describe, and finds out whether KubeSphere, which is less strict, loads the text
// all the same.
func explain(err error, text []byte, line, skip int) *Refused {
	at := describe(err, text, line, skip)
	if at == nil || !at.HelmAlone {
		return at
	}
	if lax := yaml.Unmarshal(text, &indexFile{}); lax != nil {
		if both := describe(lax, text, line, skip); both != nil {
			return both
		}
		at.HelmAlone = false
	}
	return at
}
