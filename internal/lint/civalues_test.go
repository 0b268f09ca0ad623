package lint

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCIValues(t *testing.T) {
	const broken = "{{ if .Values.ingress }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Values.ingress.host.name }} }\n{{ end }}"
	const hint = "fix the template or the values; KubeSphere installs the chart with other values, so users may never meet this"
	testFindings(t, []findingTest{
		{name: "all render", changes: []string{"charts/web/ci/a-values.yaml", "tag: '1'\n", "charts/web/ci/b-values.yaml", "", "charts/web/ci/c-values.yaml", "# none\n", "ci/x-values.yaml", "a: b\n"}},
		{
			name: "some do not", changes: []string{
				"charts/web/templates/a.yaml", broken,
				"charts/web/ci/a-values.yaml", "tag: '1'\n", "charts/web/ci/b-values.yaml", "ingress: {x: y}\n",
				"charts/web/ci/c-values.yaml", "tag: '2'\n", "charts/web/ci/d-values.yaml", "ingress: {z: y}\n", "charts/web/ci/kubeval.yaml", "ingress: {z: y}\n",
			},
			want: []string{`warning ci-values ext/charts/web/ci/b-values.yaml: the chart web does not render with these values: charts/web/templates/a.yaml:3: name is asked of a value that is not set, in {{ .Values.ingress.host.name }} (nor with one other file of ci/)`},
			hint: hint,
		},
		{
			name: "the first of them", changes: []string{"charts/web/templates/a.yaml", broken, "charts/web/ci/a-values.yaml", "ingress: {x: y}\n", "charts/web/ci/b-values.yaml", "tag: '1'\n"},
			want: []string{`warning ci-values ext/charts/web/ci/a-values.yaml: the chart web does not render with these values: charts/web/templates/a.yaml:3: name is asked of a value that is not set, in {{ .Values.ingress.host.name }}`},
		},
		{
			name: "a requirement in a subchart of it", changes: []string{
				"charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies: [{name: db, version: 1.0.0, condition: db.enabled}]\n",
				"charts/web/values.yaml", "tag: 1.27.0\ndb: {enabled: false}\n",
				"charts/web/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n",
				"charts/web/charts/db/templates/a.yaml", "{{ fail \"set db.host\" }}",
				"charts/web/ci/off-values.yaml", "tag: '1'\n", "charts/web/ci/on-values.yaml", "db: {enabled: true}\n",
			},
			want: []string{`warning ci-values ext/charts/web/ci/on-values.yaml: the chart web does not render with these values: charts/web/charts/db/templates/a.yaml:1: set db.host`},
		},
		{
			name: "values that are none", changes: []string{"charts/web/ci/a-values.yaml", "a: b\n  c: d\n", "charts/web/ci/b-values.yaml", "- a\n"},
			want: []string{
				`warning ci-values ext/charts/web/ci/a-values.yaml:2:3: this line is indented deeper than the one above it, which has a value already`,
				`warning ci-values ext/charts/web/ci/b-values.yaml: the values are no mapping`,
			},
		},
		{
			name: "values that are no mapping for a subchart", changes: []string{
				"charts/web/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n", "charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies: [{name: db, version: 1.0.0}]\n",
				"charts/web/ci/a-values.yaml", "db: 1\n",
			},
			want: []string{`warning ci-values ext/charts/web/ci/a-values.yaml: the chart web does not render with these values: the values have no mapping under "db", the name of a subchart`},
		},
		{
			name: "values that the schema refuses", changes: []string{"charts/web/values.schema.json", `{"properties": {"tag": {"type": "string"}}}`, "charts/web/ci/a-values.yaml", "tag: 1\n", "charts/web/ci/b-values.yaml", "tag: '1'\n"},
			want: []string{`warning ci-values ext/charts/web/ci/a-values.yaml: the chart web does not render with these values: they break values.schema.json at tag: got number, want string`},
		},
		{
			name: "one that the schema refuses behind one that does not render", changes: []string{
				"charts/web/values.schema.json", `{"properties": {"tag": {"type": "string"}}}`, "charts/web/templates/a.yaml", broken,
				"charts/web/ci/a-values.yaml", "ingress: {x: y}\n", "charts/web/ci/b-values.yaml", "tag: 1\n", "charts/web/ci/c-values.yaml", "tag: '1'\n",
			},
			want: []string{
				`warning ci-values ext/charts/web/ci/a-values.yaml: the chart web does not render with these values: charts/web/templates/a.yaml:3: name is asked of a value that is not set, in {{ .Values.ingress.host.name }}`,
				`warning ci-values ext/charts/web/ci/b-values.yaml: the chart web does not render with these values: they break values.schema.json at tag: got number, want string`,
			},
		},
		{
			name: "null over null takes the value out", changes: []string{
				"charts/web/values.yaml", "tag: 1.27.0\nx:\n", "charts/web/templates/a.yaml", `{{ if and .Values.ci (not (hasKey .Values "x")) }}{{ fail "no x" }}{{ end }}`,
				"charts/web/ci/a-values.yaml", "ci: 1\nx:\n", "charts/web/ci/b-values.yaml", "b: 1\n",
			},
			want: []string{`warning ci-values ext/charts/web/ci/a-values.yaml: the chart web does not render with these values: charts/web/templates/a.yaml:1: no x`},
		},
		{name: "global values of its own beside those of the extension", changes: []string{
			"values.yaml", "global: {domain: {name: x}}\n", "charts/web/templates/a.yaml", "# {{ .Values.global.domain.name }}",
			"charts/web/ci/a-values.yaml", "global: {imageRegistry: r.io}\n", "charts/web/ci/b-values.yaml", "global: {imageRegistry: q.io}\n"}},
		{
			name: "a template that the rule render tells", changes: []string{"charts/web/templates/a.yaml", "{{ fail \"no\" }}", "charts/web/ci/a-values.yaml", "a: b\n", "charts/web/ci/b-values.yaml", "a: b\n"},
			want: []string{`error render ext/charts/web/templates/a.yaml:1:4: the template does not render: no`},
		},
		{name: "a library", changes: []string{"charts/lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n", "charts/lib/ci/a-values.yaml", "a: b\n",
			"extension.yaml", replaced(goodMetadata, "dependencies:\n", "dependencies:\n  - name: lib\n    tags: [extension]\n")}},
	})
}

