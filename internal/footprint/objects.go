package footprint

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	rbacv1 "k8s.io/api/rbac/v1"
	sigs "sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// addObjects adds the objects of all installations, without what differs between two
// renderings.
func (f *Footprint) addObjects(first, second *helmchart.Renderings) {
	seen := map[string]bool{}
	for i, installed := range first.Installations {
		where := Host
		if installed.Tag == helmchart.TagAgent {
			where = Agent
		}
		if seen[where] {
			continue // the host cluster as one of the chosen ones
		}
		seen[where] = true
		for _, broken := range installed.Broken {
			f.Unknown = append(f.Unknown, broken.Template)
		}
		for _, invalid := range installed.Invalid {
			f.Unknown = append(f.Unknown, invalid.Template)
		}
		budget := maxNodes
		for _, crd := range installed.CRDs() {
			f.add(Object{Where: where, InCRDs: true}, installed, crd, nil, &budget)
		}
		again := place(second.Installations[i].Objects)
		for at, o := range place(installed.Objects).inOrder() {
			var other *helmchart.Object
			if found, ok := again.at[at]; ok {
				other = &found
			}
			f.add(Object{Where: where}, installed, o, other, &budget)
		}
	}
}

// spot is where a template made an object.
type spot struct {
	template, kind string
	ordinal        int
}

// placed are objects, those of lists one by one, by where they were made.
type placed struct {
	at    map[spot]helmchart.Object
	order []spot
}

func place(objects []helmchart.Object) placed {
	p := placed{at: map[spot]helmchart.Object{}}
	count := map[spot]int{}
	for _, o := range objects {
		o.Each(func(o helmchart.Object) {
			at := spot{o.Template, o.Kind, 0}
			at.ordinal = count[at]
			count[spot{o.Template, o.Kind, 0}]++
			p.at[at] = o
			p.order = append(p.order, at)
		})
	}
	return p
}

func (p placed) inOrder() func(yield func(spot, helmchart.Object) bool) {
	return func(yield func(spot, helmchart.Object) bool) {
		for _, at := range p.order {
			if !yield(at, p.at[at]) {
				return
			}
		}
	}
}

// maxNodes bounds what of one installation is taken down, with all aliases followed.
const maxNodes = 2_000_000

// add takes down an object; other is the same in a second rendering, nil where there is none.
func (f *Footprint) add(as Object, installed helmchart.Installed, o helmchart.Object, other *helmchart.Object, budget *int) {
	content, ok := decode(o.Node(), manifest.MaxDepth, budget).(map[string]any)
	if !ok || o.Kind == "" || *budget <= 0 {
		if o.Kind != "" || *budget <= 0 {
			f.Unknown = append(f.Unknown, o.Template)
		}
		return
	}
	hook, isHook := o.Hook()
	if isHook && (hook.IsTest() || hook.IsLeftOut()) {
		return // KubeSphere never makes it
	}
	as.APIVersion, as.Kind, as.Name, as.Namespace, as.Template = o.APIVersion, o.Kind, o.Name, o.Namespace, o.Template
	if other != nil {
		if there, ok := decode(other.Node(), manifest.MaxDepth, budget).(map[string]any); ok {
			content, _ = masked(content, there).(map[string]any)
			if other.Name != o.Name {
				as.Name = Generated
			}
		}
	}
	if o.Generated && o.Name == "" {
		as.Name = o.TextAt("metadata", "generateName") + "*"
	}
	if as.Namespace == "" {
		as.Namespace = installed.Namespace
	}
	as.Hook, as.Content = isHook, content
	as.Kept = strings.EqualFold(strings.TrimSpace(o.Annotations()["helm.sh/resource-policy"]), "keep")
	f.Objects = append(f.Objects, as)
}

// pemBlock is a certificate or a key in its usual form (RFC 7468).
var pemBlock = lazyregexp.New(`(?s)-----BEGIN [A-Z0-9 ]+-----.*?-----END [A-Z0-9 ]+-----`)

