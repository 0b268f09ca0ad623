// Package rbac computes with rules of roles as the API server of Kubernetes does: what
// they allow, and whether somebody who has some may grant others. It knows the resources
// of Kubernetes and of KubeSphere by their kinds, the roles that each cluster has, and
// rules that are stored and allow nothing.
//
// It knows neither charts nor findings. The semantics are those of Kubernetes 1.33
// (pkg/registry/rbac/validation, plugin/pkg/auth/authorizer/rbac,
// https://github.com/kubernetes/kubernetes).
package rbac

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Group is the API group of roles and their bindings.
const Group = rbacv1.GroupName

// Request is one action on a resource, as the API server asks its authorizer for it.
type Request struct {
	Verb, Group string
	// Resource is in the plural and lower case; with a subresource pods/log.
	Resource string
	// Name is that of the object; empty where the request has none, as that of a
	// creation.
	Name string
}

// Allows reports whether one of the rules allows a request (RuleAllows of the
// authorizer). A rule with names allows nothing of a request without one.
func Allows(rules []rbacv1.PolicyRule, r Request) bool {
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return hasOrAll(rule.Verbs, r.Verb) && hasOrAll(rule.APIGroups, r.Group) && hasResource(rule.Resources, r.Resource) &&
			(len(rule.ResourceNames) == 0 || r.Name != "" && slices.Contains(rule.ResourceNames, r.Name))
	})
}

// Uncovered is what of some rules another set does not have: who has only that set may
// not grant it (ConfirmNoEscalation and Covers of the API server). A right counts as
// had only if one rule has it as it is written: pods and secrets do not make up a *.
//
// What is uncovered comes in parts that have something in common, as few as there may be.
func Uncovered(had, granted []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	c := comparison{had: had, budget: maxComparisons}
	for _, rule := range granted {
		if len(rule.Resources) > 0 && len(rule.APIGroups) > 0 {
			c.resources(rbacv1.PolicyRule{Verbs: rule.Verbs, APIGroups: rule.APIGroups, Resources: rule.Resources, ResourceNames: rule.ResourceNames})
		}
		if len(rule.NonResourceURLs) > 0 {
			c.urls(rbacv1.PolicyRule{Verbs: rule.Verbs, NonResourceURLs: rule.NonResourceURLs})
		}
	}
	return c.uncovered
}

// maxComparisons bounds the work for rules with thousands of names in each list. What is
// not looked at counts as had: nothing is reported of it.
const maxComparisons = 1 << 18

// comparison collects what is uncovered.
type comparison struct {
	had       []rbacv1.PolicyRule
	uncovered []rbacv1.PolicyRule
	budget    int
}

// spent reports whether there is nothing left of the budget.
func (c *comparison) spent() bool {
	c.budget -= 1 + len(c.had)
	return c.budget < 0
}

// resources compares one rule on resources. It is taken apart where it is neither had as
// a whole nor lacking as a whole: a rule that has a part of it makes that necessary.
func (c *comparison) resources(rule rbacv1.PolicyRule) {
	if len(rule.Verbs) == 0 || c.spent() || slices.ContainsFunc(c.had, func(had rbacv1.PolicyRule) bool { return coversAll(had, rule) }) {
		return
	}
	if !slices.ContainsFunc(c.had, func(had rbacv1.PolicyRule) bool { return coversSome(had, rule) }) {
		c.uncovered = append(c.uncovered, rule)
		return
	}
	for _, half := range halves(rule) {
		c.resources(half)
	}
}

