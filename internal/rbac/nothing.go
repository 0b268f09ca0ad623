package rbac

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Vain is an entry of a rule that Kubernetes stores, and that allows nothing.
type Vain struct {
	// Field is the list, as rules call it: verbs, apiGroups, resources.
	Field string
	// Index is the place in the list.
	Index int
	Entry string
	// Why completes "Kubernetes …": why nothing matches it.
	Why string
	// Meant are the entries that allow what was probably meant; empty where that is
	// not known.
	Meant []string
}

var (
	version   = lazyregexp.New(`^v\d+((alpha|beta)\d+)?$`)
	firstOf   = lazyregexp.New(`^[^/]*`)
	wellNamed = lazyregexp.New(`^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$`)
)

// shortNames are what kubectl takes in place of a resource, and rules do not.
var shortNames = map[string]string{
	"cm": "configmaps", "cj": "cronjobs", "crd": "customresourcedefinitions", "crds": "customresourcedefinitions", "csr": "certificatesigningrequests",
	"deploy": "deployments", "ds": "daemonsets", "ep": "endpoints", "ev": "events", "hpa": "horizontalpodautoscalers", "ing": "ingresses",
	"netpol": "networkpolicies", "no": "nodes", "ns": "namespaces", "pc": "priorityclasses", "pdb": "poddisruptionbudgets", "po": "pods", "pv": "persistentvolumes",
	"pvc": "persistentvolumeclaims", "quota": "resourcequotas", "rc": "replicationcontrollers", "rs": "replicasets", "sa": "serviceaccounts",
	"sc": "storageclasses", "sts": "statefulsets", "svc": "services",
}

// httpVerbs are verbs of requests for URLs; on resources the API server has others.
var httpVerbs = map[string][]string{"post": {"create"}, "put": {"update"}, "head": {"get"}}

// InVain finds the entries of a rule that allow nothing, whatever the others are. Of what
// some cluster could have, such as a resource of a group that is not known here, it says
// nothing.
func InVain(rule rbacv1.PolicyRule) []Vain {
	var list []Vain
	add := func(field string, entries []string, vain func(entry string) (why string, meant []string)) {
		for i, entry := range entries {
			why, meant := vain(entry)
			if why == "" && entry != strings.TrimSpace(entry) {
				why, meant = "takes the blank for a part of the name", []string{strings.TrimSpace(entry)}
			}
			if why != "" {
				list = append(list, Vain{field, i, entry, why, meant})
			}
		}
	}
	add("verbs", rule.Verbs, func(verb string) (string, []string) {
		lower := strings.ToLower(strings.TrimSpace(verb))
		switch {
		case len(rule.NonResourceURLs) == 0 && httpVerbs[lower] != nil:
			return "has this verb for URLs, not for resources", httpVerbs[lower]
		case strings.ToLower(verb) != verb:
			return "has verbs in lower case alone", []string{lower}
		}
		return "", nil
	})
	add("apiGroups", rule.APIGroups, vainGroup)
	add("resources", rule.Resources, func(resource string) (string, []string) { return vainResource(rule.APIGroups, resource) })
	add("nonResourceURLs", rule.NonResourceURLs, func(url string) (string, []string) {
		if url == rbacv1.NonResourceAll || strings.HasPrefix(url, "/") {
			return "", nil
		}
		return "has only paths that begin with a slash", []string{"/" + url}
	})
	return list
}

// vainGroup says why a group is none, and what was meant.
func vainGroup(group string) (why string, meant []string) {
	lower := strings.ToLower(strings.Trim(group, " \t\"'"))
	bare := firstOf.FindString(lower)
	switch {
	case group == "" || group == rbacv1.APIGroupAll || known().groups[group]:
		return "", nil
	case lower == "" || lower == "core" || lower == "core/v1":
		return `has core resources in the group "", an empty text`, []string{""}
	case version.MatchString(lower):
		return `takes the version for a group; core resources are in the group "", an empty text`, []string{""}
	case strings.Contains(group, "/"):
		return "compares groups without a version", []string{bare}
	case group != strings.ToLower(group):
		return "has groups in lower case alone", []string{lower}
	case strings.Contains(group, "*"):
		return "knows * for all groups, and no pattern", nil
	case strings.Contains(group, "."):
		return "", nil
	case known().groups[lower]: // with blanks
		return "", nil
	}
	// Groups of definitions have a dot, and those of Kubernetes without one are known.
	for at := range known().byName {
		if at.name == lower && strings.HasSuffix(at.group, ".k8s.io") {
			return "has no such group, but a resource of that name", []string{at.group}
		}
	}
	for full := range known().groups {
		if strings.HasPrefix(full, lower+".") && strings.HasSuffix(full, ".k8s.io") {
			meant = append(meant, full)
		}
	}
	if len(meant) != 1 {
		meant = nil
	}
	return "has no such group", meant
}

// ofMetrics are groups whose resources are named after metrics: any name will do.
var ofMetrics = []string{"custom.metrics.k8s.io", "external.metrics.k8s.io"}

