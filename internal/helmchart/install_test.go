package helmchart

import (
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// TestInstallationsAreHelms: what an installation takes is what Helm installs
// with the values that KubeSphere sets.
func TestInstallationsAreHelms(t *testing.T) {
	tags := [][]string{nil, {"extension"}, {"agent"}, {"agent", "extension"}, {"other"}, {"other", "agent"}}
	conditions := [][]string{nil, {"x.on"}, {"y.on"}, {"x.on", "y.on"}}
	var kinds []Subchart
	for _, tag := range tags {
		for _, condition := range conditions {
			kinds = append(kinds, Subchart{Tags: tag, Conditions: condition})
		}
	}
	for i := range kinds {
		for j := range kinds {
			subcharts := []Subchart{kinds[i], kinds[j]}
			subcharts[0].Name, subcharts[1].Name = "one", "two"
			for _, tag := range []string{TagExtension, TagAgent} {
				where := InstallationOf(tag, subcharts)
				installed := installedBy(t, where, subcharts)
				for _, c := range subcharts {
					if where.Takes(c) != slices.Contains(installed, c.Name) {
						t.Fatalf("with the tag %s, of %+v Helm installs %v", tag, subcharts, installed)
					}
				}
			}
		}
	}
}

// installedBy are the subcharts that Helm installs. The values are those of an
// extension whose conditions are all true.
func installedBy(t *testing.T, where Installation, subcharts []Subchart) []string {
	t.Helper()
	root := &chart.Chart{Metadata: &chart.Metadata{Name: "root", Version: "1.0.0"}}
	for _, c := range subcharts {
		root.Metadata.Dependencies = append(root.Metadata.Dependencies,
			&chart.Dependency{Name: c.Name, Tags: c.Tags, Condition: strings.Join(c.Conditions, ",")})
		root.AddDependency(&chart.Chart{Metadata: &chart.Metadata{Name: c.Name, Version: "1.0.0"}})
	}
	set := map[string]any{"tags": map[string]any{where.On: true, where.Off: false}}
	for _, name := range []string{"x", "y"} {
		set[name] = map[string]any{"on": !where.Conditions[name+".on"]}
	}
	if err := chartutil.ProcessDependencies(root, set); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, child := range root.Dependencies() {
		names = append(names, child.Name())
	}
	return names
}
