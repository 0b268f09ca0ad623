package dependencies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// InstallationMode is the rule installation-mode.
func InstallationMode() rule.Rule {
	return rule.Rule{
		Name:    "installation-mode",
		Summary: "installationMode is one that KubeSphere has, and the tags of the subcharts fit it",
		Why: "The cluster refuses a version with an `installationMode` other than `HostOnly` and `Multicluster`, in just these letters: it " +
			"never appears, and each try to sync the repository ends there, so that other extensions are delayed.\n\n" +
			"On the host cluster KubeSphere installs the extension with `tags.extension=true` and `tags.agent=false`, and with every " +
			"condition of a subchart tagged `agent` set to false. In `Multicluster` it installs it once more on each chosen cluster, " +
			"with the tags the other way round, and every condition of a subchart tagged `extension` set to false. So a subchart " +
			"without either tag goes to the host cluster and to every chosen one; one tagged `agent` alone goes nowhere in `HostOnly`; " +
			"and one that has both tags and a condition goes nowhere at all.",
		Fix: "Tag each subchart by where it belongs:\n\n" +
			"installationMode: Multicluster\ndependencies:\n  - name: server # on the host cluster\n    tags: [extension]\n  - name: collector # on each chosen cluster\n    tags: [agent]",
		Source: "The extension development guide of KubeSphere; `InstallationMode` of kubesphere.io/api/core/v1alpha1, an enum of its API; `getOverrides` of KubeSphere 4 (pkg/controller/core/installplan_controller.go); Helm 3 on tags and conditions.",
		Codes: []rule.Code{
			{Name: "unknown-mode", Meaning: "KubeSphere has no such installationMode"},
			{Name: "installed-nowhere", Meaning: "KubeSphere installs a subchart nowhere"},
			{Name: "no-agent", Meaning: "nothing goes to the chosen clusters"},
			{Name: "untagged", Meaning: "a subchart goes to all clusters for lack of a tag"},
		},
		Default: rule.Error,
		Uses:    rule.Chart,
		Run:     checkInstallationMode,
	}
}

func checkInstallationMode(pass *rule.Pass) {
	mode, ok := installationMode(pass)
	if !ok {
		return
	}
	subcharts := taggedSubcharts(pass)
	if mode == helmchart.HostOnly {
		fitHostOnly(pass, subcharts)
		return
	}
	fitMulticluster(pass, subcharts)
}