// TestCIValuesTogether: rendering all values in one go shows just those that do
// not render by themselves, and templates see the same in both ways.
func TestCIValuesTogether(t *testing.T) {
	files := with(goodFiles(),
		"charts/web/files/a.txt", "text",
		"charts/web/templates/_h.tpl", `{{ define "same" }}{{ if ne .Values.seen (dict "t" .Template.Name "b" .Template.BasePath "c" .Chart.Name "r" .Release.Name "f" (.Files.Get "files/a.txt") "k" .Capabilities.KubeVersion.Minor "root" .Chart.IsRoot "g" .Values.global.x | toJson) }}{{ fail (printf "differs in %s" .Template.Name) }}{{ end }}{{ end }}`,
		"charts/web/templates/a.yaml", `{{ if .Values.seen }}{{ include "same" . }}{{ end }}`,
		"values.yaml", "global: {x: here}\n",
	)
	seen := `seen: '{"b":"web/templates","c":"web","f":"text","g":"here","k":"31","r":"web","root":true,"t":"web/templates/a.yaml"}'` + "\n"
	for _, name := range []string{"a", "b", "c"} {
		files["charts/web/ci/"+name+"-values.yaml"] = seen
	}
	if got := told(check(t, files)); got != nil {
		t.Errorf("findings: %v", got)
	}
	files["charts/web/ci/b-values.yaml"] = replaced(seen, "text", "other")
	want := []string{`warning ci-values ext/charts/web/ci/b-values.yaml: the chart web does not render with these values: charts/web/templates/a.yaml:1: differs in web/templates/a.yaml`}
	got := told(check(t, files))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestManyCIValues: of very many files only the first are tried.
func TestManyCIValues(t *testing.T) {
	files := with(goodFiles(), "charts/web/templates/a.yaml", "{{ if .Values.bad }}{{ fail `no` }}{{ end }}")
	for i := range maxCIValues + 2 {
		files[fmt.Sprintf("charts/web/ci/%03d-values.yaml", i)] = "a: b\n"
	}
	files["charts/web/ci/101-values.yaml"] = "bad: true\n"
	findings := check(t, files)
	if diff := cmp.Diff([]string{"info ci-values ext: there are 102 files ci/*-values.yaml, and the last 2 were not tried"}, told(findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	files["charts/web/ci/099-values.yaml"] = "bad: true\n"
	if findings := check(t, files); len(findings) != 2 {
		t.Errorf("the last file that is tried is not: %v", told(findings))
	}
}

// TestCIValuesOfRealPackages: of 27 files, stock helm cannot render one either
// (helm template with the file and global: {}).
func TestCIValuesOfRealPackages(t *testing.T) {
	var got []string
	packages := corpus(t)
	for _, name := range sortedKeys(packages) {
		for _, f := range run(t.Context(), []Rule{ciValuesRule()}, packages[name], Options{}).Findings {
			got = append(got, f.File+": "+f.Message)
		}
	}
	want := []string{"vector-1.0.4.tgz/charts/aggregator/ci/agent-default-values.yaml: the chart aggregator does not render with these values: " +
		"charts/aggregator/templates/vector-sink.yaml:2: opensearch is asked of a value that is not set, in {{ .Values.sinks.opensearch.endpoints }}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
