package helmerror

import (
	"fmt"
	"path"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Load is why Helm's loader (helm.sh/helm/v3/pkg/chart/loader) does not load a
// chart.
type Load struct {
	// File is the slash path below the chart of the file that it is about; it is empty
	// where the error names none.
	File string
	// Line is where in the file, 0 where the error does not say.
	Line int
	// Cause is what Helm says of the file.
	Cause string
	// NoChartFile is set where a folder or package has no Chart.yaml; it is File.
	NoChartFile bool
	// Twice is the name by which two dependencies go at the top of the chart.
	Twice string
	// Field is a field of FieldFile, a Chart.yaml, that Helm does not take, as a path
	// with dots; FieldCause says in plain words what is wrong with it.
	Field, FieldFile, FieldCause string
}

// What the loader says around a cause, and in it: of the type of a field
// (encoding/json), of its value and of names that are given twice (Metadata.Validate of
// helm.sh/helm/v3/pkg/chart).
var (
	unpackingSubchart = lazyregexp.New(`^error unpacking subchart (?:tar in )?(\S+) in \S+: `)
	cannotLoad        = lazyregexp.New(`^cannot load (\S+): `)
	yamlLine          = lazyregexp.New(`yaml: line (\d+):`)
	wrongType         = lazyregexp.New(`cannot unmarshal (\w+) into Go struct field \w+\.([\w.]+) of type (\S+)$`)
	wrongValue        = lazyregexp.New(`^validation: chart\.metadata\.(\w+) (.*)$`)
	declaredTwice     = lazyregexp.New(`more than one dependency with name or alias "(.*)"`)
)

// OfLoad takes an error of Helm's loader apart.
func OfLoad(err error) Load {
	var fault Load
	fault.File, fault.Cause = unreadable(err)
	fault.NoChartFile = strings.HasPrefix(fault.Cause, "Chart.yaml file is missing")
	if m := yamlLine.FindStringSubmatch(fault.Cause); m != nil {
		fault.Line = number(m[1])
	}
	if m := declaredTwice.FindStringSubmatch(fault.Cause); m != nil && (fault.File == "" || fault.File == extension.ChartFile) {
		fault.Twice = m[1]
	}
	if m := wrongType.FindStringSubmatch(fault.Cause); m != nil && path.Base(fault.File) == extension.ChartFile {
		fault.Field, fault.FieldFile = m[2], fault.File
		fault.FieldCause = fmt.Sprintf("%s is %s, and has to be %s", m[2], jsonType(m[1]), goType(m[3]))
		if strings.HasPrefix(m[3], "chart.") {
			fault.FieldCause = fmt.Sprintf("an entry of %s is %s, and has to be a mapping", m[2], jsonType(m[1]))
		}
	} else if m := wrongValue.FindStringSubmatch(fault.Cause); m != nil {
		fault.Field, fault.FieldFile, fault.FieldCause = m[1], path.Join(fault.File, extension.ChartFile), m[1]+" "+m[2]
	}
	return fault
}

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
