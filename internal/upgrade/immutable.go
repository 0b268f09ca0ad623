package upgrade

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ksrelease/ksrelease/internal/footprint"
)

// immutable is a field that Kubernetes does not let change.
type immutable struct {
	path string
	// of is what counts of an object, with defaults in place.
	of func(footprint.Object) any
	// may says which changes are let through all the same; nil: none.
	may  func(before, now any) bool
	hint string
}

// immutables are the fields that the API server of Kubernetes refuses to change, by group and
// kind.
//
// Kubernetes 1.33 (https://github.com/kubernetes/kubernetes/tree/v1.33.0): pkg/apis/apps/validation
// (ValidateDeploymentUpdate and apps/v1 strategies: selector; ValidateStatefulSetUpdate: all but
// replicas, ordinals, template, updateStrategy, revisionHistoryLimit, minReadySeconds and
// persistentVolumeClaimRetentionPolicy), pkg/apis/batch/validation (ValidateJobSpecUpdate),
// pkg/apis/rbac/validation (ValidateRoleBindingUpdate), pkg/apis/core/validation
// (ValidateServiceUpdate, ValidatePersistentVolumeClaimUpdate, ValidateSecretUpdate),
// pkg/apis/storage/validation (ValidateStorageClassUpdate), pkg/apis/networking/validation
// (ValidateIngressClassUpdate), pkg/apis/scheduling/validation (ValidatePriorityClassUpdate),
// pkg/apis/node/validation (ValidateRuntimeClassUpdate).
var immutables = map[string][]immutable{
	"apps/Deployment":  {plain("spec.selector")},
	"apps/ReplicaSet":  {plain("spec.selector")},
	"apps/DaemonSet":   {plain("spec.selector")},
	"apps/StatefulSet": {plain("spec.selector"), plain("spec.serviceName"), withDefault("spec.podManagementPolicy", "OrderedReady"), claimTemplates},
	"batch/Job": {
		jobField("spec.template", nil), jobField("spec.selector", nil), jobField("spec.completionMode", "NonIndexed"), completions,
		jobField("spec.podFailurePolicy", nil), jobField("spec.backoffLimitPerIndex", nil), jobField("spec.successPolicy", nil), jobField("spec.managedBy", "kubernetes.io/job-controller"),
	},
	"rbac.authorization.k8s.io/RoleBinding":        {roleRef},
	"rbac.authorization.k8s.io/ClusterRoleBinding": {roleRef},
	"/Service":                        {clusterIP},
	"/PersistentVolumeClaim":          {claimSpec, claimSize},
	"/Secret":                         {withDefault("type", "Opaque"), dataOf},
	"/ConfigMap":                      {dataOf},
	"storage.k8s.io/StorageClass":     {plain("provisioner"), plain("parameters"), withDefault("reclaimPolicy", "Delete"), withDefault("volumeBindingMode", "Immediate")},
	"networking.k8s.io/IngressClass":  {plain("spec.controller")},
	"scheduling.k8s.io/PriorityClass": {plain("value"), withDefault("preemptionPolicy", "PreemptLowerPriority")},
	"node.k8s.io/RuntimeClass":        {plain("handler")},
}

// definitionFields are those of an API definition that cannot change
// (apiextensions-apiserver/pkg/apis/apiextensions/validation of Kubernetes 1.33): the names are
// part of the address of each object.
var definitionFields = []immutable{plain("spec.group"), plain("spec.scope"), plain("spec.names.kind"), plain("spec.names.plural")}

func immutableOf(o footprint.Object) []immutable { return immutables[o.Group()+"/"+o.Kind] }

// at is what an object has at a path with dots; nil where there is nothing, or nothing in it.
func at(o footprint.Object, path string) any {
	var value any = o.Content
	for key := range strings.SplitSeq(path, ".") {
		table, _ := value.(map[string]any)
		value = table[key]
	}
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return value
}

func plain(path string) immutable {
	return immutable{path: path, of: func(o footprint.Object) any { return at(o, path) }}
}

func withDefault(path string, standard any) immutable {
	return immutable{path: path, of: func(o footprint.Object) any {
		if value := at(o, path); value != nil {
			return value
		}
		return standard
	}}
}

