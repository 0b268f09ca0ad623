package helmchart

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	helm "helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/strvals"

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

// TestOverridesAreHelms: each installation renders as Helm does with what the executor of
// KubeSphere gives it by --set, whatever that reaches: subcharts of subcharts, values of
// all charts, values that are imported from a subchart which is out.
func TestOverridesAreHelms(t *testing.T) {
	const shown = "# {{ .Chart.Name }} {{ toJson .Values }}"
	files := with(goodFiles(),
		"extension.yaml", `apiVersion: kubesphere.io/v1alpha1
name: web
version: 1.0.0
installationMode: Multicluster
dependencies:
  - name: web
    tags: [extension]
    condition: global.server.enabled,web.enabled
  - name: agent
    tags: [agent]
    condition: agent.enabled,agent.deep.enabled,plain
    import-values: [shared]
  - name: both
    tags: [extension, agent]
  - name: none
`,
		"values.yaml", "global: {server: {enabled: true}}\nplain: {was: a table}\nagent: {deep: text}\n",
		"templates/a.yaml", shown,
		"charts/web/templates/deployment.yaml", shown,
	)
	for name, more := range map[string]string{
		"agent": "",
		"both":  "dependencies:\n  - {name: x, version: 1.0.0, tags: [extension]}\n  - {name: why, version: 1.0.0, tags: [agent]}\n  - {name: z, version: 1.0.0}\n",
		"none":  "",
	} {
		files["charts/"+name+"/Chart.yaml"] = "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n" + more
		files["charts/"+name+"/values.yaml"] = "enabled: true\nexports: {shared: {imported: yes, plain: 1}}\nglobal: {own: 1, server: {port: 1}}\n"
		files["charts/"+name+"/templates/a.yaml"] = shown
	}
	for _, name := range []string{"x", "why", "z"} {
		files["charts/both/charts/"+name+"/Chart.yaml"] = "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"
		files["charts/both/charts/"+name+"/templates/a.yaml"] = shown
	}
	for name, changes := range map[string][]string{
		"all of it":         nil,
		"nothing is deeper": {"charts/both/Chart.yaml", "apiVersion: v2\nname: both\nversion: 1.0.0\n"},
		"nothing imported":  {"extension.yaml", replaced(files["extension.yaml"], "    import-values: [shared]\n", ""), "charts/both/Chart.yaml", "apiVersion: v2\nname: both\nversion: 1.0.0\n"},
		"a condition of a deeper chart": {
			"extension.yaml", replaced(replaced(files["extension.yaml"], "    import-values: [shared]\n", ""), ",plain", ",both.z.enabled"),
			"charts/both/Chart.yaml", "apiVersion: v2\nname: both\nversion: 1.0.0\ndependencies:\n  - {name: z, version: 1.0.0, condition: z.enabled}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			loaded, err := Load(load(t, with(files, changes...)))
			if err != nil || loaded.EnabledErr != nil {
				t.Fatal(err, loaded.EnabledErr)
			}
			conditions := map[string][]string{}
			for _, d := range loaded.Root.Metadata.Dependencies {
				for _, tag := range d.Tags {
					conditions[tag] = append(conditions[tag], strings.Split(d.Condition, ",")...)
				}
			}
			sets := func(on, off string, more ...string) string {
				all := append([]string{"tags." + on + "=true", "tags." + off + "=false"}, more...)
				for _, condition := range conditions[off] {
					if condition != "" {
						all = append(all, condition+"=false")
					}
				}
				return strings.Join(all, ",")
			}
			given := []string{
				sets("extension", "agent", "global.portal.url="+portalURL),
				sets("agent", "extension", "global.clusterInfo.name=member", "global.clusterInfo.role=member"),
			}
			for i, r := range loaded.Installed {
				values, err := strvals.Parse(given[i])
				if err != nil {
					t.Fatal(err)
				}
				tree := Clone(loaded.Root)
				if err := chartutil.ProcessDependenciesWithMerge(tree, values); err != nil {
					t.Fatal(err)
				}
				top, err := chartutil.ToRenderValues(tree, values, chartutil.ReleaseOptions{}, nil)
				if err != nil {
					t.Fatal(err)
				}
				want, err := helm.Engine{}.Render(tree, top)
				if err != nil {
					t.Fatal(err)
				}
				got, err := r.Once(t.Context(), nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				delete(want, "web/charts/web/templates/NOTES.txt")
				delete(got, "web/charts/web/templates/NOTES.txt")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("with %s (-Helm's +ours):\n%s", given[i], diff)
				}
			}
		})
	}
}
