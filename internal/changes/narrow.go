package changes

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
)

// Narrowed are the sources of the extensions that changed, and of those that need one of them
// (externalDependencies), whether at once or through others. because says, by path, which
// changed extensions a source is there for that did not change itself.
func (c *Changes) Narrowed() (sources []config.Source, because map[string][]string) {
	reasons := map[string][]string{} // by name: the changed extensions that it needs
	changed := map[string]bool{}
	for _, e := range c.Extensions {
		if e.IsChanged() {
			changed[e.Name] = true
		}
	}
	for again := true; again; {
		again = false
		for _, e := range c.Extensions {
			for _, need := range e.needs {
				add := reasons[need]
				if changed[need] {
					add = append([]string{need}, add...)
				}
				for _, cause := range add {
					if cause != e.Name && !slices.Contains(reasons[e.Name], cause) {
						reasons[e.Name] = append(reasons[e.Name], cause)
						again = true
					}
				}
			}
		}
	}
	because = map[string][]string{}
	for _, e := range c.Extensions {
		if e.source == nil {
			continue
		}
		switch causes := reasons[e.Name]; {
		case e.IsChanged():
			sources = append(sources, *e.source)
		case len(causes) > 0:
			slices.Sort(causes)
			because[e.source.Path] = causes
			sources = append(sources, *e.source)
		}
	}
	slices.SortFunc(sources, func(a, b config.Source) int { return strings.Compare(a.Path, b.Path) })
	return sources, because
}

// shownPath is the path of a source relative to the folder of the config, with slashes.
func shownPath(dir string, source config.Source) string {
	if below, err := filepath.Rel(dir, source.Path); err == nil {
		return filepath.ToSlash(below)
	}
	return source.Path
}
