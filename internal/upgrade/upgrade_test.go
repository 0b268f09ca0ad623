package upgrade

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/footprint"
)

// print1 is a footprint of documents. A line "# on agent", "# hook", "# kept" or "# crds" in
// one says where it is and what it is.
func print1(t testing.TB, text string) *footprint.Footprint {
	t.Helper()
	f := &footprint.Footprint{Name: "alc", Version: "1.2.0", Texts: map[string]any{}}
	for i, document := range strings.Split(text, "---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		content := map[string]any{}
		if err := yaml.Unmarshal([]byte(document), &content); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if values, ok := content["values"].(map[string]any); ok {
			f.Values = values
			continue
		}
		if namespace, ok := content["namespace"].(string); ok {
			f.Texts["namespace"] = namespace
			continue
		}
		metadata, _ := content["metadata"].(map[string]any)
		o := footprint.Object{Where: footprint.Host, Content: content, Namespace: "extension-alc", Template: fmt.Sprintf("alc/templates/%d.yaml", i)}
		o.APIVersion, _ = content["apiVersion"].(string)
		o.Kind, _ = content["kind"].(string)
		o.Name, _ = metadata["name"].(string)
		if strings.Contains(document, "# on agent") {
			o.Where = footprint.Agent
		}
		o.Hook, o.Kept, o.InCRDs = strings.Contains(document, "# hook"), strings.Contains(document, "# kept"), strings.Contains(document, "# crds")
		f.Objects = append(f.Objects, o)
	}
	return f
}

func object(group, kind, name, rest string) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\n%s\n", group, kind, name, rest)
}

const claim = "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: %s}}, storageClassName: %s}"

