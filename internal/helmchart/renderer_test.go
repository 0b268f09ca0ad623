package helmchart

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	helm "helm.sh/helm/v3/pkg/engine"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// TestRendersAsHelm: examples, and a chart whose templates show all that they see, render
// as with Helm's engine, with the values of the chart and with an overlay.
func TestRendersAsHelm(t *testing.T) {
	all := examples(t)
	all["all that templates see"] = load(t, seeingFiles())
	eachAsHelm(t, all)
}

// TestRealPackagesRenderAsHelm is TestRendersAsHelm for the real packages.
func TestRealPackagesRenderAsHelm(t *testing.T) {
	soak.Long(t)
	eachAsHelm(t, corpus(t))
}

func eachAsHelm(t *testing.T, all map[string]*extension.Extension) {
	for _, name := range sortedKeys(all) {
		t.Run(name, func(t *testing.T) {
			loaded, err := Load(all[name])
			if err != nil {
				t.Fatal(err)
			}
			allOn, err := loaded.allSwitchedOn()
			if err != nil {
				t.Fatal(err)
			}
			asHelm(t, loaded.Renderer, Host, nil)
			asHelm(t, allOn, Host, testMarkers)
			for _, r := range loaded.Installed[1:] {
				asHelm(t, r, Member, nil)
			}
		})
	}
}

// testMarkers sets what the rules on global values look for.
func testMarkers(global map[string]any) {
	global["imageRegistry"] = "registry.ksrelease.invalid"
	tableAt(global, "nodeSelector")["ksrelease.invalid/node-selector"] = "marked"
}

// asHelm renders a chart two times with one parse, and holds the texts to those of Helm.
func asHelm(t *testing.T, r Renderer, role Role, over Overlay) {
	t.Helper()
	byHelm := func() map[string]string {
		top := maps.Clone(r.top)
		top["Values"], top["Release"] = r.fresh(role, over), maps.Clone(r.release())
		texts, err := helm.Engine{}.Render(r.Tree, helmtest.ForHelm(top))
		if err != nil {
			t.Fatal(err)
		}
		return texts
	}
	want, again := byHelm(), byHelm()
	for _, time := range []string{"first", "second"} {
		got, err := r.texts(t.Context(), func() chartutil.Values { return r.fresh(role, over) }, nil)
		if err != nil {
			t.Fatal(err)
		}
		for template := range want {
			if want[template] != again[template] { // passwords and names that are made up
				got[template] = want[template]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("on the cluster %s, with an overlay: %v: the %s rendering (-Helm's +ours):\n%s", role, over != nil, time, diff)
		}
	}
}

// seeingFiles are an extension whose templates show all that they see, and change
// what those after them see.
func seeingFiles() map[string]string {
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

// TestLibraryRendersNothing: an extension of the type library is none that is installed.
func TestLibraryRendersNothing(t *testing.T) {
	files := with(goodFiles(), "extension.yaml", goodMetadata+"type: library\n", "templates/a.yaml", `{{ fail "rendered" }}`)
	loaded, err := Load(load(t, files))
	if err != nil {
		t.Fatal(err)
	}
	asHelm(t, loaded.Renderer, Host, nil)
}

// TestTemplatesAtWork: a rendering says which template it begins, and ends with the one
// at which its context ends.
func TestTemplatesAtWork(t *testing.T) {
	loaded, err := Load(load(t, with(goodFiles(), "templates/z.yaml", "z", "templates/y.yaml", "y")))
	if err != nil {
		t.Fatal(err)
	}
	var begun []string
	_, err = loaded.Renderer.Once(WithTemplates(t.Context(), func(template string) { begun = append(begun, template) }), nil, nil)
	want := []string{"", "web/charts/web/templates/deployment.yaml", "web/charts/web/templates/NOTES.txt", "web/templates/z.yaml", "web/templates/y.yaml"}
	if diff := cmp.Diff(want, begun); err != nil || diff != "" {
		t.Errorf("%v; templates that were begun (-want +got):\n%s", err, diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := loaded.Renderer.Once(ctx, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
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

// gate is a value whose template waits for somebody to open it.
type gate struct{ reached, open chan struct{} }

// Pass is what the template calls.
func (g gate) Pass() string {
	close(g.reached)
	<-g.open
	return ""
}

// TestEndOfContext: a template that takes long holds nobody up.
func TestEndOfContext(t *testing.T) {
	ext := load(t, with(goodFiles(), "charts/web/templates/slow.yaml", "{{ .Release.gate.Pass }}"))
	loaded, err := Load(ext)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g := gate{make(chan struct{}), make(chan struct{})}
	defer close(g.open)
	loaded.Renderer.top["Release"].(map[string]any)["gate"] = g
	go func() {
		<-g.reached
		cancel()
	}()
	if _, err := loaded.Renderer.render(ctx, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the rendering ended with %v", err)
	}
}
