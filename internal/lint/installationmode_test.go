package lint

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestModeOverrides: a severity that somebody chose holds for tags too.
func TestModeOverrides(t *testing.T) {
	ext := load(t, with(goodFiles(), "extension.yaml", replaced(goodMetadata, "tags: [extension]", "tags: [agent]")))
	for chosen, want := range map[Severity]Severity{Error: Error, Warning: Warning, Info: Info} {
		findings := Examine(t.Context(), ext, chosenFor("installation-mode", chosen)).Findings
		if len(findings) != 1 || findings[0].Severity != want {
			t.Errorf("with %s: %v", chosen, told(findings))
		}
	}
	got := told(ExamineMetadata(t.Context(), load(t, with(goodFiles(), "extension.yaml", goodMetadata+"installationMode: Both\n")), only("schema")).Findings)
	want := fmt.Sprintf("[%s]", `error schema ext/extension.yaml:16:19: "installationMode" must be one of HostOnly, Multicluster, <nil>, not "Both"`)
	if fmt.Sprint(got) != want {
		t.Errorf("with the rule off: %v", got)
	}
}

// TestInstalledApart: what KubeSphere never installs together does not meet in lint:
// definitions of one name in subcharts for the host cluster and for the chosen ones.
func TestInstalledApart(t *testing.T) {
	subchart := func(name string) []string {
		return []string{
			"charts/" + name + "/Chart.yaml", "apiVersion: v2\nname: " + name + "\nversion: 0.1.0\n",
			"charts/" + name + "/templates/_help.tpl", `{{ define "app.image" }}{{ .Values.global.imageRegistry | default "docker.io" }}/library/` + name + `:1{{ end }}`,
			"charts/" + name + "/templates/deployment.yaml", replaced(replaced(goodDeployment, "{{ .Release.Name }}", name), `{{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:{{ .Values.tag }}`, `{{ include "app.image" . }}`),
		}
	}
	files := with(goodFiles(), append(subchart("server"), subchart("collector")...)...)
	files["extension.yaml"] = replaced(replaced(goodMetadata, "- docker.io/library/nginx:1.27.0", "- docker.io/library/nginx:1.27.0\n  - docker.io/library/server:1\n  - docker.io/library/collector:1"),
		"  - name: web\n    tags: [extension]\n", "  - name: web\n    tags: [extension]\n  - name: server\n    tags: [extension]\n  - name: collector\n    tags: [agent]\n") + "installationMode: Multicluster\n"
	if got := told(check(t, files, onRendering...)); got != nil {
		t.Errorf("findings: %v", got)
	}
}

// TestBrokenOnOneCluster: what renders on the chosen clusters and not on the host
// cluster, which may be chosen too, is told.
func TestBrokenOnOneCluster(t *testing.T) {
	files := with(goodFiles(), "charts/web/templates/a.yaml", `{{ if eq .Values.global.clusterInfo.role "host" }}{{ fail "not here" }}{{ end }}`,
		"extension.yaml", replaced(goodMetadata, "[extension]", "[agent]")+"installationMode: Multicluster\n")
	want := []string{"error render ext/charts/web/templates/a.yaml:1:54: the template does not render: not here"}
	if diff := cmp.Diff(want, told(check(t, files, onRendering...))); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestClusterInfo: templates see what KubeSphere says of the cluster on the chosen ones,
// among which the host cluster may be, and nothing where it installs on the host cluster.
func TestClusterInfo(t *testing.T) {
	pod := func(role string) string {
		return `{{- if eq .Values.global.clusterInfo.role "` + role + `" }}` + "\n" + replaced(replaced(goodDeployment, "{{ .Release.Name }}", "{{ .Values.global.clusterInfo.name }}-"+role), "nginx:{{ .Values.tag }}", role+":1") + "{{- end }}\n"
	}
	files := with(goodFiles(), "charts/web/templates/host.yaml", pod("host"), "charts/web/templates/member.yaml", pod("member"))
	unlisted := func(role string) string {
		return `warning images ext/charts/web/templates/` + role + `.yaml:14: container "web" of Deployment "` + role + `-` + role + `" uses docker.io/library/` + role + `:1, which images in extension.yaml does not list`
	}
	unset := func(role string) string {
		return `error render ext/charts/web/templates/` + role + `.yaml:1:18: the template does not render: role is asked of a value that is not set, in {{ .Values.global.clusterInfo.role }}`
	}
	if diff := cmp.Diff([]string{unset("host"), unset("member")}, told(check(t, files, onRendering...))); diff != "" {
		t.Errorf("HostOnly (-want +got):\n%s", diff)
	}
	files["extension.yaml"] = replaced(goodMetadata, "[extension]", "[agent]") + "installationMode: Multicluster\n"
	if diff := cmp.Diff([]string{unlisted("host"), unlisted("member")}, told(check(t, files, onRendering...))); diff != "" {
		t.Errorf("Multicluster (-want +got):\n%s", diff)
	}
}
