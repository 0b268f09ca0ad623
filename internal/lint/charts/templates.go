package charts

import (
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Templates is the rule templates.
func Templates() rule.Rule {
	return rule.Rule{
		Name:    "templates",
		Summary: "some chart of the extension has a template",
		Why: "Neither Helm nor KubeSphere asks for a template: an extension without one is released, shown and installed, and nothing comes of it. " +
			"Mostly the folder templates has another name, or lies one level too high or too low. Partials (_NAME.tpl), NOTES.txt and charts of the type library make nothing by themselves.",
		Fix:    "Put templates into the folder templates of a subchart, such as charts/web/templates/deployment.yaml.",
		Source: "Helm 3.18, https://github.com/helm/helm/blob/v3.18.1/pkg/chart/loader/load.go, which takes what lies in templates/ and crds/.",
		Codes: []rule.Code{
			{Name: "none", Meaning: "no chart of the extension has a template"},
		},
		Default:  rule.Warning,
		Needs:    rule.Chart,
		LeavesTo: []string{"chart", "helmignore"},
		Run:      checkTemplates,
	}
}

func checkTemplates(pass *rule.Pass) {
	root, found := pass.Chart().Root, false
	helmchart.Each(root, func(c *chart.Chart) { found = found || makesObjects(c) })
	if found || pass.IsOn("chart") && lacksDependency(root) || pass.IsLeftOut(func(name string) bool {
		return strings.Contains("/"+name+"/", "/templates/") || strings.HasPrefix(name+"/", "charts/")
	}) {
		return
	}
	pass.Report(rule.Found("none"), pass.Severity(), rule.Finding{
		Message: "no chart of the extension has a template: KubeSphere installs it, and nothing comes of it",
		Hint:    "put templates into the folder templates of a subchart, such as charts/web/templates/deployment.yaml",
	})
}

// makesObjects reports whether a chart has a template or a definition that Helm installs.
func makesObjects(c *chart.Chart) bool {
	return len(c.CRDObjects()) > 0 || c.Metadata.Type != "library" && slices.ContainsFunc(c.Templates, func(t *chart.File) bool {
		base := path.Base(t.Name)
		return !strings.HasPrefix(base, "_") && base != "NOTES.txt"
	})
}

// lacksDependency reports whether a chart that could have templates is not there.
func lacksDependency(root *chart.Chart) bool {
	return slices.ContainsFunc(root.Metadata.Dependencies, func(d *chart.Dependency) bool {
		return !slices.ContainsFunc(root.Dependencies(), func(c *chart.Chart) bool { return c.Name() == d.Name })
	})
}
