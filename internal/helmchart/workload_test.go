package helmchart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
)

// TestWorkloads: each form in which a manifest can hold pods, and those in which
// it only seems to.
func TestWorkloads(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a Pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: x}]}",
			[]string{`Pod "p": container "a" x`}},
		{"all lists of containers", `
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers: [{name: a, image: x}]
  initContainers: [{name: b, image: y}]
  ephemeralContainers: [{name: c, image: z}]
  volumes: [{name: v, image: {reference: model:1}}, {name: w, emptyDir: {}}]`,
			[]string{`Pod "p": container "a" x; init container "b" y; ephemeral container "c" z; image volume "v" model:1`}},
		{"a Deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{name: a, image: x}]}}}",
			[]string{`Deployment "d": container "a" x`}},
		{"a CronJob", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: x}]}}}}}",
			[]string{`CronJob "c": container "a" x`}},
		{"a generated name", "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: j-}\nspec: {template: {spec: {containers: [{name: a, image: x}]}}}",
			[]string{`Job "j-*": container "a" x`}},
		{"no name at all", "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{image: x}]}}}",
			[]string{`Job without a name: container without a name x`}},
		{"no image", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: a}]}}}",
			[]string{`Job "j": container "a" `}},
		{"a Job of another API group, with two pod templates", `
apiVersion: batch.volcano.sh/v1alpha1
kind: Job
metadata: {name: v}
spec:
  tasks:
    - template: {spec: {containers: [{name: a, image: x}]}}
    - template: {spec: {containers: [{name: b, image: y}]}}`,
			[]string{`Job "v": container "a" x | container "b" y`}},
		{"a custom resource that patches pods", "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\nspec: {containers: [{name: prometheus}]}",
			[]string{`Prometheus "p": container "prometheus" `}},
		{"a List", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: x}]}}\n- {apiVersion: v1, kind: Service, metadata: {name: s}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {containers: [{name: b, image: x}]}}",
			[]string{`Pod "a": container "a" x`, `Pod "b": container "b" x`}},
		{"duplicate keys, of which Kubernetes takes the last", "apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: x, image: y}]}",
			[]string{`Pod "p": container "a" y`}},
		{"aliases and merges", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nx: &c {name: a, image: x}\nspec: {containers: [*c, {<<: *c, name: b}, {<<: [*c], image: z}]}",
			[]string{`Pod "p": container "a" x; container "b" x; container "a" z`}},
		{"an Argo Rollout", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {template: {spec: {initContainers: [{name: i, image: x}], containers: [{name: a, image: y}]}}}",
			[]string{`Rollout "r": container "a" y; init container "i" x`}},
		{"a custom resource that only adds init containers", "apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: e}\nspec: {nodeSets: [{podTemplate: {spec: {initContainers: [{name: sysctl, image: busybox}]}}}]}",
			[]string{`Elasticsearch "e": init container "sysctl" busybox`}},
		{"the pods of Prometheus, of which only the additions are a pod template", "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: p}\nspec: {image: prom, containers: [{name: side, image: x}]}",
			[]string{`Prometheus "p": container "side" x`}},
		{"a PodTemplate", "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: t}\ntemplate: {spec: {containers: [{name: a, image: x}]}}",
			[]string{`PodTemplate "t": container "a" x`}},
		{"a Job of another API group", "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: j}\nspec: {tasks: [{template: {spec: {containers: [{name: a, image: x}]}}}, {template: {spec: {containers: [{name: b, image: y}]}}}]}",
			[]string{`Job "j": container "a" x | container "b" y`}},
		{"a pod template as text", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {pod: \"containers: [{name: a, image: x}]\"}", nil},
		{"a policy that shows pods", "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: c}\nspec: {rules: [{validate: {pattern: {spec: {containers: [{name: '*', image: '!*:latest'}]}}}}]}", nil},
		{"an API definition", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\nspec: {containers: [{name: a, image: x}]}", nil},
		{"containers that are something else", "apiVersion: v1\nkind: Thing\nspec: {containers: [1, two, {three: 3}], x: {containers: 4}, y: {containers: []}}", nil},
		{"no kind", "containers: [{name: a, image: x}]", nil},
		{"no mapping", "- containers: [{name: a, image: x}]", nil},
		{"nulls everywhere", "apiVersion:\nkind: Pod\nmetadata:\nspec: {containers: [null, {name: a, image: null}], initContainers: null, volumes: [null]}",
			[]string{`Pod without a name: container "a" `}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, _, err := podsOf("t", manifest.Document{Text: test.text, Line: 1})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range found {
				var pods []string
				for _, p := range w.Pods {
					var containers []string
					for _, c := range p.Containers {
						containers = append(containers, c.String()+" "+c.Image)
					}
					pods = append(pods, strings.Join(containers, "; "))
				}
				got = append(got, w.String()+": "+strings.Join(pods, " | "))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("workloads (-want +got):\n%s", diff)
			}
		})
	}
}