// halves divides a rule in two along one of its lists. A rule with one entry in each list
// never gets here: of it a rule has all or nothing.
func halves(rule rbacv1.PolicyRule) []rbacv1.PolicyRule {
	for _, list := range []func(*rbacv1.PolicyRule) *[]string{
		func(r *rbacv1.PolicyRule) *[]string { return &r.APIGroups },
		func(r *rbacv1.PolicyRule) *[]string { return &r.Resources },
		func(r *rbacv1.PolicyRule) *[]string { return &r.Verbs },
		func(r *rbacv1.PolicyRule) *[]string { return &r.ResourceNames },
	} {
		if all := *list(&rule); len(all) > 1 {
			first, second := rule, rule
			*list(&first), *list(&second) = all[:len(all)/2], all[len(all)/2:]
			return []rbacv1.PolicyRule{first, second}
		}
	}
	return nil
}

// coversAll reports whether a rule has each entry of another.
func coversAll(had, rule rbacv1.PolicyRule) bool {
	each := func(list []string, has func(string) bool) bool {
		return !slices.ContainsFunc(list, func(entry string) bool { return !has(entry) })
	}
	if len(had.ResourceNames) > 0 && (len(rule.ResourceNames) == 0 || !each(rule.ResourceNames, func(name string) bool { return slices.Contains(had.ResourceNames, name) })) {
		return false
	}
	return each(rule.Verbs, func(verb string) bool { return hasOrAll(had.Verbs, verb) }) &&
		each(rule.APIGroups, func(group string) bool { return hasOrAll(had.APIGroups, group) }) &&
		each(rule.Resources, func(resource string) bool { return hasResource(had.Resources, resource) })
}

// coversSome reports whether a rule has some entry of another.
func coversSome(had, rule rbacv1.PolicyRule) bool {
	if len(had.ResourceNames) > 0 && !slices.ContainsFunc(rule.ResourceNames, func(name string) bool { return slices.Contains(had.ResourceNames, name) }) {
		return false
	}
	return slices.ContainsFunc(rule.Verbs, func(verb string) bool { return hasOrAll(had.Verbs, verb) }) &&
		slices.ContainsFunc(rule.APIGroups, func(group string) bool { return hasOrAll(had.APIGroups, group) }) &&
		slices.ContainsFunc(rule.Resources, func(resource string) bool { return hasResource(had.Resources, resource) })
}

// urls compares one rule on URLs.
func (c *comparison) urls(rule rbacv1.PolicyRule) {
	for _, verb := range rule.Verbs {
		var lacking []string
		for _, url := range rule.NonResourceURLs {
			if !c.spent() && !slices.ContainsFunc(c.had, func(had rbacv1.PolicyRule) bool { return hasOrAll(had.Verbs, verb) && hasURL(had.NonResourceURLs, url) }) {
				lacking = append(lacking, url)
			}
		}
		if len(lacking) > 0 {
			c.uncovered = append(c.uncovered, rbacv1.PolicyRule{Verbs: []string{verb}, NonResourceURLs: lacking})
		}
	}
}

func hasOrAll(list []string, entry string) bool {
	return slices.Contains(list, entry) || slices.Contains(list, rbacv1.VerbAll)
}

// hasResource knows *, pods, pods/log and */log; neither pods/* nor */* stand for more
// than a name.
func hasResource(list []string, resource string) bool {
	if hasOrAll(list, resource) {
		return true
	}
	_, sub, ok := strings.Cut(resource, "/")
	return ok && slices.Contains(list, "*/"+sub)
}

func hasURL(list []string, url string) bool {
	return slices.ContainsFunc(list, func(had string) bool {
		return had == url || strings.HasSuffix(had, "*") && strings.HasPrefix(url, strings.TrimRight(had, "*"))
	})
}

// Everything is what somebody has who may do all there is.
func Everything() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}},
		{Verbs: []string{"*"}, NonResourceURLs: []string{"*"}},
	}
}

