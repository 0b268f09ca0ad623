package helmchart

import (
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart/merge"
)

// Process applies aliases, conditions, tags and imported values as Helm's
// install does (action.Install calls the same function), with the values that a
// user would give.
func Process(root *chart.Chart, given map[string]any) (*chart.Chart, error) {
	tree := Clone(root)
	if err := merge.Dependencies(tree, given); err != nil {
		return nil, fmt.Errorf("merging the values of the subcharts: %w", err)
	}
	return tree, nil
}

// Clone copies a tree as far as Helm's dependency processing and this
// package change it: the structure, the metadata and the lists, not the values,
// which Helm copies whenever it merges them, and not the data of the files.
func Clone(c *chart.Chart) *chart.Chart {
	clone := &chart.Chart{
		Raw:       c.Raw,
		Lock:      c.Lock,
		Templates: slices.Clone(c.Templates),
		Values:    c.Values,
		Schema:    c.Schema,
		Files:     c.Files,
	}
	if c.Metadata != nil {
		metadata := *c.Metadata
		metadata.Dependencies = make([]*chart.Dependency, 0, len(c.Metadata.Dependencies))
		for _, dependency := range c.Metadata.Dependencies {
			if dependency != nil {
				d := *dependency
				d.ImportValues = slices.Clone(dependency.ImportValues)
				metadata.Dependencies = append(metadata.Dependencies, &d)
			}
		}
		if c.Metadata.Dependencies == nil {
			metadata.Dependencies = nil
		}
		clone.Metadata = &metadata
	}
	for _, child := range c.Dependencies() {
		clone.AddDependency(Clone(child))
	}
	return clone
}

// WithAllDependencies is the tree with every optional dependency switched on:
// without conditions and tags, Helm enables all there are.
func WithAllDependencies(root *chart.Chart) *chart.Chart {
	tree := Clone(root)
	Each(tree, func(c *chart.Chart) {
		for _, dependency := range c.Metadata.Dependencies {
			dependency.Condition, dependency.Tags = "", nil
		}
	})
	return tree
}

// SwitchedOff names the dependencies that are there and that conditions or tags
// keep out, as Helm names them in values: agent.redis-ha. loaded is the tree as
// read, processed the one that Helm made of it.
func SwitchedOff(loaded, processed *chart.Chart) []string {
	originals := OriginalsOf(loaded)
	var off []string
	Each(processed, func(c *chart.Chart) {
		original := originals.Of(c)
		if original == nil {
			return
		}
		for _, dependency := range original.Metadata.Dependencies {
			if dependency == nil || ChildNamed(original, dependency.Name) == nil {
				continue
			}
			if ChildNamed(c, dependency.Name) == nil && (dependency.Alias == "" || ChildNamed(c, dependency.Alias) == nil) {
				off = append(off, strings.TrimPrefix(c.ChartPath()+"."+dependency.Name, processed.Name()+"."))
			}
		}
	})
	return off
}

// originals are the charts of a tree as Helm loaded them, by their first raw
// file, which the copies of them share.
type originals map[*chart.File]*chart.Chart

func OriginalsOf(root *chart.Chart) originals {
	found := originals{}
	Each(root, func(c *chart.Chart) {
		if len(c.Raw) > 0 {
			found[c.Raw[0]] = c
		}
	})
	return found
}

// Of is the original of a chart, or nil.
func (o originals) Of(c *chart.Chart) *chart.Chart {
	if len(c.Raw) == 0 {
		return nil
	}
	return o[c.Raw[0]]
}

func ChildNamed(c *chart.Chart, name string) *chart.Chart {
	for _, child := range c.Dependencies() {
		if child.Name() == name {
			return child
		}
	}
	return nil
}

// Each visits a chart and all charts below it, parents first.
func Each(c *chart.Chart, visit func(*chart.Chart)) {
	visit(c)
	for _, child := range c.Dependencies() {
		Each(child, visit)
	}
}
