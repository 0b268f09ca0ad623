package objects

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/distribution/reference"
	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Hooks is the rule hooks.
func Hooks() rule.Rule {
	return rule.Rule{
		Name:    "hooks",
		Summary: "hooks of Helm and of KubeSphere have annotations that these read",
		Why: "Helm does not install an object whose `helm.sh/hook` names an event that it does not know, such as pre-instal. It takes " +
			"an object for none of a hook where the annotation itself is misspelt, and does not see a misspelt " +
			"`helm.sh/hook-weight` or `helm.sh/hook-delete-policy`. A weight that is no whole number is 0 to it.\n\n" +
			"KubeSphere runs hooks of its own with an image that annotations of extension.yaml name: " +
			"`executor-hook-image.kubesphere.io/install`, `…/upgrade`, `…/uninstall`, or for all of them `executor-hook-image.kubesphere.io`. Other actions, and misspelt annotations, are not read. Where the " +
			"administrator has set a registry, the whole image is put behind it: a registry in the annotation is then in the middle of the image, " +
			"which cannot be pulled.",
		Fix: "Write the annotation as Helm or KubeSphere has it, and the image of a hook of KubeSphere without a registry: `kubesphere/web-hook:1.0.0`.",
		Source: "Helm 3, pkg/releaseutil (hooks: https://helm.sh/docs/topics/charts_hooks/); KubeSphere 4.1.3, " +
			"staging/src/kubesphere.io/api/core/v1alpha1 and pkg/controller/core/installplan_controller.go " +
			"(https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/installplan_controller.go).",
		Codes: []rule.Code{
			{Name: "unknown-event", Meaning: "a hook has an event that Helm does not know"},
			{Name: "unknown-annotation", Meaning: "an annotation looks like one of hooks, and neither Helm nor KubeSphere reads it"},
			{Name: "unknown-policy", Meaning: "a hook has a delete policy that Helm does not know"},
			{Name: "no-weight", Meaning: "the weight of a hook is no whole number"},
			{Name: "unknown-action", Meaning: "the image of a hook of KubeSphere is for an action that there is not"},
			{Name: "registry", Meaning: "the image of a hook of KubeSphere has a registry"},
		},
		Default: rule.Warning,
		Uses:    rule.Rendering,
		Run:     checkHooks,
	}
}

// hookActions are the actions of the annotations of extension.yaml that KubeSphere reads
// (staging/src/kubesphere.io/api/core/v1alpha1/constants.go).
var hookActions = []string{"install", "upgrade", "uninstall"}

// helmDomain begins the annotations that Helm reads.
const helmDomain = "helm.sh"

const hookWeight = "hook-weight"

// hookNames are what Helm reads of a hook behind its domain, and otherNames what it or its
// charts have there of all objects.
var (
	hookNames  = []string{"hook", hookWeight, "hook-delete-policy", "hook-output-log-policy"}
	otherNames = []string{"resource-policy", "chart"}
)

var deletePolicies = []string{"hook-succeeded", "hook-failed", "before-hook-creation"}

func checkHooks(pass *rule.Pass) {
	hookImages(pass)
	var found causes
	seen := helmchart.TextSet{}
	for _, in := range pass.Installations() {
		for _, o := range in.Objects {
			if o.Fault == "" && mayNameHooks(o.Text()) && seen.Add(o) {
				hookOf(pass, &found, rendered{Object: o, In: in})
			}
		}
	}
	found.report(pass)
}

// hookOf looks at the annotations of one object.
func hookOf(pass *rule.Pass, found *causes, o rendered) {
	add := func(code, subject, message, hint string, path ...string) {
		at := o.place(path...)
		found.add(code+" "+at.String()+" "+subject, at, func() cause {
			return cause{id: rule.Found(code, append(o.subject(), subject)...), severity: pass.Severity(), message: message, hint: hint}
		})
	}
	helmchart.EachField(o.At("metadata", "annotations"), func(key, value *yaml.Node) {
		name := key.Value
		path := []string{"metadata", "annotations", name}
		switch name {
		default:
			if meant, ok := meantAnnotation(name); ok {
				add("unknown-annotation", name, fmt.Sprintf("%s has the annotation %s, which Helm does not read", o, excerpt.OneLine(name)), "did you mean "+meant+"?", path...)
			}
		case helmDomain + "/" + hookWeight:
			if _, err := strconv.Atoi(value.Value); err != nil && value.Kind == yaml.ScalarNode {
				add("no-weight", value.Value, fmt.Sprintf("the weight of the hook %s, %q, is no whole number: Helm takes it for 0", o, excerpt.OneLine(value.Value)), `write a whole number, such as "-5"`, path...)
			}
		case helmchart.HookAnnotation:
			for event := range strings.SplitSeq(value.Value, ",") {
				event = strings.ToLower(strings.TrimSpace(event))
				if slices.Contains(helmchart.HookEvents, event) || event == "crd-install" { // the rule helm-lint says so
					continue
				}
				hint := "Helm has " + strings.Join(helmchart.HookEvents[:len(helmchart.HookEvents)-1], ", ")
				if meant, ok := yamldoc.Nearest(event, helmchart.HookEvents); ok {
					hint = "did you mean " + meant + "?"
				}
				add("unknown-event", event, fmt.Sprintf("%s is not installed: Helm passes over a hook with an event that it does not know, %q", o, excerpt.OneLine(event)), hint, path...)
			}
		case helmchart.HookDeletePolicyAnnotation:
			for policy := range strings.SplitSeq(value.Value, ",") {
				policy = strings.ToLower(strings.TrimSpace(policy))
				if slices.Contains(deletePolicies, policy) {
					continue
				}
				hint := "Helm has " + strings.Join(deletePolicies, ", ")
				if meant, ok := yamldoc.Nearest(policy, deletePolicies); ok {
					hint = "did you mean " + meant + "?"
				}
				add("unknown-policy", policy, fmt.Sprintf("Helm has no delete policy %q, which the hook %s names: it does not delete the hook by it", excerpt.OneLine(policy), o), hint, path...)
			}
		}
	})
}