var table = []struct {
	name, old, now string
	want           string // code and weight of each problem
}{
	{"Deployment: selector", object("apps/v1", "Deployment", "a", "spec: {selector: {matchLabels: {a: b}}}"), object("apps/v1", "Deployment", "a", "spec: {selector: {matchLabels: {a: c}}}"), "immutable-field 3"},
	{"Deployment: replicas, template", object("apps/v1", "Deployment", "a", "spec: {replicas: 1, selector: {x: y}}"), object("apps/v1", "Deployment", "a", "spec: {replicas: 2, template: {}, selector: {x: y}}"), ""},
	{"DaemonSet: selector", object("apps/v1", "DaemonSet", "a", "spec: {selector: {matchLabels: {a: b}}}"), object("apps/v1", "DaemonSet", "a", "spec: {selector: {matchLabels: {a: b, c: d}}}"), "immutable-field 3"},
	{"StatefulSet: selector", object("apps/v1", "StatefulSet", "a", "spec: {selector: {matchLabels: {a: b}}}"), object("apps/v1", "StatefulSet", "a", "spec: {selector: {matchLabels: {b: a}}}"), "immutable-field 3"},
	{"StatefulSet: serviceName", object("apps/v1", "StatefulSet", "a", "spec: {serviceName: x}"), object("apps/v1", "StatefulSet", "a", "spec: {serviceName: y}"), "immutable-field 3"},
	{"StatefulSet: podManagementPolicy", object("apps/v1", "StatefulSet", "a", "spec: {}"), object("apps/v1", "StatefulSet", "a", "spec: {podManagementPolicy: Parallel}"), "immutable-field 3"},
	{"StatefulSet: default written out", object("apps/v1", "StatefulSet", "a", "spec: {}"), object("apps/v1", "StatefulSet", "a", "spec: {podManagementPolicy: OrderedReady}"), ""},
	{"StatefulSet: volumeClaimTemplates", object("apps/v1", "StatefulSet", "a", "spec: {volumeClaimTemplates: [{metadata: {name: d}, "+fmt.Sprintf(claim, "1Gi", "x")+"}]}"), object("apps/v1", "StatefulSet", "a", "spec: {volumeClaimTemplates: [{metadata: {name: d}, "+fmt.Sprintf(claim, "2Gi", "x")+"}]}"), "immutable-field 3"},
	{"StatefulSet: apiVersion in a claim", object("apps/v1", "StatefulSet", "a", "spec: {volumeClaimTemplates: [{metadata: {name: d}, spec: {}}]}"), object("apps/v1", "StatefulSet", "a", "spec: {volumeClaimTemplates: [{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: d}, spec: {volumeMode: Filesystem}}]}"), ""},
	{"StatefulSet: update strategy", object("apps/v1", "StatefulSet", "a", "spec: {}"), object("apps/v1", "StatefulSet", "a", "spec: {updateStrategy: {type: OnDelete}, replicas: 3}"), ""},
	{"Job: template", object("batch/v1", "Job", "a", "spec: {template: {spec: {containers: [{image: 'a:1'}]}}}"), object("batch/v1", "Job", "a", "spec: {template: {spec: {containers: [{image: 'a:2'}]}}}"), "immutable-field 3"},
	{"Job: completions", object("batch/v1", "Job", "a", "spec: {completions: 1}"), object("batch/v1", "Job", "a", "spec: {completions: 2}"), "immutable-field 3"},
	{"Job: defaults written out", object("batch/v1", "Job", "a", "spec: {}"), object("batch/v1", "Job", "a", "spec: {completions: 1, parallelism: 1, completionMode: NonIndexed}"), ""},
	{"Job: completions with indexes", object("batch/v1", "Job", "a", "spec: {completionMode: Indexed, completions: 1, parallelism: 1}"), object("batch/v1", "Job", "a", "spec: {completionMode: Indexed, completions: 2, parallelism: 2}"), ""},
	{"Job: another mode", object("batch/v1", "Job", "a", "spec: {completions: 2}"), object("batch/v1", "Job", "a", "spec: {completions: 2, completionMode: Indexed}"), "immutable-field 3"},
	{"Job: podFailurePolicy", object("batch/v1", "Job", "a", "spec: {podFailurePolicy: {rules: [{action: Ignore}]}}"), object("batch/v1", "Job", "a", "spec: {podFailurePolicy: {rules: [{action: FailJob}]}}"), "immutable-field 3"},
	{"Job: a hook", object("batch/v1", "Job", "a", "# hook\nspec: {template: {spec: {containers: [{image: 'a:1'}]}}}"), object("batch/v1", "Job", "a", "# hook\nspec: {template: {spec: {containers: [{image: 'a:2'}]}}}"), ""},
	{"Job: another name", object("batch/v1", "Job", "a-1", "spec: {template: {a: 1}}"), object("batch/v1", "Job", "a-2", "spec: {template: {a: 2}}"), ""},
	{"CronJob: template", object("batch/v1", "CronJob", "a", "spec: {jobTemplate: {a: 1}}"), object("batch/v1", "CronJob", "a", "spec: {jobTemplate: {a: 2}}"), ""},
	{"RoleBinding: roleRef", object("rbac.authorization.k8s.io/v1", "RoleBinding", "a", "roleRef: {kind: Role, name: x}"), object("rbac.authorization.k8s.io/v1", "RoleBinding", "a", "roleRef: {kind: Role, name: y}"), "immutable-field 3"},
	{"ClusterRoleBinding: roleRef", object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "a", "roleRef: {kind: ClusterRole, name: x}"), object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "a", "roleRef: {kind: ClusterRole, name: y}"), "immutable-field 3"},
	{"RoleBinding: subjects", object("rbac.authorization.k8s.io/v1", "RoleBinding", "a", "roleRef: {kind: Role, name: x}"), object("rbac.authorization.k8s.io/v1", "RoleBinding", "a", "roleRef: {kind: Role, name: x, apiGroup: rbac.authorization.k8s.io}\nsubjects: [{kind: User, name: x}]"), ""},
	{"Service: clusterIP", object("v1", "Service", "a", "spec: {clusterIP: 10.0.0.1}"), object("v1", "Service", "a", "spec: {clusterIP: 10.0.0.2}"), "immutable-field 3"},
	{"Service: becomes headless", object("v1", "Service", "a", "spec: {}"), object("v1", "Service", "a", "spec: {clusterIP: None}"), "immutable-field 3"},
	{"Service: no clusterIP any more", object("v1", "Service", "a", "spec: {clusterIP: None}"), object("v1", "Service", "a", "spec: {}"), ""},
	{"Service: from ExternalName", object("v1", "Service", "a", "spec: {type: ExternalName, externalName: x}"), object("v1", "Service", "a", "spec: {clusterIP: None}"), ""},
	{"Service: ports", object("v1", "Service", "a", "spec: {ports: [{port: 1}]}"), object("v1", "Service", "a", "spec: {ports: [{port: 2}]}"), ""},
	{"StorageClass: parameters", object("storage.k8s.io/v1", "StorageClass", "a", "provisioner: x\nparameters: {a: b}"), object("storage.k8s.io/v1", "StorageClass", "a", "provisioner: x\nparameters: {a: c}"), "immutable-field 3"},
	{"StorageClass: provisioner", object("storage.k8s.io/v1", "StorageClass", "a", "provisioner: x"), object("storage.k8s.io/v1", "StorageClass", "a", "provisioner: y"), "immutable-field 3"},
	{"StorageClass: reclaimPolicy", object("storage.k8s.io/v1", "StorageClass", "a", "provisioner: x"), object("storage.k8s.io/v1", "StorageClass", "a", "provisioner: x\nreclaimPolicy: Retain"), "immutable-field 3"},
	{"StorageClass: allowVolumeExpansion", object("storage.k8s.io/v1", "StorageClass", "a", "provisioner: x"), object("storage.k8s.io/v1", "StorageClass", "a", "provisioner: x\nreclaimPolicy: Delete\nallowVolumeExpansion: true"), ""},
	{"PersistentVolumeClaim: class", object("v1", "PersistentVolumeClaim", "a", fmt.Sprintf(claim, "1Gi", "x")), object("v1", "PersistentVolumeClaim", "a", fmt.Sprintf(claim, "1Gi", "y")), "immutable-field 3"},
	{"PersistentVolumeClaim: shrinks", object("v1", "PersistentVolumeClaim", "a", fmt.Sprintf(claim, "2Gi", "x")), object("v1", "PersistentVolumeClaim", "a", fmt.Sprintf(claim, "1025Mi", "x")), "immutable-field 3"},
	{"PersistentVolumeClaim: grows", object("v1", "PersistentVolumeClaim", "a", fmt.Sprintf(claim, "1Gi", "x")), object("v1", "PersistentVolumeClaim", "a", fmt.Sprintf(claim, "1025Mi", "x")), ""},
	{"PersistentVolumeClaim: gone", object("v1", "PersistentVolumeClaim", "a", ""), "", "data-removed 3"},
	{"PersistentVolumeClaim: gone and kept", object("v1", "PersistentVolumeClaim", "a", "# kept"), "", ""},
	{"PersistentVolumeClaim: another name", object("v1", "PersistentVolumeClaim", "a", ""), object("v1", "PersistentVolumeClaim", "b", ""), "renamed 3"},
	{"Secret: type", object("v1", "Secret", "a", ""), object("v1", "Secret", "a", "type: kubernetes.io/tls"), "immutable-field 3"},
	{"ConfigMap: data", object("v1", "ConfigMap", "a", "data: {a: b}"), object("v1", "ConfigMap", "a", "data: {a: c}"), ""},
	{"ConfigMap: data that say they do not change", object("v1", "ConfigMap", "a", "data: {a: b}\nimmutable: true"), object("v1", "ConfigMap", "a", "data: {a: c}\nimmutable: true"), "immutable-field 3"},
	{"ConfigMap: another name", object("v1", "ConfigMap", "a-1", ""), object("v1", "ConfigMap", "a-2", ""), ""},
	{"ConfigMap: gone", object("v1", "ConfigMap", "a", ""), "", ""},
	{"IngressClass: controller", object("networking.k8s.io/v1", "IngressClass", "a", "spec: {controller: x}"), object("networking.k8s.io/v1", "IngressClass", "a", "spec: {controller: y}"), "immutable-field 3"},
	{"PriorityClass: value", object("scheduling.k8s.io/v1", "PriorityClass", "a", "value: 1"), object("scheduling.k8s.io/v1", "PriorityClass", "a", "value: 2"), "immutable-field 3"},
	{"CustomResourceDefinition: gone", crd("xs.y", "Cluster", "Thing", "v1"), "", "definition-removed 3"},
	{"CustomResourceDefinition: gone from crds/", "# crds\n" + crd("xs.y", "Cluster", "Thing", "v1"), "", "definition-removed 3"},
	{"CustomResourceDefinition: a version less", crd("xs.y", "Cluster", "Thing", "v1", "v1beta1"), crd("xs.y", "Cluster", "Thing", "v1"), "version-not-served 3"},
	{"CustomResourceDefinition: a version is no longer served", crd("xs.y", "Cluster", "Thing", "v1", "v2"), crd("xs.y", "Cluster", "Thing", "v1, served: false", "v2"), "version-not-served 3"},
	{"CustomResourceDefinition: a version more", crd("xs.y", "Cluster", "Thing", "v1"), crd("xs.y", "Cluster", "Thing", "v1", "v2"), ""},
	{"CustomResourceDefinition: scope", crd("xs.y", "Cluster", "Thing", "v1"), crd("xs.y", "Namespaced", "Thing", "v1"), "definition-changed 3"},
	{"CustomResourceDefinition: names", crd("xs.y", "Cluster", "Thing", "v1"), crd("xs.y", "Cluster", "Other", "v1"), "definition-changed 3"},
	{"StatefulSet: another name", object("apps/v1", "StatefulSet", "a", ""), object("apps/v1", "StatefulSet", "b", ""), "renamed 3"},
	{"Service: another name", object("v1", "Service", "a", ""), object("v1", "Service", "b", ""), "renamed 2"},
	{"Deployment: another name", object("apps/v1", "Deployment", "a", ""), object("apps/v1", "Deployment", "b", ""), "renamed 1"},
	{"Deployment: gone", object("apps/v1", "Deployment", "a", ""), "", ""},
	{"StatefulSet: from host to agent", object("apps/v1", "StatefulSet", "a", ""), object("apps/v1", "StatefulSet", "a", "# on agent"), "moved 3"},
	{"Deployment: from agent to host, named after its release", object("apps/v1", "Deployment", "alc-agent-web", "# on agent"), object("apps/v1", "Deployment", "alc-web", ""), "moved 2"},
	{"StatefulSet: from host to agent, named after its release", object("apps/v1", "StatefulSet", "alc", ""), object("apps/v1", "StatefulSet", "alc-agent", "# on agent"), "moved 3"},
	{"Deployment: from host to agent, under another name", object("apps/v1", "Deployment", "alc-web", ""), object("apps/v1", "Deployment", "alc-agent-other", "# on agent"), ""},
	{"Deployment: from agent to host", object("apps/v1", "Deployment", "a", "# on agent"), object("apps/v1", "Deployment", "a", ""), "moved 2"},
	{"Deployment: also on agent", object("apps/v1", "Deployment", "a", ""), object("apps/v1", "Deployment", "a", "") + "---\n" + object("apps/v1", "Deployment", "a", "# on agent"), ""},
	{"a namespace", object("v1", "Service", "a", ""), "namespace: other\n---\n", "namespace-changed 3"},
	{"a value less", "values: {a: {b: 1, c: 2}}\n", "values: {a: {b: 1}}\n", "value-removed 2"},
	{"a table less", "values: {a: {b: 1, c: 2}, d: 1}\n", "values: {d: 1}\n", "value-removed 2"},
	{"a value more", "values: {a: 1}\n", "values: {a: 2, b: 3}\n", ""},
	{"a value of another type", "values: {a: 1}\n", "values: {a: '1'}\n", "value-type 2"},
	{"a list of a text", "values: {a: x}\n", "values: {a: [x]}\n", "value-type 2"},
	{"a value that said nothing of its type", "values: {a: null, b: ''}\n", "values: {a: 1, b: [x]}\n", ""},
	{"labels", "values: {podLabels: {a: b}}\n", "values: {podLabels: {c: d}}\n", ""},
	{"an empty table", "values: {extra: {a: b}}\n", "values: {extra: {}}\n", ""},
}

