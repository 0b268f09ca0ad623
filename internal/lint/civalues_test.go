package lint

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/lint/values"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

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
	if got := told(check(t, files, "ci-values", "render")); got != nil {
		t.Errorf("findings: %v", got)
	}
	files["charts/web/ci/b-values.yaml"] = replaced(seen, "text", "other")
	want := []string{`warning ci-values ext/charts/web/ci/b-values.yaml: the chart web does not render with these values: charts/web/templates/a.yaml:1: differs in web/templates/a.yaml`}
	got := told(check(t, files, "ci-values", "render"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestManyCIValues: of very many files only the first are tried.
func TestManyCIValues(t *testing.T) {
	files := with(goodFiles(), "charts/web/templates/a.yaml", "{{ if .Values.bad }}{{ fail `no` }}{{ end }}")
	for i := range 100 + 2 {
		files[fmt.Sprintf("charts/web/ci/%03d-values.yaml", i)] = "a: b\n"
	}
	files["charts/web/ci/101-values.yaml"] = "bad: true\n"
	findings := check(t, files, "ci-values", "render")
	if diff := cmp.Diff([]string{"info ci-values ext: there are 102 files ci/*-values.yaml, and the last 2 were not tried"}, told(findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	files["charts/web/ci/099-values.yaml"] = "bad: true\n"
	if findings := check(t, files, "ci-values", "render"); len(findings) != 2 {
		t.Errorf("the last file that is tried is not: %v", told(findings))
	}
}

// TestCIValuesOfRealPackages: of 27 files, stock helm cannot render one either
// (helm template with the file and global: {}).
func TestCIValuesOfRealPackages(t *testing.T) {
	soak.Long(t)
	var got []string
	packages := corpus(t)
	for _, name := range rule.SortedKeys(packages) {
		for _, f := range run(t.Context(), []Rule{values.CI()}, packages[name], Options{}).Findings {
			got = append(got, name+": "+f.File+": "+f.Message)
		}
	}
	want := []string{"vector: charts/aggregator/ci/agent-default-values.yaml: the chart aggregator does not render with these values: " +
		"charts/aggregator/templates/vector-sink.yaml:2: opensearch is asked of a value that is not set, in {{ .Values.sinks.opensearch.endpoints }}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
