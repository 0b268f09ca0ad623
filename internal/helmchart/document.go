package helmchart

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
	"go.yaml.in/yaml/v3"
)

// document is one rendered document. It is parsed at most once, and API definitions,
// the largest of all, only when somebody looks into them.
type document struct {
	manifest manifest.Document
	// lazy is set for what is not parsed before somebody looks into it.
	lazy bool
	// file is set for a file that Helm does not render: what stands there is the source.
	file *Source
	root func() *yaml.Node
	// namesHook reports whether HookAnnotation stands anywhere in it.
	namesHook func() bool
}

// namesHook looks once: several rules ask, and API definitions are long.
func namesHook(m manifest.Document) func() bool {
	return sync.OnceValue(func() bool { return strings.Contains(m.Text, HookAnnotation) })
}

func parsed(m manifest.Document, node *yaml.Node) *document {
	return &document{manifest: m, namesHook: namesHook(m), root: func() *yaml.Node { return content(node) }}
}

func unparsed(m manifest.Document, file *Source) *document {
	return &document{manifest: m, lazy: true, file: file, namesHook: namesHook(m), root: sync.OnceValue(func() *yaml.Node {
		node, err := m.Parse()
		if err != nil {
			return nil
		}
		return content(node)
	})}
}

// Node is the object as it was rendered: a mapping, as far as Helm can read it. Its
// lines count from that of the document (see RenderedLine), duplicate keys, aliases and
// merge keys are in it as they were written. It is nil where the text is not YAML.
func (o Object) Node() *yaml.Node {
	switch {
	case o.inner != nil:
		return o.inner
	case o.document == nil:
		return nil
	}
	return o.document.root()
}

// Document is all of the rendered document in which the object stands: itself, or a List.
func (o Object) Document() *yaml.Node {
	if o.document == nil {
		return nil
	}
	return o.document.root()
}

// MayHaveOddKeys is the cheap look that saves the parse of what is not parsed yet: it is
// false where no mapping of the document has a key twice, or one that is no text.
func (o Object) MayHaveOddKeys() bool {
	return o.document != nil && (!o.document.lazy || manifest.MayHaveOddKeys(o.document.manifest.Text))
}

// Text is the rendered document in which the object stands.
func (o Object) Text() string {
	if o.document == nil {
		return ""
	}
	return o.document.manifest.Text
}

// SameText reports whether two objects are of one rendered document: an installation
// that renders what another one does has it from there.
func (o Object) SameText(other Object) bool { return o.document == other.document }

// TextSet is a set of rendered documents, by their objects.
type TextSet map[*document]bool

// Add adds the document of an object, and reports whether it is new.
func (s TextSet) Add(o Object) bool {
	known := s[o.document]
	s[o.document] = true
	return !known
}

// RenderedLine is the line of a node of the object in the rendered text, from 1.
func (o Object) RenderedLine(node *yaml.Node) int { return o.Line + node.Line - 1 }

// At is what the object has under keys, and indexes of lists, such as
// "spec", "containers", "0", "image"; nil where there is nothing. It follows aliases and
// merge keys; of duplicate keys the last counts.
func (o Object) At(path ...string) *yaml.Node {
	found, depth := deepest(o.Node(), path)
	if depth < len(path) {
		return nil
	}
	return found.value
}

// TextAt is the text, number or truth value that the object has under keys, as it is
// written; it is empty for anything else.
func (o Object) TextAt(path ...string) string { return ScalarOf(o.At(path...)) }

// ScalarOf is the text of a node that is a scalar; it is empty for null and for any
// other node.
func ScalarOf(node *yaml.Node) string {
	if node = unaliased(node); node == nil || node.Kind != yaml.ScalarNode || node.ShortTag() == "!!null" {
		return ""
	}
	return node.Value
}

// Labels are those of the object itself, as far as they are scalars.
func (o Object) Labels() map[string]string { return scalarsOf(o.At("metadata", "labels")) }

// Annotations are those of the object itself, as far as they are scalars.
func (o Object) Annotations() map[string]string { return scalarsOf(o.At("metadata", "annotations")) }

func scalarsOf(node *yaml.Node) map[string]string {
	found := map[string]string{}
	EachField(node, func(key, value *yaml.Node) {
		if value.Kind == yaml.ScalarNode {
			found[key.Value] = ScalarOf(value)
		}
	})
	return found
}

// EachField visits the fields of a mapping, in their order, with those of its merge keys
// at the place of these. Values are not aliases.
func EachField(node *yaml.Node, visit func(key, value *yaml.Node)) {
	eachField(node, visit, manifest.MaxDepth)
}

