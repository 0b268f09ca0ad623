package changes

import (
	"path/filepath"
	"slices"

	"github.com/ksrelease/ksrelease/config"
)

// Narrowed is what a command looks at that is narrowed to what changed.
type Narrowed struct {
	// Paths are those of the sources that changed, and of those that need one of them.
	Paths map[string]bool
	// Dependents are the names of those that did not change, with the changed extensions that
	// each needs, sorted.
	Dependents map[string][]string
}

// Narrowed are the extensions that changed, and those that need one of them
// (externalDependencies), whether at once or through others.
func (c *Changes) Narrowed() Narrowed {
	changed := map[string]bool{}
	for _, e := range c.Extensions {
		if e.IsChanged() {
			changed[e.Name] = true
		}
	}
	reasons := map[string][]string{} // by name: the changed extensions that it needs
	for again := true; again; {
		again = false
		for _, e := range c.Extensions {
			for _, need := range e.needs {
				causes := slices.Clone(reasons[need])
				if changed[need] {
					causes = append(causes, need)
				}
				for _, cause := range causes {
					if cause != e.Name && !slices.Contains(reasons[e.Name], cause) {
						reasons[e.Name] = append(reasons[e.Name], cause)
						again = true
					}
				}
			}
		}
	}
	n := Narrowed{Paths: map[string]bool{}, Dependents: map[string][]string{}}
	for _, e := range c.Extensions {
		if e.source == nil {
			continue
		}
		switch causes := reasons[e.Name]; {
		case e.IsChanged():
			n.Paths[e.source.Path] = true
		case len(causes) > 0:
			n.Paths[e.source.Path] = true
			n.Dependents[e.Name] = slices.Sorted(slices.Values(causes))
		}
	}
	return n
}

// shownPath is the path of a source relative to the folder of the config, with slashes.
func shownPath(dir string, source config.Source) string {
	if below, err := filepath.Rel(dir, source.Path); err == nil {
		return filepath.ToSlash(below)
	}
	return source.Path
}
