package lint

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

func chartRule() Rule {
	return Rule{
		Name:    "chart",
		Summary: "Helm loads the extension as a chart, and what it needs to install it is in the package",
		Why: "KubeSphere loads the package with Helm; a version that does not load never appears. Helm refuses to install " +
			"a chart whose declared dependencies are not all under charts/, and one of the type library. Of a key that values.yaml has twice, it takes the last " +
			"without a word, and a template that reads a file from `staticFileDirectory` reads nothing, for that is not in the package. " +
			"Of a Chart.yaml next to extension.yaml only `type` and `appVersion` count.",
		Fix:    "Fix the file that Helm cannot read; put the missing subchart under charts/, or take it out of dependencies. Keep what templates read out of `staticFileDirectory`.",
		Source: "The repository controller of KubeSphere 4, which loads packages with the loader of Helm 3; Helm's action.CheckDependencies.",
		Codes: []Code{
			{"not-loaded", "Helm cannot load the chart"},
			{"dependency-twice", "two dependencies have one name"},
			{"values-not-merged", "Helm cannot work out the values of the subcharts"},
			{"values-not-a-mapping", "the values of a subchart are no mapping"},
			{"type", "Helm does not install charts of this type"},
			{"other-chart", "Chart.yaml says something else than extension.yaml"},
			{"file-left-out", "a template reads a file that the package lacks"},
			{"missing-dependency", "a dependency is not under charts/"},
			{"alias-without-version", "an alias has no effect, for lack of a version"},
			{"other-version", "a subchart is there in another version than asked for"},
			{"missing-nested-dependency", "a dependency of a subchart is not there"},
			{"not-checked", "the rule is off, the chart cannot be used, and other rules could not look at it; this is reported all the same"},
			{"repeated-key", "values.yaml has a key twice"},
			{"repeated-merge", "values.yaml has << twice in a mapping"},
		},
		Default:    Error,
		needsChart: true,
		check:      checkChart,
	}
}

func checkChart(pass *subject) {
	loaded, err := pass.material.chart()
	if err != nil {
		chartError(pass, err)
		return
	}
	repeatedValues(pass)
	chartType(pass, loaded.Root)
	otherChart(pass)
	readsOfStatic(pass, loaded.Root)
	declaredDependencies(pass, loaded.Root)
	if loaded.EnabledErr != nil {
		valuesError(pass, loaded.EnabledErr)
		return
	}
	nestedDependencies(pass, loaded)
}

// chartType tells a chart that Helm installs nowhere (checkIfInstallable of
// helm.sh/helm/v3/pkg/action).
func chartType(pass *subject, root *chart.Chart) {
	kind := root.Metadata.Type
	if kind == "" || kind == "application" {
		return
	}
	message, hint := fmt.Sprintf("the chart is of the type %q, and Helm installs only applications", oneLine(kind)), "take type out, or write application"
	if pass.ext.Metadata.Type != "" {
		pass.problem(coded("type", kind), pass.ext.Document.Problem(message, hint, "type"))
		return
	}
	pass.tell(coded("type", kind), pass.severity(), Finding{File: pass.path(extension.ChartFile), Message: message, Hint: hint})
}

// otherChart tells a Chart.yaml at the top that is of another chart than
// extension.yaml: somebody who edits it waits in vain for that to show.
func otherChart(pass *subject) {
	found, err := pass.ext.FoundChart()
	if err != nil || found == nil {
		return
	}
	for _, field := range [...]struct{ name, there, counts string }{
		{"name", found.Name, pass.ext.Metadata.Name}, {"version", found.Version, pass.ext.Metadata.Version},
	} {
		if field.there != "" && field.there != field.counts {
			pass.tell(coded("other-chart", field.name), pass.atMost(Warning), Finding{
				File:    pass.path(extension.ChartFile),
				Message: fmt.Sprintf("the %s in Chart.yaml is %q, and %q in extension.yaml: the package gets a Chart.yaml made from extension.yaml", field.name, oneLine(field.there), oneLine(field.counts)),
				Hint:    "remove Chart.yaml; type and appVersion can stand in extension.yaml",
			})
		}
	}
}