func crd(name, scope, kind string, versions ...string) string {
	return object("apiextensions.k8s.io/v1", "CustomResourceDefinition", name,
		fmt.Sprintf("spec: {group: y, scope: %s, names: {kind: %s, plural: xs}, versions: [{name: %s}]}", scope, kind, strings.Join(versions, "}, {name: ")))
}

func verdict(problems []Problem) string {
	var words []string
	for _, p := range problems {
		words = append(words, fmt.Sprintf("%s %d", p.Code, p.Weight))
	}
	return strings.Join(words, ", ")
}

func TestTable(t *testing.T) {
	for _, test := range table {
		old, now := print1(t, test.old), print1(t, test.now)
		if got := verdict(Problems(old, now)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		for _, same := range []*footprint.Footprint{old, now} {
			if got := Problems(same, same); len(got) > 0 {
				t.Errorf("%s: the same content has %q", test.name, verdict(got))
			}
		}
	}
}

func TestLeastVersion(t *testing.T) {
	for _, test := range []struct {
		since  string
		weight Weight
		want   string
		honest string
		lies   string
	}{
		{"1.2.3", Breaking, "2.0.0", "2.0.0-rc.1", "1.3.0"},
		{"1.2.3", Lossy, "2.0.0", "3.1.0", "1.9.9"},
		{"1.2.3", Minor, "1.3.0", "2.0.0", "1.2.4"},
		{"0.2.3", Breaking, "0.3.0", "0.3.0", "0.2.4"},
		{"0.2.3", Minor, "0.2.4", "0.2.4", "0.2.3"},
		{"2.0.0-rc.1", Breaking, "3.0.0", "3.0.0", "2.0.0"},
	} {
		got := LeastVersion(test.since, test.weight)
		if got != test.want || !IsHonest(test.honest, got) || IsHonest(test.lies, got) {
			t.Errorf("%+v: %q", test, got)
		}
	}
	if LeastVersion("latest", Breaking) != "" {
		t.Error("what is no version has a next one")
	}
}

// Of 1,000 random edits of a random installation all breaking ones are found, and no others.
func TestRandomEdits(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 5))
	breaking := 0
	for n := range 1000 {
		before := randomFootprint(t, random)
		now := &footprint.Footprint{Name: before.Name, Version: before.Version, Texts: before.Texts, Values: deepCopy(before.Values).(map[string]any)}
		for _, o := range before.Objects {
			o.Content = deepCopy(o.Content).(map[string]any)
			now.Objects = append(now.Objects, o)
		}
		if got := Problems(before, now); len(got) > 0 {
			t.Fatalf("edit %d: before it: %s", n, verdict(got))
		}
		edit := edits[random.IntN(len(edits))]
		subject, ok := edit.apply(random, now)
		if !ok {
			continue
		}
		got := Problems(before, now)
		switch {
		case edit.want == "" && len(got) > 0:
			t.Errorf("edit %d, %s of %s: %s (%s)", n, edit.name, subject, verdict(got), got[0].Message)
		case edit.want != "" && (len(got) != 1 || got[0].Code != edit.want):
			t.Errorf("edit %d, %s of %s: %q, want %s", n, edit.name, subject, verdict(got), edit.want)
		}
		if edit.want != "" {
			breaking++
		}
	}
	if breaking < 400 {
		t.Errorf("only %d edits were breaking", breaking)
	}
}

