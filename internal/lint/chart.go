package lint

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

func chartRule() Rule {
	return Rule{
		Name:    "chart",
		Summary: "Helm loads the extension as a chart, and what it needs to install it is in the package",
		Why: "KubeSphere loads the package with Helm; a version that does not load never appears. Helm refuses to install " +
			"a chart whose declared dependencies are not all under charts/, and one of the type library. Of a key that values.yaml has twice, it takes the last " +
			"without a word, and a template that reads a file from `staticFileDirectory` reads nothing, for that is not in the package. " +
			"Of a Chart.yaml beside extension.yaml only `type` and `appVersion` count.",
		Fix:        "Mend the file that Helm cannot read; put the missing subchart under charts/, or take it out of dependencies. Keep what templates read out of `staticFileDirectory`.",
		Source:     "The repository controller of KubeSphere 4, which loads packages with the loader of Helm 3; Helm's action.CheckDependencies.",
		Default:    Error,
		needsChart: true,
		check:      checkChart,
	}
}

func checkChart(s *subject) {
	loaded, err := s.material.chart()
	if err != nil {
		s.chartError(err)
		return
	}
	s.repeatedValues()
	s.chartType(loaded.Chart)
	s.otherChart()
	s.readsOfStatic(loaded.Chart)
	s.declaredDependencies(loaded.Chart)
	if loaded.EnabledErr != nil {
		s.valuesError(loaded.EnabledErr)
		return
	}
	s.nestedDependencies(loaded)
}

// chartType tells a chart that Helm installs nowhere (checkIfInstallable of
// helm.sh/helm/v3/pkg/action).
func (s *subject) chartType(root *chart.Chart) {
	kind := root.Metadata.Type
	if kind == "" || kind == "application" {
		return
	}
	message, hint := fmt.Sprintf("the chart is of the type %q, and Helm installs only applications", oneLine(kind)), "take type out, or write application"
	if s.ext.Metadata.Type != "" {
		s.problem(s.ext.Document.Problem(message, hint, "type"))
		return
	}
	s.tell(s.severity(), Finding{File: s.path(extension.ChartFile), Message: message, Hint: hint})
}

