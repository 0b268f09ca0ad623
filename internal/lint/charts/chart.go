package charts

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/filereads"
	"github.com/ksrelease/ksrelease/internal/helmchart/helmerror"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Chart is the rule chart.
func Chart() rule.Rule {
	return rule.Rule{
		Name:    "chart",
		Summary: "Helm loads the extension as a chart, and what it needs to install it is in the package",
		Why: "KubeSphere loads the package with Helm; a version that does not load never appears. Helm refuses to install " +
			"a chart whose declared dependencies are not all under charts/, and one of the type library. Of a key that values.yaml has twice, it takes the last " +
			"without a word. A template that reads a file which its chart does not have reads nothing, without a word, too: " +
			"`.Files` takes paths below the chart of the template, exactly as they are written, and has neither templates/, charts/, Chart.yaml nor values.yaml; " +
			"nor is `staticFileDirectory` in the package. " +
			"Of a Chart.yaml next to extension.yaml only `type` and `appVersion` count.",
		Fix:    "Fix the file that Helm cannot read; put the missing subchart under charts/, or take it out of dependencies. Keep what templates read out of `staticFileDirectory`.",
		Source: "The repository controller of KubeSphere 4, which loads packages with the loader of Helm 3; Helm's action.CheckDependencies.",
		Codes: []rule.Code{
			{Name: "not-loaded", Meaning: "Helm cannot load the chart"},
			{Name: "dependency-twice", Meaning: "two dependencies have one name"},
			{Name: "values-not-merged", Meaning: "Helm cannot work out the values of the subcharts"},
			{Name: "values-not-a-mapping", Meaning: "the values of a subchart are no mapping"},
			{Name: "type", Meaning: "Helm does not install charts of this type"},
			{Name: "other-chart", Meaning: "Chart.yaml says something else than extension.yaml"},
			{Name: "file-left-out", Meaning: "a template reads a file that the package lacks"},
			{Name: "file-not-there", Meaning: "a template reads a file that its chart does not have"},
			{Name: "missing-dependency", Meaning: "a dependency is not under charts/"},
			{Name: "alias-without-version", Meaning: "an alias has no effect, for lack of a version"},
			{Name: "other-version", Meaning: "a subchart is there in another version than asked for"},
			{Name: "missing-nested-dependency", Meaning: "a dependency of a subchart is not there"},
			{Name: "not-checked", Meaning: "the rule is off, the chart cannot be used, and other rules could not look at it; this is reported all the same"},
			{Name: "repeated-key", Meaning: "values.yaml, of the extension or of a subchart, has a key twice"},
			{Name: "repeated-merge", Meaning: "values.yaml, of the extension or of a subchart, has << twice in a mapping"},
		},
		Default:  rule.Error,
		Needs:    rule.Dependencies,
		Explains: rule.Values,
		LeavesTo: []string{"helmignore", "name", "schema", "version"},
		Run:      checkChart,
	}
}

func checkChart(pass *rule.Pass) {
	missing, err := pass.Missing()
	if missing == rule.Chart {
		chartError(pass, err)
		return
	}
	loaded := pass.Chart()
	repeatedValues(pass, loaded)
	chartType(pass, loaded.Root)
	otherChart(pass)
	readsOfStatic(pass, loaded.Root)
	readsOfNothing(pass, loaded)
	declaredDependencies(pass, loaded.Root)
	if missing == rule.Values {
		valuesError(pass, err)
		return
	}
	nestedDependencies(pass, loaded)
}

// chartType reports a chart that Helm installs nowhere (checkIfInstallable of
// helm.sh/helm/v3/pkg/action).
func chartType(pass *rule.Pass, root *chart.Chart) {
	kind := root.Metadata.Type
	if kind == "" || kind == "application" {
		return
	}
	message, hint := fmt.Sprintf("the chart is of the type %q, and Helm installs only applications", excerpt.OneLine(kind)), "take type out, or write application"
	if pass.Ext.Metadata.Type != "" {
		pass.Problem(rule.Found("type", kind), pass.Ext.Document.Problem(message, hint, "type"))
		return
	}
	pass.Report(rule.Found("type", kind), pass.Severity(), rule.Finding{File: extension.ChartFile, Message: message, Hint: hint})
}