// jobHint is what helps with a Job, which is done once: a new Job needs a new name.
const jobHint = "put the version into the name of the Job, or make it a hook (helm.sh/hook: pre-upgrade)"

// jobField is a field of a Job.
func jobField(path string, standard any) immutable {
	f := withDefault(path, standard)
	f.hint = jobHint
	return f
}

// runs are how often a Job runs, and whether each run has an index.
type runs struct {
	times   any
	indexed bool
}

// completions of a Job may change where each has an index, and as many run at once.
var completions = immutable{
	path: "spec.completions", of: func(o footprint.Object) any {
		value := at(o, "spec.completions")
		if value == nil && at(o, "spec.parallelism") == nil {
			value = 1
		}
		return runs{fmt.Sprint(value), at(o, "spec.completionMode") == "Indexed"}
	},
	may: func(before, now any) bool {
		was, is := before.(runs), now.(runs)
		return was.indexed || is.indexed || was.times == is.times
	},
	hint: jobHint,
}

// roleRef is that of a binding; its group has but one value.
var roleRef = immutable{path: "roleRef", of: func(o footprint.Object) any {
	table, _ := at(o, "roleRef").(map[string]any)
	return [2]any{table["kind"], table["name"]}
}, hint: "give the binding another name: Helm deletes the old one"}

// clusterIP may be left to Kubernetes, which keeps what it was.
var clusterIP = immutable{
	path: "spec.clusterIP", of: func(o footprint.Object) any {
		if at(o, "spec.type") == "ExternalName" {
			return "ExternalName" // it has none, and may get one
		}
		return at(o, "spec.clusterIP")
	},
	may:  func(before, now any) bool { return now == nil || before == "ExternalName" || now == "ExternalName" },
	hint: "give the Service another name: its address cannot change",
}

// claimTemplates are those of a StatefulSet, without what says nothing.
var claimTemplates = immutable{path: "spec.volumeClaimTemplates", of: func(o footprint.Object) any {
	list, _ := at(o, "spec.volumeClaimTemplates").([]any)
	var all []any
	for _, element := range list {
		claim, _ := element.(map[string]any)
		claim = maps.Clone(claim)
		for _, key := range []string{"apiVersion", "kind", "status"} {
			delete(claim, key)
		}
		if spec, ok := claim["spec"].(map[string]any); ok {
			claim["spec"] = withMode(spec)
		}
		all = append(all, claim)
	}
	return all
}, hint: "keep them as they were, or delete the StatefulSet with --cascade=orphan before the upgrade, and say so in the CHANGELOG"}

func withMode(spec map[string]any) map[string]any {
	with := map[string]any{"volumeMode": "Filesystem"}
	for key, value := range spec {
		if value != nil {
			with[key] = value
		}
	}
	return with
}

// claimSpec is the spec of a claim, but for its size.
var claimSpec = immutable{path: "spec", of: func(o footprint.Object) any {
	spec, _ := at(o, "spec").(map[string]any)
	spec = withMode(spec)
	delete(spec, "resources")
	delete(spec, "volumeAttributesClassName")
	return spec
}, hint: "keep it as it was, or give the claim another name and move the data"}

// claimSize may grow, as far as the storage class lets it.
var claimSize = immutable{
	path: "spec.resources.requests.storage",
	of:   func(o footprint.Object) any { return at(o, "spec.resources.requests.storage") },
	may: func(before, now any) bool {
		was, ok := quantity(before)
		is, other := quantity(now)
		return !ok || !other || is.Cmp(was) >= 0
	},
	hint: "a claim can grow, and not shrink",
}

func quantity(value any) (resource.Quantity, bool) {
	text, ok := value.(string)
	if !ok {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil
}

// sealed is what is compared of an object that says itself that it does not change.
type sealed struct {
	data [3]any
	is   bool
}

// dataOf are the data of a ConfigMap or Secret, which may change unless the old one has
// immutable: true.
var dataOf = immutable{
	path: "data", of: func(o footprint.Object) any {
		is, _ := at(o, "immutable").(bool)
		return sealed{[3]any{at(o, "data"), at(o, "stringData"), at(o, "binaryData")}, is}
	},
	may:  func(before, _ any) bool { return !before.(sealed).is },
	hint: "put a hash of the data, or the version, into the name",
}
