// Package chartdiff says what an administrator will notice of another version of an
// extension: from the footprints of both, and the files that differ.
package chartdiff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/rbac"
)

// Diff is what differs between two versions of an extension.
type Diff struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"` // where the extension is
	// Against is what it is compared with, in words: "the published version 1.2.0".
	Against     string `json:"against"`
	Version     string `json:"version"`
	BaseVersion string `json:"base_version"`
	// IsNew says that there is nothing to compare with: the extension is new there.
	IsNew bool `json:"new,omitempty"`
	// Equal says that not a single file differs.
	Equal bool `json:"equal"`
	// Files are the files that differ, as for a drift.
	Files compare.Differences `json:"files"`
	// Changes are what an administrator notices, by section and name.
	Changes []Change `json:"changes"`
	// Notes are what could not be compared.
	Notes []string `json:"notes,omitempty"`
}

// Section is what a change is about.
type Section string

// The sections, in the order in which they are shown.
const (
	Definitions  Section = "crds"
	Objects      Section = "objects"
	Rights       Section = "rights"
	Images       Section = "images"
	Values       Section = "values"
	Dependencies Section = "dependencies"
	Texts        Section = "texts"
	Size         Section = "size"
)

// Sections are all of them.
func Sections() []Section {
	return []Section{Definitions, Objects, Rights, Images, Values, Dependencies, Texts, Size}
}

// Title is a section in words.
func (s Section) Title() string {
	switch s {
	case Definitions:
		return "API definitions"
	case Objects:
		return "Objects"
	case Rights:
		return "Rights (permissions.yaml)"
	case Images:
		return "Images"
	case Values:
		return "Values"
	case Dependencies:
		return "Dependencies"
	case Texts:
		return "Listing (extension.yaml)"
	}
	return "Size of the package"
}

// Change is one thing that an administrator notices.
type Change struct {
	Section Section `json:"section"`
	// Kind is compare.Added, compare.Removed or compare.Changed.
	Kind compare.Kind `json:"kind"`
	// Where is "host", "agent" or, for both, "host and agent"; objects alone have it.
	Where string `json:"where,omitempty"`
	// What is the object, value, image, right, dependency or field.
	What string `json:"what"`
	// Old and New are values as JSON has them, cut short where they are long; texts stand
	// without quotes.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Fields are what differs in an object.
	Fields []Field `json:"fields,omitempty"`
	// More is how many more fields differ, which are left out.
	More int `json:"more,omitempty"`
}

// Field is a field that differs.
type Field struct {
	Path string       `json:"path"`
	Kind compare.Kind `json:"kind"`
	Old  string       `json:"old,omitempty"`
	New  string       `json:"new,omitempty"`
}

// Of compares two footprints: now is the extension, and before what it is compared with.
func Of(before, now *footprint.Footprint) []Change {
	var all []Change
	all = append(all, objects(before.Objects, now.Objects)...)
	all = append(all, rights(inCluster, before.ClusterRights, now.ClusterRights)...)
	all = append(all, rights("in its namespace", before.Rights, now.Rights)...)
	all = append(all, images(before.Images, now.Images)...)
	all = append(all, fieldChanges(Values, before.Values, now.Values)...)
	all = append(all, dependencies(before.Dependencies, now.Dependencies)...)
	all = append(all, fieldChanges(Texts, before.Texts, now.Texts)...)
	if before.Size != now.Size {
		all = append(all, Change{
			Section: Size, Kind: compare.Changed, What: fmt.Sprintf("%+d bytes", now.Size-before.Size),
			Old: humanize.IBytes(uint64(before.Size)), New: humanize.IBytes(uint64(now.Size)),
		})
	}
	order := Sections()
	slices.SortStableFunc(all, func(a, b Change) int {
		return cmp.Or(slices.Index(order, a.Section)-slices.Index(order, b.Section), strings.Compare(a.What, b.What), strings.Compare(a.Where, b.Where))
	})
	return all
}