// otherChart reports a Chart.yaml at the top that is of another chart than
// extension.yaml: somebody who edits it waits in vain for that to show.
func otherChart(pass *rule.Pass) {
	found, err := pass.Ext.FoundChart()
	if err != nil || found == nil {
		return
	}
	for _, field := range [...]struct{ name, there, counts string }{
		{"name", found.Name, pass.Ext.Metadata.Name}, {"version", found.Version, pass.Ext.Metadata.Version},
	} {
		if field.there != "" && field.there != field.counts {
			pass.Report(rule.Found("other-chart", field.name), pass.AtMost(rule.Warning), rule.Finding{
				File:    extension.ChartFile,
				Message: fmt.Sprintf("the %s in Chart.yaml is %q, and %q in extension.yaml: the package gets a Chart.yaml made from extension.yaml", field.name, excerpt.OneLine(field.there), excerpt.OneLine(field.counts)),
				Hint:    "remove Chart.yaml; type and appVersion can stand in extension.yaml",
			})
		}
	}
}

// readsOfStatic reports what templates read that the pushed package lacks: .Files.Get
// gives an empty text then, and no error.
func readsOfStatic(pass *rule.Pass, root *chart.Chart) {
	for _, template := range root.Templates {
		for _, read := range filereads.Of(template.Data) {
			name := read.Pattern
			if !pass.Ext.LeavesOut(path.Clean(name)) {
				continue
			}
			at := helmchart.Source{File: template.Name, Text: string(template.Data)}
			pass.InSourceAs(rule.Found("file-left-out", name), pass.AtMost(rule.Warning), at, lineIn(at, read.Offset),
				fmt.Sprintf("the template reads %s, and staticFileDirectory leaves that out of the pushed package", excerpt.OneLine(name)),
				"move the file into another folder: staticFileDirectory is for icon and screenshots")
		}
	}
}

// valuesError reports why Helm cannot merge the values of the subcharts.
func valuesError(pass *rule.Pass, err error) {
	fault := helmerror.OfValues(err)
	id, f := rule.Found("values-not-merged"), rule.Finding{
		File:    "values.yaml",
		Message: fault.Cause,
		Hint:    "compare values.yaml with the dependencies in extension.yaml",
	}
	if fault.Subchart != "" {
		id = rule.Found("values-not-a-mapping", fault.Subchart)
		f.Hint = "put the values of the subchart there, or take the line out"
	}
	pass.Report(id, pass.Severity(), f)
}

