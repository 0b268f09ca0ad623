// Package workload finds the pods in the objects of a rendered manifest.
package workload

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Workload is one object of a rendered manifest that makes pods: a Deployment,
// a CronJob, or a custom resource with a pod template in it.
type Workload struct {
	Kind string
	// Name is metadata.name, or metadata.generateName with a "*" behind it; it
	// is empty where the object has neither.
	Name string
	// Template is the path of the template as Helm names it:
	// devops/charts/agent/templates/deployment.yaml.
	Template string
	// Ordinal counts, from 0, the objects of this kind that this template
	// rendered before it. It distinguishes two Jobs of one template.
	Ordinal int
	// Test is set where the object is there for `helm test` alone, which KubeSphere
	// does not run.
	Test bool
	Pods []Pod

	// Begin and End are the lines of its document in the rendered text, from 1.
	Begin, End int
}

// Same reports whether two workloads are the same but for where they are rendered.
func (w Workload) Same(other Workload) bool {
	w.Begin, w.End = other.Begin, other.End
	return reflect.DeepEqual(w, other)
}

// String names the workload as kubectl users do: Deployment "web".
func (w Workload) String() string {
	if w.Name == "" {
		return w.Kind + " without a name"
	}
	return w.Kind + " \"" + w.Name + "\""
}

// Pod is one pod spec inside a workload.
type Pod struct {
	Containers []Container
	// Placement is what says where the pod may run: its nodeSelector and its
	// affinity, as decoded YAML.
	Placement []any
}

// Container is a container of a pod, or an image that it mounts as a volume.
type Container struct {
	// Role is the list that it stands in: containers, initContainers,
	// ephemeralContainers or volumes.
	Role string
	Name string
	// Image is as rendered; it is empty where the object has none.
	Image string
	// Lenient is set where Kubernetes lets the image be absent: custom resources
	// (Prometheus, Alertmanager) take a containers list as a patch over pods of
	// their own.
	Lenient bool
}

// String says which container it is: init container "wait".
func (c Container) String() string {
	role := map[string]string{
		"containers":          "container",
		"initContainers":      "init container",
		"ephemeralContainers": "ephemeral container",
		"volumes":             "image volume",
	}[c.Role]
	if c.Name == "" {
		return role + " without a name"
	}
	return role + " \"" + c.Name + "\""
}

// containerLists are the lists of a pod spec whose elements have an image.
var containerLists = [...]string{"containers", "initContainers", "ephemeralContainers"}

// quoting holds resources that show pod specs without making pods: policies
// match patterns of them, and API definitions describe them.
var quoting = [...]string{
	"admissionregistration.k8s.io",
	"apiextensions.k8s.io",
	"constraints.gatekeeper.sh",
	"kyverno.io",
	"policies.kyverno.io",
	"templates.gatekeeper.sh",
}

// Find finds every pod spec of a decoded document: those of Kubernetes'
// own kinds, wherever they keep it, those of custom resources, and those of the
// items of a List.
func Find(template string, document any) []Workload {
	f := podFinder{template: template}
	f.object(document)
	return f.found
}

// podFinder walks one document. Pod specs belong to the nearest object around
// them that has a kind.
type podFinder struct {
	template string
	found    []Workload
}

func (f *podFinder) object(value any) {
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	kind, _ := object["kind"].(string)
	apiVersion, _ := object["apiVersion"].(string)
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group = ""
	}
	if isQuoting(group) {
		return
	}
	if items, ok := object["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		for _, item := range items {
			f.object(item)
		}
		return
	}
	if kind == "" {
		return
	}
	w := Workload{Kind: kind, Name: objectName(object), Template: f.template, Test: isTest(object)}
	lenient := !ownGroup(group)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if key != "metadata" && key != "status" {
			w.Pods = append(w.Pods, podsIn(object[key], lenient)...)
		}
	}
	if len(w.Pods) == 0 {
		return
	}
	f.found = append(f.found, w)
}

func isQuoting(group string) bool {
	for _, g := range quoting {
		if group == g {
			return true
		}
	}
	return false
}

// ownGroup reports whether an API group is one of those in which Kubernetes
// keeps its own workloads, so that a container must have an image.
func ownGroup(group string) bool {
	switch group {
	case "", "apps", "batch", "extensions":
		return true
	}
	return false
}

// isTest reports whether all hooks of an object are those of `helm test`
// (Helm, "Chart Tests").
func isTest(object map[string]any) bool {
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	hooks := text(annotations["helm.sh/hook"])
	for hook := range strings.SplitSeq(hooks, ",") {
		switch strings.ToLower(strings.TrimSpace(hook)) {
		case "test", "test-success", "test-failure":
		default:
			return false
		}
	}
	return hooks != ""
}

func objectName(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	if name, ok := metadata["name"].(string); ok && name != "" {
		return name
	}
	if prefix, ok := metadata["generateName"].(string); ok && prefix != "" {
		return prefix + "*"
	}
	return ""
}

// podsIn walks down to every mapping that is a pod spec.
func podsIn(value any, lenient bool) []Pod {
	var pods []Pod
	switch v := value.(type) {
	case map[string]any:
		if p, ok := podSpec(v, lenient); ok {
			return []Pod{p}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			pods = append(pods, podsIn(v[key], lenient)...)
		}
	case []any:
		for _, element := range v {
			pods = append(pods, podsIn(element, lenient)...)
		}
	}
	return pods
}

// podSpec reads a mapping as a pod spec. It is one if its containers list has
// at least one mapping with a name or an image. In a custom resource any of the
// lists will do: its controller adds the containers (Elasticsearch, Prometheus).
func podSpec(spec map[string]any, lenient bool) (Pod, bool) {
	found := holdsContainers(spec["containers"])
	for _, role := range containerLists {
		found = found || lenient && holdsContainers(spec[role])
	}
	if !found {
		return Pod{}, false
	}
	var p Pod
	for _, role := range containerLists {
		elements, _ := spec[role].([]any)
		for _, element := range elements {
			c, ok := element.(map[string]any)
			if !ok {
				continue
			}
			p.Containers = append(p.Containers, Container{
				Role: role, Name: text(c["name"]), Image: text(c["image"]), Lenient: lenient,
			})
		}
	}
	p.Containers = append(p.Containers, imageVolumes(spec)...)
	for _, key := range [...]string{"nodeSelector", "affinity"} {
		if value := spec[key]; value != nil {
			p.Placement = append(p.Placement, value)
		}
	}
	return p, true
}

func holdsContainers(value any) bool {
	elements, _ := value.([]any)
	for _, element := range elements {
		if c, ok := element.(map[string]any); ok && (text(c["name"]) != "" || text(c["image"]) != "") {
			return true
		}
	}
	return false
}

// imageVolumes are the volumes that mount an OCI image (Kubernetes 1.31,
// volumes[].image.reference); a cluster has to pull those too.
func imageVolumes(spec map[string]any) []Container {
	var list []Container
	volumes, _ := spec["volumes"].([]any)
	for _, element := range volumes {
		volume, _ := element.(map[string]any)
		image, _ := volume["image"].(map[string]any)
		if reference := text(image["reference"]); reference != "" {
			list = append(list, Container{Role: "volumes", Name: text(volume["name"]), Image: reference, Lenient: true})
		}
	}
	return list
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
