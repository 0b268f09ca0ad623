package security

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/rbac"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Rights is the rule rights.
func Rights() rule.Rule {
	return rule.Rule{
		Name:    "rights",
		Summary: "permissions.yaml gives the installation the rights to make, and to change, what the chart has",
		Why: "KubeSphere installs an extension as a service account of its own, helm-executor.NAME. It has what permissions.yaml, " +
			"of exactly this name and at the top of the extension, gives it, and in the namespace of the extension all rights on " +
			"the resources of core, apps, batch, policy, networking.k8s.io, autoscaling and metrics.k8s.io. Everything else is " +
			"refused: JSBundles, roles, leases, whatever is in no namespace or in another one.\n\n" +
			"To install, Helm needs get and create on each object, those of the folders crds/ too; on a hook create and, as long as " +
			"its delete policy says nothing else, delete. A rule with resourceNames never gives create. To upgrade, it needs " +
			"patch on each object that has changed. Without delete, objects that the new version does not have stay; " +
			"removing the extension needs no rights of its own.\n\n" +
			"Kubernetes lets nobody grant what he has not. So the installation needs each right that a Role or ClusterRole of the " +
			"chart has, in the same namespace or in the cluster, or the verb escalate on roles or clusterroles (* has it). To bind a role it " +
			"needs what that one grants, or the verb bind on it. For a ClusterRole with an aggregationRule it needs all rights there are.\n\n" +
			"What a rule of a role names is compared as a text, and nobody says that it is none: apps/v1 is no group, Deployment no " +
			"resource, and Get no verb.",
		Fix: "Write into permissions.yaml what the finding asks for:\n\n" +
			"kind: ClusterRole\nrules:\n  - apiGroups: [extensions.kubesphere.io]\n    resources: [jsbundles]\n    verbs: [get, create, patch, delete]\n" +
			"---\nkind: Role\nrules:\n  - apiGroups: [coordination.k8s.io]\n    resources: [leases]\n    verbs: [get, create, patch, delete]\n\n" +
			"A Role reaches the namespace of the extension; a ClusterRole reaches the others, and what is in none.",
		Source: "KubeSphere v4.1.3 (usesPermissions, createOrUpdateRole, https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/installplan_controller.go); " +
			"Helm 3.12.1, which its executor runs (pkg/action and pkg/kube, https://github.com/helm/helm/tree/v3.12.1/pkg); Kubernetes 1.33, tried with its API server " +
			"(pkg/registry/rbac, https://github.com/kubernetes/kubernetes/tree/v1.33.0/pkg/registry/rbac).",
		Codes: []rule.Code{
			{Name: "no-file", Meaning: "the chart needs rights, and there is no permissions.yaml"},
			{Name: "misnamed-file", Meaning: "the chart needs rights, and permissions.yaml has another name or stands in a folder"},
			{Name: "missing", Meaning: "the installation may not make what the chart has"},
			{Name: "named-create", Meaning: "the right to create stands in a rule with resourceNames, which never gives it"},
			{Name: "role-too-narrow", Meaning: "the right stands in the Role, and what the chart has is not in the namespace of the extension"},
			{Name: "grants-nothing", Meaning: "a rule of permissions.yaml names what is no group, resource or verb"},
			{Name: "grants-more", Meaning: "a role of the chart grants what the installation itself has not"},
			{Name: "binds-more", Meaning: "a binding of the chart gives what the installation itself has not"},
			{Name: "binds-too-early", Meaning: "a hook binds a role that is made after it"},
			{Name: "unknown-role", Meaning: "a binding names a role that neither the chart nor Kubernetes has"},
			{Name: "no-patch", Meaning: "the installation may make what the chart has, and not change it"},
			{Name: "role-grants-nothing", Meaning: "a role of the chart names what is no group, resource or verb"},
		},
		Default:  rule.Error,
		Needs:    rule.Rendering,
		LeavesTo: []string{"permissions", "helmignore"},
		Run:      checkRights,
	}
}

