package helmchart

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
)

// Object is one rendered document, as far as it says what it is.
type Object struct {
	APIVersion, Kind, Name string
	// Namespace is metadata.namespace, where it is written out.
	Namespace string
	// Generated is set where the cluster makes up the name (metadata.generateName).
	Generated bool
	// Selects is set where spec.selector has a condition.
	Selects bool
	// Fault says why Helm refuses the object before Kubernetes sees it; it is empty
	// where it does not.
	Fault string
	// Template, Ordinal and Line say where it was rendered: the template's path, the
	// number of objects of this kind before it, and the line of the rendered text.
	Template string
	Ordinal  int
	Line     int
	// InList is set for an object that stands in a List (see Each).
	InList bool

	// document is the text; inner is what of it the object is, nil for all of it.
	document *document
	inner    *yaml.Node
}

// head is what distinguishes two objects of one template that other texts rendered.
type head struct {
	apiVersion, kind, name, fault, template string
	generated, selects                      bool
	ordinal, line                           int
}

func (o Object) head() head {
	return head{o.APIVersion, o.Kind, o.Name, o.Fault, o.Template, o.Generated, o.Selects, o.Ordinal, o.Line}
}

// objectOf takes down what a document says of itself; ok is false for an empty
// one.
func objectOf(template string, m manifest.Document, node *yaml.Node) (o Object, ok bool) {
	root := content(node)
	if root == nil || root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return Object{}, false
	}
	o = Object{Template: template, Line: m.Line, Fault: headFault(root), document: parsed(m, node)}
	o.readHead(root)
	return o, true
}

// readHead takes down what a mapping says of the object that it is.
func (o *Object) readHead(root *yaml.Node) {
	o.APIVersion = scalarAt(root, "apiVersion")
	o.Kind = scalarAt(root, "kind")
	metadata := nodeAt(root, "metadata")
	o.Name, o.Namespace = scalarAt(metadata, "name"), scalarAt(metadata, "namespace")
	o.Generated = scalarAt(metadata, "generateName") != ""
	o.Selects = false
	if selector := nodeAt(nodeAt(root, "spec"), "selector"); selector != nil {
		for _, key := range [...]string{"matchLabels", "matchExpressions"} {
			condition := nodeAt(selector, key)
			o.Selects = o.Selects || condition != nil && len(condition.Content) > 0
		}
	}
}

// headFault says why Helm cannot read the head of a document (SimpleHead of
// helm.sh/helm/v3/pkg/releaseutil, which it reads of each to sort them), or why
// nothing can be made of it.
func headFault(root *yaml.Node) string {
	if root.Kind != yaml.MappingNode {
		return "no object, but " + kindOfNode(root)
	}
	metadata := nodeAt(root, "metadata")
	for _, field := range [...]struct {
		name string
		node *yaml.Node
	}{{"apiVersion", nodeAt(root, "apiVersion")}, {"kind", nodeAt(root, "kind")}, {"metadata.name", nodeAt(metadata, "name")}} {
		if field.node != nil && field.node.Kind != yaml.ScalarNode {
			return fmt.Sprintf("an object whose %s is %s, not a text", field.name, kindOfNode(field.node))
		}
	}
	annotations := nodeAt(metadata, "annotations")
	for _, table := range [...]struct {
		name string
		node *yaml.Node
	}{{"metadata", metadata}, {"metadata.annotations", annotations}} {
		if table.node != nil && table.node.Kind != yaml.MappingNode && table.node.ShortTag() != "!!null" {
			return fmt.Sprintf("an object whose %s is %s, not a mapping", table.name, kindOfNode(table.node))
		}
	}
	if annotations != nil && annotations.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(annotations.Content); i += 2 {
			if value := unaliased(annotations.Content[i+1]); value.Kind != yaml.ScalarNode {
				return fmt.Sprintf("an object whose annotation %s is %s, not a text", excerpt.OneLine(annotations.Content[i].Value), kindOfNode(value))
			}
		}
	}
	switch {
	case scalarAt(root, "kind") == "":
		return "an object without kind"
	case scalarAt(root, "apiVersion") == "":
		return "an object without apiVersion"
	}
	return ""
}

func kindOfNode(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a text"
}

// apiDefinition reads only the lines that matter of a CustomResourceDefinition, down to
// its name: they are by far the largest documents, and text that nobody templates. One
// that is written in another way is parsed.
func apiDefinition(template string, m manifest.Document, file *Source) Object {
	o := Object{Kind: "CustomResourceDefinition", Template: template, Line: m.Line, document: unparsed(m, file)}
	section, indent := "", 0
	for line := range strings.Lines(m.Text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok || key == "" || key[0] == '#' {
			continue
		}
		name := strings.TrimLeft(key, " ")
		switch depth := len(key) - len(name); {
		case depth == 0:
			section, indent = key, 0
			if key == "apiVersion" {
				o.APIVersion = plainScalar(value)
			}
		case section != "metadata":
		case indent == 0 || depth == indent:
			if indent = depth; name == "name" {
				o.Name = plainScalar(value)
			}
		}
		if o.APIVersion != "" && o.Name != "" {
			return o
		}
	}
	if root := o.document.root(); root != nil {
		o.readHead(root)
	}
	return o
}

// plainScalar is a value as it stands behind its key; it is empty for one that takes
// YAML to read.
func plainScalar(value string) string {
	if i := strings.Index(value, " #"); i >= 0 {
		value = value[:i]
	}
	value = strings.Trim(strings.TrimSpace(value), `"'`)
	if strings.ContainsAny(value, "&*!|>\\\"'{}[]") {
		return ""
	}
	return value
}

// ObjectPlace is the source of an object and, where it is known, the line at
// which it begins to say what it is.
func (r *Rendering) ObjectPlace(o Object) (Source, int) {
	if o.document != nil && o.document.file != nil {
		return *o.document.file, o.Line
	}
	at := r.Sources[o.Template]
	line := at.lineOf("kind", o.Kind, o.Ordinal, r.count().objects[kindIn{o.Template, o.Kind}])
	if line == 0 && o.Node() != nil {
		if found, depth := deepest(o.Node(), []string{"kind"}); depth == 1 {
			line, _ = r.writtenAt(o, at, o.Line+found.line()-1)
		}
	}
	return at, line
}

// String names the object as kubectl users do: Deployment "web".
func (o Object) String() string {
	switch {
	case o.Kind == "":
		return "an object without a kind"
	case o.Name == "":
		return o.Kind
	}
	return o.Kind + " \"" + excerpt.OneLine(o.Name) + "\""
}

// content is the value of a parsed document, nil where it is empty.
func content(node *yaml.Node) *yaml.Node {
	if node == nil || node.Kind != yaml.DocumentNode || len(node.Content) == 0 {
		return nil
	}
	return unaliased(node.Content[0])
}

// unaliased follows an alias. yaml.v3 resolves a chain of them at once, and an
// alias to what holds it is never followed twice here.
func unaliased(node *yaml.Node) *yaml.Node {
	if node != nil && node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// nodeAt is what a mapping has under a key, or nil.
func nodeAt(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := len(node.Content) - 2; i >= 0; i -= 2 { // of duplicate keys the last counts
		if node.Content[i].Value == key {
			return unaliased(node.Content[i+1])
		}
	}
	return nil
}

// scalarAt is the text that a mapping has under a key; it is empty for a null.
func scalarAt(node *yaml.Node, key string) string {
	value := nodeAt(node, key)
	if value == nil || value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
		return ""
	}
	return value.Value
}
