package security

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/rbac"
)

// roleFinding is what is wrong with roles or bindings that the chart has.
type roleFinding struct {
	code string
	// inCluster is set where the installation would need rights in the cluster.
	inCluster bool
	objects   []made
	// rules are what the roles grant and the installation has not.
	rules []rbacv1.PolicyRule
	// all is set where it would need all rights, for an aggregationRule.
	all bool
	// bound are the names of the roles, for bindings; of a role that is also bound
	// isBound is set.
	bound   []boundRole
	isBound bool
	// elsewhere is set where another installation has the role.
	elsewhere bool
}

// boundRole is what a binding refers to.
type boundRole struct{ kind, name string }

// resource is what rules call it.
func (b boundRole) resource() string {
	if b.kind == "ClusterRole" {
		return "clusterroles"
	}
	return "roles"
}

// in is the namespace of the role that a binding in some namespace binds.
func (b boundRole) in(namespace string) string {
	if b.kind == "ClusterRole" {
		return ""
	}
	return namespace
}

// roleKey is a role by its kind (a ClusterRole has no namespace) and name.
type roleKey struct{ namespace, name string }

// isRole and isBinding know the objects of RBAC.
func (m made) isRole() bool {
	return m.group == rbac.Group && (m.object.Kind == "Role" || m.object.Kind == "ClusterRole")
}

func (m made) isBinding() bool {
	return m.group == rbac.Group && (m.object.Kind == "RoleBinding" || m.object.Kind == "ClusterRoleBinding")
}

// refersTo is the role of a binding.
func (m made) refersTo() boundRole {
	return boundRole{m.object.TextAt("roleRef", "kind"), m.object.TextAt("roleRef", "name")}
}

// rules are those of a role.
func (m made) rules() []rbacv1.PolicyRule { return rulesIn(m.object.At("rules")) }

// aggregates reports whether a ClusterRole takes in the rules of others.
func (m made) aggregates() bool {
	selectors := m.object.At("aggregationRule", "clusterRoleSelectors")
	return selectors != nil && len(selectors.Content) > 0
}

// weight is that of a hook.
func (m made) weight() int {
	weight, _ := strconv.Atoi(m.object.Annotations()["helm.sh/hook-weight"])
	return weight
}

// isBefore reports whether Helm makes a role before a binding. It makes all that is no
// hook by kinds, roles before bindings, and hooks by weight and name.
func (m made) isBefore(binding made) bool {
	switch {
	case m.in.Tag != binding.in.Tag:
		return false
	case binding.phase == later:
		return true // it is there from before, or another hook
	case m.phase != binding.phase:
		return m.phase < binding.phase
	case m.hook == nil:
		return true
	}
	return cmp.Or(cmp.Compare(m.weight(), binding.weight()), strings.Compare(m.object.Name, binding.object.Name)) <= 0
}

// chartRoles are the roles of the chart, by kind and name.
func chartRoles(objects []made) map[roleKey][]made {
	roles := map[roleKey][]made{}
	for _, m := range objects {
		if m.isRole() {
			key := roleKey{m.namespace, m.object.Name}
			roles[key] = append(roles[key], m)
		}
	}
	return roles
}

// gained are rights that the chart gives the installation itself: bindings with its
// service account. Nothing is said of the time before.
func gained(objects []made, e executor) (own, cluster []rbacv1.PolicyRule) {
	roles := chartRoles(objects)
	for _, m := range objects {
		if !m.isBinding() || !e.isSubject(m) {
			continue
		}
		ref := m.refersTo()
		namespace := ref.in(m.namespace)
		rules, ok := rbac.OfKubernetes(namespace, ref.name)
		for _, role := range roles[roleKey{namespace, ref.name}] {
			rules, ok = append(slices.Clip(rules), role.rules()...), true
		}
		if !ok {
			rules = rbac.Everything() // nobody knows
		}
		switch m.namespace {
		case "":
			cluster = append(cluster, rules...)
		case e.namespace:
			own = append(own, rules...)
		}
	}
	return own, cluster
}