// executor is what the installation of an extension may do.
type executor struct {
	// namespace is that of the extension; own are the rights in it, and cluster those in
	// other namespaces and on what is in none.
	namespace    string
	own, cluster []rbacv1.PolicyRule
}

// in are the rights in a namespace; "" stands for what is in none.
func (e executor) in(namespace string) []rbacv1.PolicyRule {
	if namespace == e.namespace {
		return e.own
	}
	return e.cluster
}

// executorOf reads permissions.yaml as KubeSphere does: to the first document that does
// not decode.
func executorOf(ext *extension.Extension) executor {
	var clusterRole, role []rbacv1.PolicyRule
	for _, file := range ext.Files {
		if file.Name != permissionsFile {
			continue
		}
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(file.Data), 1024)
		for range maxPermissionDocuments {
			document := &rbacv1.Role{}
			if err := decoder.Decode(&document); err != nil {
				break
			}
			switch {
			case document == nil: // null
			case document.Kind == "ClusterRole":
				clusterRole = append(clusterRole, document.Rules...)
			case document.Kind == "Role":
				role = append(role, document.Rules...)
			}
		}
	}
	e := executor{namespace: ext.Metadata.Namespace}
	if e.namespace == "" {
		e.namespace = "extension-" + ext.Metadata.Name
	}
	e.own, e.cluster = rbac.Executor(clusterRole, role)
	return e
}

func checkRights(pass *rule.Pass) {
	written := carriersOf(rule.Derived(pass, permissionsOf))
	e := rule.Derived(pass, executorOf)
	wanted := rule.Derived(pass, func(*extension.Extension) *chartNeeds { return needsOf(pass, e) })

	if len(wanted.lacking) > 0 && pass.File(permissionsFile) == nil {
		withoutFile(pass, wanted)
	} else {
		missing(pass, e, wanted, written)
	}
	granting(pass, wanted)
	unchangeable(pass, wanted)
}

// carrier is a rule of permissions.yaml that may have been meant to give a right.
type carrier struct {
	role   role
	policy policyRule
	rule   rbacv1.PolicyRule
}

// carriersOf are the rules that somebody wrote, those behind a broken document, and in one
// of another kind, too.
func carriersOf(read permissions) []carrier {
	var list []carrier
	for _, r := range read.Roles {
		for _, policy := range r.Rules {
			list = append(list, carrier{r, policy, rbacv1.PolicyRule{
				Verbs: policy.meant("verbs"), APIGroups: policy.meant("apiGroups"), Resources: policy.meant("resources"),
				ResourceNames: policy.meant("resourceNames"), NonResourceURLs: policy.meant("nonResourceURLs"),
			}})
		}
	}
	return list
}

// meant is a list of the rule as somebody meant it who wrote a text in place of a list, or
// misspelt its name, which the rule permissions reports.
func (r policyRule) meant(name string) []string {
	key, value := r.field(name)
	for _, other := range rule.SortedKeys(r.Fields) {
		if key != "" || slices.Contains(policyFields, other) {
			continue // to look for what is near takes long
		}
		if near, ok := yamldoc.Nearest(other, policyFields); ok && near == name {
			key, value = other, r.Fields[other]
		}
	}
	if text, ok := value.(string); ok {
		return []string{text}
	}
	elements, _ := value.([]any)
	var list []string
	for _, element := range elements {
		text, _ := element.(string) // an entry of another type keeps its place
		list = append(list, text)
	}
	return list
}

// reaches reports whether the role of a carrier reaches where a right is needed.
func (c carrier) reaches(inCluster bool) bool {
	return c.role.Kind == "ClusterRole" || c.role.Kind == "Role" && !inCluster
}

