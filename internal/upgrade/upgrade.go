// Package upgrade finds what keeps a cluster from going over from one version of an extension
// to the next: fields that cannot change, APIs that vanish, values that mean nothing any more.
// It compares footprints, and asks nobody.
package upgrade

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/footprint"
)

// Codes of problems.
const (
	ImmutableField    = "immutable-field"
	DefinitionRemoved = "definition-removed"
	VersionNotServed  = "version-not-served"
	DefinitionChanged = "definition-changed"
	ValueRemoved      = "value-removed"
	ValueType         = "value-type"
	Moved             = "moved"
	Renamed           = "renamed"
	DataRemoved       = "data-removed"
	NamespaceChanged  = "namespace-changed"
)

// mostValueProblems is how many values are named; the others are counted.
const mostValueProblems = 20

// Weight is how much a problem means.
type Weight int

// The weights, from the least.
const (
	Minor    Weight = iota + 1 // it works, and somebody has to know
	Lossy                      // it works, and settings of users are lost
	Breaking                   // it fails, or data are lost
)

// Problem is one thing that does not go over.
type Problem struct {
	Code   string
	Weight Weight
	// Object is what it is about, as it is now or, where it is gone, as it was; nil for values.
	Object *footprint.Object
	// Subject is what else it is known by: a field, a version, a value.
	Subject string
	Message string
	Hint    string
}

// Problems are what does not go over from one version to the next. There are none for equal
// footprints.
func Problems(before, now *footprint.Footprint) []Problem {
	c := comparison{name: now.Name, old: byKey(before.Objects), new: byKey(now.Objects)}
	c.namespace(before, now)
	for _, key := range sortedKeys(c.old) {
		was := c.old[key]
		if is, ok := c.new[key]; ok {
			c.both(was, is)
		} else {
			c.gone(was, before, now)
		}
	}
	c.values(before.Values, now.Values)
	return c.found
}

// LeastVersion is the least version that says honestly how much changed since another one: for
// what breaks, or loses settings, the next major version (before 1.0.0 the next minor one), else
// the next minor one. It is empty where the other is no version.
//
// Semantic Versioning 2.0.0 (https://semver.org/spec/v2.0.0.html), items 4, 7 and 8.
func LeastVersion(since string, weight Weight) string {
	v, err := semver.NewVersion(since)
	if err != nil {
		return ""
	}
	next := v.IncMinor()
	switch {
	case weight == Minor && v.Major() == 0:
		next = v.IncPatch()
	case weight > Minor && v.Major() > 0:
		next = v.IncMajor()
	}
	return next.String()
}

// IsHonest reports whether a version says as much: it is at least the least version, or a
// pre-release of it.
func IsHonest(version, least string) bool {
	v, err := semver.NewVersion(version)
	if err != nil {
		return true // other rules say so
	}
	low, err := semver.NewVersion(least)
	if err != nil {
		return true
	}
	whole, err := v.SetPrerelease("")
	return err != nil || !whole.LessThan(low)
}

type comparison struct {
	name     string // of the extension
	old, new map[string]footprint.Object
	moved    bool // all objects have another namespace
	found    []Problem
}

func (c *comparison) add(p Problem) { c.found = append(c.found, p) }

