package helmchart

import (
	"fmt"
	"iter"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPassRendersAsHelm: what a pass renders is what Helm's engine renders by
// itself, with the chart's own values and with the markers, and in one pass as in
// two.
func TestPassRendersAsHelm(t *testing.T) {
	all := corpus(t)
	maps.Copy(all, examples(t))
	all["all that templates see"] = load(t, passFiles())
	for _, name := range sortedKeys(all) {
		t.Run(name, func(t *testing.T) {
			loaded, err := Load(all[name])
			if err != nil {
				t.Fatal(err)
			}
			renderers := map[string]Renderer{"as installed": loaded.Renderer}
			if renderers["all switched on"], err = loaded.allSwitchedOn(); err != nil {
				t.Fatal(err)
			}
			for _, tree := range sortedKeys(renderers) {
				passesAsHelm(t, tree, renderers[tree])
			}
		})
	}
}

// overlays are ways to set global values.
var overlays = map[bool]Overlay{false: nil, true: testMarkers}

// testMarkers sets what the rules on global values look for.
func testMarkers(global map[string]any) {
	global["imageRegistry"] = "registry.ksrelease.invalid"
	tableAt(global, "nodeSelector")["ksrelease.invalid/node-selector"] = "marked"
}

func passesAsHelm(t *testing.T, tree string, r Renderer) {
	got := map[bool]*Rendering{false: newRendering(nil), true: newRendering(nil)}
	if err := r.pass(t.Context(), func(native map[string]any) iter.Seq[*step] {
		return func(yield func(*step) bool) {
			for marked, over := range overlays {
				if !got[marked].take(r.steps(native, r.fresh(Host, over)), nil, yield) {
					return
				}
			}
		}
	}); err != nil {
		t.Fatalf("%s: %v", tree, err)
	}
	for marked, rendered := range got {
		want, err := r.Once(t.Context(), overlays[marked], nil)
		if err != nil {
			t.Fatalf("%s: %v", tree, err)
		}
		again, err := r.Once(t.Context(), overlays[marked], nil)
		if err != nil {
			t.Fatalf("%s: %v", tree, err)
		}
		for template := range want {
			if want[template] != again[template] { // passwords and names that are made up
				want[template] = rendered.Texts[template]
			}
		}
		if diff := cmp.Diff(want, rendered.Texts); diff != "" {
			t.Errorf("%s, marked %v: texts of a pass (-Helm's +pass):\n%s", tree, marked, diff)
		}
	}
}

// passFiles are an extension whose templates show all that they see, and change
// what those after them see.
func passFiles() map[string]string {
	const shown = `
{{- $_ := set .Values "count" (add1 (.Values.count | default 0)) }}
{{- $_ := set .Release "seen" (append (.Release.seen | default list) .Template.Name) }}
chart: {{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.IsRoot }} {{ len .Chart.Dependencies }}
template: {{ .Template.Name }} {{ .Template.BasePath }}
release: {{ toJson .Release }}
values: {{ toJson .Values }}
files: {{ .Files.Get "files/a.txt" }} {{ range $path, $_ := .Files.Glob "files/*" }}{{ $path }}{{ end }}
subcharts: {{ range $name, $sub := .Subcharts }}{{ $name }}={{ $sub.Chart.Version }} {{ toJson $sub.Values }} {{ $sub.Files.Get "files/a.txt" }}{{ end }}
kubernetes: {{ .Capabilities.KubeVersion }} {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" }} {{ .Capabilities.HelmVersion.Version }}
evaluated: {{ tpl "{{ .Values.count }} {{ include \"help\" . }}" . }}
nothing: {{ .Values.nothing }} {{ .Values.none.at.all | default "-" }}
looked up: {{ lookup "v1" "Secret" "x" "y" | toJson }}
`
	return with(goodFiles(),
		"files/a.txt", "of the root",
		"values.yaml", "none: {at: {}}\nglobal: {x: here}\nother: {y: 1, deep: {none: {at: {}}}}\n",
		"extension.yaml", replaced(goodMetadata, "dependencies:\n", "dependencies:\n  - name: deep\n    version: 1.2.3\n    alias: other\n    tags: [extension]\n"),
		"templates/_help.tpl", `{{ define "help" }}help for {{ .Chart.Name }} in {{ .Template.Name }}{{ end }}`,
		"templates/B.yaml", shown+`{{ include (print .Template.BasePath "/a-b.yaml") . }}`,
		"templates/a.yaml", shown,
		"templates/a-b.yaml", shown,
		"templates/NOTES.txt", "{{ .Release.Name }}",
		"charts/deep/Chart.yaml", "apiVersion: v2\nname: deep\nversion: 1.2.3\n",
		"charts/deep/values.yaml", "none: {at: {}}\n",
		"charts/deep/files/a.txt", "of deep",
		"charts/deep/templates/x/y/z.yaml", shown,
		"charts/deep/templates/redefined.yaml", shown+`{{ define "help" }}another {{ .Values.y }}{{ end }}`,
		"charts/deep/charts/lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n",
		"charts/deep/charts/lib/templates/_lib.tpl", `{{ define "lib" }}{{ end }}`,
		"charts/deep/charts/lib/templates/never.yaml", `{{ fail "of a library, only partials are read" }}`,
	)
}

// TestPassEnds: a pass ends where a template does not render, and tells how far it
// came; one that ends in time does not come to the templates by themselves.
func TestPassEnds(t *testing.T) {
	ext := load(t, with(goodFiles(), "templates/b.yaml", `{{ if .Values.bad }}{{ fail "no" }}{{ end }}`, "templates/z.yaml", "first: {{ .Values.bad }}"))
	loaded, err := Load(ext)
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	err = loaded.Renderer.pass(t.Context(), func(native map[string]any) iter.Seq[*step] {
		return func(yield func(*step) bool) {
			for _, bad := range []any{nil, "bad"} {
				for _, s := range loaded.Renderer.steps(native, map[string]any{"bad": bad}) {
					if s.folder != "web/templates" {
						continue
					}
					if !yield(s) {
						return
					}
					done = append(done, fmt.Sprintf("%s: %q", s.Name, s.Text))
				}
			}
		}
	})
	want := []string{`web/templates/z.yaml: "first: "`, `web/templates/b.yaml: ""`, `web/templates/z.yaml: "first: bad"`}
	if diff := cmp.Diff(want, done); diff != "" || err == nil {
		t.Errorf("ended with %v; steps (-want +got):\n%s", err, diff)
	}
	err = loaded.Renderer.pass(t.Context(), func(map[string]any) iter.Seq[*step] { return func(func(*step) bool) {} })
	if err != nil {
		t.Errorf("a pass without steps: %v", err)
	}
	library := load(t, with(goodFiles(), "extension.yaml", goodMetadata+"type: library\n"))
	if loaded, err = Load(library); err != nil {
		t.Fatal(err)
	}
	if err := loaded.Renderer.pass(t.Context(), func(map[string]any) iter.Seq[*step] { panic("the driver was called") }); err == nil {
		t.Error("a library was rendered")
	}
}

// TestSubchartsOfOneName: each template sees the chart that it is of.
func TestSubchartsOfOneName(t *testing.T) {
	files := with(goodFiles(), "charts/web/templates/deployment.yaml", "")
	for _, version := range []string{"1.0.0", "2.0.0"} {
		files["charts/db-"+version+"/Chart.yaml"] = "apiVersion: v2\nname: db\nappVersion: a" + version + "\nversion: " + version + "\n"
		files["charts/db-"+version+"/templates/x"+version+".yaml"] = "# {{ .Chart.AppVersion }}"
	}
	for range 8 { // Helm's loader goes through a map
		loaded, err := Load(load(t, files))
		if err != nil {
			t.Fatal(err)
		}
		rendered, err := loaded.Render(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		plain := rendered.Plain
		for _, version := range []string{"1.0.0", "2.0.0"} {
			if got := plain.Texts["web/charts/db/templates/x"+version+".yaml"]; got != "# a"+version {
				t.Fatalf("%s rendered %q", version, got)
			}
		}
	}
}

// TestMarkersThatDoNotRender: what does not render with the markers spoils neither
// what is known without them nor what other templates show.
func TestMarkersThatDoNotRender(t *testing.T) {
	const refuses = `{{ if ne .Values.global.imageRegistry "" }}{{ fail "no registry here" }}{{ end }}`
	files := with(goodFiles(),
		"values.yaml", "global: {imageRegistry: '', nodeSelector: {}}\n",
		"charts/web/templates/refuses.yaml", refuses+replaced(goodDeployment, "{{ .Release.Name }}", "refuses"),
		"charts/web/templates/fixed.yaml", replaced(goodDeployment, "{{ .Release.Name }}", "fixed")+"\n      nodeSelector: {a: b}\n",
	)
	loaded, err := Load(load(t, files))
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := loaded.Render(t.Context(), testMarkers)
	if err != nil || rendered.installed[0].overlaid != nil || len(rendered.Plain.Broken) > 0 {
		t.Fatalf("rendered %+v, %v", rendered, err)
	}
	marked, err := rendered.Overlaid(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(marked.Broken) != 1 || marked.Broken[0].Template != "web/charts/web/templates/refuses.yaml" {
		t.Errorf("broken with the markers: %v", marked.Broken)
	}
	var names []string
	for _, w := range marked.Workloads {
		names = append(names, w.Name)
	}
	if diff := cmp.Diff([]string{"web", "fixed"}, names); diff != "" {
		t.Errorf("workloads with the markers (-want +got):\n%s", diff)
	}
}

// TestChanges: calls that change what is there, and words that look like it.
func TestChanges(t *testing.T) {
	for text, want := range map[string]bool{
		`{{- $_ := set .Values "a" 1 }}`: true, "{{ set $.Values.x `a` 1 }}": true, `{{ unset .Values "a" }}`: true, `{{ mergeOverwrite .Values (dict) }}`: true, `{{ merge $x .Values }}`: true,
		`{{ set (dict) "a" 1 }}`: false, `{{ merge (dict) .Values }}`: false, "it is set .installCRDs and more": false, "is set. $x": false,
	} {
		if got := changes([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
