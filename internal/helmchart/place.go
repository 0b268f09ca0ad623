package helmchart

import (
	"bytes"
	"path"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// Place is the folder of a chart.
type Place struct {
	// Archive is the packaged subchart that the chart comes out of, a slash path
	// below the extension; it is empty for a chart in folders of the extension.
	Archive string
	// Dir is the folder, below the extension or inside the archive.
	Dir string
}

// File is a file of the chart, by its slash path below the chart: the file that a user
// can open, and, in a packaged subchart, the path inside of it.
func (p Place) File(name string) (file, inside string) {
	if p.Archive != "" {
		return p.Archive, path.Join(p.Dir, name)
	}
	return path.Join(p.Dir, name), ""
}

// Places remembers the folder of every chart of a tree.
//
// Helm forgets it: it names a rendered template by the names of the charts above
// it, while a subchart's folder may have any name, and an alias renames the
// chart besides (a folder argo-cd renders as argocd). A chart is known here by
// its first raw file, which Helm's copies of it share.
type Places map[*chart.File]Place

// locateCharts finds the folder of root and of every chart below it.
func locateCharts(root *chart.Chart) Places {
	places := Places{}
	places.locate(root, Place{})
	return places
}

// Of says where a chart stands. The second result is false for one that was not
// in the tree.
func (p Places) Of(c *chart.Chart) (Place, bool) {
	if len(c.Raw) == 0 {
		return Place{}, false
	}
	place, ok := p[c.Raw[0]]
	return place, ok
}

func (p Places) locate(c *chart.Chart, at Place) {
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

func (e *subchartEntry) place(parent Place) Place {
	file, inside := parent.File(path.Join("charts", e.Name))
	switch {
	case !e.packaged():
		return Place{Archive: parent.Archive, Dir: path.Join(parent.Dir, "charts", e.Name)}
	case inside != "":
		// A package within a package: the outer one is what a user can open.
		return Place{Archive: file, Dir: inside}
	default:
		return Place{Archive: file}
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

// Sources maps every template of a tree that was made of the chart, by the path under
// which Helm renders it, to where it stands. One goroutine asks for it at a time.
func (c *Chart) Sources(root *chart.Chart) map[string]Source {
	found := map[string]Source{}
	Each(root, func(one *chart.Chart) {
		at, ok := c.Places.Of(one)
		if !ok {
			return
		}
		for _, template := range one.Templates {
			source, ok := c.shared.sources[template]
			if !ok {
				source = Source{Text: c.shared.cache.Text(template), lines: &lineIndex{with: map[string]map[string][]int{}}}
				source.File, source.Inside = at.File(template.Name)
				c.shared.sources[template] = source
			}
			found[path.Join(one.ChartFullPath(), template.Name)] = source
		}
	})
	return found
}

// FileOfTemplate is the file of the extension in which a template is, a slash path:
// a file of its own, or the package of a subchart. It is empty where that cannot be
// known: a subchart is called by its alias, and its folder may have any name.
func FileOfTemplate(ext *extension.Extension, template string) string {
	_, rest, _ := strings.Cut(template, "/")
	for _, f := range ext.Files {
		if f.Name == rest {
			return rest
		}
	}
	if below, ok := strings.CutPrefix(rest, "charts/"); ok {
		chart, _, _ := strings.Cut(below, "/")
		for _, f := range ext.Files {
			if name, ok := strings.CutPrefix(f.Name, "charts/"+chart+"-"); ok && strings.HasSuffix(name, ".tgz") && !strings.Contains(name, "/") {
				return f.Name
			}
		}
	}
	return ""
}