// at is the pointer to something within the rule, by the names of its fields.
func (c carrier) at(field string, more ...string) []string {
	key, _ := c.policy.field(field)
	if key == "" {
		key = field // it is misspelt: the place of the rule will do
	}
	return append(append(slices.Clone(c.policy.Pointer), key), more...)
}

// cause is why a right is lacking that somebody meant to give.
type cause int

const (
	nowhere   cause = iota // nobody meant to
	inVain                 // an entry of the rule is none
	named                  // the rule has resourceNames
	tooNarrow              // it is in the Role
	unread                 // it is in a document that KubeSphere does not read, or passes over
)

// causeOf finds the rule that was meant to give a right.
func causeOf(l lack, written []carrier) (cause, int) {
	request := l.request()
	for _, try := range []struct {
		cause cause
		meant func(carrier) (rbacv1.PolicyRule, bool)
	}{
		{unread, func(c carrier) (rbacv1.PolicyRule, bool) {
			return c.rule, c.reaches(l.inCluster) || c.role.isPassedOver()
		}},
		{named, func(c carrier) (rbacv1.PolicyRule, bool) {
			open := c.rule
			open.ResourceNames = nil
			return open, c.reaches(l.inCluster) && slices.Contains(c.rule.ResourceNames, l.first.object.Name)
		}},
		{tooNarrow, func(c carrier) (rbacv1.PolicyRule, bool) { return c.rule, c.role.Kind == "Role" && l.inCluster }},
		{inVain, func(c carrier) (rbacv1.PolicyRule, bool) { return rbac.Meant(c.rule), !c.role.isPassedOver() }},
	} {
		for i, c := range written {
			if meant, ok := try.meant(c); ok && rbac.Allows([]rbacv1.PolicyRule{meant}, request) {
				return try.cause, i
			}
		}
	}
	return nowhere, 0
}

// blamed is what comes of one rule of permissions.yaml.
type blamed struct {
	cause   cause
	carrier int
}

// missing reports the rights that the installation lacks: at the rule that was meant to
// give them, or else by API group and reach.
func missing(pass *rule.Pass, e executor, wanted *chartNeeds, written []carrier) {
	byRule := map[blamed][]lack{}
	type where struct {
		inCluster bool
		group     string
	}
	byGroup := map[where][]lack{}
	var order []where
	for _, l := range wanted.lacking {
		why, i := causeOf(l, written)
		switch why {
		case unread:
			if pass.IsOn("permissions") {
				continue // it says which document
			}
			why = nowhere
		case nowhere:
		default:
			at := blamed{why, i}
			byRule[at] = append(byRule[at], l)
			continue
		}
		at := where{l.inCluster, l.group}
		if byGroup[at] == nil {
			order = append(order, at)
		}
		byGroup[at] = append(byGroup[at], l)
	}
	for i, c := range written {
		if c.role.isPassedOver() {
			continue
		}
		vain(pass, c, byRule[blamed{inVain, i}])
		if lacks := byRule[blamed{named, i}]; len(lacks) > 0 {
			message := fmt.Sprintf("a rule with resourceNames never gives create: %s", refused(lacks))
			pass.Problem(rule.Found("named-create", resourcesOf(lacks)...), c.role.Document.Problem(message, "give create in a rule without resourceNames:\n"+yamlOf(lacks), c.at("resourceNames")...))
		}
		if lacks := byRule[blamed{tooNarrow, i}]; len(lacks) > 0 {
			message := fmt.Sprintf("a Role reaches %s: %s", e.outside(lacks), refused(lacks))
			pass.Problem(rule.Found("role-too-narrow", resourcesOf(lacks)...), c.role.Document.Problem(message, "give it in the ClusterRole:\n"+yamlOf(lacks), c.at("resources")...))
		}
	}
	for _, at := range order {
		lacks := byGroup[at]
		message := refused(lacks)
		id := rule.Found("missing", append([]string{kindOfRole(at.inCluster)}, resourcesOf(lacks)...)...)
		inRole(pass, id, pass.Severity(), at.inCluster, message, yamlOf(lacks))
	}
}

