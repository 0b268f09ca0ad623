package extension

import (
	"path"
	"slices"
	"strings"
)

// NeededByHelm reports whether a file of an extension, or of a chart in it, is one that
// makes the chart: without it Helm installs something else, or nothing.
func NeededByHelm(name string) bool {
	inChart := nameInChart(name)
	top, rest, below := strings.Cut(inChart, "/")
	switch {
	case inChart == "values.yaml", inChart == ChartFile && inChart != name:
		return true
	case top == "templates" && below:
		return !strings.HasPrefix(rest, "tests/") && path.Base(rest) != "NOTES.txt" &&
			slices.Contains([]string{".yaml", ".yml", ".tpl", ".json", ".txt"}, path.Ext(rest))
	case top == "crds" && below:
		return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(rest))
	case top == "charts" && !strings.HasPrefix(rest, "_") && !strings.HasPrefix(rest, "."):
		return path.Ext(rest) == ".tgz" && !strings.Contains(rest, "/")
	}
	return false
}