// vainResource says why a resource is none in any of the groups, and what was meant.
func vainResource(groups []string, resource string) (why string, meant []string) {
	if slices.ContainsFunc(groups, func(group string) bool { return slices.Contains(ofMetrics, group) }) {
		return "", nil
	}
	main, sub, divided := strings.Cut(strings.TrimSpace(resource), "/")
	lower := strings.ToLower(main)
	with := func(name string) []string {
		if divided {
			name += "/" + strings.ToLower(sub)
		}
		return []string{name}
	}
	switch {
	case resource == rbacv1.ResourceAll || resource == "":
		return "", nil
	case main == "*" && sub == "*":
		return "knows * for all resources, and */* for none", []string{"*"}
	case sub == "*":
		return "knows no pattern for the subresources of one resource", nil
	case main != lower:
		name, ok := plural(groups, lower)
		if !ok && !onlyKnown(groups) && !strings.HasSuffix(lower, "s") {
			name, ok = Plural(main), true
		}
		if !ok {
			name = lower
		}
		return "has resources in the plural and in lower case", with(name)
	case sub != strings.ToLower(sub) && onlyKnown(groups):
		return "has subresources in lower case", with(lower)
	case strings.Contains(main, "."):
		name, _, _ := strings.Cut(main, ".")
		return "has no dot in the names of resources; the group is for apiGroups", with(name)
	case strings.Contains(main, "*") && main != "*":
		return "knows * for all resources, and no pattern", nil
	case !wellNamed.MatchString(main):
		return "has no resource of such a name", nil
	case main == "*" || isKnown(groups, main):
		return "", nil
	}
	if name, ok := plural(groups, main); ok {
		return "has resources in the plural", with(name)
	}
	if name, ok := shortNames[main]; ok && isKnown(groups, name) && onlyKnown(groups) {
		return "has no short names for resources", with(name)
	}
	return "", nil
}

// onlyKnown reports whether all that the groups have is known here.
func onlyKnown(groups []string) bool {
	return !slices.ContainsFunc(groups, func(group string) bool { _, meant := vainGroup(group); return meant == nil && !known().groups[group] })
}

// isKnown reports whether one of the groups, or what was meant by one, has a resource.
func isKnown(groups []string, name string) bool {
	return slices.ContainsFunc(meantGroups(groups), func(group string) bool { _, ok := ByName(group, name); return ok })
}

// plural is the resource of a kind in lower case, in groups of which all is known.
func plural(groups []string, kind string) (string, bool) {
	if !onlyKnown(groups) {
		return "", false
	}
	for _, group := range meantGroups(groups) {
		if r, ok := known().byLower[groupAnd{group, kind}]; ok {
			return r.Name, true
		}
	}
	return "", false
}

// meantGroups are the groups, and those meant by the ones that are none.
func meantGroups(groups []string) []string {
	list := slices.Clone(groups)
	for _, group := range groups {
		if _, meant := vainGroup(group); meant != nil {
			list = append(list, meant...)
		}
	}
	return list
}

// IsWhole reports whether entries that allow nothing make the whole rule allow nothing:
// all of one of its lists.
func IsWhole(rule rbacv1.PolicyRule, vain []Vain) bool {
	count := map[string]int{}
	for _, v := range vain {
		count[v.Field]++
	}
	for field, list := range map[string][]string{"verbs": rule.Verbs, "apiGroups": rule.APIGroups, "resources": rule.Resources, "nonResourceURLs": rule.NonResourceURLs} {
		if len(list) > 0 && count[field] == len(list) {
			return true
		}
	}
	return false
}

// Instead is a rule with what was meant by one entry of a list in place of the list; ok
// is false where that is not known.
func (v Vain) Instead(rule rbacv1.PolicyRule) (meant rbacv1.PolicyRule, ok bool) {
	meant = rule
	switch v.Field {
	case "verbs":
		meant.Verbs = v.Meant
	case "apiGroups":
		meant.APIGroups = v.Meant
	case "resources":
		meant.Resources = v.Meant
	case "nonResourceURLs":
		meant.NonResourceURLs = v.Meant
	}
	return meant, len(v.Meant) > 0
}

// Meant is a rule with what was probably meant by the entries that allow nothing; by a
// pattern, all that there is.
func Meant(rule rbacv1.PolicyRule) rbacv1.PolicyRule {
	meant := rbacv1.PolicyRule{
		Verbs: slices.Clone(rule.Verbs), APIGroups: slices.Clone(rule.APIGroups), Resources: slices.Clone(rule.Resources),
		ResourceNames: rule.ResourceNames, NonResourceURLs: rule.NonResourceURLs,
	}
	for _, v := range InVain(rule) {
		if v.Meant == nil && strings.Contains(v.Entry, "*") && !strings.Contains(v.Entry, "/") {
			v.Meant = []string{"*"}
		}
		switch v.Field {
		case "verbs":
			meant.Verbs = append(meant.Verbs, v.Meant...)
		case "apiGroups":
			meant.APIGroups = append(meant.APIGroups, v.Meant...)
		case "resources":
			meant.Resources = append(meant.Resources, v.Meant...)
		case "nonResourceURLs":
			meant.NonResourceURLs = append(slices.Clone(meant.NonResourceURLs), v.Meant...)
		}
	}
	return meant
}
