package lint

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
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
	fault := helmchart.ExplainLoad(err)
	if fault.Twice != "" && s.twice(fault.Twice) {
		return
	}
	if s.wrongField(fault) {
		return
	}
	file := fault.File
	if problems := s.yamlProblems(file); len(problems) > 0 {
		for _, p := range problems {
			p.Message = "Helm cannot load the chart: " + p.Message
			s.problem(coded("not-loaded", p.About), p)
		}
		return
	}
	f := Finding{
		File:    s.path(file),
		Message: "Helm cannot load the chart: " + oneSentence(helmchart.PlainTypes(kubesphere.Plain(errors.New(fault.Cause)))),
		Hint:    "correct the file; `ksrelease lint` shows whether it loads",
	}
	if fault.NoChartFile {
		f.Hint = "Helm takes whatever lies in a charts folder for a subchart, but for names that begin with . or _: give it a Chart.yaml, or move it"
		if s.isLeftOut(func(name string) bool { return name == path.Join(file, extension.ChartFile) }) {
			f.Hint = "it is there, and .helmignore leaves it out: remove that line"
		}
	}
	if fault.Line > 0 && file != "" {
		f.Line = fault.Line
		f.Excerpt = helmchart.Source{Text: string(s.file(file))}.Excerpt(f.Line)
	}
	s.tell(coded("not-loaded"), s.severity(), f)
}

// wrongField reports, at its place in the Chart.yaml of a subchart, a field that Helm
// does not take. It is false where the fault is another one.
func (s *subject) wrongField(fault helmchart.LoadFault) bool {
	data := s.file(fault.FieldFile)
	if fault.Field == "" || data == nil {
		return false
	}
	document, err := yamldoc.Parse(s.path(fault.FieldFile), data)
	if err != nil {
		return false
	}
	s.problem(coded("not-loaded", fault.Field), document.Problem("Helm cannot load the chart: "+oneSentence(fault.FieldCause), "fix it as Helm's documentation on Chart.yaml has it", strings.Split(fault.Field, ".")...))
	return true
}

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