// byKey are the objects that a release keeps, by where they are and what they are known by.
// Hooks are made and deleted apart from it.
func byKey(objects []footprint.Object) map[string]footprint.Object {
	all := map[string]footprint.Object{}
	for _, o := range objects {
		if !o.Hook && o.Name != footprint.Generated && !strings.HasSuffix(o.Name, "*") {
			all[o.Where+"\x00"+o.Key()] = o
		}
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// namespace reports another namespace of the release, in which nothing of the old one is.
func (c *comparison) namespace(before, now *footprint.Footprint) {
	was, is := namespaceOf(before), namespaceOf(now)
	if was == is {
		return
	}
	c.moved = true
	c.add(Problem{
		Code: NamespaceChanged, Weight: Breaking, Subject: is,
		Message: fmt.Sprintf("the extension goes from the namespace %q to %q: what is in the old one stays there or is lost, with its data", was, is),
		Hint:    "keep the namespace",
	})
}

func namespaceOf(f *footprint.Footprint) string {
	if name, ok := f.Texts["namespace"].(string); ok && name != "" {
		return name
	}
	return "extension-" + f.Name
}

// both compares an object that both versions have.
func (c *comparison) both(was, is footprint.Object) {
	if is.IsDefinition() {
		c.definition(was, is)
	}
	for _, field := range immutableOf(is) {
		before, now := field.of(was), field.of(is)
		if reflect.DeepEqual(before, now) || field.may != nil && field.may(before, now) {
			continue
		}
		hint := "keep it as it was, or give the object another name"
		if field.hint != "" {
			hint = field.hint
		}
		c.add(Problem{
			Code: ImmutableField, Weight: Breaking, Object: &is, Subject: field.path,
			Message: fmt.Sprintf("%s has another %s, which Kubernetes does not let change%s: the upgrade fails", is, field.path, values(before, now)),
			Hint:    hint,
		})
	}
}

// values are small values in words.
func values(before, now any) string {
	a, aok := before.(string)
	b, bok := now.(string)
	if !aok || !bok || len(a)+len(b) > 80 {
		return ""
	}
	return fmt.Sprintf(" (%q, it was %q)", b, a)
}

// gone reports an object that only the old version has.
func (c *comparison) gone(was footprint.Object, before, now *footprint.Footprint) {
	if c.moved && was.Namespace == namespaceOf(before) {
		return
	}
	if other, ok := c.elsewhere(was); ok && !was.Kept {
		weight := Lossy
		if was.IsDefinition() || weightOfName[was.Kind] == Breaking {
			weight = Breaking
		}
		c.add(Problem{
			Code: Moved, Weight: weight, Object: &other, Subject: was.Where,
			Message: fmt.Sprintf("%s goes from %s to %s: it is deleted on the one, and made without its state on the other", was, cluster(was.Where), cluster(other.Where)),
			Hint:    "give it another name where it is new, and say in the CHANGELOG what becomes of its state",
		})
		return
	}
	if was.IsDefinition() {
		message := fmt.Sprintf("the API of %s is gone: Helm deletes all objects of it, with their data", was)
		if was.InCRDs || was.Kept {
			message = fmt.Sprintf("the API of %s is gone: it is on no new cluster, and stays on old ones", was)
		}
		c.add(Problem{Code: DefinitionRemoved, Weight: Breaking, Object: &was, Message: message, Hint: "keep the definition, and say in the CHANGELOG that it is no longer used"})
		return
	}
	holdsData := was.Group() == "" && (was.Kind == "PersistentVolumeClaim" || was.Kind == "Namespace")
	if other, ok := c.renamed(was); ok {
		c.rename(was, other)
		return
	}
	if holdsData && !was.Kept {
		c.add(Problem{
			Code: DataRemoved, Weight: Breaking, Object: &was,
			Message: fmt.Sprintf("%s is gone: Helm deletes it with its data", was),
			Hint:    "release a version with the annotation helm.sh/resource-policy: keep on it first",
		})
	}
}

func cluster(where string) string {
	if where == footprint.Agent {
		return "the chosen clusters"
	}
	return "the host cluster"
}

// elsewhere finds a new object of the same kind and name on the other cluster, where it was not.
// Names may begin with that of the release, which is another one there: KubeSphere calls it
// NAME on the host cluster, and NAME-agent on the chosen ones.
func (c *comparison) elsewhere(was footprint.Object) (footprint.Object, bool) {
	there, here, release := footprint.Host, c.name+"-agent", c.name
	if was.Where == footprint.Host {
		there, here, release = footprint.Agent, c.name, c.name+"-agent"
	}
	other := was
	for range 2 {
		key := there + "\x00" + other.Key()
		_, had := c.old[key]
		if is, has := c.new[key]; has && !had {
			return is, true
		}
		rest, ok := strings.CutPrefix(was.Name, here)
		if !ok || c.name == "" {
			break
		}
		other.Name = release + rest
	}
	return footprint.Object{}, false
}

// renamed finds the one new object of the kind that the same template makes now, where the old
// version had one of that kind there, too.
func (c *comparison) renamed(was footprint.Object) (footprint.Object, bool) {
	same := func(o footprint.Object) bool {
		return o.Where == was.Where && o.Kind == was.Kind && o.Group() == was.Group() && o.Template == was.Template
	}
	var lost, gained []footprint.Object
	for key, o := range c.old {
		if _, still := c.new[key]; same(o) && !still {
			lost = append(lost, o)
		}
	}
	for key, o := range c.new {
		if _, before := c.old[key]; same(o) && !before {
			gained = append(gained, o)
		}
	}
	if len(lost) != 1 || len(gained) != 1 {
		return footprint.Object{}, false
	}
	return gained[0], true
}

// weightOfName is how much it means that an object of a kind has another name; kinds that are
// not here are made anew under other names on purpose (ConfigMap, Secret, Job), or nobody
// goes by their names.
var weightOfName = map[string]Weight{
	"StatefulSet": Breaking, "PersistentVolumeClaim": Breaking, "Namespace": Breaking, "Service": Lossy,
	"StorageClass": Lossy, "IngressClass": Lossy, "PriorityClass": Lossy,
	"Deployment": Minor, "DaemonSet": Minor, "ServiceAccount": Minor, "ClusterRole": Minor, "Role": Minor, "Ingress": Minor,
}

func (c *comparison) rename(was, is footprint.Object) {
	weight, matters := weightOfName[was.Kind]
	if !matters {
		return
	}
	message := fmt.Sprintf("%s was %s: Helm deletes the old one and makes a new one", is, named(was, is))
	switch was.Kind {
	case "StatefulSet", "PersistentVolumeClaim", "Namespace":
		message += ", without its data"
		if was.Kept {
			message, weight = fmt.Sprintf("%s was %s: the old one stays on the cluster, with its data", is, named(was, is)), Lossy
		}
	case "Service":
		message += ", so that its address is another one"
	}
	c.add(Problem{Code: Renamed, Weight: weight, Object: &is, Subject: was.Name, Message: message, Hint: "keep the name, or say in the CHANGELOG what administrators have to do"})
}

// named is what an object was called: its name, or its namespace, too, where that is another.
func named(was, is footprint.Object) string {
	if was.Name == is.Name {
		return fmt.Sprintf("in the namespace %q", was.Namespace)
	}
	return fmt.Sprintf("%q", was.Name)
}

// definition compares an API definition that both versions have.
func (c *comparison) definition(was, is footprint.Object) {
	old, new := served(was), served(is)
	for _, version := range old {
		if !slices.Contains(new, version) {
			c.add(Problem{
				Code: VersionNotServed, Weight: Breaking, Object: &is, Subject: version,
				Message: fmt.Sprintf("version %s of %s is no longer served: whoever uses it fails", version, is.Name),
				Hint:    "serve it for one more version, with deprecated: true",
			})
		}
	}
	for _, field := range definitionFields {
		if before, now := field.of(was), field.of(is); !reflect.DeepEqual(before, now) {
			c.add(Problem{
				Code: DefinitionChanged, Weight: Breaking, Object: &is, Subject: field.path,
				Message: fmt.Sprintf("%s has another %s%s: Kubernetes refuses it, or all objects of it are lost", is.Name, field.path, values(before, now)),
				Hint:    "make it an API of another name",
			})
		}
	}
}

// served are the versions that an API definition serves.
func served(o footprint.Object) (names []string) {
	list, _ := at(o, "spec.versions").([]any)
	for _, element := range list {
		version, _ := element.(map[string]any)
		name, _ := version["name"].(string)
		if is, ok := version["served"].(bool); name != "" && (!ok || is) {
			names = append(names, name)
		}
	}
	return names
}
