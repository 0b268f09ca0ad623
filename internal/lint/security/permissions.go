package security

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// permissionsFile holds what an extension may do in a cluster.
const permissionsFile = "permissions.yaml"

// Permissions is the rule permissions.
func Permissions() rule.Rule {
	return rule.Rule{
		Name:    "permissions",
		Summary: "permissions.yaml parses wholly, and its ClusterRole and Role have rules that Kubernetes takes",
		Why: "KubeSphere gives the extension the rights that permissions.yaml asks for, and installs it with them. It reads " +
			"the documents one after the other and stops at the first that it cannot read: this one and all that follow " +
			"are dropped, silently, and the installation fails later for lack of a right.\n\n" +
			"A document of another kind is passed over. A rule without verbs, or without API groups and resources, is " +
			"refused by Kubernetes, and the installation with it.",
		Fix: "Write one document for each kind, with a line of three hyphens between them:\n\n" +
			"kind: ClusterRole\nrules:\n  - apiGroups: [extensions.kubesphere.io]\n    resources: [reverseproxies]\n    verbs: [get, create]\n" +
			"---\nkind: Role\nrules:\n  - apiGroups: [apps]\n    resources: [deployments]\n    verbs: [get, list, watch, create, update, patch, delete]",
		Source: "KubeSphere 4, which decodes the documents into rbac.authorization.k8s.io Roles until one fails; the " +
			"validation of policy rules in Kubernetes (pkg/apis/rbac/validation).",
		Codes: []rule.Code{
			{Name: "unreadable", Meaning: "a document is no YAML"},
			{Name: "too-many-documents", Meaning: "there are more documents than are read"},
			{Name: "text-after-separator", Meaning: "text stands behind the hyphens that divide documents"},
			{Name: "not-a-mapping", Meaning: "a document holds no fields"},
			{Name: "unknown-kind", Meaning: "a document is neither ClusterRole nor Role"},
			{Name: "no-rules", Meaning: "a ClusterRole has no list of rules"},
			{Name: "rule-not-a-mapping", Meaning: "a rule is no mapping"},
			{Name: "incomplete-rule", Meaning: "a rule lacks what Kubernetes asks for"},
			{Name: "urls-in-role", Meaning: "a Role has nonResourceURLs"},
			{Name: "urls-and-resources", Meaning: "one rule is on resources and on nonResourceURLs"},
			{Name: "unknown-key", Meaning: "a rule has a field that nothing reads"},
			{Name: "not-a-list", Meaning: "a field of a rule is no list"},
			{Name: "not-text", Meaning: "a list of a rule has something else than text"},
		},
		Default: rule.Error,
		Run:     checkPermissions,
	}
}

// permissions is permissions.yaml, taken apart.
type permissions struct {
	Roles []role
	// Problems are what keeps documents from being read, in the order of the file.
	Problems diagnostic.List
	// Cut says that there were too many documents to look at.
	Cut bool
}

// role is one document of permissions.yaml.
type role struct {
	Document *yamldoc.Document
	Kind     string
	Rules    []policyRule
}

// isPassedOver reports whether KubeSphere takes no rules of the document, for its kind.
func (r role) isPassedOver() bool { return r.Kind != "ClusterRole" && r.Kind != "Role" }

// policyRule is one rule of a role. A list that is none is nil; an entry of a
// list that is no text is left out.
type policyRule struct {
	Pointer                                                  []string
	Fields                                                   map[string]any
	Verbs, APIGroups, Resources, ResourceNames, NonResources []string
}

// maxPermissionDocuments bounds what is read of a file that repeats a separator
// without end: two documents are what an extension has.
const maxPermissionDocuments = 64

// permissionsOf reads the permissions of an extension.
func permissionsOf(ext *extension.Extension) permissions {
	for _, file := range ext.Files {
		if file.Name == permissionsFile {
			return readPermissions(permissionsFile, file.Data)
		}
	}
	return permissions{}
}

// readPermissions reads the documents of permissions.yaml one by one, so that a
// broken one hides no other from lint.
func readPermissions(file string, data []byte) permissions {
	var read permissions
	text := string(bytes.TrimPrefix(data, []byte("\ufeff")))
	for _, part := range manifest.Split(text) {
		if len(read.Roles)+len(read.Problems) >= maxPermissionDocuments {
			read.Cut = true
			break
		}
		// Empty lines stand for all that comes before, so that places are those of
		// the file.
		padded := strings.Repeat("\n", part.Line-1) + part.Text
		document, err := yamldoc.Parse(file, []byte(padded))
		var problems diagnostic.List
		if errors.As(err, &problems) {
			read.Problems = append(read.Problems, problems...)
			continue
		}
		if err == nil {
			read.Roles = append(read.Roles, roleOf(document))
		}
	}
	return read
}

