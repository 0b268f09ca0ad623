package lint

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

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
		s.problem(coded("not-loaded", problem.About), problem)
		return
	}
	var nested *extension.NestedError
	if errors.As(err, &nested) {
		if errors.Is(nested.Err, extension.ErrPointer) {
			s.tell(coded("not-loaded"), s.severity(), Finding{
				File: s.path(nested.File), Message: "Helm cannot load the chart: it is a pointer of Git LFS, and not the file", Hint: fetchPointers,
			})
			return
		}
		s.tell(coded("not-loaded"), s.severity(), Finding{File: s.path(nested.File), Message: "Helm cannot load the chart: " + oneSentence(nested.Err.Error())})
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
			s.problem(coded("not-loaded", p.About), p)
		}
		return
	}
	f := Finding{
		File:    s.path(file),
		Message: "Helm cannot load the chart: " + oneSentence(plainTypes(kubesphere.Plain(errors.New(cause)))),
		Hint:    "correct the file; `ksrelease lint` shows whether it loads",
	}
	if strings.HasPrefix(cause, "Chart.yaml file is missing") {
		f.Hint = "Helm takes whatever lies in a charts folder for a subchart, but for names that begin with . or _: give it a Chart.yaml, or move it"
		if s.isLeftOut(func(name string) bool { return name == path.Join(file, extension.ChartFile) }) {
			f.Hint = "it is there, and .helmignore leaves it out: remove that line"
		}
	}
	if m := yamlLine.FindStringSubmatch(cause); m != nil && file != "" {
		f.Line = number(m[1])
		f.Excerpt = source{Text: string(s.file(file))}.excerpt(f.Line)
	}
	s.tell(coded("not-loaded"), s.severity(), f)
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
	s.problem(coded("not-loaded", field), document.Problem("Helm cannot load the chart: "+oneSentence(what), "fix it as Helm's documentation on Chart.yaml has it", strings.Split(field, ".")...))
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
		s.problem(coded("dependency-twice", name), s.ext.Document.Problem(
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
