package metadata

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Annotations is the rule annotations.
func Annotations() rule.Rule {
	return rule.Rule{
		Name:    "annotations",
		Summary: "Kubernetes takes the annotations for those of an object",
		Why: "The annotations of extension.yaml become those of Chart.yaml and of the entry in the index, and KubeSphere copies them to the object in which it stores the " +
			"version. Its API server refuses that object where a key is no qualified name, or all keys and values together have more than 262,144 bytes. Then the version " +
			"never appears, and each try to sync the repository ends there, so that what stands behind it in the index, of whatever extension, comes later or not at all.\n\n" +
			"A key is a name of at most 63 letters, digits, -, _ and ., with a letter or a digit at both ends. Before it there may be a prefix and a slash: a DNS subdomain " +
			"(letters, digits, - and ., no _) of at most 253 characters.",
		Fix: "Write keys such as these, and values in quotes:\n\n" +
			"annotations:\n  web.company.example/support-level: \"1.10\"",
		Source: "KubeSphere 4.1.3, https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/repository_controller.go (`syncExtensionsFromURL`); " +
			"`ValidateAnnotations` of https://github.com/kubernetes/apimachinery/blob/v0.33.1/pkg/api/validation/objectmeta.go.",
		Codes: []rule.Code{
			{Name: "invalid-key", Meaning: "a key is no qualified name"},
			{Name: "too-large", Meaning: "the annotations have more bytes than Kubernetes takes"},
			{Name: "not-text", Meaning: "without quotes a value reads as something else"},
		},
		Default: rule.Error,
		Run:     checkAnnotations,
	}
}

// refusedByTheServer is what follows where the API server refuses what KubeSphere stores.
const refusedByTheServer = "KubeSphere cannot store the version. It never appears, and each try to sync the repository ends there, which delays other extensions"

func checkAnnotations(pass *rule.Pass) {
	annotations, _ := pass.Field("annotations").(map[string]any)
	for _, key := range rule.SortedKeys(annotations) {
		text := pass.Ext.Metadata.Annotations[key]
		if what := notQualified(key); what != "" {
			pass.Problem(rule.Found("invalid-key", key), pass.Ext.Document.ProblemAtKey(
				fmt.Sprintf("the key %q %s: %s", excerpt.OneLine(key), what, refusedByTheServer),
				"write it as NAME or DOMAIN/NAME, of letters, digits, -, _ and . (no _ before the slash), with a letter or digit at both ends", "annotations", key))
		}
		switch annotations[key].(type) {
		case int64, uint64, float64:
			if written, _, ok := pass.Ext.Document.Raw("annotations", key); ok && written != text {
				pass.ProblemAs(rule.Found("not-text", key), pass.ByDefault(rule.Warning), pass.Ext.Document.Problem(
					fmt.Sprintf("without quotes %s is a number, and the annotation is %q", excerpt.OneLine(written), text), fmt.Sprintf("put it in quotes: %q", written), "annotations", key))
			}
		}
	}
	const ours = len(extension.ContentDigestAnnotation) + 128 // at least
	size := kubesphere.AnnotationsSize(pass.Ext.Metadata.Annotations)
	if size+ours < kubesphere.MaxAnnotations {
		return
	}
	if size += len(extension.ContentDigestAnnotation) + len(pass.Ext.ContentDigest()); size > kubesphere.MaxAnnotations {
		pass.Problem(rule.Found("too-large"), pass.Ext.Document.ProblemAtKey(
			fmt.Sprintf("keys and values of the annotations have %d bytes, with that of ksrelease, and Kubernetes takes %d: %s", size, kubesphere.MaxAnnotations, refusedByTheServer),
			"put long texts into files of the package, or on the web", "annotations"))
	}
}

// notQualified says what is wrong with the key of an annotation; it is empty where Kubernetes
// takes it. Letters of any case are the same to it.
func notQualified(key string) string {
	if kubesphere.AnnotationKey(key) == "" {
		return ""
	}
	prefix, name, slash := strings.Cut(key, "/")
	switch {
	case !slash:
		name = prefix
	case strings.Contains(name, "/"):
		return "has more than one slash"
	case prefix == "":
		return "begins with a slash"
	case len(prefix) > validation.DNS1123SubdomainMaxLength:
		return fmt.Sprintf("has %d characters before the slash, and at most %d are taken", len(prefix), validation.DNS1123SubdomainMaxLength)
	case len(validation.IsDNS1123Subdomain(strings.ToLower(prefix))) > 0:
		return fmt.Sprintf("has %q before the slash, which is no DNS name", excerpt.OneLine(prefix))
	}
	switch {
	case name == "":
		return "has no name"
	case len(name) > validation.LabelValueMaxLength:
		return fmt.Sprintf("has a name of %d characters, and at most %d are taken", len(name), validation.LabelValueMaxLength)
	}
	return "has characters that Kubernetes does not take there"
}
