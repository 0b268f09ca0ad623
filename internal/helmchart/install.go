package helmchart

import (
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension"
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

// installedAs are the trees that KubeSphere installs of an extension, with the
// clusters that each goes to: definitions of subcharts that are never installed
// together do not meet.
//
// The subcharts are taken out of the chart as Helm has processed it, and not by
// giving Helm the tags: that takes as long as a rendering, and a subchart that is
// out has no other trace than values that nobody asks for.
func installedAs(ext *extension.Extension, c *Chart) []Renderer {
	whole := c.Renderer
	if ext.Metadata.InstallationMode != Multicluster {
		return []Renderer{whole}
	}
	var subcharts []Subchart
	for _, d := range c.Enabled.Metadata.Dependencies {
		subchart := Subchart{Name: d.Name, Tags: d.Tags}
		if d.Condition != "" {
			subchart.Conditions = ConditionPaths(d.Condition)
		}
		subcharts = append(subcharts, subchart)
	}
	onHost := whole.of(without(c.Enabled, InstallationOf(TagExtension, subcharts), subcharts))
	onMembers := whole.of(without(c.Enabled, InstallationOf(TagAgent, subcharts), subcharts)).on(Member)
	if onMembers.mention("clusterInfo") { // the host cluster may be chosen, too
		onMembers.roles = append(onMembers.roles, Host)
	}
	return []Renderer{onHost, onMembers}
}

// installedNowhere names the subcharts that no installation takes.
func installedNowhere(c *Chart) []string {
	var names []string
	for _, child := range c.Enabled.Dependencies() {
		if !slices.ContainsFunc(c.Installed, func(r Renderer) bool { return ChildNamed(r.Tree, child.Name()) != nil }) {
			names = append(names, child.Name())
		}
	}
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
