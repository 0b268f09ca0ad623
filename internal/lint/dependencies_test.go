package lint

import (
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

func TestDependencies(t *testing.T) {
	dependency := func(lines, values string) []string {
		return []string{"extension.yaml", replaced(goodMetadata, "  - name: web\n    tags: [extension]\n", "  - name: web\n"+lines), "values.yaml", "global: {}\n" + values}
	}
	const extra = "apiVersion: v2\nname: extra\nversion: 0.1.0\n"
	testFindings(t, []findingTest{
		{name: "a condition in the values", changes: dependency("    condition: web.enabled\n", "web: {enabled: true}\n")},
		{name: "a condition that is false", changes: append(dependency("    condition: global.web\nimages: []\n", ""), "values.yaml", "global: {web: false}\n", "extension.yaml", replaced(replaced(goodMetadata, "    tags: [extension]\n", "    condition: global.web\n"), "images:\n  - docker.io/library/nginx:1.27.0\n", ""))},
		{name: "a condition in the values of the subchart", changes: append(dependency("    condition: web.active\n", ""), "charts/web/values.yaml", "tag: 1.27.0\nactive: true\n")},
		{name: "a condition under an alias", changes: append(dependency("    alias: front\n    version: 0.1.0\n    condition: front.active\n", ""), "charts/web/values.yaml", "tag: 1.27.0\nactive: true\n")},
		{name: "a second condition that has a value", changes: dependency("    condition: web.enabled,global.web\n", "web: {}\n")[:2], want: []string{
			`warning dependencies ext/extension.yaml:13:16: none of the conditions "web.enabled", "global.web" of the dependency "web" names a value in values.yaml: Helm passes over them, and the subchart stays on`,
		}},
		{name: "one of two conditions is enough", changes: dependency("    condition: web.enabled,switch\n", "switch: true\n")},
		{
			name:    "a condition without a value",
			changes: dependency("    condition: web.ui.enabled\n", "web: {}\n"),
			want:    []string{`warning dependencies ext/extension.yaml:13:16: the condition "web.ui.enabled" of the dependency "web" names no value in values.yaml: Helm passes over it, and the subchart stays on`},
			hint:    "add it to values.yaml:\nweb:\n  ui:\n    enabled: true",
		},
		{
			name:    "a misspelt condition",
			changes: dependency("    condition: web.enable\n", "web: {enabled: true}\n"),
			want:    []string{`warning dependencies ext/extension.yaml:13:16: the condition "web.enable" of the dependency "web" names no value in values.yaml: Helm passes over it, and the subchart stays on`},
			hint:    `did you mean "web.enabled"?`,
		},
		{
			name:    "a condition that is a mapping",
			changes: dependency("    condition: web\n", "web: {enabled: true}\n"),
			want:    []string{`warning dependencies ext/extension.yaml:13:16: the condition "web" of the dependency "web" names no value in values.yaml: Helm passes over it, and the subchart stays on`},
		},
		{
			name:    "a condition in quotes",
			changes: dependency("    condition: web.enabled\n", "web: {enabled: 'false'}\n"),
			want:    []string{`warning dependencies ext/extension.yaml:13:16: the condition "web.enabled" of the dependency "web" is the text "false" in values.yaml: Helm passes over what is not true or false`},
			hint:    "write web.enabled as true or false, without quotes",
		},
		{
			name:    "a condition that is a list",
			changes: dependency("    condition: web.enabled\n", "web: {enabled: [true]}\n"),
			want:    []string{`warning dependencies ext/extension.yaml:13:16: the condition "web.enabled" of the dependency "web" is a list in values.yaml: Helm passes over what is not true or false`},
		},
		{
			name:    "a condition that is a number",
			changes: dependency("    condition: web.enabled\n", "web: {enabled: 0}\n"),
			want:    []string{`warning dependencies ext/extension.yaml:13:16: the condition "web.enabled" of the dependency "web" is 0 in values.yaml: Helm passes over what is not true or false`},
		},
		{
			name:    "a blank behind the comma",
			changes: dependency("    condition: web.on, web.enabled\n", "web: {enabled: true}\n"),
			want:    []string{`warning dependencies ext/extension.yaml:13:16: the condition of the dependency "web" has a blank next to a comma, and Helm looks for a value of the name "web.enabled"`},
			hint:    `write it as "web.on,web.enabled"`,
		},
		{
			name:    "enabled: false",
			changes: dependency("    enabled: false\n", ""),
			want:    []string{`warning dependencies ext/extension.yaml:13:14: enabled: false has no effect on the dependency "web": Helm switches it on before it looks at conditions and tags`},
			hint:    "use a condition that is false in values.yaml, or take the dependency out",
		},
		{
			name:    "not declared",
			changes: []string{"charts/more/Chart.yaml", extra},
			want:    []string{`warning dependencies ext/extension.yaml:11:1: the subchart "extra" in charts/more is not among the dependencies: Helm installs it all the same, and nothing can switch it off`},
			hint:    "add it to dependencies:\n- name: extra",
		},
		{
			name:    "not declared, as a package",
			changes: []string{"charts/extra-0.1.0.tgz", packed(t, "extra", map[string]string{"Chart.yaml": extra})},
			want:    []string{`warning dependencies ext/extension.yaml:11:1: the subchart "extra" in charts/extra-0.1.0.tgz is not among the dependencies: Helm installs it all the same, and nothing can switch it off`},
		},
		{
			name:    "no dependencies at all",
			changes: []string{"extension.yaml", replaced(goodMetadata, "dependencies:\n  - name: web\n    tags: [extension]\n", "")},
			want:    []string{`warning dependencies ext/extension.yaml:1:1: the subchart "web" in charts/web is not among the dependencies: Helm installs it all the same, and nothing can switch it off`},
		},
		{
			name:    "not declared, on many clusters",
			changes: []string{"charts/extra/Chart.yaml", extra, "extension.yaml", replaced(goodMetadata, "[extension]", "[agent]") + "installationMode: Multicluster\n"},
			want:    []string{`warning dependencies ext/extension.yaml:11:1: the subchart "extra" in charts/extra is not among the dependencies: Helm installs it all the same, and nothing can switch it off; in Multicluster it goes to the host cluster and to every chosen one`},
			hint:    "add it to dependencies:\n- name: extra\n  tags: [extension]",
		},
		{
			name:    "declared by the name of its folder",
			changes: []string{"charts/web/Chart.yaml", "apiVersion: v2\nname: frontend\nversion: 0.1.0\n"},
			want:    []string{`error chart ext/extension.yaml:12:11: the dependency "web" is not there: no chart under charts/ has that name`},
		},
		{
			name:    "declared twice",
			changes: dependency("  - name: web\n    condition: web.enabled\n", ""),
			want:    []string{`error chart ext/extension.yaml:13:11: Helm cannot load the chart: there is more than one dependency with the name or alias "web", first in line 12`},
			hint:    "keep one of them, or give each an alias of its own, and a version, to have the subchart twice",
		},
		{
			name:    "two charts of one name",
			changes: []string{"charts/web-copy/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.2.0\n"},
			want:    []string{`warning dependencies ext/extension.yaml:11:1: charts/web and charts/web-copy hold charts with one name, "web": Helm takes their templates and values for those of one chart`},
		},
		{
			name:    "KubeSphere's tag switched off",
			changes: []string{"values.yaml", "global: {}\ntags:\n  extension: false\n  agent: true\n", "extension.yaml", replaced(goodMetadata, "images:\n  - docker.io/library/nginx:1.27.0\n", "")},
			want:    []string{`warning dependencies ext/values.yaml:3:14: tags.extension is switched off here, but KubeSphere sets it whenever it installs the extension`},
			hint:    "remove the line: it changes only what `helm template` shows",
		},
		{
			name:    "a tag of one's own switched off",
			changes: append(dependency("    tags: [big]\n", ""), "values.yaml", "global: {}\ntags: {big: false}\n", "extension.yaml", replaced(replaced(goodMetadata, "[extension]", "[big]"), "images:\n  - docker.io/library/nginx:1.27.0\n", "")),
			want:    []string{`info dependencies ext/values.yaml:2:13: tags.big is switched off here, so that "web" is not installed unless users switch it on`},
			hint:    "write true if it belongs to the extension",
		},
		{
			name:    "a tag that cannot switch anything off",
			changes: dependency("    tags: [big, extension]\n", "tags: {big: false, extension: true}\n"),
			want:    []string{`warning dependencies ext/values.yaml:2:13: tags.big is switched off here without effect: all that have the tag have another one that is on, which is enough for Helm`},
		},
		{
			name:    "a tag that nobody has",
			changes: []string{"values.yaml", "global: {}\ntags: {extensions: true}\n"},
			want:    []string{`warning dependencies ext/values.yaml:2:20: no dependency has the tag "extensions" that is set here`},
			hint:    `did you mean "extension"?`,
		},
		{
			name:    "tags that are no switches",
			changes: []string{"values.yaml", "global: {}\ntags: {extension: 'yes'}\n"},
			want:    []string{`warning dependencies ext/values.yaml:2:19: tags.extension is the text "yes": Helm passes over what is not true or false`},
			hint:    "write true or false, without quotes",
		},
		{
			name:    "tags without a value",
			changes: []string{"values.yaml", "global: {}\ntags: {extension: }\n"},
			want:    []string{`warning dependencies ext/values.yaml:2:8: tags.extension is empty: Helm passes over what is not true or false`},
		},
		{
			name:    "a tag that is a mapping, in values with a key twice",
			changes: []string{"values.yaml", "global: {}\ntags: {extension: {}}\nweb: {a: 1, a: 2}\n"},
			want: []string{
				`warning dependencies ext/values.yaml: tags.extension is a mapping: Helm passes over what is not true or false`,
				`warning chart ext/values.yaml:3:13: key "a" is given twice; it stands on line 3 already`,
			},
		},
		{
			name:    "tags that are no mapping",
			changes: []string{"values.yaml", "global: {}\ntags: [extension]\n"},
			want:    []string{`warning dependencies ext/values.yaml:2:7: tags in values.yaml is not a mapping of tags to true or false: Helm passes over it`},
		},
	})
}

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