// fileRead is how a template reads a file of its chart by name or pattern.
var fileRead = regexp.MustCompile(`\.Files\.(?:Get|GetBytes|Lines|Glob)\s+["` + "`" + `]([^"` + "`" + `]+)["` + "`" + `]`)

// readsOfStatic tells what templates read that the pushed package lacks: .Files.Get
// gives an empty text then, and no error.
func readsOfStatic(pass *subject, root *chart.Chart) {
	for _, template := range root.Templates {
		for _, m := range fileRead.FindAllSubmatchIndex(template.Data, -1) {
			name := string(template.Data[m[2]:m[3]])
			if !pass.ext.LeavesOut(path.Clean(name)) {
				continue
			}
			at := helmchart.Source{File: template.Name, Text: string(template.Data)}
			pass.inSourceAs(coded("file-left-out", name), pass.atMost(Warning), at, lineIn(at, m[2]),
				fmt.Sprintf("the template reads %s, and staticFileDirectory leaves that out of the pushed package", oneLine(name)),
				"move the file into another folder: staticFileDirectory is for icon and screenshots")
		}
	}
}

// mistyped is how Helm says that a subchart's values are no mapping.
var mistyped = regexp.MustCompile(`type mismatch on (\S+): `)

// valuesError tells why Helm cannot merge the values of the subcharts.
func valuesError(pass *subject, err error) {
	m, f := coded("values-not-merged"), Finding{
		File:    pass.path("values.yaml"),
		Message: unmergeable(err),
		Hint:    "compare values.yaml with the dependencies in extension.yaml",
	}
	if key := mistyped.FindStringSubmatch(err.Error()); key != nil {
		m = coded("values-not-a-mapping", key[1])
		f.Hint = "put the values of the subchart there, or take the line out"
	}
	pass.tell(m, pass.severity(), f)
}

// unmergeable says in plain words why Helm cannot merge values.
func unmergeable(err error) string {
	if m := mistyped.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Sprintf("the values have no mapping under %q, the name of a subchart", oneLine(m[1]))
	}
	return "Helm cannot work out the subcharts and their values: " + oneSentence(helmchart.PlainTypes(err.Error()))
}

// declaredDependencies compares the dependencies of extension.yaml with what is
// under charts/, by name, as Helm does before it installs (CheckDependencies of
// helm.sh/helm/v3/pkg/action: conditions and tags do not matter there).
func declaredDependencies(pass *subject, root *chart.Chart) {
	value, _ := pass.ext.Document.Value().(map[string]any)
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
			if pass.isLeftOut(func(file string) bool {
				return strings.HasPrefix(file, "charts/"+name+"/") || strings.HasPrefix(file, "charts/"+name+"-") || file == "charts/"+name+".tgz"
			}) {
				continue
			}
			hint := "put the chart under charts/" + name + ", or take the dependency out"
			if near, ok := yamldoc.Nearest(name, present); ok {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			pass.problem(coded("missing-dependency", name), pass.ext.Document.Problem(fmt.Sprintf("the dependency %q is not there: no chart under charts/ has that name", name), hint, pointer...))
			continue
		}
		version, _ := fields["version"].(string)
		if alias, _ := fields["alias"].(string); alias != "" && version == "" {
			pass.problemAs(coded("alias-without-version", alias), pass.atMost(Warning), pass.ext.Document.Problem(
				fmt.Sprintf("the alias %q of the dependency %q has no effect: Helm looks at it only where version is given", alias, name),
				fmt.Sprintf("add version: %q", versionsOf(root, name)), "dependencies", strconv.Itoa(i), "alias"))
			continue
		}
		if version != "" && !anyInRange(root, name, version) {
			pass.problemAs(coded("other-version", name), pass.atMost(Warning), pass.ext.Document.Problem(
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

// nestedDependencies tells dependencies of subcharts that are switched on and
// not there. Helm checks only the top of the tree, and installs the rest without
// a word about what is missing.
func nestedDependencies(pass *subject, loaded *helmchart.Chart) {
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
			pass.inSourceAs(coded("missing-nested-dependency", c.Name(), dependency.Name), pass.atMost(Warning), helmchart.Source{File: file, Inside: inside}, 0,
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
