package lint

import (
	"bytes"
	"path"
	"regexp"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// source is where a template that Helm rendered stands in the extension.
type source struct {
	// File is the slash path below the extension that a user can open: the
	// template, or the packaged subchart (.tgz) that has it inside.
	File string
	// Inside is the template's path within that packaged subchart; it is empty
	// for a template that is a file of its own.
	Inside string
	Text   string

	// lines is what was found in Text; nil where that is asked seldom.
	lines *lineIndex
}

// lineIndex spares looking through a text for each of the objects that it renders.
type lineIndex struct {
	all []string
	// with are the lines that have `key: value`, by key and value.
	with map[string]map[string][]int
}

// chartPlace is the folder of a chart.
type chartPlace struct {
	// Archive is the packaged subchart that the chart comes out of, a slash path
	// below the extension; it is empty for a chart in folders of the extension.
	Archive string
	// Dir is the folder, below the extension or inside the archive.
	Dir string
}

func (p chartPlace) file(name string) (file, inside string) {
	if p.Archive != "" {
		return p.Archive, path.Join(p.Dir, name)
	}
	return path.Join(p.Dir, name), ""
}

// chartPlaces remembers the folder of every chart of a tree.
//
// Helm forgets it: it names a rendered template by the names of the charts above
// it, while a subchart's folder may have any name, and an alias renames the
// chart besides (a folder argo-cd renders as argocd). A chart is known here by
// its first raw file, which Helm's copies of it share.
type chartPlaces map[*chart.File]chartPlace

// locateCharts finds the folder of root and of every chart below it.
func locateCharts(root *chart.Chart) chartPlaces {
	places := chartPlaces{}
	places.locate(root, chartPlace{})
	return places
}

// of says where a chart stands. The second result is false for one that was not
// in the tree.
func (p chartPlaces) of(c *chart.Chart) (chartPlace, bool) {
	if len(c.Raw) == 0 {
		return chartPlace{}, false
	}
	place, ok := p[c.Raw[0]]
	return place, ok
}

func (p chartPlaces) locate(c *chart.Chart, at chartPlace) {
	if len(c.Raw) == 0 {
		return
	}
	p[c.Raw[0]] = at
	entries := subchartEntries(c)
	taken := make([]bool, len(entries))
	for _, child := range c.Dependencies() {
		for i, entry := range entries {
			if taken[i] || !entry.isChart(child) {
				continue
			}
			taken[i] = true
			p.locate(child, entry.place(at))
			break
		}
	}
}

// subchartEntry is a folder or a package in the charts folder of a chart.
type subchartEntry struct {
	Name  string // argo-cd, or redis-17.0.0.tgz
	Files []*chart.File

	unpacked func() []*chart.File // what is in the package, read once
}

// subchartEntries groups the raw files of a chart by what they are of below
// charts/, in the order in which they come.
func subchartEntries(c *chart.Chart) []*subchartEntry {
	var entries []*subchartEntry
	index := map[string]int{}
	for _, file := range c.Raw {
		below, ok := strings.CutPrefix(file.Name, "charts/")
		if !ok {
			continue
		}
		name, rest, isFolder := strings.Cut(below, "/")
		if !isFolder && path.Ext(name) != ".tgz" {
			continue
		}
		i, ok := index[name]
		if !ok {
			i = len(entries)
			index[name] = i
			entry := &subchartEntry{Name: name}
			entry.unpacked = sync.OnceValue(entry.unpack)
			entries = append(entries, entry)
		}
		entries[i].Files = append(entries[i].Files, &chart.File{Name: rest, Data: file.Data})
	}
	return entries
}

// packaged reports whether the entry is a .tgz.
func (e *subchartEntry) packaged() bool {
	return len(e.Files) == 1 && e.Files[0].Name == ""
}

// isChart reports whether a loaded chart was read from this entry: all files
// are the same, name by name and byte by byte.
func (e *subchartEntry) isChart(c *chart.Chart) bool {
	if e.packaged() {
		return e.holdsChart(c)
	}
	return sameFiles(e.Files, c.Raw)
}

// holdsChart reports whether a chart came out of this package. The name that
// `helm package` gives settles it; a package of another name is opened.
func (e *subchartEntry) holdsChart(c *chart.Chart) bool {
	if e.Name == c.Name()+"-"+c.Metadata.Version+".tgz" {
		return true
	}
	files := e.unpacked()
	return files != nil && sameFiles(files, c.Raw)
}

// unpack reads the files of a package; there are none where it is none.
func (e *subchartEntry) unpack() []*chart.File {
	files, err := loader.LoadArchiveFiles(bytes.NewReader(e.Files[0].Data))
	if err != nil {
		return nil
	}
	unpacked := make([]*chart.File, len(files))
	for i, file := range files {
		unpacked[i] = &chart.File{Name: file.Name, Data: file.Data}
	}
	return unpacked
}

func (e *subchartEntry) place(parent chartPlace) chartPlace {
	file, inside := parent.file(path.Join("charts", e.Name))
	switch {
	case !e.packaged():
		return chartPlace{Archive: parent.Archive, Dir: path.Join(parent.Dir, "charts", e.Name)}
	case inside != "":
		// A package within a package: the outer one is what a user can open.
		return chartPlace{Archive: file, Dir: inside}
	default:
		return chartPlace{Archive: file}
	}
}

func sameFiles(a, b []*chart.File) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].Data, b[i].Data) {
			return false
		}
	}
	return true
}