// randomFootprint has one or more objects of most kinds, under random names.
func randomFootprint(t testing.TB, random *rand.Rand) *footprint.Footprint {
	var documents []string
	for i, kind := range []string{
		object("apps/v1", "Deployment", "NAME", "spec: {replicas: 1, selector: {matchLabels: {app: NAME}}, template: {spec: {containers: [{name: c, image: 'x:1'}]}}}"),
		object("apps/v1", "DaemonSet", "NAME", "spec: {selector: {matchLabels: {app: NAME}}, template: {spec: {containers: [{name: c, image: 'x:1'}]}}}"),
		object("apps/v1", "StatefulSet", "NAME", "spec: {serviceName: NAME, replicas: 1, selector: {matchLabels: {app: NAME}}, template: {spec: {}}, volumeClaimTemplates: [{metadata: {name: data}, "+fmt.Sprintf(claim, "1Gi", "x")+"}]}"),
		object("batch/v1", "Job", "NAME", "spec: {template: {spec: {containers: [{name: c, image: 'x:1'}]}}}"),
		object("rbac.authorization.k8s.io/v1", "RoleBinding", "NAME", "roleRef: {kind: Role, name: NAME}"),
		object("v1", "Service", "NAME", "spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}"),
		object("storage.k8s.io/v1", "StorageClass", "NAME", "provisioner: x\nparameters: {a: b}"),
		object("v1", "PersistentVolumeClaim", "NAME", fmt.Sprintf(claim, "2Gi", "x")),
		object("v1", "ConfigMap", "NAME", "data: {a: b}"),
		crd("NAME", "Namespaced", "Thing", "v1", "v2"),
	} {
		for range 1 + random.IntN(3) {
			name := fmt.Sprintf("n%d-%d", i, random.Uint32())
			document := strings.ReplaceAll(kind, "NAME", name)
			if random.IntN(3) == 0 {
				document += "# on agent\n"
			}
			documents = append(documents, document)
		}
	}
	documents = append(documents, "values: {a: {b: 1, c: text, d: [1], e: true}, f: 2}\n")
	random.Shuffle(len(documents), func(i, j int) { documents[i], documents[j] = documents[j], documents[i] })
	return print1(t, strings.Join(documents, "---\n"))
}

