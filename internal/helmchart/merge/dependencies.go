package merge

import (
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
)

// Dependencies applies aliases, tags, conditions and imported values to a tree, which it changes,
// with the values that a user would give: what chartutil.ProcessDependenciesWithMerge does. The
// values of charts are replaced, and not changed. The error is that of Values.
func Dependencies(c *chart.Chart, given map[string]any) error {
	if err := takeOut(c, given, ""); err != nil {
		return err
	}
	return importAll(c)
}

// takeOut takes those out of the charts below c that tags and conditions switch off. The values
// are those of the charts above, and path is where those of c stand in them.
func takeOut(c *chart.Chart, values map[string]any, path string) error {
	declared := c.Metadata.Dependencies
	if declared == nil {
		return nil
	}
	c.SetDependencies(named(c)...)
	for _, d := range declared {
		d.Enabled = true
	}
	merged, err := Values(c, values)
	if err != nil {
		return err
	}
	byTags(declared, merged)
	byConditions(declared, merged, path)
	off := map[string]bool{}
	for _, d := range declared {
		if !d.Enabled {
			off[d.Name] = true
		}
	}
	var charts []*chart.Chart
	for _, child := range c.Dependencies() {
		if !off[child.Metadata.Name] {
			charts = append(charts, child)
		}
	}
	var kept []*chart.Dependency
	for _, d := range declared {
		if !off[d.Name] {
			kept = append(kept, d)
		}
	}
	for _, child := range charts {
		if err := takeOut(child, merged, path+child.Metadata.Name+"."); err != nil {
			return err
		}
	}
	c.Metadata.Dependencies = kept
	c.SetDependencies(charts...)
	return nil
}

// named are the charts below c: those that it does not declare, and then one for each that it
// does, with its alias for a name. A dependency has its alias for its name from then on.
func named(c *chart.Chart) []*chart.Chart {
	var all []*chart.Chart
	for _, child := range c.Dependencies() {
		if !slices.ContainsFunc(c.Metadata.Dependencies, func(d *chart.Dependency) bool { return isMeant(d, child) }) {
			all = append(all, child)
		}
	}
	for _, d := range c.Metadata.Dependencies {
		if d == nil {
			continue
		}
		if at := slices.IndexFunc(c.Dependencies(), func(child *chart.Chart) bool { return isMeant(d, child) }); at >= 0 {
			all = append(all, renamed(c.Dependencies()[at], d.Alias))
		}
		if d.Alias != "" {
			d.Name = d.Alias
		}
	}
	return all
}

// isMeant reports whether a dependency is satisfied by a chart.
func isMeant(d *chart.Dependency, c *chart.Chart) bool {
	return c.Name() == d.Name && chartutil.IsCompatibleRange(d.Version, c.Metadata.Version)
}

// renamed is a copy of a chart with another name, if there is one. What is below it is shared.
func renamed(c *chart.Chart, name string) *chart.Chart {
	clone, metadata := *c, *c.Metadata
	if name != "" {
		metadata.Name = name
	}
	clone.Metadata = &metadata
	return &clone
}

// byTags switches dependencies off of which tags are false, and none is true.
func byTags(declared []*chart.Dependency, values chartutil.Values) {
	tags, err := values.Table("tags")
	if err != nil {
		return
	}
	for _, d := range declared {
		var on, off bool
		for _, tag := range d.Tags {
			if value, isBool := tags[tag].(bool); isBool {
				on, off = on || value, off || !value
			}
		}
		d.Enabled = on || !off
	}
}

// byConditions switches dependencies on or off by the first of their conditions that is a truth
// value.
func byConditions(declared []*chart.Dependency, values chartutil.Values, path string) {
	for _, d := range declared {
		for condition := range strings.SplitSeq(strings.TrimSpace(d.Condition), ",") {
			if condition == "" {
				continue
			}
			if value, err := values.PathValue(path + condition); err == nil {
				if on, isBool := value.(bool); isBool {
					d.Enabled = on
					break
				}
			}
		}
	}
}

// importAll gives each chart of a tree the values of those below it, and what it imports of them.
func importAll(c *chart.Chart) error {
	for _, child := range c.Dependencies() {
		if err := importAll(child); err != nil {
			return err
		}
	}
	if c.Metadata.Dependencies == nil {
		return nil
	}
	values := map[string]any{}
	if err := ofChart(c, values, true); err != nil {
		return err
	}
	imported := map[string]any{}
	for _, d := range c.Metadata.Dependencies {
		d.ImportValues = importFrom(d, values, imported)
	}
	if len(imported) > 0 {
		// The imported values are those of the charts below, not copies of them: see share.
		values = copyOf(values)
		share(values, imported)
	}
	c.Values = values
	return nil
}

// importFrom adds what a dependency hands to the chart above it, and gives the list of that as
// Helm leaves it: each with the place that it comes from and the one that it goes to.
func importFrom(d *chart.Dependency, values chartutil.Values, into map[string]any) []any {
	var list []any
	for _, entry := range d.ImportValues {
		child, parent := "", "."
		switch e := entry.(type) {
		case map[string]any:
			child, parent = fmt.Sprint(e["child"]), fmt.Sprint(e["parent"])
		case string:
			child = "exports." + e
		default:
			continue
		}
		list = append(list, map[string]string{"child": child, "parent": parent})
		table, err := values.Table(d.Name + "." + child)
		if err != nil {
			continue
		}
		found := table.AsMap()
		if parent != "." {
			steps := strings.Split(parent, ".")
			for _, step := range slices.Backward(steps) {
				found = map[string]any{step: found}
			}
		}
		share(into, found)
	}
	return list
}
