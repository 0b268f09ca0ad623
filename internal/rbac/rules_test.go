package rbac

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// rule reads "VERBS of GROUPS/RESOURCES [names NAMES]": get,list of apps:deployments,pods/log names a,b;
// or "VERBS url URLS".
func rule(text string) rbacv1.PolicyRule {
	list := func(s string) []string { return strings.Split(s, ",") }
	if verbs, urls, ok := strings.Cut(text, " url "); ok {
		return rbacv1.PolicyRule{Verbs: list(verbs), NonResourceURLs: list(urls)}
	}
	verbs, rest, _ := strings.Cut(text, " of ")
	rest, names, named := strings.Cut(rest, " names ")
	groups, resources, _ := strings.Cut(rest, ":")
	r := rbacv1.PolicyRule{Verbs: list(verbs), APIGroups: list(groups), Resources: list(resources)}
	if named {
		r.ResourceNames = list(names)
	}
	return r
}

func rules(texts ...string) []rbacv1.PolicyRule {
	var list []rbacv1.PolicyRule
	for _, text := range texts {
		list = append(list, rule(text))
	}
	return list
}

func TestAllows(t *testing.T) {
	for _, test := range []struct {
		rule                       string
		verb, group, resource, nam string
		want                       bool
	}{
		{"get of apps:deployments", "get", "apps", "deployments", "a", true},
		{"get of apps:deployments", "create", "apps", "deployments", "", false},
		{"get of apps:deployments", "get", "", "deployments", "a", false},
		{"get of apps:deployments", "get", "apps", "deployments/scale", "a", false},
		{"* of *:*", "escalate", "rbac.authorization.k8s.io", "roles", "", true},
		{"* of :*", "get", "", "pods/log", "a", true},
		{"get of :*/log", "get", "", "pods/log", "a", true},
		{"get of :*/log", "get", "", "pods", "a", false},
		{"get of :pods/*", "get", "", "pods/log", "a", false}, // no such pattern
		{"get of :*/*", "get", "", "pods/log", "a", false},
		{"get,create of :secrets names a", "get", "", "secrets", "a", true},
		{"get,create of :secrets names a", "get", "", "secrets", "b", false},
		{"get,create of :secrets names a", "create", "", "secrets", "", false},
		{"GET of apps:deployments", "get", "apps", "deployments", "a", false},
		{"get of apps/v1:deployments", "get", "apps", "deployments", "a", false},
		{"get of apps:Deployment", "get", "apps", "deployments", "a", false},
		{"get url *", "get", "", "pods", "a", false},
	} {
		r := Request{Verb: test.verb, Group: test.group, Resource: test.resource, Name: test.nam}
		if got := Allows(rules(test.rule), r); got != test.want {
			t.Errorf("%s allows %+v: %t, want %t", test.rule, r, got, test.want)
		}
	}
}

func TestUncovered(t *testing.T) {
	for _, test := range []struct {
		name         string
		had, granted []string
		want         []string
	}{
		{"the same", []string{"get of apps:deployments"}, []string{"get of apps:deployments"}, nil},
		{"nothing had", nil, []string{"get,list of apps:deployments"}, []string{"get,list of apps:deployments"}},
		{"a part", []string{"get of :pods"}, []string{"get,list of :pods,secrets"}, []string{"list of :pods", "get,list of :secrets"}},
		{"parts of several rules", []string{"get of :pods", "list of :pods"}, []string{"get,list of :pods"}, nil},
		{"names make up no star", []string{"get,list,watch,create,update,patch,delete,deletecollection of :pods"}, []string{"* of :pods"}, []string{"* of :pods"}},
		{"a star of all has all", []string{"* of *:*"}, []string{"* of *:*", "bind of rbac.authorization.k8s.io:roles names a"}, nil},
		{"a star of all has no URL", []string{"* of *:*"}, []string{"get url /metrics"}, []string{"get url /metrics"}},
		{"a URL with a star", []string{"get url /apis/*"}, []string{"get url /apis/apps,/apis/*,/api"}, []string{"get url /api"}},
		{"all URLs", []string{"* url *"}, []string{"get,post url /metrics,/x/*,*"}, nil},
		{"a subresource by its star", []string{"get of apps:*/scale"}, []string{"get of apps:deployments/scale,deployments"}, []string{"get of apps:deployments"}},
		{"a resource has no subresource", []string{"get of :pods"}, []string{"get of :pods/log"}, []string{"get of :pods/log"}},
		{"names are less than all", []string{"get of :secrets names a,b"}, []string{"get of :secrets"}, []string{"get of :secrets"}},
		{"some of the names", []string{"get of :secrets names a,b"}, []string{"get of :secrets names a,c"}, []string{"get of :secrets names c"}},
		{"all of the names", []string{"get of :secrets"}, []string{"get of :secrets names a,c"}, nil},
		{"no verbs grant nothing", nil, []string{}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Compact(Uncovered(rules(test.had...), rules(test.granted...)))
			if want := Compact(rules(test.want...)); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("uncovered:\n%v\nwant\n%v", got, want)
			}
		})
	}
	if got := Uncovered(nil, []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}}}); len(got) != 0 {
		t.Errorf("a rule without verbs grants %v", got)
	}
}

