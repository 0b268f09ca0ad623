package lint

import (
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// processed applies aliases, conditions, tags and imported values as Helm's
// install does (action.Install calls the same function), with the values that a
// user would give.
func processed(root *chart.Chart, given map[string]any) (*chart.Chart, error) {
	tree := cloneChart(root)
	if err := chartutil.ProcessDependenciesWithMerge(tree, given); err != nil {
		return nil, fmt.Errorf("merging the values of the subcharts: %w", err)
	}
	return tree, nil
}

// cloneChart copies a tree as far as Helm's dependency processing and this
// package change it: the structure, the metadata and the lists, not the values,
// which Helm copies whenever it merges them, and not the data of the files.
func cloneChart(c *chart.Chart) *chart.Chart {
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
		clone.AddDependency(cloneChart(child))
	}
	return clone
}

// withAllDependencies is the tree with every optional dependency switched on:
// without conditions and tags, Helm enables all there are.
func withAllDependencies(root *chart.Chart) *chart.Chart {
	tree := cloneChart(root)
	eachChart(tree, func(c *chart.Chart) {
		for _, dependency := range c.Metadata.Dependencies {
			dependency.Condition, dependency.Tags = "", nil
		}
	})
	return tree
}

// switchedOff names the dependencies that are there and that conditions or tags
// keep out, as Helm names them in values: agent.redis-ha. loaded is the tree as
// read, processed the one that Helm made of it.
func switchedOff(loaded, processed *chart.Chart) []string {
	originals := originalsOf(loaded)
	var off []string
	eachChart(processed, func(c *chart.Chart) {
		original := originals.of(c)
		if original == nil {
			return
		}
		for _, dependency := range original.Metadata.Dependencies {
			if dependency == nil || childNamed(original, dependency.Name) == nil {
				continue
			}
			if childNamed(c, dependency.Name) == nil && (dependency.Alias == "" || childNamed(c, dependency.Alias) == nil) {
				off = append(off, strings.TrimPrefix(c.ChartPath()+"."+dependency.Name, processed.Name()+"."))
			}
		}
	})
	return off
}

// originals are the charts of a tree as Helm loaded them, by their first raw
// file, which the copies of them share.
type originals map[*chart.File]*chart.Chart

func originalsOf(root *chart.Chart) originals {
	found := originals{}
	eachChart(root, func(c *chart.Chart) {
		if len(c.Raw) > 0 {
			found[c.Raw[0]] = c
		}
	})
	return found
}

// of is the original of a chart, or nil.
func (o originals) of(c *chart.Chart) *chart.Chart {
	if len(c.Raw) == 0 {
		return nil
	}
	return o[c.Raw[0]]
}

func childNamed(c *chart.Chart, name string) *chart.Chart {
	for _, child := range c.Dependencies() {
		if child.Name() == name {
			return child
		}
	}
	return nil
}