// edit is one way to change an installation, and the code of what it breaks.
type edit struct {
	name  string
	want  string
	apply func(*rand.Rand, *footprint.Footprint) (subject string, ok bool)
}

// field sets a field of a random object of a kind to a random text, or what value gives.
func field(kind, path, want string, value func(*rand.Rand) any) edit {
	return edit{kind + " " + path, want, func(random *rand.Rand, f *footprint.Footprint) (string, bool) {
		o, ok := pick(random, f, kind)
		if !ok {
			return "", false
		}
		keys := strings.Split(path, ".")
		table := o.Content
		for _, key := range keys[:len(keys)-1] {
			next, ok := table[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				table[key] = next
			}
			table = next
		}
		table[keys[len(keys)-1]] = value(random)
		return o.String(), true
	}}
}

func text(random *rand.Rand) any   { return fmt.Sprintf("t%d", random.Uint32()) }
func table1(random *rand.Rand) any { return map[string]any{"x": text(random)} }

func pick(random *rand.Rand, f *footprint.Footprint, kind string) (*footprint.Object, bool) {
	var of []int
	for i, o := range f.Objects {
		if o.Kind == kind {
			of = append(of, i)
		}
	}
	if len(of) == 0 {
		return nil, false
	}
	return &f.Objects[of[random.IntN(len(of))]], true
}

