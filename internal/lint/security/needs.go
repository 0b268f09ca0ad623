package security

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/rbac"
)

// chartNeeds are the rights that an installation needs and has not.
type chartNeeds struct {
	lacking      []lack
	unchangeable []lack
	roles        []roleFinding
	vainRoles    []vainRole
}

// lack is a right that the installation has not: a verb on the objects of one resource.
type lack struct {
	group, resource string
	verb            string
	// inCluster is set where only a ClusterRole would give it.
	inCluster bool
	// first is the first of the objects, and names are those of the first few.
	first made
	names []string
	count int
}

// request is what the API server is asked for at the first object.
func (l lack) request() rbac.Request {
	r := rbac.Request{Verb: l.verb, Group: l.group, Resource: l.resource, Name: l.first.object.Name}
	if l.verb == "create" {
		r.Name = ""
	}
	return r
}

// made is an object that an installation makes.
type made struct {
	in     *helmchart.Installed
	object helmchart.Object
	// group and resource are what rules call it. A guess is the resource of a kind that
	// neither Kubernetes, KubeSphere nor a definition of the chart has.
	group, resource string
	guess           bool
	// namespace is empty for what is in none.
	namespace string
	// hook is nil for what is no hook; phase is when Helm makes it.
	hook  *helmchart.Hook
	phase phase
	// definition is set for what stands in a folder crds/.
	definition bool
}

// phase is when Helm makes an object.
type phase int

const (
	before phase = iota // pre-install
	during
	after // post-install
	later // upgrades alone
)

// verbs are those that Helm needs on an object to install it, or, for a hook of upgrades,
// to upgrade. It looks for each object before it makes it, and waits for what it made;
// on hooks it waits by a watch, and deletes them first, or in the end.
func (m made) verbs() []string {
	if m.hook == nil {
		return []string{"get", "create"}
	}
	verbs := []string{"create"}
	switch m.object.Kind {
	case "Job", "Pod":
		verbs = append(verbs, "list", "watch")
	case definitionKind: // which Helm never deletes
		return verbs
	}
	if m.hook.DeletesBefore() || slices.Contains(m.hook.DeletePolicies, "hook-succeeded") {
		verbs = append(verbs, "delete")
	}
	return verbs
}

// definition is what a CustomResourceDefinition says of a kind.
type definition struct {
	plural  string
	cluster bool
}

type groupAndKind struct{ group, kind string }

// chartObjects are the objects of all installations, each once.
func chartObjects(pass *rule.Pass, e executor) []made {
	installations := pass.Installations()
	var list []made
	var definitions []helmchart.Object
	seen := map[string][]helmchart.Object{}
	for n := range installations {
		in := &installations[n]
		isNew := func(o helmchart.Object) bool {
			if slices.ContainsFunc(seen[o.Template], o.SameText) {
				return false
			}
			seen[o.Template] = append(seen[o.Template], o)
			return true
		}
		if n == 0 || in.Tag != installations[n-1].Tag {
			for _, o := range in.CRDs() {
				if o.Kind == definitionKind {
					definitions = append(definitions, o)
				}
				list = append(list, made{in: in, object: o, phase: before, definition: true})
			}
		}
		for _, o := range in.Objects {
			if o.Fault != "" || !isNew(o) {
				continue
			}
			one := made{in: in, object: o, phase: during}
			if hook, ok := o.Hook(); ok {
				one.hook, one.phase = &hook, phaseOf(hook)
				if hook.IsLeftOut() || one.phase < before {
					continue
				}
			} else if strings.Contains(o.Text(), localConfig) && o.Annotations()[localConfig] != "" {
				continue
			}
			add := func(item helmchart.Object) {
				if item.Kind == definitionKind {
					definitions = append(definitions, item)
				}
				if item.Kind != "" && item.APIVersion != "" {
					one := one
					one.object = item
					list = append(list, one)
				}
			}
			if strings.HasSuffix(o.Kind, "List") {
				o.Each(add)
			} else {
				add(o) // without a look into it: definitions are long
			}
		}
	}
	resolve(list, definitions, e)
	return list
}

const definitionKind = "CustomResourceDefinition"

// localConfig is the annotation of objects that kustomize, through which KubeSphere sends all
// but hooks, leaves out.
const localConfig = "config.kubernetes.io/local-config"

// phaseOf is when Helm makes a hook; it is less than before for one that neither an
// installation nor an upgrade makes. KubeSphere removes extensions with rights of its own.
func phaseOf(hook helmchart.Hook) phase {
	found := phase(-1)
	for _, event := range []struct {
		name  string
		phase phase
	}{{"post-upgrade", later}, {"pre-upgrade", later}, {"post-install", after}, {"pre-install", before}} {
		if slices.Contains(hook.Events, event.name) {
			found = event.phase
		}
	}
	return found
}