// installationMode is the mode of the extension. It is not ok where the field
// has no value that KubeSphere knows, which is reported.
func installationMode(pass *rule.Pass) (mode string, ok bool) {
	value := pass.Field("installationMode")
	text, isText := value.(string)
	switch {
	case value == nil || isText && text == "":
		return helmchart.HostOnly, true
	case text == helmchart.HostOnly || text == helmchart.Multicluster:
		return text, true
	}
	written := excerpt.OneLine(text)
	if !isText {
		written, _, _ = pass.Ext.Document.Raw("installationMode")
	}
	message := fmt.Sprintf("installationMode must be %s or %s, not %q", helmchart.HostOnly, helmchart.Multicluster, written)
	if written == "" {
		message = fmt.Sprintf("installationMode must be %s or %s", helmchart.HostOnly, helmchart.Multicluster)
	}
	switch value.(type) {
	case []any, map[string]any:
		message += ": KubeSphere cannot decode it, and drops the version silently"
	default:
		message += ": the version never appears, and each try to sync the repository ends there, which delays other extensions"
	}
	hint := "remove the line for " + helmchart.HostOnly + ", which is the default"
	if near, found := yamldoc.Nearest(written, []string{helmchart.HostOnly, helmchart.Multicluster}); found {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	pass.Problem(rule.Found("unknown-mode"), pass.Ext.Document.Problem(message, hint, "installationMode"))
	return "", false
}

// taggedSubchart is a dependency with its place.
type taggedSubchart struct {
	helmchart.Subchart
	// Pointer is where it stands in extension.yaml.
	Pointer []string
}

func taggedSubcharts(pass *rule.Pass) []taggedSubchart {
	var list []taggedSubchart
	for _, dependency := range pass.Entries("dependencies") {
		subchart := taggedSubchart{helmchart.Subchart{Name: dependency.Text("name"), Tags: dependency.Texts("tags")}, dependency.Pointer}
		if condition := dependency.Text("condition"); condition != "" {
			subchart.Conditions = helmchart.ConditionPaths(condition)
		}
		list = append(list, subchart)
	}
	return list
}

// switched are subcharts without their places.
func switched(subcharts []taggedSubchart) []helmchart.Subchart {
	list := make([]helmchart.Subchart, len(subcharts))
	for i, c := range subcharts {
		list[i] = c.Subchart
	}
	return list
}

// place is where the subchart stands in extension.yaml: its tags, where it has
// some.
func (c taggedSubchart) place() []string {
	if len(c.Tags) > 0 {
		return append(slices.Clone(c.Pointer), "tags")
	}
	return append(slices.Clone(c.Pointer), "name")
}

func fitHostOnly(pass *rule.Pass, subcharts []taggedSubchart) {
	host := helmchart.InstallationOf(helmchart.TagExtension, switched(subcharts))
	for _, c := range subcharts {
		switch {
		case host.Takes(c.Subchart):
		case !host.TakesByTag(c.Subchart):
			unfit(pass, rule.Found("installed-nowhere", c.Name), fmt.Sprintf("the subchart %q is tagged %s, and in %s KubeSphere installs those nowhere", excerpt.OneLine(c.Name), helmchart.TagAgent, helmchart.HostOnly),
				fmt.Sprintf("write installationMode: %s, or tag it %s", helmchart.Multicluster, helmchart.TagExtension), c.place()...)
		default:
			switchedOffByKubeSphere(pass, c, host)
		}
	}
}

func fitMulticluster(pass *rule.Pass, subcharts []taggedSubchart) {
	host, agents := helmchart.InstallationOf(helmchart.TagExtension, switched(subcharts)), helmchart.InstallationOf(helmchart.TagAgent, switched(subcharts))
	onAgents := false
	for _, c := range subcharts {
		onHost, onAgent := host.Takes(c.Subchart), agents.Takes(c.Subchart)
		onAgents = onAgents || onAgent
		switch {
		case onHost && onAgent && !c.Has(helmchart.TagExtension) && !c.Has(helmchart.TagAgent):
			if !isLibrary(pass, c.Name) { // which installs nothing
				untagged(pass, c)
			}
		case !onHost && !onAgent && host.TakesByTag(c.Subchart):
			switchedOffByKubeSphere(pass, c, host)
		case !onHost && !onAgent:
			switchedOffByKubeSphere(pass, c, agents)
		}
	}
	if !onAgents {
		unfit(pass, rule.Found("no-agent"), fmt.Sprintf("installationMode is %s, and no subchart goes to the chosen clusters: none is tagged %s", helmchart.Multicluster, helmchart.TagAgent),
			fmt.Sprintf("tag the subcharts that belong there %s, or write installationMode: %s", helmchart.TagAgent, helmchart.HostOnly), "installationMode")
	}
}

// isLibrary reports whether a subchart only has definitions for others.
func isLibrary(pass *rule.Pass, name string) bool {
	loaded := pass.Chart()
	if loaded == nil {
		return false
	}
	child := helmchart.ChildNamed(loaded.Root, name)
	return child != nil && strings.EqualFold(child.Metadata.Type, "library")
}

// untagged reports a subchart that has neither tag in Multicluster.
func untagged(pass *rule.Pass, c taggedSubchart) {
	hint := fmt.Sprintf("tag it %s for the host cluster, %s for the chosen ones, or both to say that this is meant", helmchart.TagExtension, helmchart.TagAgent)
	for _, tag := range c.Tags {
		if near, ok := yamldoc.Nearest(tag, []string{helmchart.TagExtension, helmchart.TagAgent}); ok {
			hint = fmt.Sprintf("did you mean %q for the tag %q?", near, excerpt.OneLine(tag))
		}
	}
	unfit(pass, rule.Found("untagged", c.Name), fmt.Sprintf("the subchart %q has neither the tag %s nor %s: KubeSphere installs it on the host cluster and on every chosen one", excerpt.OneLine(c.Name), helmchart.TagExtension, helmchart.TagAgent),
		hint, c.place()...)
}

// switchedOffByKubeSphere reports a subchart whose tags let it in and whose
// condition KubeSphere sets to false, for its own tag or for another subchart's.
func switchedOffByKubeSphere(pass *rule.Pass, c taggedSubchart, where helmchart.Installation) {
	hint := "take the condition out, or leave it only one of the two tags"
	because := "it is tagged " + where.Off + " too"
	if !c.Has(where.Off) {
		because = "another subchart with this condition is tagged " + where.Off
		hint = "give each of the subcharts a condition of its own"
	}
	unfit(pass, rule.Found("installed-nowhere", c.Name), fmt.Sprintf("the subchart %q is installed nowhere: KubeSphere sets its condition %q to false, since %s", excerpt.OneLine(c.Name), excerpt.OneLine(c.Conditions[0]), because),
		hint, append(slices.Clone(c.Pointer), "condition")...)
}

// unfit reports tags that do not fit the mode. Some of them may be meant, so that
// they are no errors unless somebody says so.
func unfit(pass *rule.Pass, m rule.Identity, message, hint string, pointer ...string) {
	pass.ProblemAs(m, pass.ByDefault(rule.Warning), pass.Ext.Document.Problem(message, hint, pointer...))
}
