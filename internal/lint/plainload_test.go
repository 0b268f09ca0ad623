package lint

import (
	"strings"
	"testing"
)

// Why a chart does not load is said without types of Go, whichever file it is.
func TestChartErrorsNameNoTypesOfGo(t *testing.T) {
	for file, c := range map[string]struct{ text, want string }{
		"values.yaml":            {"- a\n", "a list stands where a mapping belongs"},
		"charts/web/values.yaml": {"text\n", "a text stands where a mapping belongs"},
		"charts/web/Chart.yaml":  {"- a\n", "a list stands where a mapping belongs"},
		"charts/web/Chart.lock":  {"- a\n", "a list stands where a mapping belongs"},
		"Chart.lock":             {"dependencies: x\n", "dependencies is a text, and has to be a list"},
	} {
		found := strings.Join(told(check(t, with(goodFiles(), file, c.text), "chart", "dependency-lock")), "\n")
		if !strings.Contains(found, c.want) || strings.Contains(found, "Go ") || strings.Contains(found, "json:") {
			t.Errorf("%s: %s, want %s", file, found, c.want)
		}
	}
}