// isSubject reports whether a binding gives something to the installation itself.
func (e executor) isSubject(binding made) bool {
	subjects := binding.object.At("subjects")
	if subjects == nil {
		return false
	}
	for i := range subjects.Content {
		at := func(field string) string { return binding.object.TextAt("subjects", strconv.Itoa(i), field) }
		switch name := at("name"); at("kind") {
		case "ServiceAccount":
			if strings.HasPrefix(name, "helm-executor.") {
				return true
			}
		case "User":
			if strings.HasPrefix(name, "system:serviceaccount:") && strings.Contains(name, ":helm-executor.") {
				return true
			}
		case "Group":
			if name == "system:authenticated" || name == "system:serviceaccounts" || name == "system:serviceaccounts:"+e.namespace {
				return true
			}
		}
	}
	return false
}

// roleFindings collects what is wrong with roles and bindings: that of one kind and one
// reach together.
type roleFindings struct{ list []roleFinding }

func (f *roleFindings) add(code string, m made, e executor) *roleFinding {
	inCluster := m.namespace != e.namespace
	for i := range f.list {
		if one := &f.list[i]; one.code == code && one.inCluster == inCluster {
			one.addObject(m)
			return one
		}
	}
	f.list = append(f.list, roleFinding{code: code, inCluster: inCluster, objects: []made{m}})
	return &f.list[len(f.list)-1]
}

func (f *roleFinding) addObject(m made) {
	if !slices.ContainsFunc(f.objects, func(known made) bool {
		return known.object.String() == m.object.String() && known.namespace == m.namespace
	}) {
		f.objects = append(f.objects, m)
	}
}

// rolesAndBindings finds the roles that grant, and the bindings that bind, what the
// installation may not. Where it may not make them at all, it adds to what is lacking.
func rolesAndBindings(objects []made, e executor, lacking *lacks) []roleFinding {
	var found roleFindings
	grantsMore := map[roleKey]bool{}
	for _, m := range objects {
		if !m.isRole() {
			continue
		}
		rights := e.in(m.namespace)
		if rbac.Allows(rights, rbac.Request{Verb: "escalate", Group: rbac.Group, Resource: m.resource}) {
			continue
		}
		uncovered := rbac.Uncovered(rights, m.rules())
		all := m.aggregates() && len(rbac.Uncovered(rights, rbac.Everything())) > 0
		if len(uncovered) == 0 && !all {
			continue
		}
		grantsMore[roleKey{m.namespace, m.object.Name}] = true
		if lacking.has(rbac.Group, m.resource, m.namespace != e.namespace) {
			lacking.add(e, m, "escalate")
			continue
		}
		one := found.add("grants-more", m, e)
		one.rules = append(one.rules, uncovered...)
		one.all = one.all || all
	}
	roles := chartRoles(objects)
	for _, m := range objects {
		if !m.isBinding() {
			continue
		}
		ref := m.refersTo()
		rights := e.in(m.namespace)
		if ref.name == "" || ref.kind != "Role" && ref.kind != "ClusterRole" ||
			rbac.Allows(rights, rbac.Request{Verb: "bind", Group: rbac.Group, Resource: ref.resource(), Name: ref.name}) {
			continue
		}
		bindsOne(&found, m, ref, roles[roleKey{ref.in(m.namespace), ref.name}], grantsMore, e, lacking)
	}
	return found.list
}

// bindsOne looks at one binding that is made without the right to bind its role. Kubernetes
// looks the role up then, and holds its rules to the rights of the installation.
func bindsOne(found *roleFindings, m made, ref boundRole, own []made, grantsMore map[roleKey]bool, e executor, lacking *lacks) {
	if grantsMore[roleKey{ref.in(m.namespace), ref.name}] {
		for i := range found.list { // which is reported: one cause
			found.list[i].isBound = found.list[i].isBound || found.list[i].code == "grants-more"
		}
		return
	}
	rules, ok := rbac.OfKubernetes(ref.in(m.namespace), ref.name)
	for _, role := range own {
		if role.isBefore(m) {
			rules, ok = append(slices.Clip(rules), role.rules()...), true
		}
	}
	switch {
	case ok:
		uncovered := rbac.Uncovered(e.in(m.namespace), rules)
		if len(uncovered) == 0 {
			return
		}
		if lacking.has(rbac.Group, m.resource, m.namespace != e.namespace) {
			m.resource = ref.resource()
			lacking.add(e, m, "bind")
			return
		}
		one := found.add("binds-more", m, e)
		one.rules = append(one.rules, uncovered...)
		if !slices.Contains(one.bound, ref) {
			one.bound = append(one.bound, ref)
		}
	case slices.ContainsFunc(own, func(role made) bool { return role.in.Tag == m.in.Tag }):
		one := found.add("binds-too-early", m, e)
		one.bound = append(one.bound, ref)
	case !strings.HasPrefix(ref.name, "system:") && len(m.in.Broken)+len(m.in.Invalid) == 0 && !m.in.Cut:
		one := found.add("unknown-role", m, e)
		one.bound, one.elsewhere = append(one.bound, ref), len(own) > 0
	}
}