func roleOf(document *yamldoc.Document) role {
	fields, _ := document.Value().(map[string]any)
	r := role{Document: document}
	r.Kind, _ = fields["kind"].(string)
	rules, _ := fields["rules"].([]any)
	for i, entry := range rules {
		policy := policyRule{Pointer: []string{"rules", strconv.Itoa(i)}}
		policy.Fields, _ = entry.(map[string]any)
		policy.Verbs = policy.list("verbs")
		policy.APIGroups = policy.list("apiGroups")
		policy.Resources = policy.list("resources")
		policy.ResourceNames = policy.list("resourceNames")
		policy.NonResources = policy.list("nonResourceURLs")
		r.Rules = append(r.Rules, policy)
	}
	return r
}

// policyFields are the fields of a rule (rbac.authorization.k8s.io/v1).
var policyFields = []string{"apiGroups", "nonResourceURLs", "resourceNames", "resources", "verbs"}

// neededFields are those without which Kubernetes refuses a rule on resources.
var neededFields = []string{"apiGroups", "resources", "verbs"}

// hasSlip reports whether a field is there in a form that is reported by itself: of
// another type, or misspelt.
func (r policyRule) hasSlip(name string) bool {
	if _, value := r.field(name); value != nil {
		_, isList := value.([]any)
		return !isList
	}
	for key := range r.Fields {
		if near, ok := yamldoc.Nearest(key, policyFields); ok && near == name && !strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

// field is the value of a field. KubeSphere decodes without regard to case.
func (r policyRule) field(name string) (key string, value any) {
	for _, key := range rule.SortedKeys(r.Fields) {
		if strings.EqualFold(key, name) {
			return key, r.Fields[key]
		}
	}
	return "", nil
}

func (r policyRule) list(name string) []string {
	_, value := r.field(name)
	elements, _ := value.([]any)
	var list []string
	for _, element := range elements {
		if text, ok := element.(string); ok {
			list = append(list, text)
		}
	}
	return list
}

func checkPermissions(pass *rule.Pass) {
	read := rule.Derived(pass, permissionsOf)
	for _, p := range read.Problems {
		p.Hint = strings.TrimPrefix(p.Hint+"; KubeSphere drops this document and all below it, silently", "; ")
		pass.Problem(rule.Found("unreadable", p.Subject), p)
	}
	divided := separators(pass)
	for _, r := range read.Roles {
		if line, _ := r.Document.Place(); !divided[line] {
			checkRole(pass, r)
		}
	}
	if read.Cut {
		pass.Report(rule.Found("too-many-documents"), pass.AtMost(rule.Warning), rule.Finding{
			File:    permissionsFile,
			Message: fmt.Sprintf("after %d documents, the others were not read", maxPermissionDocuments),
			Hint:    "one ClusterRole and one Role hold all there is to say",
		})
	}
}

// separators reports lines that begin with three hyphens and go on with text,
// which YAML allows and the decoder of Kubernetes does not. It returns them.
func separators(pass *rule.Pass) map[int]bool {
	divided := map[int]bool{}
	n := 0
	for line := range strings.Lines(string(pass.File(permissionsFile))) {
		n++
		rest, ok := strings.CutPrefix(line, "---")
		if rest = strings.TrimSpace(rest); !ok || rest == "" || rest[0] == '#' {
			continue
		}
		pass.Report(rule.Found("text-after-separator"), pass.Severity(), rule.Finding{
			File: permissionsFile, Range: diagnostic.At(n, 1), Excerpt: excerpt.Line(line, 1, n),
			Message: "text stands behind the hyphens that divide documents: KubeSphere stops reading here, silently",
			Hint:    "begin the document on the next line",
		})
		divided[n] = true
	}
	return divided
}

func checkRole(pass *rule.Pass, r role) {
	fields, isMapping := r.Document.Value().(map[string]any)
	switch {
	case r.Document.Value() == nil:
		return
	case !isMapping:
		pass.Problem(rule.Found("not-a-mapping"), r.Document.Problem("this document holds no fields: KubeSphere drops it and all below it, silently", "begin it with kind: ClusterRole or kind: Role"))
		return
	case r.isPassedOver():
		severity, message := pass.ByDefault(rule.Warning), "the document has no kind, so KubeSphere passes over it"
		if written, ok := fields["kind"]; ok {
			message = fmt.Sprintf("KubeSphere passes over a document of kind %s", excerpt.OneLine(fmt.Sprint(written)))
		}
		if len(r.Rules) > 0 { // they were meant to be read
			severity = pass.Severity()
			message += ", and its rules with it"
		}
		pass.ProblemAs(rule.Found("unknown-kind", r.Kind), severity, r.Document.Problem(message, "permissions.yaml holds ClusterRole and Role; other objects are for templates/", "kind"))
		return
	}
	if _, ok := fields["rules"].([]any); !ok {
		if fields["rules"] == nil && r.Kind == "Role" {
			return // KubeSphere gives it rules of its own
		}
		m, severity, message := rule.Found("no-rules", r.Kind), pass.ByDefault(rule.Warning), "the ClusterRole has no rules, and so no rights"
		if fields["rules"] != nil {
			m, severity, message = rule.Found("not-a-list", "rules"), pass.Severity(), "rules must be a list: KubeSphere drops this document and all below it, silently"
		}
		pass.ProblemAs(m, severity, r.Document.Problem(message, "list the rights under rules, or take the document out", "rules"))
		return
	}
	for _, policy := range r.Rules {
		checkPolicyRule(pass, r, policy)
	}
}

// checkPolicyRule holds one rule to what decodes and what Kubernetes takes.
func checkPolicyRule(pass *rule.Pass, r role, policy policyRule) {
	if policy.Fields == nil {
		pass.Problem(rule.Found("rule-not-a-mapping"), r.Document.Problem("a rule must be a mapping with apiGroups, resources and verbs", "write it as - apiGroups: [apps], and so on below it", policy.Pointer...))
		return
	}
	for _, key := range rule.SortedKeys(policy.Fields) {
		checkPolicyField(pass, r, policy, key)
	}
	missing := func(field, hint string) {
		if policy.hasSlip(field) {
			return // that is reported already
		}
		pass.Problem(rule.Found("incomplete-rule", r.Kind, field), r.Document.Problem(fmt.Sprintf("the rule has no %s, so Kubernetes refuses the %s", field, r.Kind), hint, policy.Pointer...))
	}
	if len(policy.Verbs) == 0 {
		missing("verbs", "add what may be done: verbs: [get, list, watch]")
	}
	if len(policy.NonResources) > 0 {
		if r.Kind == "Role" {
			pass.Problem(rule.Found("urls-in-role"), r.Document.Problem("a Role cannot have nonResourceURLs: Kubernetes refuses it", "move the rule to the ClusterRole", append(slices.Clone(policy.Pointer), "nonResourceURLs")...))
		}
		if len(policy.APIGroups)+len(policy.Resources) > 0 {
			pass.Problem(rule.Found("urls-and-resources"), r.Document.Problem("a rule is on resources or on nonResourceURLs, not both: Kubernetes refuses it", "make two rules of it", policy.Pointer...))
		}
		return
	}
	if len(policy.APIGroups) == 0 {
		missing("apiGroups", `add the API groups of the resources; that of pods, services and secrets is ""`)
	}
	if len(policy.Resources) == 0 {
		missing("resources", "add what it is about: resources: [deployments]")
	}
}

// checkPolicyField looks at one field of a rule: its name, and that it is a list
// of texts.
func checkPolicyField(pass *rule.Pass, r role, policy policyRule, key string) {
	pointer := append(slices.Clone(policy.Pointer), key)
	if !slices.ContainsFunc(policyFields, func(f string) bool { return strings.EqualFold(f, key) }) {
		severity, message := pass.ByDefault(rule.Warning), fmt.Sprintf("unknown key %q, which nothing reads", excerpt.OneLine(key))
		hint := "a rule has apiGroups, resources, resourceNames, verbs and nonResourceURLs"
		if near, ok := yamldoc.Nearest(key, policyFields); ok {
			hint = fmt.Sprintf("did you mean %q?", near)
			if slices.Contains(neededFields, near) && len(policy.list(near)) == 0 && len(policy.NonResources) == 0 {
				severity = pass.Severity()
				message += fmt.Sprintf(", and the rule has no %s, so Kubernetes refuses the %s", near, r.Kind)
			}
		}
		pass.ProblemAs(rule.Found("unknown-key", key), severity, r.Document.ProblemAtKey(message, hint, pointer...))
		return
	}
	const dropped = ": KubeSphere drops this document and all below it, silently"
	elements, ok := policy.Fields[key].([]any)
	if !ok {
		if policy.Fields[key] != nil {
			pass.Problem(rule.Found("not-a-list", key), r.Document.Problem(key+" must be a list"+dropped, fmt.Sprintf("write it as %s: [%s]", key, excerpt.OneLine(fmt.Sprint(policy.Fields[key]))), pointer...))
		}
		return
	}
	for i, element := range elements {
		if _, ok := element.(string); !ok && element != nil {
			pass.Problem(rule.Found("not-text", key), r.Document.Problem(key+" must be a list of texts"+dropped, "write each as text, in quotes where it reads as a number", append(slices.Clone(pointer), strconv.Itoa(i))...))
		}
	}
}