// Compact puts rules together that differ in one list alone, and sorts lists and rules:
// the form in which people write them.
func Compact(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	list := make([]rbacv1.PolicyRule, 0, len(rules))
	for _, rule := range rules {
		list = append(list, rbacv1.PolicyRule{
			Verbs: sorted(rule.Verbs), APIGroups: sorted(rule.APIGroups), Resources: sorted(rule.Resources),
			ResourceNames: sorted(rule.ResourceNames), NonResourceURLs: sorted(rule.NonResourceURLs),
		})
	}
	// Lists that grow make others equal, so each is tried until none grows.
	fields := []func(*rbacv1.PolicyRule) *[]string{
		func(r *rbacv1.PolicyRule) *[]string { return &r.Verbs },
		func(r *rbacv1.PolicyRule) *[]string { return &r.NonResourceURLs },
		func(r *rbacv1.PolicyRule) *[]string { return &r.Resources },
		func(r *rbacv1.PolicyRule) *[]string { return &r.APIGroups },
	}
	for before := -1; before != len(list); {
		before = len(list)
		for _, field := range fields {
			list = joined(list, field)
		}
	}
	slices.SortFunc(list, func(a, b rbacv1.PolicyRule) int {
		return cmp.Or(slices.Compare(a.APIGroups, b.APIGroups), slices.Compare(a.Resources, b.Resources), slices.Compare(a.Verbs, b.Verbs),
			slices.Compare(a.ResourceNames, b.ResourceNames), slices.Compare(a.NonResourceURLs, b.NonResourceURLs))
	})
	return list
}

// joined puts together the rules that are the same but for one list. Rules on resources
// and rules on URLs never are, for an empty list is not joined with a full one.
func joined(rules []rbacv1.PolicyRule, field func(*rbacv1.PolicyRule) *[]string) []rbacv1.PolicyRule {
	var list []rbacv1.PolicyRule
	at := map[string]int{}
	for _, rule := range rules {
		key := rule
		own := *field(&key)
		*field(&key) = nil
		words := ""
		for _, l := range [][]string{key.Verbs, key.APIGroups, key.Resources, key.ResourceNames, key.NonResourceURLs} {
			words += strings.Join(l, "\x00") + "\x01"
		}
		if i, ok := at[words]; ok && len(own) > 0 && len(*field(&list[i])) > 0 {
			*field(&list[i]) = sorted(append(slices.Clone(*field(&list[i])), own...))
			continue
		}
		at[words] = len(list)
		list = append(list, rule)
	}
	return list
}

func sorted(list []string) []string {
	if list == nil {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// verbOrder is the order in which people write verbs.
var verbOrder = []string{"get", "list", "watch", "create", "update", "patch", "delete"}

// Verbs sorts verbs as people write them: get, list, watch, create, update, patch,
// delete, and then the others.
func Verbs(verbs []string) []string {
	rank := func(verb string) int {
		if i := slices.Index(verbOrder, verb); i >= 0 {
			return i
		}
		return len(verbOrder)
	}
	verbs = sorted(verbs)
	slices.SortStableFunc(verbs, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return verbs
}

// YAML is a rule in one line, as it can stand in a list of rules:
// {apiGroups: [apps], resources: [deployments], verbs: [get, create]}.
func YAML(rule rbacv1.PolicyRule) string {
	var fields []string
	add := func(name string, list []string) {
		if len(list) > 0 {
			quoted := make([]string, len(list))
			for i, entry := range list {
				quoted[i] = plain(entry)
			}
			fields = append(fields, name+": ["+strings.Join(quoted, ", ")+"]")
		}
	}
	add("apiGroups", rule.APIGroups)
	add("resources", rule.Resources)
	add("resourceNames", rule.ResourceNames)
	add("nonResourceURLs", rule.NonResourceURLs)
	add("verbs", Verbs(rule.Verbs))
	return "{" + strings.Join(fields, ", ") + "}"
}

// plain is an entry of a list in YAML, in quotes where it could be read as something else.
func plain(entry string) string {
	isPlain := entry != "" && strings.Trim(entry, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-_") == "" &&
		strings.ContainsAny(entry[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/")
	switch strings.ToLower(entry) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		isPlain = false
	}
	if isPlain {
		return entry
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(entry) + `"`
}