// Notes are what of two footprints is not known.
func Notes(before, now *footprint.Footprint) []string {
	var notes []string
	for _, side := range []struct {
		name string
		of   *footprint.Footprint
	}{{"this version", now}, {"the other version", before}} {
		templates := slices.Compact(slices.Sorted(slices.Values(side.of.Unknown)))
		for _, template := range templates[:min(len(templates), 10)] {
			notes = append(notes, fmt.Sprintf("in %s, %s does not render as it is installed, or what it makes cannot be read: what it makes is not compared", side.name, template))
		}
		if more := len(templates) - 10; more > 0 {
			notes = append(notes, fmt.Sprintf("so it is with %d more templates", more))
		}
	}
	return notes
}

// images are those that one version alone has. Where each has one of a repository, it is
// another tag or digest.
func images(before, now []string) []Change {
	lost, gained := map[string][]string{}, map[string][]string{}
	for _, image := range before {
		if !slices.Contains(now, image) {
			lost[repository(image)] = append(lost[repository(image)], image)
		}
	}
	for _, image := range now {
		if !slices.Contains(before, image) {
			gained[repository(image)] = append(gained[repository(image)], image)
		}
	}
	var all []Change
	for name := range merged(lost, gained) {
		old, new := lost[name], gained[name]
		if len(old) == 1 && len(new) == 1 {
			tag := func(image string) string { return strings.TrimPrefix(strings.TrimPrefix(image, name), ":") }
			all = append(all, Change{Section: Images, Kind: compare.Changed, What: name, Old: tag(old[0]), New: tag(new[0])})
			continue
		}
		for _, image := range old {
			all = append(all, Change{Section: Images, Kind: compare.Removed, What: image})
		}
		for _, image := range new {
			all = append(all, Change{Section: Images, Kind: compare.Added, What: image})
		}
	}
	return all
}

// repository is an image without its tag and digest.
func repository(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		name = name[:i]
	}
	return name
}

func dependencies(before, now map[string]string) []Change {
	var all []Change
	for name, text := range now {
		old, ok := before[name]
		switch {
		case !ok:
			all = append(all, Change{Section: Dependencies, Kind: compare.Added, What: name, New: text})
		case old != text:
			all = append(all, Change{Section: Dependencies, Kind: compare.Changed, What: name, Old: old, New: text})
		}
	}
	for name, text := range before {
		if _, ok := now[name]; !ok {
			all = append(all, Change{Section: Dependencies, Kind: compare.Removed, What: name, Old: text})
		}
	}
	return all
}

// rights are the rights that one version has and the other has not, however they are written.
// inCluster is the end of what says where a right is.
const inCluster = "in the cluster"

func rights(where string, before, now []rbacv1.PolicyRule) []Change {
	var all []Change
	for _, rule := range rbac.Compact(rbac.Uncovered(before, now)) {
		all = append(all, Change{Section: Rights, Kind: compare.Added, What: ruleText(rule) + " " + where})
	}
	for _, rule := range rbac.Compact(rbac.Uncovered(now, before)) {
		all = append(all, Change{Section: Rights, Kind: compare.Removed, What: ruleText(rule) + " " + where})
	}
	return all
}

// ruleText is a rule in words: "get, list pods, secrets (core)".
func ruleText(rule rbacv1.PolicyRule) string {
	what := strings.Join(append(slices.Clone(rule.Resources), rule.NonResourceURLs...), ", ")
	if len(rule.ResourceNames) > 0 {
		what += " named " + strings.Join(rule.ResourceNames, ", ")
	}
	var groups []string
	for _, group := range rule.APIGroups {
		if group == "" {
			group = "core"
		}
		groups = append(groups, group)
	}
	if len(groups) > 0 {
		what += " (" + strings.Join(groups, ", ") + ")"
	}
	return strings.Join(rule.Verbs, ", ") + " " + what
}