// resolve fills in what rules call the objects, and where these are.
func resolve(list []made, definitions []helmchart.Object, e executor) {
	defined := map[groupAndKind]definition{}
	for i := range list {
		m := &list[i]
		if group, _, ok := strings.Cut(m.object.APIVersion, "/"); ok {
			m.group = group
		}
		known, ok := rbac.ByKind(m.group, m.object.Kind)
		inNone := known.Cluster
		if m.resource = known.Name; !ok {
			at := groupAndKind{m.group, m.object.Kind}
			d, ok := defined[at]
			if !ok {
				d = definitionOf(at, definitions)
				defined[at] = d
			}
			m.resource, m.guess, inNone = d.plural, d.plural == "", d.cluster
			if m.guess {
				m.resource = rbac.Plural(m.object.Kind)
			}
		}
		if m.namespace = m.object.Namespace; m.namespace == "" {
			m.namespace = e.namespace
		}
		if inNone {
			m.namespace = ""
		}
	}
}

// definitionOf finds what the chart's own definitions say of a kind; the zero value where
// they say nothing. The name of a definition is PLURAL.GROUP, and what is in it is looked up
// in its text, as tools write it, before it is parsed: definitions are long.
func definitionOf(at groupAndKind, definitions []helmchart.Object) definition {
	var ofGroup []helmchart.Object
	for _, o := range definitions {
		plural, group, _ := strings.Cut(o.Name, ".")
		if group != at.group {
			continue
		}
		ofGroup = append(ofGroup, o)
		text := o.Text()
		if scope := valueOf(text, "\n  scope:"); valueOf(text, "\n    kind:") == at.kind && (scope == "Cluster" || scope == "Namespaced") {
			return definition{plural, scope == "Cluster"}
		}
	}
	for _, o := range ofGroup {
		if o.TextAt("spec", "names", "kind") == at.kind {
			return definition{o.TextAt("spec", "names", "plural"), o.TextAt("spec", "scope") == "Cluster"}
		}
	}
	return definition{}
}

// valueOf is what stands behind the first of some keys in a text, without quotes.
func valueOf(text, key string) string {
	_, rest, _ := strings.Cut(text, key)
	value, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(strings.TrimSpace(value), `"'`)
}

// needsOf finds what the installations of an extension lack.
func needsOf(pass *rule.Pass, e executor) *chartNeeds {
	found := &chartNeeds{}
	objects := chartObjects(pass, e)
	e = e.with(gained(objects, e))
	lacking, unchangeable := newLacks(), newLacks()
	for _, m := range objects {
		lacks := false
		for _, verb := range m.verbs() {
			if !e.may(m, verb) {
				lacks = true
				lacking.add(e, m, verb)
			}
		}
		if isPlain := m.hook == nil && !m.definition; isPlain && !lacks && !e.may(m, "patch") {
			unchangeable.add(e, m, "patch")
		}
	}
	found.roles = rolesAndBindings(objects, e, lacking)
	found.vainRoles = vainRolesOf(objects)
	found.lacking, found.unchangeable = lacking.list(), unchangeable.list()
	return found
}

// may reports whether the installation has a right on an object. Of a guess it is only
// sure where there is no right on any resource of the group.
func (e executor) may(m made, verb string) bool {
	request := rbac.Request{Verb: verb, Group: m.group, Resource: m.resource, Name: m.object.Name}
	if verb == "create" {
		request.Name = ""
	}
	rights := e.in(m.namespace)
	if m.group == "" && m.object.Kind == "Namespace" && verb != "create" && m.object.Name == e.namespace {
		rights = e.own // such a request is one in the namespace
	}
	if !m.guess {
		return rbac.Allows(rights, request)
	}
	return slices.ContainsFunc(rights, func(r rbacv1.PolicyRule) bool {
		r.Resources, r.ResourceNames = []string{rbacv1.ResourceAll}, nil
		return rbac.Allows([]rbacv1.PolicyRule{r}, request)
	})
}

// with has more rights besides.
func (e executor) with(own, cluster []rbacv1.PolicyRule) executor {
	e.own = append(append(slices.Clip(e.own), own...), cluster...)
	e.cluster = append(slices.Clip(e.cluster), cluster...)
	return e
}

// lacks collects rights that are lacking, with the objects of one resource together.
type lacks struct {
	at    map[lackKey]int
	found []lack
}

type lackKey struct {
	group, resource, verb string
	inCluster             bool
}

func newLacks() *lacks { return &lacks{at: map[lackKey]int{}} }

// shownObjects bounds how many objects a message names.
const shownObjects = 3