// withoutBlocks puts Generated at the place of each certificate or key that is another one in
// the other text. Some lines of it may be equal by chance, such as the one with the time, and
// would be others at the next rendering.
func withoutBlocks(a, b string) (string, string) {
	ours, theirs := pemBlock.FindAllString(a, -1), pemBlock.FindAllString(b, -1)
	if len(ours) != len(theirs) {
		return a, b
	}
	mask := func(text string) string {
		i := -1
		return pemBlock.ReplaceAllStringFunc(text, func(block string) string {
			if i++; ours[i] == theirs[i] {
				return block
			}
			return Generated
		})
	}
	return mask(a), mask(b)
}

// masked is what two renderings have in common, with Generated at the place of the rest. A
// text of several lines is compared line by line, but for certificates and keys.
func masked(a, b any) any {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			return Generated
		}
		out := make(map[string]any, len(x))
		for key, value := range x {
			if there, ok := y[key]; ok {
				out[key] = masked(value, there)
			} else {
				out[Generated] = Generated
			}
		}
		return out
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return Generated
		}
		out := make([]any, len(x))
		for i := range x {
			out[i] = masked(x[i], y[i])
		}
		return out
	case string:
		y, ok := b.(string)
		switch {
		case !ok:
			return Generated
		case x == y:
			return x
		}
		if x, y = withoutBlocks(x, y); x == y {
			return x
		}
		ours, theirs := strings.Split(x, "\n"), strings.Split(y, "\n")
		if len(ours) == 1 || len(ours) != len(theirs) {
			return Generated
		}
		for i := range ours {
			if ours[i] != theirs[i] {
				ours[i] = Generated
			}
		}
		return strings.Join(ours, "\n")
	}
	if a != b {
		return Generated
	}
	return a
}

// decode is a node as JSON has it. What is too deep or too much is nil.
func decode(node *yaml.Node, depth int, budget *int) any {
	if *budget--; node == nil || depth == 0 || *budget <= 0 {
		return nil
	}
	switch node.Kind {
	case yaml.AliasNode:
		return decode(node.Alias, depth-1, budget)
	case yaml.MappingNode:
		out := map[string]any{}
		helmchart.EachField(node, func(key, value *yaml.Node) { out[key.Value] = decode(value, depth-1, budget) })
		return out
	case yaml.SequenceNode:
		out := make([]any, 0, len(node.Content))
		for _, element := range node.Content {
			out = append(out, decode(element, depth-1, budget))
		}
		return out
	}
	switch node.ShortTag() {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		var value any
		if node.Decode(&value) == nil {
			if data, err := json.Marshal(value); err == nil && json.Unmarshal(data, &value) == nil {
				return value
			}
		}
	}
	return node.Value
}

// maxRoles is how many documents of permissions.yaml are read: two are what there is.
const maxRoles = 64

// rights are the rules of permissions.yaml, of all documents that can be read.
func rights(ext *extension.Extension) (cluster, namespace []rbacv1.PolicyRule) {
	for _, f := range ext.Files {
		if f.Name != "permissions.yaml" {
			continue
		}
		documents := manifest.Split(string(f.Data))
		for _, d := range documents[:min(len(documents), maxRoles)] {
			var role rbacv1.Role
			if err := sigs.Unmarshal([]byte(d.Text), &role); err != nil {
				return cluster, namespace // KubeSphere reads no further, either
			}
			switch role.Kind {
			case "ClusterRole":
				cluster = append(cluster, role.Rules...)
			case "Role":
				namespace = append(namespace, role.Rules...)
			}
		}
	}
	return cluster, namespace
}

// Key is what an object is known by on the clusters where it is: group, kind, namespace and
// name, but not the version of its API.
func (o Object) Key() string {
	return fmt.Sprintf("%s\x00%s\x00%s\x00%s", o.Group(), o.Kind, o.Namespace, o.Name)
}