func onObject(name, kind, want string, change func(*rand.Rand, *footprint.Object)) edit {
	return edit{name + " " + kind, want, func(random *rand.Rand, f *footprint.Footprint) (string, bool) {
		o, ok := pick(random, f, kind)
		if !ok {
			return "", false
		}
		subject := o.String()
		change(random, o)
		return subject, true
	}}
}

func rename(random *rand.Rand, o *footprint.Object) {
	o.Name = text(random).(string)
	o.Content["metadata"] = map[string]any{"name": o.Name}
}

func move(_ *rand.Rand, o *footprint.Object) {
	if o.Where == footprint.Host {
		o.Where = footprint.Agent
	} else {
		o.Where = footprint.Host
	}
}

func remove(kind, want string) edit {
	return edit{"removal of " + kind, want, func(random *rand.Rand, f *footprint.Footprint) (string, bool) {
		o, ok := pick(random, f, kind)
		if !ok {
			return "", false
		}
		key, where := o.Key(), o.Where
		f.Objects = slices.DeleteFunc(f.Objects, func(o footprint.Object) bool { return o.Key() == key && o.Where == where })
		return key, true
	}}
}

func valueEdit(name, want string, change func(*rand.Rand, map[string]any)) edit {
	return edit{name, want, func(random *rand.Rand, f *footprint.Footprint) (string, bool) {
		change(random, f.Values["a"].(map[string]any))
		return "values", true
	}}
}

func oneOf(random *rand.Rand) string { return []string{"b", "c", "d", "e"}[random.IntN(4)] }

