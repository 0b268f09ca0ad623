package lint

import (
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

func installationModeRule() Rule {
	return Rule{
		Name:    "installation-mode",
		Summary: "installationMode is one that KubeSphere has, and the tags of the subcharts fit it",
		Why: "The cluster refuses a version with an `installationMode` other than `HostOnly` and `Multicluster`, so that it " +
			"never appears.\n\n" +
			"On the host cluster KubeSphere installs the extension with `tags.extension=true` and `tags.agent=false`, and with every " +
			"condition of a subchart tagged `agent` set to false. In `Multicluster` it installs it once more on each chosen cluster, " +
			"with the tags the other way round, and every condition of a subchart tagged `extension` set to false. So a subchart " +
			"without either tag goes to the host cluster and to every chosen one; one tagged `agent` alone goes nowhere in `HostOnly`; " +
			"and one that has both tags and a condition goes nowhere at all.",
		Fix: "Tag each subchart by where it belongs:\n\n" +
			"installationMode: Multicluster\ndependencies:\n  - name: server # on the host cluster\n    tags: [extension]\n  - name: collector # on each chosen cluster\n    tags: [agent]",
		Source: "The extension development guide of KubeSphere; `InstallationMode` of kubesphere.io/api/core/v1alpha1, an enum of its API; `getOverrides` of KubeSphere 4 (pkg/controller/core/installplan_controller.go); Helm 3 on tags and conditions.",
		Codes: []Code{
			{"unknown-mode", "KubeSphere has no such installationMode"},
			{"installed-nowhere", "KubeSphere installs a subchart nowhere"},
			{"no-agent", "nothing goes to the chosen clusters"},
			{"untagged", "a subchart goes to all clusters for lack of a tag"},
		},
		Default: Error,
		check:   checkInstallationMode,
	}
}

const (
	hostOnly     = "HostOnly"
	multicluster = "Multicluster"

	tagExtension = "extension"
	tagAgent     = "agent"
)

func checkInstallationMode(s *subject) {
	mode, ok := s.installationMode()
	if !ok {
		return
	}
	subcharts := s.taggedSubcharts()
	if mode == hostOnly {
		s.fitHostOnly(subcharts)
		return
	}
	s.fitMulticluster(subcharts)
}

// installationMode is the mode of the extension. It is not ok where the field
// has no value that KubeSphere knows, which is told.
func (s *subject) installationMode() (mode string, ok bool) {
	value := s.field("installationMode")
	text, isText := value.(string)
	switch {
	case value == nil || isText && text == "":
		return hostOnly, true
	case text == hostOnly || text == multicluster:
		return text, true
	}
	written := oneLine(text)
	if !isText {
		written, _, _ = s.ext.Document.Raw("installationMode")
	}
	message := fmt.Sprintf("installationMode must be %s or %s, not %q", hostOnly, multicluster, written)
	if written == "" {
		message = fmt.Sprintf("installationMode must be %s or %s", hostOnly, multicluster)
	}
	hint := "remove the line for " + hostOnly + ", which is the default"
	if near, found := yamldoc.Nearest(written, []string{hostOnly, multicluster}); found {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	s.problem(coded("unknown-mode"), s.ext.Document.Problem(message, hint, "installationMode"))
	return "", false
}

// taggedSubchart is a dependency as KubeSphere looks at it when it installs.
type taggedSubchart struct {
	Name       string
	Tags       []string
	Conditions []string
	Pointer    []string
}

func (s *subject) taggedSubcharts() []taggedSubchart {
	var list []taggedSubchart
	for _, dependency := range s.entries("dependencies") {
		subchart := taggedSubchart{Name: dependency.text("name"), Tags: dependency.texts("tags"), Pointer: dependency.Pointer}
		if condition := dependency.text("condition"); condition != "" {
			subchart.Conditions = conditionPaths(condition)
		}
		list = append(list, subchart)
	}
	return list
}

// conditionPaths are the paths of a condition as Helm takes it apart: blanks
// behind a comma belong to the path.
func conditionPaths(condition string) []string {
	return strings.Split(strings.TrimSpace(condition), ",")
}

func (c taggedSubchart) has(tag string) bool { return slices.Contains(c.Tags, tag) }

// place is where the subchart stands in extension.yaml: its tags, where it has
// some.
func (c taggedSubchart) place() []string {
	if len(c.Tags) > 0 {
		return append(slices.Clone(c.Pointer), "tags")
	}
	return append(slices.Clone(c.Pointer), "name")
}

// installation is one of the two ways in which KubeSphere installs an extension.
type installation struct {
	// On is the tag that it sets to true, Off the one that it sets to false.
	On, Off string
	// Conditions are those that it sets to false.
	Conditions map[string]bool
}

// installationOf is the installation with a tag on: tagExtension on the host
// cluster, tagAgent on the chosen ones.
func installationOf(tag string, subcharts []taggedSubchart) installation {
	i := installation{On: tagExtension, Off: tagAgent, Conditions: map[string]bool{}}
	if tag == tagAgent {
		i.On, i.Off = tagAgent, tagExtension
	}
	for _, subchart := range subcharts {
		if subchart.has(i.Off) {
			for _, condition := range subchart.Conditions {
				i.Conditions[condition] = true
			}
		}
	}
	return i
}

// takesByTag reports whether the tags let a subchart in: one that is on is
// enough.
func (i installation) takesByTag(c taggedSubchart) bool { return c.has(i.On) || !c.has(i.Off) }

// takes reports whether a subchart is installed, as far as KubeSphere decides
// it. Of several conditions Helm takes the first that has a value: what the
// first one is without KubeSphere, users decide.
func (i installation) takes(c taggedSubchart) bool {
	return i.takesByTag(c) && (len(c.Conditions) == 0 || !i.Conditions[c.Conditions[0]])
}

// installedAs are the trees that KubeSphere installs of an extension, with the
// clusters that each goes to: definitions of subcharts that are never installed
// together do not meet.
//
// The subcharts are taken out of the chart as Helm has processed it, and not by
// giving Helm the tags: that takes as long as a rendering, and a subchart that is
// out has no other trace than values that nobody asks for.
func installedAs(ext *extension.Extension, c *loadedChart) []renderer {
	whole := c.Renderer
	if ext.Metadata.InstallationMode != multicluster {
		return []renderer{whole}
	}
	var subcharts []taggedSubchart
	for _, d := range c.Enabled.Metadata.Dependencies {
		subchart := taggedSubchart{Name: d.Name, Tags: d.Tags}
		if d.Condition != "" {
			subchart.Conditions = conditionPaths(d.Condition)
		}
		subcharts = append(subcharts, subchart)
	}
	onHost, onMembers := whole, whole
	onHost.chart = without(c.Enabled, installationOf(tagExtension, subcharts), subcharts)
	onMembers.chart = without(c.Enabled, installationOf(tagAgent, subcharts), subcharts)
	onMembers.clusters = []cluster{memberCluster}
	if onMembers.mention("clusterInfo") { // the host cluster may be chosen, too
		onMembers.clusters = append(onMembers.clusters, hostCluster)
	}
	return []renderer{onHost, onMembers}
}

// installedNowhere names the subcharts that no installation takes.
func installedNowhere(c *loadedChart) []string {
	var names []string
	for _, child := range c.Enabled.Dependencies() {
		if !slices.ContainsFunc(c.Installed, func(r renderer) bool { return childNamed(r.chart, child.Name()) != nil }) {
			names = append(names, child.Name())
		}
	}
	return names
}

// without is a tree without the subcharts that an installation does not take.
func without(root *chart.Chart, i installation, subcharts []taggedSubchart) *chart.Chart {
	tree := cloneChart(root)
	taken := map[string]bool{}
	for _, subchart := range subcharts {
		taken[subchart.Name] = i.takes(subchart)
	}
	tree.Metadata.Dependencies = slices.DeleteFunc(tree.Metadata.Dependencies, func(d *chart.Dependency) bool { return !taken[d.Name] })
	tree.SetDependencies(slices.DeleteFunc(slices.Clone(tree.Dependencies()), func(child *chart.Chart) bool {
		takes, declared := taken[child.Name()]
		return declared && !takes
	})...)
	return tree
}

func (s *subject) fitHostOnly(subcharts []taggedSubchart) {
	host := installationOf(tagExtension, subcharts)
	for _, c := range subcharts {
		switch {
		case host.takes(c):
		case !host.takesByTag(c):
			s.unfit(coded("installed-nowhere", c.Name), fmt.Sprintf("the subchart %q is tagged %s, and in %s KubeSphere installs those nowhere", oneLine(c.Name), tagAgent, hostOnly),
				fmt.Sprintf("write installationMode: %s, or tag it %s", multicluster, tagExtension), c.place()...)
		default:
			s.switchedOffByKubeSphere(c, host)
		}
	}
}

func (s *subject) fitMulticluster(subcharts []taggedSubchart) {
	host, agents := installationOf(tagExtension, subcharts), installationOf(tagAgent, subcharts)
	onAgents := false
	for _, c := range subcharts {
		onHost, onAgent := host.takes(c), agents.takes(c)
		onAgents = onAgents || onAgent
		switch {
		case onHost && onAgent && !c.has(tagExtension) && !c.has(tagAgent):
			if !s.isLibrary(c.Name) { // which installs nothing
				s.untagged(c)
			}
		case !onHost && !onAgent && host.takesByTag(c):
			s.switchedOffByKubeSphere(c, host)
		case !onHost && !onAgent:
			s.switchedOffByKubeSphere(c, agents)
		}
	}
	if !onAgents {
		s.unfit(coded("no-agent"), fmt.Sprintf("installationMode is %s, and no subchart goes to the chosen clusters: none is tagged %s", multicluster, tagAgent),
			fmt.Sprintf("tag the subcharts that belong there %s, or write installationMode: %s", tagAgent, hostOnly), "installationMode")
	}
}

// isLibrary tells whether a subchart only has definitions for others.
func (s *subject) isLibrary(name string) bool {
	loaded, err := s.material.chart()
	if err != nil {
		return false
	}
	child := childNamed(loaded.Chart, name)
	return child != nil && strings.EqualFold(child.Metadata.Type, "library")
}

// untagged tells a subchart that has neither tag in Multicluster.
func (s *subject) untagged(c taggedSubchart) {
	hint := fmt.Sprintf("tag it %s for the host cluster, %s for the chosen ones, or both to say that this is meant", tagExtension, tagAgent)
	for _, tag := range c.Tags {
		if near, ok := yamldoc.Nearest(tag, []string{tagExtension, tagAgent}); ok {
			hint = fmt.Sprintf("did you mean %q for the tag %q?", near, oneLine(tag))
		}
	}
	s.unfit(coded("untagged", c.Name), fmt.Sprintf("the subchart %q has neither the tag %s nor %s: KubeSphere installs it on the host cluster and on every chosen one", oneLine(c.Name), tagExtension, tagAgent),
		hint, c.place()...)
}

// switchedOffByKubeSphere tells a subchart whose tags let it in and whose
// condition KubeSphere sets to false, for its own tag or for another subchart's.
func (s *subject) switchedOffByKubeSphere(c taggedSubchart, where installation) {
	hint := "take the condition out, or leave it only one of the two tags"
	because := "it is tagged " + where.Off + " too"
	if !c.has(where.Off) {
		because = "another subchart with this condition is tagged " + where.Off
		hint = "give each of the subcharts a condition of its own"
	}
	s.unfit(coded("installed-nowhere", c.Name), fmt.Sprintf("the subchart %q is installed nowhere: KubeSphere sets its condition %q to false, since %s", oneLine(c.Name), oneLine(c.Conditions[0]), because),
		hint, append(slices.Clone(c.Pointer), "condition")...)
}

// unfit tells tags that do not fit the mode. Some of them may be meant, so that
// they are no errors unless somebody says so.
func (s *subject) unfit(m mark, message, hint string, pointer ...string) {
	s.problemAs(m, s.byDefault(Warning), s.ext.Document.Problem(message, hint, pointer...))
}