// mayNameHooks is the cheap look that saves the parse: it is false where no annotation is
// one of hooks, however it is spelt. API definitions, which are long, speak of webhooks.
func mayNameHooks(text string) bool {
	if strings.Contains(text, "/hook") {
		return true
	}
	for rest := text; ; {
		var ok bool
		if _, rest, ok = strings.Cut(rest, helmDomain+"/"); !ok {
			return false
		}
		if !slices.ContainsFunc(otherNames, func(name string) bool { return strings.HasPrefix(rest, name) }) {
			return true
		}
	}
}

// meantAnnotation is the annotation of a hook that somebody probably meant: one with
// another ending or in another domain like Helm's. What other tools read of hooks, such as
// Argo CD, is in domains of their own.
func meantAnnotation(name string) (string, bool) {
	domain, own, ok := strings.Cut(name, "/")
	if !ok {
		return "", false
	}
	switch domain {
	case helmDomain:
		if slices.Contains(hookNames, own) || slices.Contains(otherNames, own) {
			return "", false
		}
	case "helm.io", "helm.com", "www.helm.sh", "meta.helm.sh":
	default:
		if _, near := yamldoc.Nearest(domain, []string{helmDomain}); !near {
			return "", false
		}
	}
	meant, ok := yamldoc.Nearest(own, hookNames)
	return helmDomain + "/" + meant, ok
}

// hookImages looks at the images of KubeSphere's own hooks in extension.yaml.
func hookImages(pass *rule.Pass) {
	annotations, _ := pass.Field("annotations").(map[string]any)
	for _, key := range rule.SortedKeys(annotations) {
		action, ok := strings.CutPrefix(key, kubesphere.HookImage+"/")
		if !ok && key != kubesphere.HookImage {
			if meant, ok := meantHookImage(key); ok {
				pass.Problem(rule.Found("unknown-annotation", key), pass.Ext.Document.ProblemAtKey(
					fmt.Sprintf("KubeSphere does not read the annotation %s", excerpt.OneLine(key)), "did you mean "+meant+"?", "annotations", key))
			}
			continue
		}
		pointer := []string{"annotations", key}
		if ok && !slices.Contains(hookActions, action) {
			hint := "KubeSphere reads those for " + strings.Join(hookActions, ", ")
			if meant, ok := yamldoc.Nearest(action, hookActions); ok {
				hint = "did you mean " + kubesphere.HookImage + "/" + meant + "?"
			}
			pass.Problem(rule.Found("unknown-action", action), pass.Ext.Document.Problem(
				fmt.Sprintf("KubeSphere has no hook for %q: it does not read this annotation", excerpt.OneLine(action)), hint, pointer...))
			continue
		}
		image := rule.Text(annotations[key])
		host, rest, ok := strings.Cut(image, "/")
		if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
			continue
		}
		if _, err := reference.ParseNormalizedNamed(image); err != nil {
			continue // the rule images says so
		}
		pass.Problem(rule.Found("registry", action), pass.Ext.Document.Problem(
			fmt.Sprintf("the image of this hook has a registry, %s: where the administrator has set one, KubeSphere puts that in front of it all, and the image cannot be pulled", excerpt.OneLine(host)),
			"write it without: "+rest, pointer...))
	}
}

// meantHookImage is the annotation for the image of a hook of KubeSphere that somebody
// probably meant by another one.
func meantHookImage(key string) (string, bool) {
	domain, action, _ := strings.Cut(strings.ToLower(key), "/")
	if !strings.Contains(domain, "hook-image") && levenshtein.ComputeDistance(domain, kubesphere.HookImage) > maxSlips {
		return "", false
	}
	if meant, ok := yamldoc.Nearest(action, hookActions); ok {
		return kubesphere.HookImage + "/" + meant, true
	}
	return kubesphere.HookImage, true
}

// maxSlips is how many letters of a domain as long as that may be wrong for it to be
// meant: KubeSphere has other annotations below kubesphere.io.
const maxSlips = 4
