package helmerror

import (
	"errors"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// What Helm's engine says of each kind of fault is known by its text, which may change with
// Helm or Go: this is Helm's own engine, and not the text that we remember.
func TestExplainTemplate(t *testing.T) {
	const at = "demo/templates/a.yaml"
	for _, tt := range []struct {
		template, cause string
		line            int
	}{
		{"a: {{ .Values.gone.image }}", "image is asked of a value that is not set", 1},
		{"\na: {{ .Values.text.image }}", "image is asked of a value that is no mapping", 2},
		{`a: {{ include "gone" . }}`, `there is no template named "gone"`, 1},
		{"\n\na: {{ nofunction 1 }}", `Helm has no function "nofunction"`, 3},
		{"a: {{ .Values.gone | trunc 3 }}", "a value that is not set stands where a string is needed", 1},
		{"a: {{ trunc 3 .Values.null }}", "a value that is not set stands where a string is needed", 1},
		{"a: {{ .Values.list | trunc 3 }}", "a value is a list where a string is needed", 1},
		{`{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}`, `the template "x" includes itself without end`, 1},
		{`a: {{ fail "because" }}`, "because", 1},
		{`a: {{ required "it is needed" .Values.gone }}`, "it is needed", 1},
		{"a: {{ if }}", "missing value for if", 1},
		{"a: {{ .Values.text", "unclosed action", 1},
	} {
		c := &chart.Chart{
			Metadata:  &chart.Metadata{Name: "demo", Version: "1.0.0", APIVersion: "v2"},
			Templates: []*chart.File{{Name: "templates/a.yaml", Data: []byte(tt.template)}},
		}
		_, err := engine.Render(c, chartutil.Values{"Values": chartutil.Values{"text": "x", "null": nil, "list": []any{"x"}}, "Chart": c.Metadata})
		if err == nil {
			t.Errorf("%s: Helm renders it", tt.template)
			continue
		}
		fault := OfTemplate(err, func(name string) bool { return name == at })
		if fault.At.Template != at || fault.At.Line != tt.line || !strings.Contains(fault.Cause, tt.cause) || fault.Hint == "" {
			t.Errorf("%s:\n%v\nexplained as %+v\nwant %q in line %d", tt.template, err, fault, tt.cause, tt.line)
		}
		for _, of := range []string{"interface {}", "map[string]", "nil pointer", "error calling", "executing"} {
			if strings.Contains(fault.Cause, of) {
				t.Errorf("%s: %q in %q is for people who know Go", tt.template, of, fault.Cause)
			}
		}
	}
}

// The same of Helm's loader.
func TestExplainLoad(t *testing.T) {
	const good = "apiVersion: v2\nname: demo\nversion: 1.0.0\n"
	for name, tt := range map[string]struct {
		files map[string]string
		want  Load
	}{
		"no Chart.yaml":             {map[string]string{"values.yaml": ""}, Load{NoChartFile: true}},
		"no Chart.yaml of subchart": {map[string]string{"Chart.yaml": good, "charts/sub/values.yaml": ""}, Load{File: "charts/sub", NoChartFile: true}},
		"no YAML":                   {map[string]string{"Chart.yaml": good, "values.yaml": "a: 1\nb: c: d\n"}, Load{File: "values.yaml", Line: 2}},
		"a type":                    {map[string]string{"Chart.yaml": good + "keywords: one\n"}, Load{File: "Chart.yaml", Field: "keywords", FieldFile: "Chart.yaml", FieldCause: "keywords is a text, and has to be a list"}},
		"an entry":                  {map[string]string{"Chart.yaml": good + "maintainers: [one]\n"}, Load{File: "Chart.yaml", Field: "maintainers", FieldFile: "Chart.yaml", FieldCause: "an entry of maintainers is a text, and has to be a mapping"}},
		"a value":                   {map[string]string{"Chart.yaml": good + "type: other\n"}, Load{Field: "type", FieldFile: "Chart.yaml", FieldCause: "type must be application or library"}},
		"twice":                     {map[string]string{"Chart.yaml": good + "dependencies:\n- {name: a, version: 1.0.0}\n- {name: a, version: 1.0.0}\n"}, Load{Twice: "a"}},
	} {
		var files []*loader.BufferedFile
		for file, text := range tt.files {
			files = append(files, &loader.BufferedFile{Name: file, Data: []byte(text)})
		}
		c, err := loader.LoadFiles(files)
		if err == nil {
			err = c.Validate()
		}
		if err == nil {
			t.Errorf("%s: Helm loads it", name)
			continue
		}
		got := OfLoad(err)
		if got.Cause == "" {
			t.Errorf("%s: no cause: %v", name, err)
		}
		if got.Cause = ""; got != tt.want {
			t.Errorf("%s: %v\nexplained as %+v\nwant %+v", name, err, got, tt.want)
		}
	}
}

// The same of the values of a subchart.
func TestExplainValues(t *testing.T) {
	sub := &chart.Chart{Metadata: &chart.Metadata{Name: "sub", Version: "1.0.0", APIVersion: "v2"}}
	c := &chart.Chart{Metadata: &chart.Metadata{Name: "demo", Version: "1.0.0", APIVersion: "v2"}, Values: map[string]any{"sub": "text"}}
	c.AddDependency(sub)
	_, err := chartutil.CoalesceValues(c, map[string]any{"sub": "text"})
	if err == nil {
		t.Fatal("Helm merges them")
	}
	if got := OfValues(err); got.Subchart != "sub" {
		t.Errorf("%v\nexplained as %+v", err, got)
	}
}

// A definition that is missing is a field of the fault, not only a part of its sentence.
func TestAFaultNamesTheDefinitionThatItLacks(t *testing.T) {
	for text, want := range map[string]string{
		`template: x/templates/a.yaml:1:3: executing "x/templates/a.yaml" at <include "x.labels" .>: error calling include: template: no template "x.labels" associated with template "gotpl"`: "x.labels",
		`template: x/templates/a.yaml:1:12: executing "x/templates/a.yaml" at <{{template "gone" .}}>: template "gone" not defined`:                                                            "gone",
		`template: x/templates/a.yaml:1:3: executing "x/templates/a.yaml" at <fail "there is no template named \"x\"">: error calling fail: there is no template named "x"`:                    "",
	} {
		if got := OfTemplate(errors.New(text), func(string) bool { return false }).Lacks; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