func eachField(node *yaml.Node, visit func(key, value *yaml.Node), depth int) {
	node = unaliased(node)
	if node == nil || node.Kind != yaml.MappingNode || depth == 0 {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], unaliased(node.Content[i+1])
		switch {
		case key.ShortTag() != "!!merge":
			visit(unaliased(key), value)
		case value.Kind == yaml.SequenceNode:
			for _, element := range slices.Backward(value.Content) {
				eachField(element, visit, depth-1)
			}
		default:
			eachField(value, visit, depth-1)
		}
	}
}

// field is a value of an object with its key; there is none for an element of a list.
type field struct{ key, value *yaml.Node }

// line is where the field begins.
func (f field) line() int {
	if f.key != nil {
		return f.key.Line
	}
	return f.value.Line
}

// deepest goes down a path as far as there is something, and says how far that was.
func deepest(root *yaml.Node, path []string) (found field, depth int) {
	found.value = unaliased(root)
	if found.value == nil {
		return found, -1
	}
	for _, step := range path {
		next := field{}
		switch found.value.Kind {
		case yaml.MappingNode:
			EachField(found.value, func(key, value *yaml.Node) {
				if key.Value == step {
					next = field{key, value}
				}
			})
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(found.value.Content) {
				next.value = unaliased(found.value.Content[i])
			}
		}
		if next.value == nil {
			break
		}
		found, depth = next, depth+1
	}
	return found, depth
}

// Hook is what Helm reads of the annotations of an object that is a hook. Helm does
// not install one with an event that it does not know: it leaves it out.
type Hook struct {
	// Events and DeletePolicies are in lower case and without blanks, as Helm takes
	// them apart; without a policy Helm takes before-hook-creation.
	Events, DeletePolicies []string
}

// The annotations of hooks.
const (
	HookAnnotation             = "helm.sh/hook"
	HookDeletePolicyAnnotation = "helm.sh/hook-delete-policy"
)

// HookEvents are those that Helm 3 knows (helm.sh/helm/v3/pkg/releaseutil).
var HookEvents = []string{
	"pre-install", "post-install", "pre-delete", "post-delete", "pre-upgrade", "post-upgrade",
	"pre-rollback", "post-rollback", "test", "test-success",
}

// Hook reads the annotations of a hook; ok is false for any other object. An object of
// a List is what the List is.
func (o Object) Hook() (h Hook, ok bool) {
	if o.document == nil || !o.document.namesHook() {
		return Hook{}, false
	}
	annotations := scalarsOf(nodeAt(nodeAt(o.Document(), "metadata"), "annotations"))
	events, ok := annotations[HookAnnotation]
	if !ok {
		return Hook{}, false
	}
	h.Events = wordsOf(events)
	if policies, ok := annotations[HookDeletePolicyAnnotation]; ok {
		h.DeletePolicies = wordsOf(policies)
	}
	return h, true
}

// IsLeftOut reports whether Helm passes over the hook, for it does not know an event.
func (h Hook) IsLeftOut() bool {
	return slices.ContainsFunc(h.Events, func(event string) bool { return !slices.Contains(HookEvents, event) })
}

// IsTest reports whether only `helm test` makes the hook, which KubeSphere does not run.
func (h Hook) IsTest() bool {
	return !slices.ContainsFunc(h.Events, func(event string) bool { return !strings.HasPrefix(event, "test") })
}

// DeletesBefore reports whether Helm deletes the hook of a former release first.
func (h Hook) DeletesBefore() bool {
	return len(h.DeletePolicies) == 0 || slices.Contains(h.DeletePolicies, "before-hook-creation")
}

func wordsOf(list string) []string {
	var words []string
	for word := range strings.SplitSeq(list, ",") {
		words = append(words, strings.ToLower(strings.TrimSpace(word)))
	}
	return words
}

// Each visits the object, or, where it is a List, those in it: kubectl, Helm and
// kustomize take a List apart. They have the place of the List.
func (o Object) Each(visit func(Object)) {
	if !strings.HasSuffix(o.Kind, "List") { // an API definition is not parsed for this
		visit(o)
		return
	}
	items := nodeAt(o.Node(), "items")
	if items == nil || items.Kind != yaml.SequenceNode {
		visit(o)
		return
	}
	for _, item := range items.Content {
		if item = unaliased(item); item.Kind != yaml.MappingNode {
			continue
		}
		inside := o
		inside.inner = item
		inside.readHead(item)
		inside.InList = true
		visit(inside)
	}
}