func (l *lacks) add(e executor, m made, verb string) {
	key := lackKey{m.group, m.resource, verb, m.namespace != e.namespace}
	i, ok := l.at[key]
	if !ok {
		i = len(l.found)
		l.at[key] = i
		l.found = append(l.found, lack{group: key.group, resource: key.resource, verb: verb, inCluster: key.inCluster, first: m})
	}
	known := &l.found[i]
	if name := m.object.String(); !slices.Contains(known.names, name) {
		known.count++
		if len(known.names) < shownObjects {
			known.names = append(known.names, name)
		}
	}
}

// has reports whether a right on a resource is lacking.
func (l *lacks) has(group, resource string, inCluster bool) bool {
	return slices.ContainsFunc(l.found, func(one lack) bool {
		return one.group == group && one.resource == resource && one.inCluster == inCluster
	})
}

func (l *lacks) list() []lack { return l.found }

// objectsOf names the objects of some lacks: JSBundle "web" (in charts/web/templates/js.yaml).
// It reports whether it is but one.
func objectsOf(list []lack) (names string, one bool) {
	type resource struct{ group, name string }
	var known []string
	var seen []resource
	total := 0
	for _, l := range list {
		if at := (resource{l.group, l.resource}); !slices.Contains(seen, at) {
			seen = append(seen, at)
			total += l.count
			if len(known) < shownObjects {
				known = append(known, l.names[0])
			}
		}
	}
	if len(seen) == 1 {
		known = list[0].names
	}
	kind := list[0].first.object.Kind + " "
	if !slices.ContainsFunc(known, func(name string) bool { return !strings.HasPrefix(name, kind) }) {
		known = slices.Clone(known)
		for i := range known[1:] { // each kind once
			known[i+1] = strings.TrimPrefix(known[i+1], kind)
		}
	}
	text := listed(known)
	if more := total - len(known); more > 0 {
		text = fmt.Sprintf("%s and %d more", strings.Join(known, ", "), more)
	}
	at, _ := list[0].first.in.ObjectPlace(list[0].first.object)
	file := at.File
	if at.Inside != "" {
		file = at.Inside + " of " + at.File
	}
	if total > 1 {
		return fmt.Sprintf("%s (the first in %s)", text, excerpt.OneLine(file)), false
	}
	return fmt.Sprintf("%s (in %s)", text, excerpt.OneLine(file)), true
}

// verbsOf are the verbs of some lacks, for a sentence.
func verbsOf(list []lack) string {
	var verbs []string
	for _, l := range list {
		verbs = append(verbs, l.verb)
	}
	return listed(rbac.Verbs(verbs))
}

// resourcesOf are the resources of some lacks, each once.
func resourcesOf(list []lack) []string {
	var names []string
	for _, l := range list {
		if name := strings.TrimSuffix(l.resource+"."+l.group, "."); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// yamlOf are the rules that would give what is lacking, a line for each. They give what an
// upgrade needs, too.
func yamlOf(list []lack) string {
	var rules []rbacv1.PolicyRule
	for _, l := range list {
		verbs := []string{l.verb}
		if slices.Contains([]string{"get", "create", "patch", "delete"}, l.verb) {
			verbs = append(verbs, "get", "create", "patch", "delete")
		}
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{l.group}, Resources: []string{l.resource}, Verbs: verbs})
	}
	var lines []string
	for _, r := range rbac.Compact(rules) {
		lines = append(lines, "- "+yamlLine(r))
	}
	return strings.Join(lines, "\n")
}

// yamlLine is a rule in a hint.
func yamlLine(r rbacv1.PolicyRule) string {
	const width = 500
	return excerpt.Printable(width, rbac.YAML(r))
}

// maxRuleEntries bounds what is read of the rules of one role.
const maxRuleEntries = 1 << 14

// rulesIn reads the rules of a role. What is no text counts for nothing: whoever holds
// objects to their types reports it.
func rulesIn(node *yaml.Node) []rbacv1.PolicyRule {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	budget := maxRuleEntries
	var list []rbacv1.PolicyRule
	for _, element := range node.Content {
		if budget -= 1; budget < 0 {
			break
		}
		var r rbacv1.PolicyRule
		helmchart.EachField(element, func(key, value *yaml.Node) {
			field := map[string]*[]string{
				"verbs": &r.Verbs, "apiGroups": &r.APIGroups, "resources": &r.Resources, "resourceNames": &r.ResourceNames, "nonResourceURLs": &r.NonResourceURLs,
			}[key.Value]
			if field == nil || value.Kind != yaml.SequenceNode {
				return
			}
			for _, entry := range value.Content {
				if budget -= 1; budget >= 0 {
					*field = append(*field, helmchart.ScalarOf(entry))
				}
			}
		})
		list = append(list, r)
	}
	return list
}