// otherChart tells a Chart.yaml at the top that is of another chart than
// extension.yaml: somebody who edits it waits in vain for that to show.
func (s *subject) otherChart() {
	found, err := s.ext.FoundChart()
	if err != nil || found == nil {
		return
	}
	for _, field := range [...]struct{ name, there, counts string }{
		{"name", found.Name, s.ext.Metadata.Name}, {"version", found.Version, s.ext.Metadata.Version},
	} {
		if field.there != "" && field.there != field.counts {
			s.tell(s.atMost(Warning), Finding{
				File:    s.path(extension.ChartFile),
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
func (s *subject) readsOfStatic(root *chart.Chart) {
	for _, template := range root.Templates {
		for _, m := range fileRead.FindAllSubmatchIndex(template.Data, -1) {
			name := string(template.Data[m[2]:m[3]])
			if !s.ext.LeavesOut(path.Clean(name)) {
				continue
			}
			at := source{File: template.Name, Text: string(template.Data)}
			s.inSourceAs(s.atMost(Warning), at, lineIn(at, m[2]),
				fmt.Sprintf("the template reads %s, and staticFileDirectory leaves that out of the pushed package", oneLine(name)),
				"move the file into another folder: staticFileDirectory is for icon and screenshots")
		}
	}
}

// mistyped is how Helm says that a subchart's values are no mapping.
var mistyped = regexp.MustCompile(`type mismatch on (\S+): `)

// valuesError tells why Helm cannot merge the values of the subcharts.
func (s *subject) valuesError(err error) {
	f := Finding{
		File:    s.path("values.yaml"),
		Message: unmergeable(err),
		Hint:    "compare values.yaml with the dependencies in extension.yaml",
	}
	if mistyped.MatchString(err.Error()) {
		f.Hint = "put the values of the subchart there, or take the line out"
	}
	s.tell(s.severity(), f)
}

// unmergeable says in plain words why Helm cannot merge values.
func unmergeable(err error) string {
	if m := mistyped.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Sprintf("the values have no mapping under %q, the name of a subchart", oneLine(m[1]))
	}
	return "Helm cannot work out the subcharts and their values: " + oneSentence(plainTypes(err.Error()))
}

// chartError tells why Helm does not load the chart, at the file that it cannot
// read.
func (s *subject) chartError(err error) {
	if s.nameOrVersionTold() {
		return
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // the outermost layer says which extension it is
	}
	var problem yamldoc.Problem
	if errors.As(err, &problem) {
		s.problem(problem)
		return
	}
	var nested *extension.NestedError
	if errors.As(err, &nested) {
		s.tell(s.severity(), Finding{File: s.path(nested.File), Message: "Helm cannot load the chart: " + oneSentence(nested.Err.Error())})
		return
	}
	file, cause := unreadable(err)
	if m := declaredTwice.FindStringSubmatch(cause); m != nil && (file == "" || file == extension.ChartFile) && s.twice(m[1]) {
		return
	}
	if s.wrongField(file, cause) {
		return
	}
	if problems := s.yamlProblems(file); len(problems) > 0 {
		for _, p := range problems {
			p.Message = "Helm cannot load the chart: " + p.Message
			s.problem(p)
		}
		return
	}
	f := Finding{
		File:    s.path(file),
		Message: "Helm cannot load the chart: " + oneSentence(plainTypes(cause)),
		Hint:    "mend the file; `ksrelease lint` shows whether it loads",
	}
	if strings.HasPrefix(cause, "Chart.yaml file is missing") {
		f.Hint = "Helm takes whatever lies in a charts folder for a subchart, but for names that begin with . or _: give it a Chart.yaml, or move it"
	}
	if m := yamlLine.FindStringSubmatch(cause); m != nil && file != "" {
		f.Line = number(m[1])
		f.Excerpt = source{Text: string(s.file(file))}.excerpt(f.Line)
	}
	s.tell(s.severity(), f)
}

// What Helm says of a field of a Chart.yaml: of its type (encoding/json), and of its
// value (Metadata.Validate of helm.sh/helm/v3/pkg/chart).
var (
	wrongType  = regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field \w+\.([\w.]+) of type (\S+)$`)
	wrongValue = regexp.MustCompile(`^validation: chart\.metadata\.(\w+) (.*)$`)
)

// wrongField tells, at its place in the Chart.yaml of a subchart, a field that Helm
// does not take. It reports whether that is what the cause is about.
func (s *subject) wrongField(file, cause string) bool {
	field, what := "", ""
	if m := wrongType.FindStringSubmatch(cause); m != nil && path.Base(file) == extension.ChartFile {
		field, what = m[2], fmt.Sprintf("%s is %s, and has to be %s", m[2], jsonType(m[1]), goType(m[3]))
		if strings.HasPrefix(m[3], "chart.") {
			what = fmt.Sprintf("an entry of %s is %s, and has to be a mapping", m[2], jsonType(m[1]))
		}
	} else if m := wrongValue.FindStringSubmatch(cause); m != nil {
		file, field, what = path.Join(file, extension.ChartFile), m[1], m[1]+" "+m[2]
	}
	data := s.file(file)
	if field == "" || data == nil {
		return false
	}
	document, err := yamldoc.Parse(s.path(file), data)
	if err != nil {
		return false
	}
	s.problem(document.Problem("Helm cannot load the chart: "+oneSentence(what), "mend it as Helm's documentation on Chart.yaml has it", strings.Split(field, ".")...))
	return true
}

// jsonType is what encoding/json calls a kind of value, in plain words.
func jsonType(kind string) string {
	switch kind {
	case "string":
		return "a text"
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "bool":
		return "true or false"
	}
	return "a " + kind
}

// goType is a type of the fields of Chart.yaml in plain words.
func goType(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.HasPrefix(name, "map["):
		return "a mapping"
	case name == "bool":
		return "true or false"
	}
	return "a text"
}

// declaredTwice is how Helm refuses a chart with two dependencies that go by one
// name (Metadata.Validate of helm.sh/helm/v3/pkg/chart).
var declaredTwice = regexp.MustCompile(`more than one dependency with name or alias "(.*)"`)

// twice tells the second dependency that goes by a name, where it stands. It
// reports whether there is one.
func (s *subject) twice(name string) bool {
	first := 0
	for _, dependency := range s.entries("dependencies") {
		field := "name"
		if dependency.text("alias") != "" {
			field = "alias"
		}
		if dependency.text(field) != name {
			continue
		}
		if first == 0 {
			first, _ = s.ext.Document.Place(dependency.at(field)...)
			continue
		}
		s.problem(s.ext.Document.Problem(
			fmt.Sprintf("Helm cannot load the chart: there is more than one dependency with the name or alias %q, first in line %d", oneLine(name), first),
			"keep one of them, or give each an alias of its own, and a version, to have the subchart twice", dependency.at(field)...))
		return true
	}
	return false
}

// nameOrVersionTold reports whether the chart cannot load for a reason that the
// rules name and version tell: without both there is no Chart.yaml.
func (s *subject) nameOrVersionTold() bool {
	badName := extension.ValidName(s.ext.Metadata.Name) != nil
	badVersion := extension.ValidVersion(s.ext.Metadata.Version) != nil
	return badName && (s.isOn("name") || s.isOn("schema")) || badVersion && (s.isOn("version") || s.isOn("schema"))
}

// What Helm's loader (helm.sh/helm/v3/pkg/chart/loader) says around the cause.
var (
	unpackingSubchart = regexp.MustCompile(`^error unpacking subchart (?:tar in )?(\S+) in \S+: `)
	cannotLoad        = regexp.MustCompile(`^cannot load (\S+): `)
	yamlLine          = regexp.MustCompile(`yaml: line (\d+):`)
)

// unreadable finds, in an error of Helm's loader, the file that it is about. file
// is empty where the error names none.
func unreadable(err error) (file, cause string) {
	cause = err.Error()
	folder := ""
	for {
		m := unpackingSubchart.FindStringSubmatch(cause)
		if m == nil {
			break
		}
		folder = path.Join(folder, "charts", m[1])
		cause = cause[len(m[0]):]
	}
	if m := cannotLoad.FindStringSubmatch(cause); m != nil {
		return path.Join(folder, m[1]), cause[len(m[0]):]
	}
	return folder, cause
}

// yamlProblems reads a YAML file of the extension anew, for the places of what
// is wrong in it.
func (s *subject) yamlProblems(file string) yamldoc.Problems {
	data := s.file(file)
	if data == nil || path.Ext(file) != ".yaml" {
		return nil
	}
	var problems yamldoc.Problems
	if _, err := yamldoc.Parse(s.path(file), data); errors.As(err, &problems) {
		return problems
	}
	return nil
}

// declaredDependencies compares the dependencies of extension.yaml with what is
// under charts/, by name, as Helm does before it installs (CheckDependencies of
// helm.sh/helm/v3/pkg/action: conditions and tags do not matter there).
func (s *subject) declaredDependencies(root *chart.Chart) {
	value, _ := s.ext.Document.Value().(map[string]any)
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
		if childNamed(root, name) == nil {
			hint := "put the chart under charts/" + name + ", or take the dependency out"
			if near, ok := yamldoc.Nearest(name, present); ok {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			s.problem(s.ext.Document.Problem(fmt.Sprintf("the dependency %q is not there: no chart under charts/ has that name", name), hint, pointer...))
			continue
		}
		version, _ := fields["version"].(string)
		if alias, _ := fields["alias"].(string); alias != "" && version == "" {
			s.problemAs(s.atMost(Warning), s.ext.Document.Problem(
				fmt.Sprintf("the alias %q of the dependency %q has no effect: Helm looks at it only where version is given", alias, name),
				fmt.Sprintf("add version: %q", versionsOf(root, name)), "dependencies", strconv.Itoa(i), "alias"))
			continue
		}
		if version != "" && !anyInRange(root, name, version) {
			s.problemAs(s.atMost(Warning), s.ext.Document.Problem(
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
func (s *subject) nestedDependencies(loaded *loadedChart) {
	values := loaded.Renderer.values()
	originals := originalsOf(loaded.Chart)
	eachChart(loaded.Enabled, func(c *chart.Chart) {
		at, ok := loaded.Places.of(c)
		if !ok || c.IsRoot() {
			return
		}
		for _, dependency := range c.Metadata.Dependencies {
			if childNamed(c, dependency.Name) != nil || isThere(originals.of(c), dependency) || conditionFails(dependency, values, c) {
				continue
			}
			file, inside := at.file("Chart.yaml")
			s.inSourceAs(s.atMost(Warning), source{File: file, Inside: inside}, 0,
				fmt.Sprintf("the subchart %q depends on %q, which is switched on and not under its charts/", c.Name(), dependency.Name),
				"run `helm dependency build` in the subchart, or switch the dependency off in values.yaml")
		}
	})
}

// isThere reports whether the chart of a dependency was loaded, be it under
// another name: Helm, once done, calls a dependency by its alias.
func isThere(original *chart.Chart, dependency *chart.Dependency) bool {
	for _, declared := range original.Metadata.Dependencies {
		if declared != nil && (declared.Name == dependency.Name || declared.Alias == dependency.Name) && childNamed(original, declared.Name) != nil {
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
