package helmchart

import (
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/merge"
)

// The values of installationMode in extension.yaml, and the tags by which KubeSphere
// takes subcharts on the host cluster and on the chosen ones.
const (
	HostOnly     = "HostOnly"
	Multicluster = "Multicluster"

	TagExtension = "extension"
	TagAgent     = "agent"
)

// Subchart is a dependency as KubeSphere looks at it when it installs.
type Subchart struct {
	Name       string
	Tags       []string
	Conditions []string
}

// Has reports whether the subchart has a tag.
func (c Subchart) Has(tag string) bool { return slices.Contains(c.Tags, tag) }

// ConditionPaths are the paths of a condition as Helm takes it apart: blanks
// behind a comma belong to the path.
func ConditionPaths(condition string) []string {
	return strings.Split(strings.TrimSpace(condition), ",")
}

// Installation is one of the two ways in which KubeSphere installs an extension.
type Installation struct {
	// On is the tag that it sets to true, Off the one that it sets to false.
	On, Off string
	// Conditions are those that it sets to false.
	Conditions map[string]bool
}

// InstallationOf is the installation with a tag on: TagExtension on the host
// cluster, TagAgent on the chosen ones.
func InstallationOf(tag string, subcharts []Subchart) Installation {
	i := Installation{On: TagExtension, Off: TagAgent, Conditions: map[string]bool{}}
	if tag == TagAgent {
		i.On, i.Off = TagAgent, TagExtension
	}
	for _, subchart := range subcharts {
		if subchart.Has(i.Off) {
			for _, condition := range subchart.Conditions {
				i.Conditions[condition] = true
			}
		}
	}
	return i
}

// TakesByTag reports whether the tags let a subchart in: one that is on is
// enough.
func (i Installation) TakesByTag(c Subchart) bool { return c.Has(i.On) || !c.Has(i.Off) }

// Takes reports whether a subchart is installed, as far as KubeSphere decides
// it. Of several conditions Helm takes the first that has a value: what the
// first one is without KubeSphere, users decide.
func (i Installation) Takes(c Subchart) bool {
	return i.TakesByTag(c) && (len(c.Conditions) == 0 || !i.Conditions[c.Conditions[0]])
}

// sets are the values that KubeSphere sets for an installation (getOverrides of
// KubeSphere 4, pkg/controller/core/installplan_controller.go), but for those that say
// something of a cluster, and those that administrators configure.
func (i Installation) sets() map[string]any {
	all := map[string]any{"tags": map[string]any{i.On: true, i.Off: false}}
	for _, condition := range slices.Sorted(maps.Keys(i.Conditions)) {
		steps := strings.Split(condition, ".")
		if slices.Contains(steps, "") || condition != strings.TrimSpace(condition) {
			continue // Helm does not get as far as rendering
		}
		table := all
		for _, step := range steps[:len(steps)-1] {
			table = tableAt(table, step)
		}
		table[steps[len(steps)-1]] = false
	}
	if i.On == TagExtension {
		setPortal(tableAt(all, chartutil.GlobalKey))
	}
	return all
}

// installedAs are the trees that KubeSphere installs of an extension, with the
// clusters that each goes to: definitions of subcharts that are never installed
// together do not meet. The first is that on the host cluster; Multicluster has another
// one, on the chosen clusters.
func installedAs(ext *extension.Extension, c *Chart) ([]Renderer, error) {
	var subcharts []Subchart
	for _, d := range c.Enabled.Metadata.Dependencies {
		subchart := Subchart{Name: d.Name, Tags: d.Tags}
		if d.Condition != "" {
			subchart.Conditions = ConditionPaths(d.Condition)
		}
		subcharts = append(subcharts, subchart)
	}
	onHost, err := c.installedWith(InstallationOf(TagExtension, subcharts), subcharts)
	if err != nil || ext.Metadata.InstallationMode != Multicluster {
		return []Renderer{onHost.on(unsaid)}, err
	}
	chosen, err := c.installedWith(InstallationOf(TagAgent, subcharts), subcharts)
	chosen = chosen.on(Member).released(ext.Metadata.Name + "-agent")
	if err == nil && chosen.mention("clusterInfo") { // the host cluster may be chosen, too
		chosen.roles = append(chosen.roles, Host)
	}
	return []Renderer{onHost.on(unsaid), chosen}, err
}