// outside says what a Role does not reach.
func (e executor) outside(lacks []lack) string {
	if namespace := lacks[0].first.namespace; namespace != "" {
		return fmt.Sprintf("the namespace %s alone, not %s", e.namespace, excerpt.OneLine(namespace))
	}
	return "nothing that is in no namespace"
}

// refused says what the installation may not do, and what is refused for it.
func refused(lacks []lack) string {
	objects, one := objectsOf(lacks)
	resources := resourcesOf(lacks)
	for i, name := range resources {
		resources[i] = excerpt.OneLine(name)
	}
	may := verbsOf(lacks) + " " + someOfNames(resources)
	if one {
		return fmt.Sprintf("the installation has no right to %s: %s is refused", may, objects)
	}
	return fmt.Sprintf("the installation has no right to %s: %s are refused", may, objects)
}

// vain reports the entries of a rule that are none, and what is refused for it.
func vain(pass *rule.Pass, c carrier, lacks []lack) {
	found := rbac.InVain(c.rule)
	if len(found) == 0 {
		return
	}
	message, hint := vainWords(c.rule, found)
	severity := pass.ByDefault(rule.Warning)
	if rbac.IsWhole(c.rule, found) {
		severity = pass.Severity()
	}
	if len(lacks) > 0 {
		severity = pass.Severity()
		message += "; so " + refused(lacks)
	}
	pass.ProblemAs(rule.Found("grants-nothing", entriesOf(found)...), severity,
		c.role.Document.Problem(message, hint, c.at(found[0].Field, fmt.Sprint(found[0].Index))...))
}

// vainWords say what is wrong with entries of a rule, and what to write: those of one list
// and one reason together.
func vainWords(in rbacv1.PolicyRule, found []rbac.Vain) (message, hint string) {
	type reason struct{ field, why string }
	var order []reason
	entries, hints := map[reason][]string{}, []string{}
	for _, v := range found {
		at := reason{v.Field, v.Why}
		if entries[at] == nil {
			order = append(order, at)
		}
		entries[at] = append(entries[at], fmt.Sprintf("%q", excerpt.OneLine(v.Entry)))
		list := map[string][]string{"verbs": in.Verbs, "apiGroups": in.APIGroups, "resources": in.Resources, "nonResourceURLs": in.NonResourceURLs}[v.Field]
		isThere := func(entry string) bool { return slices.Contains(list, entry) }
		if len(v.Meant) > 0 && !slices.ContainsFunc(v.Meant, isThere) {
			hints = append(hints, fmt.Sprintf("%s in place of %q", quotedEmpty(v.Meant[0]), excerpt.OneLine(v.Entry)))
		}
	}
	var parts []string
	for _, at := range order {
		what := singular[at.field]
		if len(entries[at]) == 1 {
			parts = append(parts, fmt.Sprintf("the %s allows nothing: Kubernetes %s", what+" "+entries[at][0], at.why))
			continue
		}
		what += "s"
		parts = append(parts, fmt.Sprintf("the %s allow nothing: Kubernetes %s", what+" "+someOfNames(entries[at]), at.why))
	}
	if hint = "write " + someOfNames(hints); len(hints) == 0 {
		hint = "take it out"
	}
	return strings.Join(parts, "; "), hint
}

var singular = map[string]string{"verbs": "verb", "apiGroups": "group", "resources": "resource", "nonResourceURLs": "URL"}

func quotedEmpty(word string) string {
	if word == "" {
		return `""`
	}
	return excerpt.OneLine(word)
}

func entriesOf(found []rbac.Vain) []string {
	var entries []string
	for _, v := range found {
		entries = append(entries, v.Entry)
	}
	return entries
}

func kindOfRole(inCluster bool) string {
	if inCluster {
		return "ClusterRole"
	}
	return "Role"
}