// granting reports what is wrong with roles and bindings.
func granting(pass *rule.Pass, wanted *chartNeeds) {
	for _, f := range wanted.roles {
		who := namesOfObjects(f.objects)
		verb := func(one, many string) string {
			if len(f.objects) == 1 {
				return one
			}
			return many
		}
		var subjects []string
		for _, m := range f.objects {
			subjects = append(subjects, m.object.String())
		}
		id := rule.Found(f.code, subjects...)
		first := f.objects[0]
		resources := []string{}
		for _, m := range f.objects {
			if !slices.Contains(resources, m.resource) {
				resources = append(resources, m.resource)
			}
		}
		switch f.code {
		case "grants-more":
			what := rulesForMessage(f.rules)
			if f.all {
				what = "all there is, by an aggregationRule"
			}
			verbs := []string{"escalate"}
			if f.isBound {
				verbs = append(verbs, "bind")
			}
			message := fmt.Sprintf("%s %s what the installation has not: %s; Kubernetes refuses %s", who, verb("grants", "grant"), what, verb("it", "them"))
			hint := oneOfTheseRules(rbac.Compact(f.rules), rbacv1.PolicyRule{APIGroups: []string{rbac.Group}, Resources: resources, Verbs: verbs}, f.all)
			inRole(pass, id, pass.Severity(), f.inCluster, message, hint)
		case "binds-more":
			bind := rbacv1.PolicyRule{APIGroups: []string{rbac.Group}, Verbs: []string{"bind"}}
			var names []string
			for _, ref := range f.bound {
				names = append(names, ref.kind+" "+strconv.Quote(excerpt.OneLine(ref.name)))
				bind.Resources, bind.ResourceNames = append(bind.Resources, ref.resource()), append(bind.ResourceNames, ref.name)
			}
			grant := "grants"
			if len(names) > 1 {
				grant = "grant"
			}
			message := fmt.Sprintf("%s %s %s, which %s what the installation has not: %s; Kubernetes refuses %s", who, verb("binds", "bind"), someOfNames(names), grant, rulesForMessage(f.rules), verb("it", "them"))
			inRole(pass, id, pass.Severity(), f.inCluster, message, oneOfTheseRules(rbac.Compact(f.rules), rbac.Compact([]rbacv1.PolicyRule{bind})[0], false))
		case "binds-too-early":
			at, line, column := first.in.FieldPlace(first.object, "roleRef", "name")
			pass.InSourceAt(id, pass.Severity(), at, line, column,
				fmt.Sprintf("%s binds %s %q, which Helm makes later: Kubernetes refuses it", who, f.bound[0].kind, excerpt.OneLine(f.bound[0].name)),
				"make the role a hook of the same kind and of less weight (helm.sh/hook-weight)")
		case "unknown-role":
			at, line, column := first.in.FieldPlace(first.object, "roleRef", "name")
			chart := "the chart"
			if f.elsewhere {
				chart = "this part of the chart"
			}
			pass.InSourceAt(id, pass.ByDefault(rule.Warning), at, line, column,
				fmt.Sprintf("%s binds %s %q, which neither "+chart+" nor Kubernetes has: where the cluster has it not, Kubernetes refuses it", who, f.bound[0].kind, excerpt.OneLine(f.bound[0].name)),
				"bring the role with the chart, or give the installation the verb bind on it in permissions.yaml")
		}
	}
	vainRoles(pass, wanted)
}