var edits = []edit{
	field("Deployment", "spec.selector", ImmutableField, table1),
	field("DaemonSet", "spec.selector.matchLabels", ImmutableField, table1),
	field("StatefulSet", "spec.selector.matchLabels.app", ImmutableField, text),
	field("StatefulSet", "spec.serviceName", ImmutableField, text),
	field("StatefulSet", "spec.podManagementPolicy", ImmutableField, func(*rand.Rand) any { return "Parallel" }),
	field("StatefulSet", "spec.volumeClaimTemplates", ImmutableField, func(random *rand.Rand) any { return []any{table1(random)} }),
	field("Job", "spec.template.spec", ImmutableField, table1),
	field("Job", "spec.template.metadata.labels", ImmutableField, table1),
	field("RoleBinding", "roleRef.name", ImmutableField, text),
	field("RoleBinding", "roleRef.kind", ImmutableField, text),
	field("Service", "spec.clusterIP", ImmutableField, text),
	field("StorageClass", "provisioner", ImmutableField, text),
	field("StorageClass", "parameters", ImmutableField, table1),
	field("PersistentVolumeClaim", "spec.storageClassName", ImmutableField, text),
	field("PersistentVolumeClaim", "spec.resources.requests.storage", ImmutableField, func(random *rand.Rand) any { return fmt.Sprintf("%dMi", 1+random.IntN(2000)) }),
	field("CustomResourceDefinition", "spec.scope", DefinitionChanged, text),
	field("CustomResourceDefinition", "spec.names.kind", DefinitionChanged, text),
	remove("CustomResourceDefinition", DefinitionRemoved),
	remove("PersistentVolumeClaim", DataRemoved),
	onObject("a version less of", "CustomResourceDefinition", VersionNotServed, func(random *rand.Rand, o *footprint.Object) {
		spec := o.Content["spec"].(map[string]any)
		i := random.IntN(2)
		spec["versions"] = spec["versions"].([]any)[i : i+1]
	}),
	onObject("another name of", "StatefulSet", Renamed, rename),
	onObject("another name of", "Service", Renamed, rename),
	onObject("the other cluster for", "StatefulSet", Moved, move),
	onObject("the other cluster for", "Deployment", Moved, move),
	onObject("the other cluster for", "ConfigMap", Moved, move),
	valueEdit("a value less", ValueRemoved, func(random *rand.Rand, a map[string]any) { delete(a, oneOf(random)) }),
	valueEdit("another type", ValueType, func(random *rand.Rand, a map[string]any) { a[oneOf(random)] = map[string]any{"x": 1.0} }),
	{"another namespace", NamespaceChanged, func(random *rand.Rand, f *footprint.Footprint) (string, bool) {
		f.Texts = map[string]any{"namespace": text(random)}
		return "all", true
	}},

	// What works.
	field("Deployment", "spec.replicas", "", text),
	field("Deployment", "spec.template.spec", "", table1),
	field("Deployment", "metadata.labels", "", table1),
	field("DaemonSet", "spec.updateStrategy", "", table1),
	field("StatefulSet", "spec.template", "", table1),
	field("StatefulSet", "spec.replicas", "", text),
	field("StatefulSet", "spec.podManagementPolicy", "", func(*rand.Rand) any { return "OrderedReady" }),
	field("Job", "spec.backoffLimit", "", text),
	field("RoleBinding", "subjects", "", text),
	field("Service", "spec.ports", "", text),
	field("StorageClass", "allowVolumeExpansion", "", text),
	field("PersistentVolumeClaim", "spec.resources.requests.storage", "", func(random *rand.Rand) any { return fmt.Sprintf("%dGi", 2+random.IntN(100)) }),
	field("ConfigMap", "data", "", table1),
	field("CustomResourceDefinition", "spec.conversion", "", table1),
	onObject("another name of", "ConfigMap", "", rename),
	onObject("another name of", "Job", "", rename),
	remove("ConfigMap", ""), remove("Deployment", ""), remove("Service", ""),
	valueEdit("a value more", "", func(random *rand.Rand, a map[string]any) { a[text(random).(string)] = 1.0 }),
	valueEdit("another default", "", func(random *rand.Rand, a map[string]any) { a["c"] = text(random) }),
}

func deepCopy(value any) any {
	switch v := value.(type) {
	case map[string]any:
		clone := maps.Clone(v)
		for key, element := range clone {
			clone[key] = deepCopy(element)
		}
		return clone
	case []any:
		clone := slices.Clone(v)
		for i, element := range clone {
			clone[i] = deepCopy(element)
		}
		return clone
	}
	return value
}

// Long lists of values are counted.
func TestManyValues(t *testing.T) {
	before := &footprint.Footprint{Values: map[string]any{}}
	for i := range 100 {
		before.Values[fmt.Sprintf("v%03d", i)] = 1.0
	}
	got := Problems(before, &footprint.Footprint{})
	if len(got) != mostValueProblems+1 || !strings.Contains(got[mostValueProblems].Message, "80 more") {
		t.Errorf("%d problems, the last is %q", len(got), got[len(got)-1].Message)
	}
	if reflect.DeepEqual(got[0], got[1]) {
		t.Error("the same value is named twice")
	}
}
