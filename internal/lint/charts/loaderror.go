package charts

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/helmerror"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// chartError reports why Helm does not load the chart, at the file that it cannot
// read.
func chartError(pass *rule.Pass, err error) {
	if nameOrVersionTold(pass) {
		return
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // the outermost layer says which extension it is
	}
	var problem diagnostic.Diagnostic
	if errors.As(err, &problem) {
		pass.Problem(rule.Found("not-loaded", problem.Subject), problem)
		return
	}
	var nested *extension.NestedError
	if errors.As(err, &nested) {
		if errors.Is(nested.Err, unpack.ErrPointer) {
			pass.Report(rule.Found("not-loaded"), pass.Severity(), rule.Finding{
				File: nested.File, Message: "Helm cannot load the chart: it is a pointer of Git LFS, and not the file", Hint: rule.FetchPointers,
			})
			return
		}
		pass.Report(rule.Found("not-loaded"), pass.Severity(), rule.Finding{File: nested.File, Message: "Helm cannot load the chart: " + excerpt.Sentence(nested.Err.Error())})
		return
	}
	fault := helmerror.OfLoad(err)
	if fault.Twice != "" && twice(pass, fault.Twice) {
		return
	}
	if wrongField(pass, fault) {
		return
	}
	file := fault.File
	if problems := yamlProblems(pass, file); len(problems) > 0 {
		for _, p := range problems {
			p.Message = "Helm cannot load the chart: " + p.Message
			pass.Problem(rule.Found("not-loaded", p.Subject), p)
		}
		return
	}
	f := rule.Finding{
		File:    file,
		Message: "Helm cannot load the chart: " + excerpt.Sentence(helmerror.PlainTypes(kubesphere.Plain(errors.New(fault.Cause)))),
		Hint:    "correct the file; `ksrelease lint` shows whether it loads",
	}
	if fault.NoChartFile {
		f.Hint = "Helm takes whatever lies in a charts folder for a subchart, but for names that begin with . or _: give it a Chart.yaml, or move it"
		if pass.IsLeftOut(func(name string) bool { return name == path.Join(file, extension.ChartFile) }) {
			f.Hint = "it is there, and .helmignore leaves it out: remove that line"
		}
	}
	if fault.Line > 0 && file != "" {
		f.Range.Start.Line = fault.Line
		f.Excerpt = helmchart.Source{Text: string(pass.File(file))}.Excerpt(f.Range.Start.Line)
	}
	pass.Report(rule.Found("not-loaded"), pass.Severity(), f)
}

// wrongField reports, at its place in the Chart.yaml of a subchart, a field that Helm
// does not take. It is false where the fault is another one.
func wrongField(pass *rule.Pass, fault helmerror.Load) bool {
	data := pass.File(fault.FieldFile)
	if fault.Field == "" || data == nil {
		return false
	}
	document, err := yamldoc.Parse(fault.FieldFile, data)
	if err != nil {
		return false
	}
	pass.Problem(rule.Found("not-loaded", fault.Field), document.Problem("Helm cannot load the chart: "+excerpt.Sentence(fault.FieldCause), "fix it as Helm's documentation on Chart.yaml has it", strings.Split(fault.Field, ".")...))
	return true
}

// twice reports the second dependency that goes by a name, where it stands. It
// reports whether there is one.
func twice(pass *rule.Pass, name string) bool {
	first := 0
	for _, dependency := range pass.Entries("dependencies") {
		field := "name"
		if dependency.Text("alias") != "" {
			field = "alias"
		}
		if dependency.Text(field) != name {
			continue
		}
		if first == 0 {
			first, _ = pass.Ext.Document.Place(dependency.At(field)...)
			continue
		}
		pass.Problem(rule.Found("dependency-twice", name), pass.Ext.Document.Problem(
			fmt.Sprintf("Helm cannot load the chart: there is more than one dependency with the name or alias %q, first in line %d", excerpt.OneLine(name), first),
			"keep one of them, or give each an alias of its own, and a version, to have the subchart twice", dependency.At(field)...))
		return true
	}
	return false
}

// nameOrVersionTold reports whether the chart cannot load for a reason that the
// rules name and version report: without both there is no Chart.yaml.
func nameOrVersionTold(pass *rule.Pass) bool {
	badName := naming.ValidName(pass.Ext.Metadata.Name) != nil
	badVersion := naming.ValidVersion(pass.Ext.Metadata.Version) != nil
	return badName && (pass.IsOn("name") || pass.IsOn("schema")) || badVersion && (pass.IsOn("version") || pass.IsOn("schema"))
}

// yamlProblems reads a YAML file of the extension anew, for the places of what
// is wrong in it.
func yamlProblems(pass *rule.Pass, file string) diagnostic.List {
	data := pass.File(file)
	if data == nil || path.Ext(file) != ".yaml" {
		return nil
	}
	var problems diagnostic.List
	if _, err := yamldoc.Parse(file, data); errors.As(err, &problems) {
		return problems
	}
	return nil
}
