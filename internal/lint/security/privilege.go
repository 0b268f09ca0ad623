package security

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// LeastPrivilege is the rule least-privilege.
func LeastPrivilege() rule.Rule {
	return rule.Rule{
		Name:    "least-privilege",
		Summary: "permissions.yaml names what the extension needs, and gives a reason for what would let it take over",
		Why: "What permissions.yaml asks for is given to the installation of the extension: whoever can change the " +
			"extension, or gets hold of its pods, has these rights. A wildcard takes in what will be added to the cluster " +
			"later, too. Secrets, roles and their bindings, webhook configurations, running commands in pods, the proxy " +
			"of nodes and tokens of service accounts each open a way to all of the cluster.\n\n" +
			"A Role reaches no further than the extension's own namespace, where the installation may do nearly everything anyway: " +
			"its wildcards are reported only where the config gives this rule a severity. " +
			"Rules that are only too wide are reported together, at the first of them; where one has a reason of its own, that counts for it alone.",
		Fix: "Name API groups, resources and verbs. Where it has to be as it is, say why, at the rule:\n\n" +
			"rules:\n  # ksrelease:ignore least-privilege the operator makes a Secret for each certificate\n  - apiGroups: [\"\"]\n    resources: [secrets]",
		Source: "The extension development guide of KubeSphere on permissions (least privilege; reasons for secrets, " +
			"bindings and webhook configurations); Kubernetes on good practices of RBAC.",
		Codes: []rule.Code{
			{Name: "sensitive", Meaning: "a rule opens a way to more rights"},
			{Name: "wildcard", Meaning: "a rule has a wildcard, or several have one"},
		},
		Default: rule.Warning,
		Run:     checkLeastPrivilege,
	}
}

// all stands for all in lists of a rule.
const all = "*"

// readOnly are the verbs that change nothing.
var readOnly = []string{"get", "list", "watch"}

// sensitive is a resource that opens a way to more.
type sensitive struct {
	Group, Resource string
	// Verbs are those that matter; without any, all do but those that only read.
	Verbs []string
	// Why completes "the rule …".
	Why string
}

var sensitives = []sensitive{
	{"", "secrets", []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}, "reaches secrets"},
	{"", "pods/exec", []string{"get", "create"}, "runs commands in pods (pods/exec)"},
	{"", "nodes/proxy", []string{"get", "create", "update", "patch", "delete"}, "reaches all pods through the kubelet (nodes/proxy)"},
	{"", "serviceaccounts/token", []string{"create"}, "makes tokens of service accounts (serviceaccounts/token)"},
	{"", "users", []string{"impersonate"}, "acts as other users (impersonate)"},
	{"", "groups", []string{"impersonate"}, "acts as other users (impersonate)"},
	{"", "serviceaccounts", []string{"impersonate"}, "acts as other users (impersonate)"},
	{rbacGroup, "clusterroles", []string{"bind", "escalate", "impersonate"}, "gives rights that the extension does not have itself (bind, escalate)"},
	{rbacGroup, "roles", []string{"bind", "escalate", "impersonate"}, "gives rights that the extension does not have itself (bind, escalate)"},
	{rbacGroup, "clusterrolebindings", nil, "binds roles (clusterrolebindings)"},
	{rbacGroup, "rolebindings", nil, "binds roles (rolebindings)"},
	{"admissionregistration.k8s.io", "mutatingwebhookconfigurations", nil, "changes what others send to Kubernetes (mutatingwebhookconfigurations)"},
	{"admissionregistration.k8s.io", "validatingwebhookconfigurations", nil, "refuses what others send to Kubernetes (validatingwebhookconfigurations)"},
}

const rbacGroup = "rbac.authorization.k8s.io"

func checkLeastPrivilege(pass *rule.Pass) {
	for _, r := range rule.Derived(pass, permissionsOf).Roles {
		if r.Kind == "ClusterRole" || r.Kind == "Role" && pass.IsConfigured() {
			privileges(pass, r)
		}
	}
}

// privileges reports what the rules of a role ask for beyond what they name. Those
// that open a way to more are reported one by one. Those that are only too wide are
// reported in one finding, but for the ones that have a reason of their own.
func privileges(pass *rule.Pass, r role) {
	var wide []policyRule
	for _, policy := range r.Rules {
		wild, reached := policy.wildcards(), policy.reached()
		if r.Kind == "Role" {
			reached = nil // there is nothing else in the namespace of the extension
		}
		switch {
		case len(wild)+len(reached) == 0:
		case len(reached) == 0 && !pass.IsSilenced(rule.Found("wildcard"), r.Document.Problem("", "", policy.Pointer...)):
			wide = append(wide, policy)
		default:
			privilege(pass, r, policy, wild, reached)
		}
	}
	switch len(wide) {
	case 0:
	case 1:
		privilege(pass, r, wide[0], wide[0].wildcards(), nil)
	default:
		wildcards(pass, r, wide)
	}
}