// atoms takes rules apart as far as it goes, as the API server does.
func atoms(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var list []rbacv1.PolicyRule
	one := func(s string) []string { return []string{s} }
	for _, r := range rules {
		for _, verb := range r.Verbs {
			for _, group := range r.APIGroups {
				for _, resource := range r.Resources {
					if len(r.ResourceNames) == 0 {
						list = append(list, rbacv1.PolicyRule{Verbs: one(verb), APIGroups: one(group), Resources: one(resource)})
					}
					for _, name := range r.ResourceNames {
						list = append(list, rbacv1.PolicyRule{Verbs: one(verb), APIGroups: one(group), Resources: one(resource), ResourceNames: one(name)})
					}
				}
			}
			for _, url := range r.NonResourceURLs {
				list = append(list, rbacv1.PolicyRule{Verbs: one(verb), NonResourceURLs: one(url)})
			}
		}
	}
	return list
}

// hasAtom is what the API server asks of one rule and a part with one entry in each list.
func hasAtom(had, atom rbacv1.PolicyRule) bool {
	has := func(list, entries []string) bool {
		return len(entries) == 0 || slices.Contains(list, "*") || slices.Contains(list, entries[0])
	}
	resource := has(had.Resources, atom.Resources)
	if !resource {
		_, sub, ok := strings.Cut(atom.Resources[0], "/")
		resource = ok && slices.Contains(had.Resources, "*/"+sub)
	}
	url := len(atom.NonResourceURLs) == 0
	for _, pattern := range had.NonResourceURLs {
		url = url || pattern == atom.NonResourceURLs[0] || strings.HasSuffix(pattern, "*") && strings.HasPrefix(atom.NonResourceURLs[0], strings.TrimRight(pattern, "*"))
	}
	name := len(had.ResourceNames) == 0 || len(atom.ResourceNames) > 0 && slices.Contains(had.ResourceNames, atom.ResourceNames[0])
	return has(had.Verbs, atom.Verbs) && has(had.APIGroups, atom.APIGroups) && resource && url && name
}

// uncoveredAtoms is the comparison part by part: the judge of the quick one.
func uncoveredAtoms(had, granted []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var list []rbacv1.PolicyRule
	for _, atom := range atoms(granted) {
		if !slices.ContainsFunc(had, func(h rbacv1.PolicyRule) bool { return hasAtom(h, atom) }) {
			list = append(list, atom)
		}
	}
	return list
}

