package dependencies

import (
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// TestConditionsAreHelms: a condition has a value here where Helm obeys it.
func TestConditionsAreHelms(t *testing.T) {
	parents := []map[string]any{
		{}, {"web": map[string]any{"on": false}}, {"web": map[string]any{}}, {"on": false}, {"web": map[string]any{"on": "no"}},
		{"front": map[string]any{"on": false}}, {"web": map[string]any{"deep": map[string]any{"on": false}}},
	}
	children := []map[string]any{{}, {"on": false}, {"deep": map[string]any{"on": false}}}
	aliases := []string{"", "front"}
	conditions := []string{"on", "web.on", "front.on", "web.deep.on", "front.deep.on", "web", "", ".", "web..on", "on.web"}
	for _, parent := range parents {
		for _, child := range children {
			for _, alias := range aliases {
				for _, condition := range conditions {
					root := &chart.Chart{Values: parent, Metadata: &chart.Metadata{Name: "root", Version: "1.0.0",
						Dependencies: []*chart.Dependency{{Name: "web", Version: "0.1.0", Alias: alias, Condition: condition}}}}
					root.AddDependency(&chart.Chart{Values: child, Metadata: &chart.Metadata{Name: "web", Version: "0.1.0"}})
					value, _ := valueAt(root, condition)
					if err := chartutil.ProcessDependencies(root, map[string]any{}); err != nil {
						t.Fatal(err)
					}
					if off := len(root.Dependencies()) == 0; off != (value == false) {
						t.Errorf("values %v and %v, alias %q: the condition %q is %v here, and Helm leaves the subchart out: %t", parent, child, alias, condition, value, off)
					}
				}
			}
		}
	}
}
