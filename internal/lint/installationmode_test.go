package lint

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInstallationMode(t *testing.T) {
	const dependencies = "dependencies:\n  - name: web\n    tags: [extension]\n"
	mode := func(mode, dependency string) []string {
		return []string{"extension.yaml", replaced(goodMetadata, dependencies, "installationMode: "+mode+"\ndependencies:\n  - name: web\n"+dependency),
			"values.yaml", "global: {}\nweb: {enabled: true}\n"}
	}
	testFindings(t, []findingTest{
		{name: "on the host", changes: mode("HostOnly", "    tags: [extension]\n")},
		{name: "on the host without tags", changes: mode("HostOnly", "    condition: web.enabled\n")},
		{name: "on the host by default", changes: mode("", "    tags: [extension, agent]\n")},
		{name: "on the chosen clusters", changes: mode("Multicluster", "    tags: [agent]\n    condition: web.enabled\n")},
		{name: "everywhere, as it says", changes: mode("Multicluster", "    tags: [agent, extension]\n")},
		{
			name:    "in other letters",
			changes: mode("multiCluster", ""),
			want:    []string{`error installation-mode ext/extension.yaml:11:19: installationMode must be HostOnly or Multicluster, not "multiCluster"`},
			hint:    `did you mean "Multicluster"?`,
		},
		{
			name:    "unknown",
			changes: mode("Everywhere", ""),
			want:    []string{`error installation-mode ext/extension.yaml:11:19: installationMode must be HostOnly or Multicluster, not "Everywhere"`},
			hint:    "remove the line for HostOnly, which is the default",
		},
		{
			name:    "no text",
			changes: mode("1", ""),
			want:    []string{`error installation-mode ext/extension.yaml:11:19: installationMode must be HostOnly or Multicluster, not "1"`},
		},
		{
			name:    "a list",
			changes: mode("[Multicluster]", ""),
			want:    []string{`error installation-mode ext/extension.yaml:11:19: installationMode must be HostOnly or Multicluster`},
		},
		{
			name:    "an agent without clusters",
			changes: mode("HostOnly", "    tags: [agent]\n"),
			want:    []string{`warning installation-mode ext/extension.yaml:14:11: the subchart "web" is tagged agent, and in HostOnly KubeSphere installs those nowhere`},
			hint:    "write installationMode: Multicluster, or tag it extension",
		},
		{
			name:    "an agent without clusters, by default",
			changes: []string{"extension.yaml", replaced(goodMetadata, "tags: [extension]", "tags: [agent]")},
			want:    []string{`warning installation-mode ext/extension.yaml:13:11: the subchart "web" is tagged agent, and in HostOnly KubeSphere installs those nowhere`},
		},
		{
			name:    "both tags and a condition on the host",
			changes: mode("HostOnly", "    tags: [agent, extension]\n    condition: web.enabled\n"),
			want:    []string{`warning installation-mode ext/extension.yaml:15:16: the subchart "web" is installed nowhere: KubeSphere sets its condition "web.enabled" to false, since it is tagged agent too`},
			hint:    "take the condition out, or leave it only one of the two tags",
		},
		{
			name:    "clusters without an agent",
			changes: mode("Multicluster", "    tags: [extension]\n"),
			want:    []string{`warning installation-mode ext/extension.yaml:11:19: installationMode is Multicluster, and no subchart goes to the chosen clusters: none is tagged agent`},
			hint:    "tag the subcharts that belong there agent, or write installationMode: HostOnly",
		},
		{
			name:    "neither tag",
			changes: mode("Multicluster", "    condition: web.enabled\n"),
			want:    []string{`warning installation-mode ext/extension.yaml:13:11: the subchart "web" has neither the tag extension nor agent: KubeSphere installs it on the host cluster and on every chosen one`},
			hint:    "tag it extension for the host cluster, agent for the chosen ones, or both to say that this is meant",
		},
		{
			name:    "a misspelt tag",
			changes: mode("Multicluster", "    tags: [Agents]\n"),
			want:    []string{`warning installation-mode ext/extension.yaml:14:11: the subchart "web" has neither the tag extension nor agent: KubeSphere installs it on the host cluster and on every chosen one`},
			hint:    `did you mean "agent" for the tag "Agents"?`,
		},
		{
			name: "a library for both sides",
			changes: append(mode("Multicluster", "    tags: [extension]\n  - name: far\n    tags: [agent]\n  - name: lib\n"),
				"charts/far/Chart.yaml", "apiVersion: v2\nname: far\nversion: 0.1.0\n", "charts/lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n"),
		},
		{
			name:    "both tags and a condition",
			changes: mode("Multicluster", "    tags: [agent, extension]\n    condition: web.enabled\n"),
			want: []string{
				`warning installation-mode ext/extension.yaml:11:19: installationMode is Multicluster, and no subchart goes to the chosen clusters: none is tagged agent`,
				`warning installation-mode ext/extension.yaml:15:16: the subchart "web" is installed nowhere: KubeSphere sets its condition "web.enabled" to false, since it is tagged agent too`,
				`info images ext/extension.yaml:17:5: the image docker.io/library/nginx:1.27.0 is listed, and used only by container "web" of Deployment "web", which is off by default`,
			},
		},
		{
			name: "one condition for both sides",
			changes: append(mode("Multicluster", "    tags: [agent]\n    condition: web.enabled\n  - name: host\n    tags: [extension]\n    condition: web.enabled\n"),
				"charts/host/Chart.yaml", "apiVersion: v2\nname: host\nversion: 0.1.0\n"),
			want: []string{
				`warning installation-mode ext/extension.yaml:11:19: installationMode is Multicluster, and no subchart goes to the chosen clusters: none is tagged agent`,
				`warning installation-mode ext/extension.yaml:15:16: the subchart "web" is installed nowhere: KubeSphere sets its condition "web.enabled" to false, since another subchart with this condition is tagged extension`,
				`warning installation-mode ext/extension.yaml:18:16: the subchart "host" is installed nowhere: KubeSphere sets its condition "web.enabled" to false, since another subchart with this condition is tagged agent`,
				`info images ext/extension.yaml:20:5: the image docker.io/library/nginx:1.27.0 is listed, and used only by container "web" of Deployment "web", which is off by default`,
			},
		},
	})
}

