package objects

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/kubeapi"
	"github.com/ksrelease/ksrelease/internal/kubetypes"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// ObjectTypes is the rule object-types.
func ObjectTypes() rule.Rule {
	return rule.Rule{
		Name:    "object-types",
		Summary: "the fields of rendered objects are those of Kubernetes, with values of their types",
		Why: "The API server refuses an object with a value of a wrong type, and with it the installation ends: " +
			"`replicas: \"3\"`, `hostNetwork: \"yes\"`, a number as the value of an environment variable, of a label or of " +
			"a key of a ConfigMap. `yes`, `no`, `on` and `off` without quotes are truth values for Helm; in KubeSphere, kustomize " +
			"makes texts of them, so that `hostNetwork: yes` installs with Helm and is refused there. (Of the annotations of an object " +
			"itself, kustomize makes texts, too, so that numbers pass.)\n\n" +
			"A field that Kubernetes does not know is dropped with a warning that only the log of the installation has: what a " +
			"misspelt field should do does not happen.\n\n" +
			"Known are the kinds of Kubernetes; of custom resources only the metadata is looked at.",
		Fix: "Quote what has to be a text, with the function `quote` where it comes out of values, and take the quotes off numbers and " +
			"truth values. Write fields as Kubernetes has them.",
		Source: "The types of Kubernetes (k8s.io/api, https://github.com/kubernetes/api), as the API server decodes them (sigs.k8s.io/json); " +
			"KubeSphere 4.1.3, staging/src/kubesphere.io/utils/helm/executor.go " +
			"(https://github.com/kubesphere/kubesphere/blob/v4.1.3/staging/src/kubesphere.io/utils/helm/executor.go).",
		Codes: []rule.Code{
			{Name: "wrong-type", Meaning: "a value is of another type than Kubernetes takes"},
			{Name: "unknown-field", Meaning: "a field is none that Kubernetes has"},
		},
		Default: rule.Error,
		Needs:   rule.Rendering,
		Run:     checkObjectTypes,
	}
}

func checkObjectTypes(pass *rule.Pass) {
	var found causes
	for _, o := range renderedBy(pass) {
		if o.Again || o.Kind == "CustomResourceDefinition" || strings.HasSuffix(o.Kind, "List") {
			continue
		}
		minor := pass.Chart().Renderer.KubeMinor()
		if kubeapi.Deprecation(o.APIVersion, o.Kind, minor).Gone != "" {
			continue // the rule helm-lint says so
		}
		if _, own := ksKinds[[2]string{o.APIVersion, o.Kind}]; own {
			continue // the rule kubesphere-objects looks at it
		}
		types(pass, &found, o, typeOf(o.Object))
	}
	found.report(pass)
}

// typeOf is the type of an object; for those that are not of Kubernetes it has only the
// metadata.
func typeOf(o helmchart.Object) *kubetypes.Type {
	known, ok := kubetypes.Known(o.APIVersion, o.Kind)
	if !ok {
		return nil
	}
	return known.Type()
}

// types compares an object with a type; nil stands for one that is not known.
func types(pass *rule.Pass, found *causes, o rendered, want *kubetypes.Type) {
	w := &typed{hook: o.Hook, budget: maxValues}
	w.wrong = func(path []string, node *yaml.Node, what, wanted string) {
		if !o.Hook && len(path) == 3 && path[0] == "metadata" && path[1] == "annotations" {
			return // kustomize makes texts of them
		}
		field := pathOf(path)
		at := o.place(path...)
		found.add("wrong "+at.String()+" "+withoutIndexes(field), at, func() cause {
			return cause{id: rule.Found("wrong-type", append(o.subject(), field)...), severity: pass.Severity(),
				message: fmt.Sprintf("%s of %s is %s, and has to be %s: Kubernetes refuses the object, and the installation fails", field, o, what, wanted),
				hint:    hintForType(node, wanted)}
		})
	}
	w.unknown = func(path []string, key *yaml.Node, known []string) {
		if len(path) > 1 && path[0] == "status" || strings.HasPrefix(key.Value, "x-") {
			return
		}
		field := pathOf(path)
		at := o.place(path...)
		found.add("unknown "+o.Template+" "+lastOf(path), at, func() cause {
			hint := "take it out, or move it to where it belongs"
			if meant, ok := yamldoc.Nearest(key.Value, known); ok {
				hint = fmt.Sprintf("did you mean %s?", meant)
			}
			return cause{id: rule.Found("unknown-field", append(o.subject(), field)...), severity: pass.AtMost(rule.Warning),
				message: fmt.Sprintf("%s has the field %s, which Kubernetes does not know and drops", o, field),
				hint:    hint}
		})
	}
	if pass.Rule.Finds("missing-field") {
		w.missing = func(path []string) {
			name := pathOf(path)
			at := o.place(path...)
			found.add("missing "+at.String()+" "+name, at, func() cause {
				return cause{id: rule.Found("missing-field", append(o.subject(), name)...), severity: pass.Severity(),
					message: fmt.Sprintf("%s lacks %s: KubeSphere refuses the object, and the installation fails", o, name),
					hint:    "write the field"}
			})
		}
	}
	root := o.Node()
	if root == nil {
		return
	}
	if want != nil {
		w.value(root, want, nil)
		return
	}
	eachField(root, func(key, value *yaml.Node) {
		if key.Value == "metadata" {
			w.value(value, kubetypes.Of(reflect.TypeFor[metav1.ObjectMeta]()), []string{"metadata"})
		}
	})
}

// hintForType says how to write a value of the wanted type.
func hintForType(node *yaml.Node, wanted string) string {
	switch {
	case node.Kind != yaml.ScalarNode:
		return "write " + wanted
	case wanted == "a text":
		return fmt.Sprintf("put it in quotes: %q; where it comes out of values, pipe it to quote", node.Value)
	case wanted == "true or false" && isOldTruth(node.Value):
		return "write true or false, without quotes"
	case wanted == "a whole number", wanted == "true or false":
		return "write it without quotes"
	case strings.HasPrefix(wanted, "text in base64"):
		return "pipe it to b64enc, or write it as it is under stringData"
	}
	return "write " + wanted
}

// withoutIndexes is a path without the numbers of items of lists.
func withoutIndexes(path string) string {
	var b strings.Builder
	inside := false
	for _, r := range path {
		inside = inside && r != ']' || r == '['
		if !inside {
			b.WriteRune(r)
		}
	}
	return b.String()
}
