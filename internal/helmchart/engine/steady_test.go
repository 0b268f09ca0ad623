package engine

import (
	"testing"

	"helm.sh/helm/v3/pkg/chart"
)

// includedAgain are partials with a template h, and templates that include it several times, where h is
// steady, and where what it renders changes in between.
var includedAgain = map[string]struct {
	partials, first, second string
	steady                  bool
}{
	"names": {
		`{{ define "h" }}{{ default .Chart.Name .Values.name | trunc 63 | trimSuffix "-" }}{{ end }}`,
		`{{ include "h" . }} {{ include "h" $ | upper }}`, `{{ include "h" . }}`, true,
	},
	"labels by names": {
		`{{ define "n" }}{{ $n := .Values.name }}{{ printf "%s-%s" $n .Release.Name }}{{ end }}{{ define "h" }}a: {{ include "n" . }}
{{ with .Values.map }}{{ toYaml . }}{{ else }}{{ template "n" $ }}{{ end }}{{ range $k, $v := .Values.list }}{{ $v }}{{ end }}{{ end }}`,
		`{{ include "h" . }} {{ include "h" . }}`, `{{ include "h" . }}`, true,
	},
	"the file":                 {`{{ define "h" }}{{ .Template.Name }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file by index":        {`{{ define "h" }}{{ index . "Template" "Name" }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file by another name": {`{{ define "h" }}{{ $all := . }}{{ $all.Template.Name }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file from the root":   {`{{ define "h" }}{{ with .Values.map }}{{ $.Template.Name }}{{ end }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file in all":          {`{{ define "h" }}{{ with .Values.map }}{{ toJson $ | sha256sum }}{{ end }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file in parentheses":  {`{{ define "h" }}{{ (.).Template.Name }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file by an include":   {`{{ define "f" }}{{ .Template.Name }}{{ end }}{{ define "h" }}{{ include "f" . }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file by a template":   {`{{ define "f" }}{{ .Template.Name }}{{ end }}{{ define "h" }}{{ template "f" . }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file by a computed name": {
		`{{ define "f" }}{{ .Template.Name }}{{ end }}{{ define "h" }}{{ include (printf "%s" "f") . }}{{ end }}`,
		`{{ include "h" . }}`, `{{ include "h" . }}`, false,
	},
	"the file by tpl": {`{{ define "h" }}{{ tpl "{{ .Template.Name }}" . }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false},
	"the file in a range": {
		`{{ define "h" }}{{ range $k, $v := . }}{{ if eq $k "Template" }}{{ $v.Name }}{{ end }}{{ end }}{{ end }}`,
		`{{ include "h" . }}`, `{{ include "h" . }}`, false,
	},
	"a value is set": {
		`{{ define "h" }}{{ .Values.name }}{{ end }}`,
		`{{ include "h" . }}{{ $_ := set .Values "name" "x" }}{{ include "h" . }}`, `{{ include "h" . }}`, true,
	},
	"a value is unset": {
		`{{ define "h" }}{{ .Values.name }}{{ end }}`,
		`{{ include "h" . }}{{ $_ := unset .Values "name" }}{{ include "h" . }}`, `{{ include "h" . }}`, true,
	},
	"values are merged": {
		`{{ define "h" }}{{ .Values.map.b }}{{ end }}`,
		`{{ include "h" . }}{{ $_ := merge .Values (dict "map" (dict "b" 1)) }}{{ include "h" . }}{{ $_ := mustMerge .Values.map (dict "b" 2) }}`, `{{ include "h" . }}`, true,
	},
	"values are overwritten": {
		`{{ define "h" }}{{ .Values.map.a }}{{ end }}`,
		`{{ include "h" . }}{{ $_ := mergeOverwrite .Values.map (dict "a" 2) }}{{ include "h" . }}{{ $_ := mustMergeOverwrite .Values.map (dict "a" 3) }}`, `{{ include "h" . }}`, true,
	},
	"a value is set by tpl": {
		`{{ define "h" }}{{ .Values.name }}{{ end }}`,
		`{{ include "h" . }}{{ tpl "{{ $_ := set .Values \"name\" \"x\" }}" . }}{{ include "h" . }}`, `{{ include "h" . }}`, true,
	},
	"a value is set within": {
		`{{ define "h" }}{{ .Values.name }}{{ $_ := set .Values "name" (printf "%s+" .Values.name) }}{{ end }}`,
		`{{ include "h" . }}{{ include "h" . }}`, `{{ include "h" . }}`, false,
	},
	"the scope is set": {
		`{{ define "h" }}{{ .Own }}{{ end }}`,
		`{{ include "h" . }}{{ $_ := set . "Own" 1 }}{{ include "h" . }}`, `{{ include "h" . }}`, true,
	},
	"tpl defines it": {
		`{{ define "h" }}{{ .Values.name }}{{ end }}`,
		`{{ include "h" . }}{{ tpl "{{ define \"h\" }}other{{ end }}{{ include \"h\" . }}" . }}{{ include "h" . }}`, `{{ include "h" . }}`, true,
	},
	"other data": {
		`{{ define "h" }}{{ .a }}{{ end }}`,
		`{{ range until 9 }}{{ include "h" (dict "a" .) }}{{ end }}{{ include "h" .Values.map }}{{ include "h" . }}`, `{{ include "h" . }}`, true,
	},
	"another chart": {
		`{{ define "h" }}{{ .Subcharts.below.Template.Name }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false,
	},
	"all of another chart": {
		`{{ define "h" }}{{ toJson .Subcharts | sha256sum }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false,
	},
	"includes itself": {
		`{{ define "h" }}{{ if .Values }}{{ include "h" (dict "Values" false) }}{{ end }}x{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, false,
	},
	"refuses":         {`{{ define "h" }}{{ required "no" .Values.none }}{{ end }}`, `{{ include "h" . }}`, `{{ include "h" . }}`, true},
	"nobody has it":   {``, `{{ include "h" . }}`, ``, false},
	"an unknown time": {`{{ define "h" }}{{ if false }}{{ now }}{{ end }}{{ end }}`, `{{ include "h" . }}`, ``, false},
	"lots as a default": {
		`{{ define "h" }}{{ if false }}{{ default uuidv4 .Values.none }}{{ end }}{{ end }}`, `{{ include "h" . }}`, ``, false,
	},
	"keys":        {`{{ define "h" }}{{ keys .Values.map | join "," }}{{ end }}`, `{{ include "h" . }}`, ``, false},
	"one is fail": {`{{ define "h" }}{{ if .Values.none }}{{ fail "x" }}{{ end }}{{ end }}`, `{{ include "h" . }}`, ``, false},
}

// TestIncludedAgain: what a template rendered is taken again only where it is the same.
func TestIncludedAgain(t *testing.T) {
	for name, test := range includedAgain {
		t.Run(name, func(t *testing.T) {
			c := chartOf(chart.Metadata{Name: "web"},
				map[string]any{"name": "n", "map": map[string]any{"a": 1}, "list": []any{1, 2}},
				map[string]string{"templates/_h.tpl": test.partials, "templates/a.yaml": test.second, "templates/z.yaml": test.first})
			c.AddDependency(chartOf(chart.Metadata{Name: "below"}, nil, map[string]string{"templates/b.yaml": `{{ .Values }}`, "templates/c.yaml": `c`}))
			templates, err := Parse(c, nil)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if is := boundOf(templates.set).at.included.isSteady("h"); is != test.steady {
					t.Errorf("steady: %t", is)
				}
			}
			_ = asHelm(t, c, map[string]any{})
		})
	}
}

// TestSortedInPlace: sortAlpha sorts what others see. (So it does for the next rendering, which is why Helm cannot
// be asked before.)
func TestSortedInPlace(t *testing.T) {
	templates, err := Parse(chartOf(chart.Metadata{Name: "web", Keywords: []string{"z", "a"}}, nil, map[string]string{
		"templates/_h.tpl": `{{ define "h" }}{{ join "," .Chart.Keywords }}{{ end }}`,
		"templates/a.yaml": `{{ include "h" . }} {{ $_ := sortAlpha .Chart.Keywords }}{{ include "h" . }}`,
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := templates.Render(always(map[string]any{}), Options{})
	if err != nil || texts["web/templates/a.yaml"] != "z,a a,z" {
		t.Error(texts, err)
	}
}

// TestDrawsLotsEachTime: two includes of what draws lots differ.
func TestDrawsLotsEachTime(t *testing.T) {
	templates, err := Parse(chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{
		"templates/_h.tpl": `{{ define "h" }}{{ randAlphaNum 20 }}{{ end }}`, "templates/a.yaml": `{{ ne (include "h" .) (include "h" .) }}`,
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := templates.Render(always(map[string]any{}), Options{})
	if err != nil || texts["web/templates/a.yaml"] != "true" {
		t.Error(texts, err)
	}
}

// TestIncludesOnce: a steady template is rendered once for a file and those after it, and anew in the next rendering.
func TestIncludesOnce(t *testing.T) {
	templates, err := Parse(chartOf(chart.Metadata{Name: "web"}, nil, map[string]string{
		"templates/_h.tpl": `{{ define "h" }}{{ .Values.name }}{{ end }}`, "templates/a.yaml": `{{ include "h" . }}`, "templates/z.yaml": `{{ include "h" . }}{{ include "h" . }}`,
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x", "y"} {
		texts, err := templates.Render(always(map[string]any{"Values": map[string]any{"name": name}}), Options{Begin: func(string) error { return nil }})
		if err != nil || texts["web/templates/a.yaml"] != name || texts["web/templates/z.yaml"] != name+name {
			t.Error(texts, err)
		}
		if kept := templates.idle[0].at.included; len(kept.texts) != 0 || kept.scopes != nil {
			t.Errorf("%d texts are kept behind the rendering", len(kept.texts))
		}
	}
	at := templates.idle[0].at
	scope := map[string]any{"Values": map[string]any{"name": "x"}}
	at.included.begin([]map[string]any{scope})
	for range 2 {
		if text, err := include(templates.set, at, "h", scope); text != "x" || err != nil || len(at.included.texts) != 1 {
			t.Errorf("%q, %v, %d texts are kept", text, err, len(at.included.texts))
		}
	}
	if _, kept := at.included.of(templates.set, "h", map[string]any{}); kept {
		t.Error("what a template made itself is taken for a scope: when it is gone, another mapping may have its address")
	}
	scope["Values"] = nil // by nobody who says so: so it is the text of before
	if text, err := include(templates.set, at, "h", scope); text != "x" || err != nil {
		t.Errorf("%q, %v: it is rendered anew", text, err)
	}
}