// inRole reports something at the role of permissions.yaml that ought to have rules.
func inRole(pass *rule.Pass, id rule.Identity, severity rule.Severity, inCluster bool, message, rules string) {
	kind := kindOfRole(inCluster)
	for _, r := range rule.Derived(pass, permissionsOf).Roles {
		if r.Kind == kind {
			pass.ProblemAs(id, severity, r.Document.Problem(message, "add to the rules of the "+kind+":\n"+rules, "kind"))
			return
		}
	}
	hint := "add a document to permissions.yaml:\n---\nkind: " + kind + "\nrules:\n" + indented(rules)
	if pass.File(permissionsFile) == nil {
		hint = "write permissions.yaml:\nkind: " + kind + "\nrules:\n" + indented(rules)
		pass.ProblemAs(id, severity, pass.Ext.Document.Problem(message, hint, "name"))
		return
	}
	pass.Report(id, severity, rule.Finding{File: permissionsFile, Range: diagnostic.At(1, 1), Message: message, Hint: hint})
}

func indented(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// misnamed are names that somebody might take for that of permissions.yaml.
var misnamed = lazyregexp.New(`(?i)^permissions?\.ya?ml$`)

// withoutFile reports that permissions.yaml is missing: once, whatever is needed.
func withoutFile(pass *rule.Pass, wanted *chartNeeds) {
	if pass.IsLeftOut(func(name string) bool { return name == permissionsFile }) {
		return
	}
	inCluster := slices.DeleteFunc(slices.Clone(wanted.lacking), func(l lack) bool { return !l.inCluster })
	inNamespace := slices.DeleteFunc(slices.Clone(wanted.lacking), func(l lack) bool { return l.inCluster })
	var documents []string
	for _, lacks := range [][]lack{inCluster, inNamespace} {
		if len(lacks) > 0 {
			documents = append(documents, "kind: "+kindOfRole(lacks[0].inCluster)+"\nrules:\n"+indented(yamlOf(lacks)))
		}
	}
	refused := refused(wanted.lacking)
	for _, f := range pass.Ext.Files {
		if misnamed.MatchString(path.Base(f.Name)) && !rule.IsTemplate(f.Name) {
			message, hint := "KubeSphere reads permissions.yaml, of exactly this name: ", "rename it to permissions.yaml"
			if strings.Contains(f.Name, "/") {
				message, hint = "KubeSphere reads permissions.yaml at the top of the extension alone: ", "move it to permissions.yaml, next to extension.yaml"
			}
			pass.Report(rule.Found("misnamed-file", f.Name), pass.Severity(), rule.Finding{File: f.Name, Message: message + refused, Hint: hint})
			return
		}
	}
	pass.Report(rule.Found("no-file"), pass.Severity(), rule.Finding{
		File: extension.MetadataFile, Message: "there is no permissions.yaml: " + refused,
		Hint: "write permissions.yaml:\n" + strings.Join(documents, "\n---\n"),
	})
}

// unchangeable reports what may be made and not changed, all in one.
func unchangeable(pass *rule.Pass, wanted *chartNeeds) {
	if len(wanted.unchangeable) == 0 {
		return
	}
	first := wanted.unchangeable[0]
	if slices.ContainsFunc(wanted.unchangeable, func(l lack) bool { return l.inCluster }) {
		first.inCluster = true // as a ClusterRole gives it in all of the cluster
	}
	objects, one := objectsOf(wanted.unchangeable)
	message := fmt.Sprintf("the installation may create %s, and has no right to patch: an upgrade fails as soon as one of them has changed", objects)
	if one {
		message = fmt.Sprintf("the installation may create %s, and has no right to patch: an upgrade fails as soon as it has changed", objects)
	}
	inRole(pass, rule.Found("no-patch", resourcesOf(wanted.unchangeable)...), pass.ByDefault(rule.Warning), first.inCluster, message, yamlOf(wanted.unchangeable))
}
