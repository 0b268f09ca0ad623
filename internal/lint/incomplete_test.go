package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// multiclusterFiles is a good extension of a chart for each kind of cluster, and one,
// called all, for both.
func multiclusterFiles() map[string]string {
	files := with(goodFiles(), "extension.yaml", replaced(goodMetadata, "dependencies:\n  - name: web\n    tags: [extension]\n",
		"installationMode: Multicluster\ndependencies:\n  - name: web\n    tags: [extension]\n  - name: agent\n    tags: [agent]\n  - name: all\n    tags: [agent, extension]\n"))
	for _, name := range []string{"agent", "all"} {
		files["charts/"+name+"/Chart.yaml"] = "apiVersion: v2\nname: " + name + "\nversion: 0.1.0\n"
		files["charts/"+name+"/values.yaml"] = "tag: 1.27.0\n"
		files["charts/"+name+"/templates/deployment.yaml"] = replaced(goodDeployment, "{ {{ .Release.Name }} }", name)
	}
	for _, name := range []string{"agent", "all"} {
		file := "charts/" + name + "/templates/deployment.yaml"
		files[file] = replaced(files[file], "metadata: {name: {{ .Release.Name }} }", "metadata: {name: "+name+"}")
	}
	return files
}

// TestIncompleteRenderings: a template that does not render is reported, and nothing false
// about others.
func TestIncompleteRenderings(t *testing.T) {
	const (
		registry = `{{ .Values.global.imageRegistry | default "docker.io" }}`
		onMember = `{{ if eq ((.Values.global.clusterInfo).role | default "") "member" }}{{ fail "no" }}{{ end }}`
	)
	deployment := multiclusterFiles()["charts/all/templates/deployment.yaml"]
	for name, test := range map[string]struct {
		changes []string
		want    []string
	}{
		"a template by itself": {
			[]string{"charts/agent/templates/broken.yaml", "{{ fail `no` }}"}, nil,
		},
		"one that the others read, on members alone": {
			[]string{
				"charts/all/templates/registry.yaml", "# " + onMember + "\n" + `registry: {{ .Values.global.imageRegistry | default "docker.io" }}`,
				"charts/all/templates/deployment.yaml", replaced(deployment, registry, `{{ if eq ((.Values.global.clusterInfo).role | default "") "member" }}`+registry+`{{ else }}{{ (include (print $.Template.BasePath "/registry.yaml") . | fromYaml).registry | default "docker.io" }}{{ end }}`),
			}, []string{"render/not-an-object charts/all/templates/registry.yaml"},
		},
		"one that sets values, on members alone": {
			[]string{
				"charts/all/values.yaml", "tag: 1.27.0\nregistry: docker.io\n",
				"charts/all/templates/zz.yaml", onMember + `{{ with .Values.global.imageRegistry }}{{ $_ := set $.Values "registry" . }}{{ end }}`,
				"charts/all/templates/deployment.yaml", replaced(deployment, registry, "{{ .Values.registry }}"),
			}, nil,
		},
		"one that sets values, everywhere": {
			[]string{
				"charts/all/values.yaml", "tag: 1.27.0\nregistry: docker.io\n",
				"charts/all/templates/zz.yaml", `{{ with .Values.global.imageRegistry }}{{ $_ := set $.Values "registry" . }}{{ end }}{{ fail "no" }}`,
				"charts/all/templates/deployment.yaml", replaced(deployment, registry, "{{ .Values.registry }}"),
			}, nil,
		},
		"one with a definition that another chart has, too": {
			[]string{
				"charts/all/templates/zz.yaml", `{{ define "registry" }}` + registry + `{{ end }}{{ fail "no" }}`,
				"charts/web/templates/_r.tpl", `{{ define "registry" }}docker.io{{ end }}`,
				"charts/agent/templates/_r.tpl", `{{ define "registry" }}docker.io{{ end }}`,
				"charts/all/templates/deployment.yaml", replaced(deployment, registry, `{{ include "registry" . }}`),
			}, nil,
		},
		"what is wrong with the others is told": {
			[]string{
				"charts/agent/templates/broken.yaml", "{{ fail `no` }}",
				"charts/all/templates/deployment.yaml", replaced(deployment, registry, "docker.io"),
				"charts/agent/templates/deployment.yaml", replaced(deployment, registry, "docker.io"),
			},
			[]string{"image-registry/not-obeyed charts/agent/templates/deployment.yaml", "image-registry/not-obeyed charts/all/templates/deployment.yaml"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			broken := false
			for _, f := range check(t, with(multiclusterFiles(), test.changes...), onRendering...) {
				if broken = broken || f.Code == "render/broken-template"; !strings.HasPrefix(f.Code, "render/broken") {
					got = append(got, f.Code+" "+f.File)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if !broken {
				t.Error("the broken template is not told")
			}
		})
	}
	if got := told(check(t, multiclusterFiles(), onRendering...)); got != nil {
		t.Errorf("the extension is not good: %v", got)
	}
}