// TestModeOverrides: a severity that somebody chose holds for tags too.
func TestModeOverrides(t *testing.T) {
	ext := load(t, with(goodFiles(), "extension.yaml", replaced(goodMetadata, "tags: [extension]", "tags: [agent]")))
	for chosen, want := range map[Severity]Severity{Error: Error, Warning: Warning, Info: Info} {
		findings := Examine(t.Context(), ext, Options{Severities: map[string]Severity{"installation-mode": chosen}}).Findings
		if len(findings) != 1 || findings[0].Severity != want {
			t.Errorf("with %s: %v", chosen, told(findings))
		}
	}
	got := told(ExamineMetadata(t.Context(), load(t, with(goodFiles(), "extension.yaml", goodMetadata+"installationMode: Both\n")), Options{Severities: map[string]Severity{"installation-mode": Off}}).Findings)
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
	if got := told(check(t, files)); got != nil {
		t.Errorf("findings: %v", got)
	}
}

// TestBrokenOnOneCluster: what renders on the chosen clusters and not on the host
// cluster, which may be chosen too, is told.
func TestBrokenOnOneCluster(t *testing.T) {
	files := with(goodFiles(), "charts/web/templates/a.yaml", `{{ if eq .Values.global.clusterInfo.role "host" }}{{ fail "not here" }}{{ end }}`,
		"extension.yaml", replaced(goodMetadata, "[extension]", "[agent]")+"installationMode: Multicluster\n")
	want := []string{"error render ext/charts/web/templates/a.yaml:1:54: the template does not render: not here"}
	if diff := cmp.Diff(want, told(check(t, files))); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestClusterInfo: templates see what KubeSphere tells of the cluster, on the host
// cluster and on the chosen ones.
func TestClusterInfo(t *testing.T) {
	pod := func(role string) string {
		return `{{- if eq .Values.global.clusterInfo.role "` + role + `" }}` + "\n" + replaced(replaced(goodDeployment, "{{ .Release.Name }}", "{{ .Values.global.clusterInfo.name }}-"+role), "nginx:{{ .Values.tag }}", role+":1") + "{{- end }}\n"
	}
	files := with(goodFiles(), "charts/web/templates/host.yaml", pod("host"), "charts/web/templates/member.yaml", pod("member"))
	unlisted := func(role string) string {
		return `warning images ext/charts/web/templates/` + role + `.yaml:3: container "web" of Deployment "` + role + `-` + role + `" uses docker.io/library/` + role + `:1, which images in extension.yaml does not list`
	}
	if diff := cmp.Diff([]string{unlisted("host")}, told(check(t, files))); diff != "" {
		t.Errorf("HostOnly (-want +got):\n%s", diff)
	}
	files["extension.yaml"] = replaced(goodMetadata, "[extension]", "[agent]") + "installationMode: Multicluster\n"
	if diff := cmp.Diff([]string{unlisted("host"), unlisted("member")}, told(check(t, files))); diff != "" {
		t.Errorf("Multicluster (-want +got):\n%s", diff)
	}
}
