package helmchart

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// installationsOf renders an extension as KubeSphere installs it.
func installationsOf(t *testing.T, files map[string]string) []Installed {
	t.Helper()
	loaded, err := Load(load(t, files))
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := loaded.Render(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return rendered.Installations
}

// objectsOf renders one template of a subchart, and gives what is in it.
func objectsOf(t *testing.T, template string) (Installed, []Object) {
	t.Helper()
	in := installationsOf(t, with(goodFiles(), "charts/web/templates/deployment.yaml", template))[0]
	return in, in.Objects
}

func names(objects []Object) string {
	var list []string
	for _, o := range objects {
		list = append(list, strings.TrimSpace(o.Kind+" "+o.Namespace+"/"+o.Name))
	}
	return strings.Join(list, ", ")
}

const twoClusters = `apiVersion: kubesphere.io/v1alpha1
name: web
version: 1.0.0
installationMode: Multicluster
dependencies:
  - {name: web, tags: [extension]}
  - {name: agent, tags: [agent]}
`

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"

// TestInstallationsApart: what goes to the host cluster is not mixed with what goes to the
// chosen ones, and what all clusters get in one text is one object.
func TestInstallationsApart(t *testing.T) {
	files := map[string]string{
		"extension.yaml":           twoClusters,
		"templates/all.yaml":       fmt.Sprintf(configMap, "all"),
		"charts/web/Chart.yaml":    "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"charts/web/templates/a":   "",
		"charts/web/crds/a.yaml":   "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  annotations:\n    name: x\n  name: as.web.io\n---\n" + fmt.Sprintf(configMap, "b"),
		"charts/agent/Chart.yaml":  "apiVersion: v2\nname: agent\nversion: 0.1.0\n",
		"charts/agent/crds/b.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: bs.web.io}\n",
		"charts/agent/templates/agent.yaml": fmt.Sprintf(configMap, "same") + "---\n" +
			fmt.Sprintf(configMap, "on-{{ .Values.global.clusterInfo.role }}"),
		"charts/web/templates/web.yaml": fmt.Sprintf(configMap, "same") + "---\n" + fmt.Sprintf(configMap, "web"),
	}
	var got []string
	list := installationsOf(t, files)
	for _, in := range list {
		got = append(got, fmt.Sprintf("%s on %s: %s; %s", in.Tag, in.Role, names(in.Objects), names(in.CRDs())))
	}
	want := []string{
		"extension on host: ConfigMap /same, ConfigMap /web, ConfigMap /all; CustomResourceDefinition /as.web.io, ConfigMap /b",
		"agent on member: ConfigMap /same, ConfigMap /on-member, ConfigMap /all; CustomResourceDefinition /bs.web.io",
		"agent on host: ConfigMap /same, ConfigMap /on-host, ConfigMap /all; CustomResourceDefinition /bs.web.io",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("installations:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if member, host := list[1].Objects, list[2].Objects; !member[2].SameText(host[2]) || member[1].SameText(host[1]) {
		t.Error("what renders to one text is read twice, or what does not is read once")
	}
	crd := list[0].CRDs()[0]
	if at, line, column := list[0].FieldPlace(crd, "metadata", "name"); at.File != "charts/web/crds/a.yaml" || line != 7 || column != 3 {
		t.Errorf("the name of a definition is at %s:%d:%d", at.File, line, column)
	}
}

// TestInstalledOnHostOnly: without installationMode there is one installation.
func TestInstalledOnHostOnly(t *testing.T) {
	list := installationsOf(t, goodFiles())
	if len(list) != 1 || list[0].Tag != TagExtension || list[0].Role != Host || names(list[0].Objects) != "Deployment /web" {
		t.Errorf("%+v", list)
	}
}

// TestDefinitionsAreReadByTheLine: name and apiVersion of a CustomResourceDefinition,
// however they are written, and the rest when somebody asks.
func TestDefinitionsAreReadByTheLine(t *testing.T) {
	for _, text := range []string{
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  labels: {a: b}\n  name: x.y # odd\nspec: {group: y}\n",
		"apiVersion: \"apiextensions.k8s.io/v1\"\nkind: CustomResourceDefinition\nspec:\n  group: y\n  names: {kind: X}\nmetadata:\n    annotations:\n        name: z\n    name: 'x.y'\n",
		"kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {name: x.y}\nspec: {group: y}\n",
		"# kind\r\nkind: CustomResourceDefinition\r\napiVersion: apiextensions.k8s.io/v1\r\nmetadata:\r\n  name: x.y\r\nspec: {group: y}\r\n",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: >-\n    x.y\nspec: {group: y}\n",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: &name x.y\nspec: {group: y}\n",
	} {
		_, objects := objectsOf(t, text)
		if len(objects) != 1 {
			t.Fatalf("%d objects of\n%s", len(objects), text)
		}
		if o := objects[0]; o.APIVersion != "apiextensions.k8s.io/v1" || o.Kind != "CustomResourceDefinition" || o.Name != "x.y" || o.TextAt("spec", "group") != "y" {
			t.Errorf("%s %s %q, group %q of\n%s", o.APIVersion, o.Kind, o.Name, o.TextAt("spec", "group"), text)
		}
	}
	if _, objects := objectsOf(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  crd: |\n    kind: CustomResourceDefinition\n"); names(objects) != "ConfigMap /a" {
		t.Errorf("a ConfigMap with a definition in it is %s", names(objects))
	}
}

// TestWhatAnObjectHas: fields through aliases and merge keys, labels, hooks, and Lists.
func TestWhatAnObjectHas(t *testing.T) {
	_, objects := objectsOf(t, `apiVersion: v1
kind: List
metadata: {annotations: {helm.sh/hook: "Pre-Install, post-upgrade"}}
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: a
    namespace: other
    labels: &labels {a: "1", b: &two 2}
    annotations: {<<: *labels, a: x, c: *two}
  data: {x: "1", x: "2"}
- apiVersion: v1
  kind: Secret
  metadata: {name: b, labels: *labels}
- odd
---
apiVersion: v1
kind: Pod
metadata: {name: c, annotations: {helm.sh/hook: pre-instal, helm.sh/hook-delete-policy: hook-succeeded}}
---
apiVersion: v1
kind: Pod
metadata: {name: d, annotations: {helm.sh/hook-weight: "1"}}
`)
	var all []Object
	for _, o := range objects {
		o.Each(func(o Object) { all = append(all, o) })
	}
	if got := names(all); got != "ConfigMap other/a, Secret /b, Pod /c, Pod /d" || !all[0].InList || all[2].InList {
		t.Fatal(got)
	}
	if got := fmt.Sprint(all[0].Labels(), all[0].Annotations(), all[1].Labels(), all[0].TextAt("data", "x"), all[0].RenderedLine(all[0].At("data"))); got != "map[a:1 b:2] map[a:x b:2 c:2] map[a:1 b:2]212" {
		t.Error(got)
	}
	var hooks []string
	for _, o := range all {
		h, ok := o.Hook()
		hooks = append(hooks, fmt.Sprint(ok, h, ok && h.IsLeftOut(), h.DeletesBefore()))
	}
	if got := strings.Join(hooks, "; "); got != "true {[pre-install post-upgrade] []} false true; true {[pre-install post-upgrade] []} false true; true {[pre-instal] [hook-succeeded]} true false; false {[] []} false true" {
		t.Error(got)
	}
	if all[3].At("spec", "containers", "0") != nil || all[3].At("metadata", "annotations", "helm.sh/hook-weight").Value != "1" || objects[0].TextAt("items", "1", "metadata", "name") != "b" {
		t.Error("a path is misunderstood")
	}
}

// TestFieldPlace: the line of a template that wrote a field.
func TestFieldPlace(t *testing.T) {
	const template = `{{- /* a
kind: ConfigMap
*/}}
{{- range $i, $name := list "a" "b" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  labels: {{- dict "app" "web" | toYaml | nindent 4 }}
data:
  name: x
  {{- if eq $name "b" }}
  {{ $name }}: "{{ $i }}" # odd
  {{- end }}
{{- end }}
---
apiVersion: v1
kind: Pod
metadata:
  name: first
  labels:
    app: web
spec:
  hostNetwork: {{ "yes" }}
  containers:
  - name: x
    image: {{ "nginx" }}:1
---
apiVersion: v1
kind: Pod
metadata:
  name: second
  labels:
    app: web
spec:
  hostNetwork: {{ "yes" }}
  containers:
  - name: x
    image: {{ "nginx" }}:1
`
	in, objects := objectsOf(t, template)
	for _, test := range []struct {
		object int
		path   string
		want   string
	}{
		{0, "metadata name", "9:3"}, {1, "metadata name", "9:3"}, {0, "data name", "12:3"}, {1, "data b", "14:0"},
		{0, "metadata labels app", "10:3"}, {0, "metadata labels none", "10:3"}, {0, "none", "7:0"},
		{2, "metadata name", "21:3"}, {3, "metadata name", "33:3"}, {2, "spec hostNetwork", "25:3"}, {3, "spec hostNetwork", "37:3"},
		{3, "metadata labels app", "35:5"}, {2, "spec containers 0 image", "28:5"}, {3, "spec containers 0", "39:5"}, {3, "kind", "31:1"},
	} {
		_, line, column := in.FieldPlace(objects[test.object], strings.Fields(test.path)...)
		if got := fmt.Sprintf("%d:%d", line, column); got != test.want {
			t.Errorf("%s of object %d is at %s, want %s", test.path, test.object, got, test.want)
		}
	}
	if _, line, _ := in.LinePlace(objects[1], 4); line != 8 {
		t.Errorf("the fourth line of the second ConfigMap is at %d", line)
	}
}