// sources maps every template of a tree, by the path under which Helm renders
// it, to where it stands.
func (p chartPlaces) sources(root *chart.Chart) map[string]source {
	found := map[string]source{}
	eachChart(root, func(c *chart.Chart) {
		at, ok := p.of(c)
		if !ok {
			return
		}
		for _, template := range c.Templates {
			file, inside := at.file(template.Name)
			found[path.Join(c.ChartFullPath(), template.Name)] = source{
				File: file, Inside: inside, Text: string(template.Data), lines: &lineIndex{with: map[string]map[string][]int{}},
			}
		}
	})
	return found
}

// eachChart visits a chart and all charts below it, parents first.
func eachChart(c *chart.Chart, visit func(*chart.Chart)) {
	visit(c)
	for _, child := range c.Dependencies() {
		eachChart(child, visit)
	}
}

// lineOf is the line, from 1, of the given one of total places in the rendered
// text that have `key: value`, where the source writes that out. It is 0 where
// loops and conditions leave open which line rendered which place, and inside
// packages.
func (s source) lineOf(key, value string, ordinal, total int) int {
	if s.Inside != "" || value == "" {
		return 0
	}
	lines := s.linesWith(key)[value]
	switch {
	case len(lines) == 1:
		return lines[0]
	case len(lines) != total || ordinal >= total:
		return 0
	}
	return lines[ordinal]
}

// linesWith are the lines that have a key, by the value that is written out there.
func (s source) linesWith(key string) map[string][]int {
	if s.lines != nil && s.lines.with[key] != nil {
		return s.lines.with[key]
	}
	lines := map[string][]int{}
	n := 0
	for line := range strings.Lines(s.Text) {
		n++
		written, ok := strings.CutPrefix(strings.TrimLeft(line, " \t-"), key+":")
		if !ok {
			continue
		}
		if i := strings.Index(written, " #"); i >= 0 {
			written = written[:i]
		}
		if at := templateComment.FindStringIndex(written); at != nil {
			written = written[:at[0]]
		}
		value := strings.Trim(written, " \t\r\n\"'")
		lines[value] = append(lines[value], n)
	}
	if s.lines != nil {
		s.lines.with[key] = lines
	}
	return lines
}

// randomFunction is a function of Helm's with another result each time.
var randomFunction = regexp.MustCompile(`\b(?:rand[A-Z]\w*|uuidv4|now)\b`)

// makesUpNames reports whether a template gives its objects another name each
// time it is rendered, as tests do: name: ui-test-{{ randAlphaNum 5 }}.
func (s source) makesUpNames() bool {
	for line := range strings.Lines(s.Text) {
		if _, name, ok := strings.Cut(line, "name:"); ok && randomFunction.MatchString(name) {
			return true
		}
	}
	return false
}
