package lint

import (
	"slices"
	"strings"
	"testing"
)

func TestHelmLint(t *testing.T) {
	const file = "charts/web/templates/a.yaml"
	const chartFile = "apiVersion: v2\nname: web\nversion: 0.1.0\n"
	subchart := []string{"charts/web/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"}
	testFindings(t, []findingTest{
		{
			name: "no kind", changes: []string{file, "a: 1\n---\n# nothing\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"},
			want: []string{`error render ext/charts/web/templates/a.yaml: line 1 of what the template renders begins an object without kind, so Helm does not install the chart`},
			hint: "let it begin with apiVersion and kind, or render nothing",
		},
		{
			name: "a list, and no API version", changes: []string{file, "- a\n---\nkind: ConfigMap\n"},
			want: []string{
				`error render ext/charts/web/templates/a.yaml: line 1 of what the template renders begins no object, but a list, so Helm does not install the chart`,
				`error render ext/charts/web/templates/a.yaml:3: line 2 of what the template renders begins an object without apiVersion, so Helm does not install the chart`,
			},
		},
		{
			name: "names", changes: []string{file, strings.Join([]string{
				"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A_b}\n",
				"apiVersion: v1\nkind: Service\nmetadata: {name: 1a}\n",
				"apiVersion: v1\nkind: Secret\nmetadata: {}\n",
				"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: 'system:a'}\n",
				"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a/b}\n",
				"apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a-}\n",
			}, "---\n")},
			want: []string{
				`warning helm-lint ext/charts/web/templates/a.yaml:2: ConfigMap "A_b" has a name that Kubernetes does not take: such names have lower-case letters, digits, '-' and '.', with a letter or digit at both ends`,
				`warning helm-lint ext/charts/web/templates/a.yaml:6: Service "1a" has a name that Kubernetes does not take: such names have lower-case letters, digits and '-', with a letter in front and no '-' at the end, at most 63`,
				`warning helm-lint ext/charts/web/templates/a.yaml:10: Secret has no name`,
				`warning helm-lint ext/charts/web/templates/a.yaml:18: ClusterRole "a/b" has a name that Kubernetes does not take: such names have neither / nor %`,
			},
		},
		{
			name: "API versions", changes: []string{file, strings.Join([]string{
				"apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n",
				"apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: a}\n",
				"apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: a}\n",
				"apiVersion: example.com/v1beta1\nkind: CronJob\nmetadata: {name: b}\n",
			}, "---\n"), "charts/web/templates/crd.yaml", "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n"},
			want: []string{
				`warning helm-lint ext/charts/web/templates/a.yaml:2: CronJob "a" is of batch/v1beta1, which Kubernetes has not had since 1.25; batch/v1 CronJob takes its place`,
				`warning helm-lint ext/charts/web/templates/a.yaml:6: PodSecurityPolicy "a" is of policy/v1beta1, which Kubernetes has not had since 1.25`,
				`info helm-lint ext/charts/web/templates/a.yaml:10: FlowSchema "a" is of flowcontrol.apiserver.k8s.io/v1beta3, which Kubernetes 1.29 deprecates; flowcontrol.apiserver.k8s.io/v1 FlowSchema takes its place`,
				`warning helm-lint ext/charts/web/templates/crd.yaml:2: CustomResourceDefinition is of apiextensions.k8s.io/v1beta1, which Kubernetes has not had since 1.22; apiextensions.k8s.io/v1 CustomResourceDefinition takes its place`,
			},
			hint: "write the API version that has taken its place",
		},
		{name: "an API version by what the cluster has", changes: []string{file, "{{ if .Capabilities.APIVersions.Has \"batch/v1/CronJob\" }}apiVersion: batch/v1{{ else }}apiVersion: batch/v1beta1{{ end }}\nkind: CronJob\nmetadata: {name: a}\n{{ if .Capabilities.APIVersions.Has \"policy/v1beta1\" }}{{ fail \"old\" }}{{ end }}"}},
		{
			name: "no selector", changes: []string{"charts/web/templates/deployment.yaml", replaced(goodDeployment, "  selector: {matchLabels: {app: web}}\n", "")},
			want: []string{`warning helm-lint ext/charts/web/templates/deployment.yaml:2: Deployment "web" has no selector`},
			hint: "Kubernetes refuses it: add spec.selector.matchLabels with labels of the pod template",
		},
		{
			name: "an indented beginning", changes: []string{file, "\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n"},
			want: []string{`warning helm-lint ext/charts/web/templates/a.yaml: what the template renders begins with an indented line: apiVersion: v1`},
			hint: "trim the space before it: {{- … }} or no indentation",
		},
		{
			name: "the file of a template", changes: []string{"charts/web/templates/a.json", "{{/* {\"helm.sh/hook\": crd-install} \n .Release.Time */}}"},
			want: []string{
				`warning helm-lint ext/charts/web/templates/a.json: Helm takes each file under templates/ for a template, and expects none that ends in ".json"`,
				`warning helm-lint ext/charts/web/templates/a.json:1: Helm 3 has no hook crd-install`,
				`warning helm-lint ext/charts/web/templates/a.json:2: Helm 3 has no .Release.Time`,
			},
		},
		{
			name: "Chart.yaml", changes: append(slices.Clone(subchart), "charts/web/Chart.yaml", "apiVersion: v3\nname: web\nversion: 0.1.0\nappVersion: 1.10\nmaintainers: [{email: a@b.c}]\nsources: [example]\ndependencies: [{name: x, version: 1.0.0, condition: x.enabled}]\n",
				"charts/web/values.yaml", "tag: 1.27.0\nx: {enabled: false}\n"),
			want: []string{
				`warning helm-lint ext/charts/web/Chart.yaml:1:13: apiVersion "v3" is none of Helm's`,
				`warning helm-lint ext/charts/web/Chart.yaml:4:13: appVersion 1.10 is not text: without quotes it reads as a number`,
				`warning helm-lint ext/charts/web/Chart.yaml:5:15: a maintainer has no name`,
				`warning helm-lint ext/charts/web/Chart.yaml:6:11: the source "example" is no URL`,
				`warning helm-lint ext/charts/web/Chart.yaml:7:15: the chart "db" is under charts/ and no dependency: Helm installs it always`,
			},
			hint: "write apiVersion: v2",
		},
		{
			name: "a chart of Helm 2", changes: []string{"charts/web/Chart.yaml", replaced(chartFile, "v2", "v1") + "type: application\n"},
			want: []string{`warning helm-lint ext/charts/web/Chart.yaml:4:7: type means nothing in a chart of apiVersion v1`},
		},
		{
			name: "a name that the rule name tells", changes: []string{"extension.yaml", replaced(goodMetadata, "name: web\nversion", "name: Web_Server\nversion")},
			want: []string{`error name ext/extension.yaml:2:7: the name "Web_Server" is not a DNS-1123 subdomain: use lower-case letters, digits, '-' and '.', with a letter or digit at both ends`},
		},
	})
}