// privilege reports what one rule asks for.
func privilege(pass *rule.Pass, r role, policy policyRule, wild []string, reached []sensitive) {
	const reason = ", or give the reason: # ksrelease:ignore least-privilege REASON, above the rule"
	if len(wild) == 0 {
		atRule(pass, rule.Found("sensitive", append([]string{r.Kind}, namesOfThings(reached)...)...), r, policy, fmt.Sprintf("this rule of the %s %s", r.Kind, reasons(reached)), "ask for less"+reason)
		return
	}
	where := listed(wild) + policy.of()
	message := fmt.Sprintf("this rule of the %s has the wildcard * for %s", r.Kind, where)
	switch {
	case len(reached) == 0:
	case slices.ContainsFunc(policy.Resources, isWildcard):
		message = fmt.Sprintf("this rule of the %s has the wildcard * for %s, which takes in %s", r.Kind, where, briefly(reached))
	default:
		message = fmt.Sprintf("this rule of the %s has the wildcard * for %s; it %s", r.Kind, where, reasons(reached))
	}
	atRule(pass, rule.Found("wildcard", r.Kind, policy.subject(wild)), r, policy, message, policy.namesFor(wild)+reason)
}

// atRule reports something at the first line of a rule, which has but a dash and the
// name of some field: it is not shown.
func atRule(pass *rule.Pass, m rule.Identity, r role, policy policyRule, message, hint string) {
	p := r.Document.Problem(message, hint, policy.Pointer...)
	p.Excerpt = ""
	pass.Problem(m, p)
}

// wildcards reports several rules at the first of them.
func wildcards(pass *rule.Pass, r role, wide []policyRule) {
	var what, lines, subjects []string
	for _, policy := range wide {
		what = append(what, listed(policy.wildcards())+policy.of())
		subjects = append(subjects, policy.subject(policy.wildcards()))
		line, _ := r.Document.Place(policy.Pointer...)
		lines = append(lines, strconv.Itoa(line))
	}
	slices.Sort(subjects)
	atRule(pass, rule.Found("wildcard", append([]string{r.Kind}, subjects...)...), r, wide[0],
		fmt.Sprintf("%d rules of the %s have the wildcard *: for %s", len(wide), r.Kind, strings.Join(what, "; for ")),
		fmt.Sprintf("name what the chart needs, or give the reason: # ksrelease:ignore least-privilege REASON, above the rule (lines %s)", listed(lines)))
}

// wildcards are the fields in which names would do.
func (r policyRule) wildcards() []string {
	var fields []string
	for _, f := range []struct {
		name string
		list []string
	}{{"verbs", r.Verbs}, {"API groups", r.APIGroups}, {"resources", r.Resources}, {"nonResourceURLs", r.NonResources}} {
		if slices.ContainsFunc(f.list, isWildcard) {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// isWildcard knows the forms "*", "*/*" and "*/scale" of a resource, and "/*" of
// a URL; a URL that ends with a star names a tree of its own.
func isWildcard(entry string) bool {
	return entry == all || strings.HasPrefix(entry, "*/") || entry == "/*"
}

// of says what the rule is about, as far as it has names for it.
func (r policyRule) of() string {
	if len(r.Resources) > 0 && !slices.ContainsFunc(r.Resources, isWildcard) {
		return " of " + excerpt.OneLine(strings.Join(r.Resources, ", "))
	}
	var groups []string
	for _, group := range r.APIGroups {
		switch group {
		case all:
			return ""
		case "":
			group = "core"
		}
		groups = append(groups, group)
	}
	if len(groups) == 0 {
		return ""
	}
	return " in " + excerpt.OneLine(strings.Join(groups, ", "))
}

// subject is what a rule with wildcards is about, for the subject of a finding.
func (r policyRule) subject(wild []string) string {
	names := slices.Clone(wild)
	if slices.ContainsFunc(r.Resources, isWildcard) || len(r.Resources) == 0 {
		names = append(names, slices.DeleteFunc(slices.Clone(r.APIGroups), func(g string) bool { return g == all || g == "" })...)
	} else {
		names = append(names, r.Resources...)
	}
	return strings.Join(names, " ")
}

func namesOfThings(things []sensitive) []string {
	var names []string
	for _, thing := range things {
		names = append(names, thing.Resource)
	}
	return names
}

// namesFor says what to write in place of the wildcards.
func (r policyRule) namesFor(wild []string) string {
	if slices.Equal(r.APIGroups, []string{"extensions.kubesphere.io"}) && slices.Contains(wild, "resources") {
		return "name the resources that the chart has, such as jsbundles, extensionentries, apiservices and reverseproxies"
	}
	return "name the " + listed(wild) + " that the chart needs"
}

// reached are the sensitive things that the rule gives access to.
func (r policyRule) reached() []sensitive {
	var list []sensitive
	for _, thing := range sensitives {
		if r.gives(thing) {
			list = append(list, thing)
		}
	}
	return list
}

// reasons say what is sensitive about things, each reason once.
func reasons(things []sensitive) string {
	var whys []string
	for _, thing := range things {
		if !slices.Contains(whys, thing.Why) {
			whys = append(whys, thing.Why)
		}
	}
	return listed(whys)
}

// briefly names the first few of what a wildcard takes in.
func briefly(things []sensitive) string {
	const shown = 3
	names := namesOfThings(things)
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + " and more of that kind"
	}
	return listed(names)
}

func (r policyRule) gives(thing sensitive) bool {
	group := slices.ContainsFunc(r.APIGroups, func(g string) bool { return g == all || g == thing.Group })
	resource := slices.ContainsFunc(r.Resources, func(name string) bool {
		_, sub, divided := strings.Cut(thing.Resource, "/")
		return name == all || name == thing.Resource || divided && name == "*/"+sub
	})
	verb := slices.ContainsFunc(r.Verbs, func(v string) bool {
		if thing.Verbs == nil {
			return !slices.Contains(readOnly, v)
		}
		return v == all || slices.Contains(thing.Verbs, v)
	})
	return group && resource && verb
}

// listed puts words into a sentence: a, b and c.
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
