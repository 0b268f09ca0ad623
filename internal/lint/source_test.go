package lint

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// disobedient makes a template of a Deployment that obeys nothing.
func disobedient(name string) string {
	return strings.NewReplacer("NAME", name).Replace("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME}\nspec: {selector: {matchLabels: {a: b}}, template: {spec: {containers: [{name: NAME, image: \"docker.io/library/nginx:1.27.0\"}]}}}\n")
}

func chartFiles(folder, name, more, workload string) map[string]string {
	return map[string]string{
		folder + "Chart.yaml":       "apiVersion: v2\nname: " + name + "\nversion: 0.1.0\n" + more,
		folder + "templates/d.yaml": disobedient(workload),
	}
}

func merged(sets ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, set := range sets {
		for name, text := range set {
			all[name] = text
		}
	}
	return all
}

// TestWhereTemplatesStand: findings name files that are there, whatever Helm
// calls them.
func TestWhereTemplatesStand(t *testing.T) {
	inner := packed(t, "inner", chartFiles("", "inner", "", "inner"))
	outer := packed(t, "outer", merged(chartFiles("", "outer", "", "outer"),
		chartFiles("charts/deep-folder/", "deep", "", "deep"),
		map[string]string{"charts/any-name.tgz": inner}))
	twins := "apiVersion: v2\nname: twin\nversion: 0.1.0\n"
	files := merged(goodFiles(),
		chartFiles("charts/folder-b/", "chart-a", "dependencies:\n- {name: nested, alias: renamed, version: '*'}\n- {name: twin, alias: passed-over}\n", "a"),
		chartFiles("charts/folder-b/charts/folder-n/", "nested", "", "nested"),
		chartFiles("charts/chart-a/", "chart-b", "", "b"),
		map[string]string{
			"charts/outer-0.1.0.tgz":                         outer,
			"charts/folder-b/charts/twin-1/Chart.yaml":       twins,
			"charts/folder-b/charts/twin-1/templates/d.yaml": disobedient("twin"),
			"charts/folder-b/charts/.hidden/Chart.yaml":      twins,
			"charts/folder-b/charts/_draft/templates/d.yaml": disobedient("draft"),
		})
	ext := load(t, files)
	got := told(Examine(context.Background(), ext, only("node-selector", "helm-lint", "chart", "render")).Findings)
	want := []string{
		`warning node-selector ext/charts/chart-a/templates/d.yaml:2: Deployment "b" does not obey global.nodeSelector`,
		`warning node-selector ext/charts/folder-b/charts/folder-n/templates/d.yaml:2: Deployment "nested" does not obey global.nodeSelector`,
		`warning node-selector ext/charts/folder-b/charts/twin-1/templates/d.yaml:2: Deployment "twin" does not obey global.nodeSelector`,
		`warning node-selector ext/charts/folder-b/templates/d.yaml:2: Deployment "a" does not obey global.nodeSelector`,
		`warning helm-lint ext/charts/outer-0.1.0.tgz: the chart "deep" is under charts/ and no dependency: Helm installs it always (Chart.yaml in the package)`,
		`warning helm-lint ext/charts/outer-0.1.0.tgz: the chart "inner" is under charts/ and no dependency: Helm installs it always (Chart.yaml in the package)`,
		`warning node-selector ext/charts/outer-0.1.0.tgz: Deployment "deep" does not obey global.nodeSelector (charts/deep-folder/templates/d.yaml in the package)`,
		`warning node-selector ext/charts/outer-0.1.0.tgz: Deployment "inner" does not obey global.nodeSelector (charts/any-name.tgz/templates/d.yaml in the package)`,
		`warning node-selector ext/charts/outer-0.1.0.tgz: Deployment "outer" does not obey global.nodeSelector (templates/d.yaml in the package)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestOptionalSubchart: a subchart that is off by default is held to the rules
// on global values, and its images are listed with good reason.
func TestOptionalSubchart(t *testing.T) {
	files := merged(goodFiles(), chartFiles("charts/extra/", "extra", "", "extra"), map[string]string{
		"extension.yaml":                 replaced(goodMetadata, "  - name: web\n", "  - {name: extra, condition: extra.enabled}\n  - name: web\n") + "  - docker.io/x/extra:1\n  - docker.io/x/none:1\n",
		"values.yaml":                    "extra: {enabled: false}\n",
		"charts/extra/templates/d.yaml":  replaced(disobedient("extra"), "docker.io/library/nginx:1.27.0", `{{ .Values.global.imageRegistry | default "docker.io" }}/x/extra:1`),
		"charts/extra/templates/_h.tpl":  "{{ define \"unused\" }}{{ end }}",
		"charts/web/templates/other.yml": "{{ include (print $.Template.BasePath \"/deployment.yaml\") . | sha256sum | printf \"apiVersion: example.com/v1\\nkind: Sum\\nmetadata: {name: web}\\nsum: %s\" }}",
	})
	want := []string{
		`warning node-selector ext/charts/extra/templates/d.yaml:2: Deployment "extra" does not obey global.nodeSelector`,
		`warning images ext/extension.yaml:18:5: the image docker.io/x/none:1 is listed, and nothing in the chart uses it`,
	}
	if diff := cmp.Diff(want, told(check(t, files, onRendering...))); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	// Switched on, it needs what it was not given: the rules go on without it.
	files["charts/extra/templates/d.yaml"] = `{{ fail "set extra.host" }}`
	want = []string{
		`warning images ext/extension.yaml:17:5: the image docker.io/x/extra:1 is listed, and nothing in the chart uses it`,
		`warning images ext/extension.yaml:18:5: the image docker.io/x/none:1 is listed, and nothing in the chart uses it`,
	}
	if diff := cmp.Diff(want, told(check(t, files, onRendering...))); diff != "" {
		t.Errorf("findings where it cannot be rendered (-want +got):\n%s", diff)
	}
}

// TestMarkedRenderingNeedsOthers: a template without pods of its own that another
// one builds its pods from is not left out.
func TestMarkedRenderingNeedsOthers(t *testing.T) {
	files := with(goodFiles(),
		"charts/web/templates/spec.yaml", "apiVersion: example.com/v1\nkind: Placement\nmetadata: {name: web}\nspec:\n  nodeSelector: {{ range $k, $v := .Values.global.nodeSelector }}{{ quote $v | printf `%s: %s` $k | nindent 4 }}{{ end }}\n",
		"charts/web/templates/deployment.yaml", `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {a: b}}
  template:
    spec:
      {{- $part := include (print $.Template.BasePath "/spec.yaml") . | fromYaml }}
      nodeSelector: {{ toYaml $part.spec.nodeSelector | nindent 8 }}
      containers:
        - {name: web, image: "{{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:1.27.0"}
`)
	if got := told(check(t, files, onRendering...)); got != nil {
		t.Errorf("findings: %v", got)
	}
}

// TestTwoOfOneKind: two Jobs of one template are told at their own lines, and a
// loop that makes several is told at its only line.
func TestTwoOfOneKind(t *testing.T) {
	job := func(name string) string {
		return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: " + name + "}\nspec: {template: {spec: {containers: [{name: a, image: '{{ .Values.global.imageRegistry | default \"docker.io\" }}/library/nginx:1.27.0'}]}}}\n"
	}
	files := with(goodFiles(),
		"charts/web/templates/jobs.yaml", job("one")+"---\n"+job("two"),
		"charts/web/templates/loop.yaml", "{{- range until 2 }}\n---\n"+replaced(job("loop-{{ . }}"), ".Values", "$.Values")+"{{- end }}\n",
		"charts/web/templates/random.yaml", job("test-{{ randAlphaNum 5 | lower }}"))
	want := []string{
		`warning node-selector ext/charts/web/templates/jobs.yaml:2: Job "one" does not obey global.nodeSelector`,
		`warning node-selector ext/charts/web/templates/jobs.yaml:7: Job "two" does not obey global.nodeSelector`,
		`warning node-selector ext/charts/web/templates/loop.yaml:4: Job "loop-0" does not obey global.nodeSelector`,
		`warning node-selector ext/charts/web/templates/loop.yaml:4: Job "loop-1" does not obey global.nodeSelector`,
		`warning node-selector ext/charts/web/templates/random.yaml:2: Job "test-*" does not obey global.nodeSelector`,
	}
	got := told(check(t, files, onRendering...))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
