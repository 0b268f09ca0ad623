package metadata

import (
	"fmt"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Namespace is the rule namespace.
func Namespace() rule.Rule {
	return rule.Rule{
		Name:    "namespace",
		Summary: "the namespace is one that Kubernetes can make",
		Why: "KubeSphere makes the namespace of `namespace:`, or extension-NAME where there is none, and installs the extension into it. A name that Kubernetes " +
			"does not take for a namespace is noticed at the installation alone, which then fails for everybody.",
		Fix: "Use at most 63 lower-case letters, digits and hyphens, with a letter or a digit at both ends, and no dots:\n\n" +
			"namespace: web-system",
		Source: "KubeSphere 4.1.3, https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/installplan_controller.go (`targetNamespace`); " +
			"Kubernetes on names of namespaces (DNS label, RFC 1123).",
		Codes: []rule.Code{
			{Name: "invalid", Meaning: "Kubernetes does not take the name for a namespace"},
		},
		Default: rule.Error,
		Run:     checkNamespace,
	}
}

// label is what Kubernetes takes for the name of a namespace, but for its length
// (IsDNS1123Label of k8s.io/apimachinery).
var label = lazyregexp.New(`^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$`)

func checkNamespace(pass *rule.Pass) {
	namespace, _ := pass.Field("namespace").(string)
	if namespace == "" {
		return // extension-NAME, or no text, which the schema reports
	}
	message := ""
	switch {
	case len(namespace) > 63:
		message = fmt.Sprintf("the namespace has %d characters, and Kubernetes takes at most 63, so that the extension cannot be installed", len(namespace))
	case !label.MatchString(namespace):
		message = fmt.Sprintf("the namespace %q is no name that Kubernetes takes for one (lower-case letters, digits and hyphens, a letter or digit at both ends), so that the extension cannot be installed", excerpt.OneLine(namespace))
	default:
		return
	}
	pass.Problem(rule.Found("invalid", namespace), pass.Ext.Document.Problem(message, "write a name such as "+"extension-"+pass.Ext.Metadata.Name+", or take the line out: that is the namespace then", "namespace"))
}