// oneOfTheseRules are the two ways out: to have what is granted, or a verb that lets one
// grant what one has not.
func oneOfTheseRules(rights []rbacv1.PolicyRule, instead rbacv1.PolicyRule, all bool) string {
	var lines []string
	for _, r := range rights {
		if len(lines) == shownRules {
			lines = append(lines, "# and so on")
			break
		}
		lines = append(lines, "- "+yamlLine(r))
	}
	if all || len(rights) == 0 {
		return "- " + yamlLine(instead)
	}
	return strings.Join(lines, "\n") + "\n# or, in place of these, and with a reason:\n- " + yamlLine(instead)
}

const shownRules = 8

// rulesForMessage names the first of some rules.
func rulesForMessage(rules []rbacv1.PolicyRule) string {
	rules = rbac.Compact(rules)
	if len(rbac.Uncovered(rules, rbac.Everything()[:1])) == 0 {
		return "all there is"
	}
	const shown = 2
	var parts []string
	for _, r := range rules {
		if len(parts) == shown {
			parts = append(parts, fmt.Sprintf("and %d more", len(rules)-shown))
			break
		}
		verbs := listed(rbac.Verbs(r.Verbs))
		if slices.Contains(r.Verbs, all) {
			verbs = "*"
		}
		on := someOfNames(r.NonResourceURLs)
		if len(r.Resources) > 0 {
			on = someOfNames(r.Resources)
			if groups := slices.DeleteFunc(slices.Clone(r.APIGroups), func(g string) bool { return g == "" }); len(groups) > 0 {
				on += " of " + someOfNames(groups)
			}
		}
		parts = append(parts, excerpt.OneLine(verbs+" on "+on))
	}
	return strings.Join(parts, "; ")
}

// someOfNames names the first of many.
func someOfNames(names []string) string {
	if len(names) <= shownObjects {
		return listed(names)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shownObjects], ", "), len(names)-shownObjects)
}

func namesOfObjects(objects []made) string {
	var names []string
	for _, m := range objects {
		names = append(names, m.object.String())
	}
	return someOfNames(names)
}

// vainRoles reports what the roles of the chart name that is none: all of it of one template
// in one.
func vainRoles(pass *rule.Pass, wanted *chartNeeds) {
	for _, v := range wanted.vainRoles {
		message, hint := vainWords(v.rule, v.found)
		at, line, column := v.role.in.FieldPlace(v.role.object, append([]string{"rules"}, v.path...)...)
		pass.InSourceAt(rule.Found("role-grants-nothing", append([]string{v.role.object.String()}, entriesOf(v.found)...)...), pass.ByDefault(rule.Warning), at, line, column,
			fmt.Sprintf("of %s \"%s\" %s", v.role.object.Kind, excerpt.OneLine(v.role.object.Name), message), hint)
	}
}

// vainRole is a role of the chart with entries that are none.
type vainRole struct {
	role  made
	found []rbac.Vain
	// rule is that of the first entry, and path the entry's below rules.
	rule rbacv1.PolicyRule
	path []string
}

// vainRolesOf finds them: but for those that have by other rules what was meant, and those
// that are there twice, as for the host cluster and for the chosen ones.
func vainRolesOf(objects []made) []vainRole {
	var list []vainRole
	for _, m := range objects {
		if !m.isRole() {
			continue
		}
		one := vainRole{role: m}
		rules := m.rules()
		for i, r := range rules {
			for _, v := range rbac.InVain(r) {
				if meant, ok := v.Instead(r); ok && len(rbac.Uncovered(rules, []rbacv1.PolicyRule{meant})) == 0 {
					continue
				}
				if one.path == nil {
					one.rule, one.path = r, []string{strconv.Itoa(i), v.Field, strconv.Itoa(v.Index)}
				}
				if !slices.ContainsFunc(one.found, func(known rbac.Vain) bool { return known.Entry == v.Entry && known.Field == v.Field }) {
					one.found = append(one.found, v)
				}
			}
		}
		same := func(known vainRole) bool {
			return known.role.object.String() == m.object.String() && slices.Equal(entriesOf(known.found), entriesOf(one.found))
		}
		if len(one.found) > 0 && !slices.ContainsFunc(list, same) {
			list = append(list, one)
		}
	}
	return list
}