// installedWith renders one installation.
//
// The subcharts that it does not take are taken out of the chart as Helm has processed
// it, and not by giving Helm the tags: that takes as long as a rendering. Where the tags
// reach deeper than that, Helm gets them.
func (c *Chart) installedWith(i Installation, subcharts []Subchart) (Renderer, error) {
	sets := i.sets()
	if c.reachesDeeper(i, subcharts) {
		tree, err := Process(c.Root, merge.Copy(sets).(map[string]any))
		if err != nil {
			return Renderer{}, err
		}
		r, err := c.rendererOf(tree)
		r.sets = sets
		return r, err
	}
	r := c.Renderer
	if slices.ContainsFunc(subcharts, func(s Subchart) bool { return !i.Takes(s) }) {
		r = r.of(without(c.Enabled, i, subcharts))
		r.top = c.topWithout(r.top, r.Tree)
	}
	r.sets = sets
	return r, nil
}

// topWithout is what templates see where the top of the tree has lost subcharts: of their
// values it has those that are written at the top.
func (c *Chart) topWithout(top chartutil.Values, tree *chart.Chart) chartutil.Values {
	merged, _ := top["Values"].(chartutil.Values)
	values := maps.Clone(merged)
	for _, child := range c.Enabled.Dependencies() {
		if ChildNamed(tree, child.Name()) != nil {
			continue
		}
		delete(values, child.Name())
		if own, ok := c.Root.Values[child.Name()]; ok && own != nil {
			values[child.Name()] = own
		}
	}
	top = maps.Clone(top)
	top["Values"] = values
	return top
}

// reachesDeeper reports whether what KubeSphere sets for an installation decides on more
// than the subcharts of the extension itself: on charts below them, or on values that
// the extension imports from a subchart which is not taken.
func (c *Chart) reachesDeeper(i Installation, subcharts []Subchart) bool {
	for n, d := range c.Enabled.Metadata.Dependencies {
		if len(d.ImportValues) > 0 && !i.Takes(subcharts[n]) {
			return true
		}
	}
	found := false
	Each(c.Enabled, func(one *chart.Chart) {
		if one.IsRoot() {
			return
		}
		path := strings.TrimPrefix(one.ChartPath(), c.Enabled.Name()+".") + "."
		for _, d := range one.Metadata.Dependencies {
			found = found || slices.Contains(d.Tags, i.On) || slices.Contains(d.Tags, i.Off) ||
				d.Condition != "" && slices.ContainsFunc(ConditionPaths(d.Condition), func(own string) bool { return i.Conditions[path+own] })
		}
	})
	return found
}

// installedNowhere names the subcharts that no installation takes, each with its path
// from the top.
func installedNowhere(c *Chart) []string {
	taken := map[string]bool{}
	for _, r := range c.Installed {
		Each(r.Tree, func(one *chart.Chart) { taken[one.ChartPath()] = true })
	}
	var names []string
	Each(c.Enabled, func(one *chart.Chart) {
		if !taken[one.ChartPath()] && taken[one.Parent().ChartPath()] {
			names = append(names, strings.TrimPrefix(one.ChartPath(), c.Enabled.Name()+"."))
		}
	})
	return names
}

// without is a tree without the subcharts that an installation does not take.
func without(root *chart.Chart, i Installation, subcharts []Subchart) *chart.Chart {
	tree := Clone(root)
	taken := map[string]bool{}
	for _, subchart := range subcharts {
		taken[subchart.Name] = i.Takes(subchart)
	}
	tree.Metadata.Dependencies = slices.DeleteFunc(tree.Metadata.Dependencies, func(d *chart.Dependency) bool { return !taken[d.Name] })
	tree.SetDependencies(slices.DeleteFunc(slices.Clone(tree.Dependencies()), func(child *chart.Chart) bool {
		takes, declared := taken[child.Name()]
		return declared && !takes
	})...)
	return tree
}