// declaredDependencies compares the dependencies of extension.yaml with what is
// under charts/, by name, as Helm does before it installs (CheckDependencies of
// helm.sh/helm/v3/pkg/action: conditions and tags do not matter there).
func declaredDependencies(pass *rule.Pass, root *chart.Chart) {
	value, _ := pass.Ext.Document.Value().(map[string]any)
	declared, _ := value["dependencies"].([]any)
	present := make([]string, 0, len(root.Dependencies()))
	for _, child := range root.Dependencies() {
		present = append(present, child.Name())
	}
	for i, entry := range declared {
		fields, _ := entry.(map[string]any)
		name, _ := fields["name"].(string)
		if name == "" {
			continue // the schema says so
		}
		pointer := []string{"dependencies", strconv.Itoa(i), "name"}
		if helmchart.ChildNamed(root, name) == nil {
			if pass.IsLeftOut(func(file string) bool {
				return strings.HasPrefix(file, "charts/"+name+"/") || strings.HasPrefix(file, "charts/"+name+"-") || file == "charts/"+name+".tgz"
			}) {
				continue
			}
			hint := "put the chart under charts/" + name + ", or take the dependency out"
			if near, ok := yamldoc.Nearest(name, present); ok {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			pass.Problem(rule.Found("missing-dependency", name), pass.Ext.Document.Problem(fmt.Sprintf("the dependency %q is not there: no chart under charts/ has that name", name), hint, pointer...))
			continue
		}
		version, _ := fields["version"].(string)
		if alias, _ := fields["alias"].(string); alias != "" && version == "" {
			pass.ProblemAs(rule.Found("alias-without-version", alias), pass.AtMost(rule.Warning), pass.Ext.Document.Problem(
				fmt.Sprintf("the alias %q of the dependency %q has no effect: Helm looks at it only where version is given", alias, name),
				fmt.Sprintf("add version: %q", versionsOf(root, name)), "dependencies", strconv.Itoa(i), "alias"))
			continue
		}
		if version != "" && !anyInRange(root, name, version) {
			pass.ProblemAs(rule.Found("other-version", name), pass.AtMost(rule.Warning), pass.Ext.Document.Problem(
				fmt.Sprintf("the dependency %q asks for version %s, and charts/ has %s: Helm passes over its alias", name, version, versionsOf(root, name)),
				"let both name the same version, or leave the version out", "dependencies", strconv.Itoa(i), "version"))
		}
	}
}

func anyInRange(root *chart.Chart, name, constraint string) bool {
	for _, child := range root.Dependencies() {
		if child.Name() == name && chartutil.IsCompatibleRange(constraint, child.Metadata.Version) {
			return true
		}
	}
	return false
}

func versionsOf(root *chart.Chart, name string) string {
	versions := ""
	for _, child := range root.Dependencies() {
		if child.Name() == name {
			if versions != "" {
				versions += ", "
			}
			versions += child.Metadata.Version
		}
	}
	return versions
}

// nestedDependencies reports dependencies of subcharts that are switched on and
// not there. Helm checks only the top of the tree, and installs the rest without
// a word about what is missing.
func nestedDependencies(pass *rule.Pass, loaded *helmchart.Chart) {
	values := loaded.Renderer.Values()
	originals := helmchart.OriginalsOf(loaded.Root)
	helmchart.Each(loaded.Enabled, func(c *chart.Chart) {
		at, ok := loaded.Places.Of(c)
		if !ok || c.IsRoot() {
			return
		}
		for _, dependency := range c.Metadata.Dependencies {
			if helmchart.ChildNamed(c, dependency.Name) != nil || isThere(originals.Of(c), dependency) || conditionFails(dependency, values, c) {
				continue
			}
			file, inside := at.File("Chart.yaml")
			pass.InSourceAs(rule.Found("missing-nested-dependency", c.Name(), dependency.Name), pass.AtMost(rule.Warning), helmchart.Source{File: file, Inside: inside}, 0,
				fmt.Sprintf("the subchart %q depends on %q, which is switched on and not under its charts/", c.Name(), dependency.Name),
				"run `helm dependency build` in the subchart, or switch the dependency off in values.yaml")
		}
	})
}

// isThere reports whether the chart of a dependency was loaded, be it under
// another name: Helm, once done, calls a dependency by its alias.
func isThere(original *chart.Chart, dependency *chart.Dependency) bool {
	for _, declared := range original.Metadata.Dependencies {
		if declared != nil && (declared.Name == dependency.Name || declared.Alias == dependency.Name) && helmchart.ChildNamed(original, declared.Name) != nil {
			return true
		}
	}
	return false
}

// conditionFails reports whether the condition of a dependency is false in the
// values of the chart that declares it. Helm looks conditions up before it has
// applied the aliases of the charts above, so that below an alias it misses what
// subcharts say themselves; here that would be a false alarm.
func conditionFails(dependency *chart.Dependency, values chartutil.Values, c *chart.Chart) bool {
	prefix := strings.TrimPrefix(c.ChartPath()+".", c.Root().Name()+".")
	for _, condition := range strings.Split(dependency.Condition, ",") {
		value, err := values.PathValue(prefix + strings.TrimSpace(condition))
		if on, ok := value.(bool); err == nil && ok {
			return !on
		}
	}
	return false
}