func distinct(rules []rbacv1.PolicyRule) []string {
	var texts []string
	for _, atom := range atoms(rules) {
		texts = append(texts, YAML(atom))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// some draws a few entries, and not always different ones.
func some(r *rand.Rand, atLeast int, from ...string) []string {
	var list []string
	for range atLeast + r.IntN(3) {
		list = append(list, from[r.IntN(len(from))])
	}
	return list
}

func drawn(r *rand.Rand) []rbacv1.PolicyRule {
	var list []rbacv1.PolicyRule
	for range r.IntN(4) {
		verbs := some(r, 1, "get", "create", "patch", "*")
		if r.IntN(5) == 0 {
			list = append(list, rbacv1.PolicyRule{Verbs: verbs, NonResourceURLs: some(r, 1, "/a", "/a/b", "/a/*", "/*", "*", "/b")})
			continue
		}
		one := rbacv1.PolicyRule{Verbs: verbs, APIGroups: some(r, 1, "", "apps", "*", "x.io"), Resources: some(r, 1, "pods", "pods/log", "*/log", "*", "roles", "pods/*")}
		if r.IntN(3) == 0 {
			one.ResourceNames = some(r, 0, "a", "b", "c")
		}
		list = append(list, one)
	}
	return list
}

// checkProperties holds two sets of rules to what must be true of any.
func checkProperties(t *testing.T, had, granted []rbacv1.PolicyRule) {
	t.Helper()
	got := Uncovered(had, granted)
	if quick, slow := distinct(got), distinct(uncoveredAtoms(had, granted)); !slices.Equal(quick, slow) {
		t.Fatalf("had     %v\ngranted %v\nquick %q\nslow  %q", had, granted, quick, slow)
	}
	if left := Uncovered(append(slices.Clone(had), got...), granted); len(left) > 0 {
		t.Fatalf("had %v and what was uncovered of %v, %v is still uncovered", had, granted, left)
	}
	if left := Uncovered(Everything(), granted); len(left) > 0 {
		t.Fatalf("%v is more than everything", left)
	}
	if whole, compact := distinct(granted), distinct(Compact(granted)); !slices.Equal(whole, compact) {
		t.Fatalf("%v is not what it was: %q became %q", granted, whole, compact)
	}
	for _, atom := range atoms(granted) {
		if len(atom.Resources) == 0 || atom.Verbs[0] == "*" || atom.APIGroups[0] == "*" || strings.Contains(atom.Resources[0], "*") {
			continue
		}
		request := Request{Verb: atom.Verbs[0], Group: atom.APIGroups[0], Resource: atom.Resources[0]}
		if len(atom.ResourceNames) > 0 {
			request.Name = atom.ResourceNames[0]
		}
		if Allows(had, request) != (len(Uncovered(had, []rbacv1.PolicyRule{atom})) == 0) {
			t.Fatalf("%v: Allows and Uncovered disagree about %v", had, atom)
		}
	}
}

func TestUncoveredAsPartByPart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		checkProperties(t, drawn(r), drawn(r))
	}
}

func FuzzUncovered(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		checkProperties(t, drawn(r), drawn(r))
	})
}

func TestUncoveredIsBounded(t *testing.T) {
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprint("n", i))
	}
	big := []rbacv1.PolicyRule{{Verbs: names, APIGroups: names, Resources: names, ResourceNames: names}}
	var had []rbacv1.PolicyRule
	for i := range 500 {
		had = append(had, rbacv1.PolicyRule{Verbs: names[i : i+1], APIGroups: names[i : i+1], Resources: names[i : i+1]})
	}
	if got := Uncovered(had, big); len(got) > maxComparisons {
		t.Errorf("%d parts", len(got))
	}
}

func TestCompact(t *testing.T) {
	got := Compact(rules("list of :pods", "get of :pods", "get,list of :secrets", "get of apps:deployments", "get url /b", "get url /a", "get of :x names a"))
	want := []string{
		`{apiGroups: [""], resources: [pods, secrets], verbs: [get, list]}`,
		`{apiGroups: [""], resources: [x], resourceNames: [a], verbs: [get]}`,
		`{apiGroups: [apps], resources: [deployments], verbs: [get]}`,
		`{nonResourceURLs: [/a, /b], verbs: [get]}`,
	}
	var texts []string
	for _, r := range got {
		texts = append(texts, YAML(r))
	}
	slices.Sort(texts)
	slices.Sort(want)
	if !slices.Equal(texts, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(texts, "\n"), strings.Join(want, "\n"))
	}
}

func TestYAML(t *testing.T) {
	for text, want := range map[string]string{
		"delete,get,bind,create of :*":      `{apiGroups: [""], resources: ["*"], verbs: [get, create, delete, bind]}`,
		"get of no,x.io:pods/log names 1,y": `{apiGroups: ["no", x.io], resources: [pods/log], resourceNames: ["1", "y"], verbs: [get]}`,
		`get url /a,/b*`:                    `{nonResourceURLs: [/a, "/b*"], verbs: [get]}`,
	} {
		if got := YAML(rule(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
