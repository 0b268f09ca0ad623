package chartdiff

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/footprint"
)

// objects compares what two versions make, on each cluster.
func objects(before, now []footprint.Object) []Change {
	old, new := byKey(before), byKey(now)
	var all []Change
	for key := range merged(old, new) {
		was, had := old[key]
		is, has := new[key]
		switch {
		case !had:
			all = append(all, Change{Section: sectionOf(is), Kind: compare.Added, Where: is.Where, What: nameOfObject(is), New: served(is)})
		case !has:
			all = append(all, Change{Section: sectionOf(was), Kind: compare.Removed, Where: was.Where, What: nameOfObject(was), Old: served(was)})
		default:
			if c, differs := object(was, is); differs {
				all = append(all, c)
			}
		}
	}
	return onBoth(all)
}

// onBoth puts together what is the same on host and agent.
func onBoth(all []Change) []Change {
	slices.SortFunc(all, func(a, b Change) int { return strings.Compare(a.What+"\x00"+a.Where, b.What+"\x00"+b.Where) })
	var out []Change
	for _, c := range all {
		if n := len(out); n > 0 && out[n-1].Where == footprint.Agent && c.Where == footprint.Host {
			same := out[n-1]
			same.Where = c.Where
			if reflect.DeepEqual(same, c) {
				out[n-1].Where = "host and agent"
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// byKey are objects by where they are made and what they are known by. Of several of one
// name, such as those with generated names, each counts.
func byKey(objects []footprint.Object) map[string]footprint.Object {
	all := map[string]footprint.Object{}
	for _, o := range objects {
		key := o.Where + "\x00" + o.Key()
		for n := 2; ; n++ {
			if _, taken := all[key]; !taken {
				break
			}
			key = fmt.Sprintf("%s\x00%s\x00%d", o.Where, o.Key(), n)
		}
		all[key] = o
	}
	return all
}

func sectionOf(o footprint.Object) Section {
	if o.IsDefinition() {
		return Definitions
	}
	return Objects
}

func nameOfObject(o footprint.Object) string {
	if o.IsDefinition() {
		return o.Name
	}
	return fmt.Sprintf("%s %s/%s", o.Kind, o.Namespace, o.Name)
}

// object compares one object.
func object(was, is footprint.Object) (Change, bool) {
	c := Change{Section: sectionOf(is), Kind: compare.Changed, Where: is.Where, What: nameOfObject(is)}
	if is.IsDefinition() {
		c.Fields = definition(was, is)
		return c, len(c.Fields) > 0
	}
	w := walker{hide: hidden(is)}
	w.tree(nil, was.Content, is.Content)
	c.Fields, c.More = slices.DeleteFunc(w.fields, isVersionLabel), w.more
	return c, len(c.Fields) > 0
}

// isVersionLabel reports whether a field is a label that says the version of the chart, as
// each object of most charts has them: with each version they all change, and mean nothing.
func isVersionLabel(f Field) bool {
	return strings.HasSuffix(f.Path, `labels."helm.sh/chart"`) || strings.HasSuffix(f.Path, `labels."app.kubernetes.io/version"`) ||
		strings.HasSuffix(f.Path, "labels.chart")
}

// served are the served versions of an API definition: "v1, v1beta1"; empty for any other
// object.
func served(o footprint.Object) string {
	if !o.IsDefinition() {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(versionsOf(o))), ", ")
}

// versionsOf are the versions that an API definition serves, with all that it says of them.
func versionsOf(o footprint.Object) map[string]any {
	all := map[string]any{}
	spec, _ := o.Content["spec"].(map[string]any)
	list, _ := spec["versions"].([]any)
	for _, element := range list {
		version, _ := element.(map[string]any)
		name, _ := version["name"].(string)
		if is, ok := version["served"].(bool); name != "" && (!ok || is) {
			all[name] = version
		}
	}
	return all
}

// definition compares an API definition by what its users notice: versions that are served,
// schemas as wholes, scope and names.
func definition(was, is footprint.Object) []Field {
	old, new := versionsOf(was), versionsOf(is)
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(merged(old, new))) {
		before, had := old[name]
		now, has := new[name]
		switch {
		case !had:
			fields = append(fields, Field{Path: "version " + name, Kind: compare.Added, New: "served"})
		case !has:
			fields = append(fields, Field{Path: "version " + name, Kind: compare.Removed, Old: "served"})
		case !reflect.DeepEqual(before, now):
			w := walker{}
			w.tree(nil, before, now)
			fields = append(fields, Field{Path: "version " + name, Kind: compare.Changed, New: fmt.Sprintf("%d fields of its definition differ", len(w.fields)+w.more)})
		}
	}
	w := walker{}
	w.tree(nil, withoutVersions(was), withoutVersions(is))
	return append(fields, w.fields...)
}

func withoutVersions(o footprint.Object) any {
	content := maps.Clone(o.Content)
	if spec, ok := content["spec"].(map[string]any); ok {
		spec = maps.Clone(spec)
		delete(spec, "versions")
		content["spec"] = spec
	}
	return content
}
