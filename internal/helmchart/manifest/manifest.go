// Package manifest takes rendered templates apart: into documents where Helm does, and
// those into values as Helm and Kubernetes read them, within bounds.
package manifest

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one YAML document of a rendered template.
type Document struct {
	Text string
	// Line is where the document begins in the rendered template, from 1.
	Line int
}

// Split splits a rendered template where Helm does (SplitManifests of
// helm.sh/helm/v3/pkg/releaseutil): at every line that begins with three
// hyphens, whatever follows them. Documents with nothing but blanks and comments
// are left out.
func Split(rendered string) []Document {
	var list []Document
	begin, beginLine, line := 0, 1, 0
	blank := true
	flush := func(end int) {
		if !blank {
			list = append(list, Document{Text: rendered[begin:end], Line: beginLine})
		}
		blank = true
	}
	for at := 0; at < len(rendered); {
		line++
		next := len(rendered)
		if i := strings.IndexByte(rendered[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		text := rendered[at:next]
		if rest, ok := strings.CutPrefix(text, "---"); ok {
			flush(at)
			begin, beginLine, text = at+len("---"), line, rest
		}
		if t := strings.TrimSpace(text); t != "" && t[0] != '#' {
			blank = false
		}
		at = next
	}
	flush(len(rendered))
	return list
}

// MayHoldPods is the cheap look that saves the parse: every pod spec has a
// containers list, and API definitions, which mention one in a long schema, are
// the largest documents of all.
func (m Document) MayHoldPods() bool {
	return strings.Contains(m.Text, "ontainers") && !m.DefinesAPI()
}

func (m Document) DefinesAPI() bool {
	const kind = "kind: CustomResourceDefinition"
	return strings.HasPrefix(m.Text, kind) || strings.Contains(m.Text, "\n"+kind)
}

// maxNodes bounds how much of a document is looked at once its aliases are
// followed: an alias within an alias within an alias is a short text and a large
// tree. MaxDepth ends what contains itself.
const (
	maxNodes = 1 << 18
	MaxDepth = 200
)

// Parse reads the document as far as its syntax goes. Values are not looked at,
// and so duplicate keys pass, as they do in Kubernetes.
func (m Document) Parse() (*yaml.Node, error) {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(m.Text), &node); err != nil {
		return nil, err
	}
	return &node, nil
}

// notText stands for a scalar that is no text: 1.10, true.
type notText string

var errTooLarge = errors.New("it is nested deeper, or grows larger by its aliases, than any manifest")

// Decode turns a parsed document into map[string]any, []any, string, notText and
// nil. Of duplicate keys the last counts.
func Decode(node *yaml.Node) (any, error) {
	d := decoder{budget: maxNodes}
	return d.node(node)
}

// decoder counts what it has made, and how deep it is.
type decoder struct{ budget, depth int }

func (d *decoder) node(node *yaml.Node) (any, error) {
	d.budget--
	d.depth++
	defer func() { d.depth-- }()
	if d.budget < 0 || d.depth > MaxDepth {
		return nil, errTooLarge
	}
	switch node.Kind {
	case yaml.DocumentNode:
		if len(node.Content) == 0 {
			return nil, nil
		}
		return d.node(node.Content[0])
	case yaml.AliasNode:
		return d.node(node.Alias)
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for _, element := range node.Content {
			value, err := d.node(element)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.MappingNode:
		return d.mapping(node)
	case yaml.ScalarNode:
		switch node.ShortTag() {
		case "!!str":
			return node.Value, nil
		case "!!null":
			return nil, nil
		}
		return notText(node.Value), nil
	}
	return nil, nil
}

func (d *decoder) mapping(node *yaml.Node) (any, error) {
	mapping := make(map[string]any, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		value, err := d.node(node.Content[i+1])
		if err != nil {
			return nil, err
		}
		if node.Content[i].ShortTag() == "!!merge" {
			mergeInto(mapping, value)
			continue
		}
		mapping[node.Content[i].Value] = value
	}
	return mapping, nil
}

// mergeInto sets what a merge key (<<) brings: a mapping or a list of them, of which the
// first counts most. As with sigs.k8s.io/yaml, which Helm and Kubernetes read with, it
// takes the place of what stands above it in the mapping.
func mergeInto(mapping map[string]any, value any) {
	switch v := value.(type) {
	case map[string]any:
		maps.Copy(mapping, v)
	case []any:
		for _, element := range slices.Backward(v) {
			if m, ok := element.(map[string]any); ok {
				mergeInto(mapping, m)
			}
		}
	}
}

// MayHaveOddKeys looks at the lines of a long document in block style, as generators
// write API definitions: it is true where keys that look as if they were of one mapping
// are the same, where one may be something else than text, and for what has mappings in
// braces, anchors or tabs.
func MayHaveOddKeys(text string) bool {
	type level struct {
		indent int
		keys   []string
	}
	var levels []level
	scalar := -1 // the indentation of the key whose text goes over the lines that follow
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, " ")
		indent := len(line) - len(rest)
		if rest = strings.TrimRight(rest, " \r\n"); rest == "" {
			continue
		}
		if scalar >= 0 && indent > scalar {
			continue
		}
		scalar = -1
		if rest[0] == '#' {
			continue
		}
		for rest == "-" || strings.HasPrefix(rest, "- ") { // an item begins a mapping of its own
			for len(levels) > 0 && levels[len(levels)-1].indent > indent {
				levels = levels[:len(levels)-1]
			}
			item := strings.TrimLeft(rest[1:], " ")
			indent += len(rest) - len(item)
			if rest = item; rest == "" {
				break
			}
		}
		if rest == "" {
			continue
		}
		key, value, ok := strings.Cut(rest, ":")
		if !ok || value != "" && value[0] != ' ' {
			continue // a text that goes on, an item, or a key with a colon, which is none of an API's
		}
		switch first := key[:min(len(key), 1)]; {
		case first == "", strings.Contains("0123456789.+-~?&*!{[\"'<|>%@`", first), isWord(key):
			return true
		}
		value = strings.TrimSpace(value)
		if value != "" && (value[0] == '{' && value != "{}" || value[0] == '&' || value[0] == '*' || value[0] == '!') {
			return true
		}
		if value != "" && (value[0] == '|' || value[0] == '>') {
			scalar = indent
		}
		for len(levels) > 0 && levels[len(levels)-1].indent > indent {
			levels = levels[:len(levels)-1]
		}
		if len(levels) == 0 || levels[len(levels)-1].indent < indent {
			levels = append(levels, level{indent: indent})
		}
		top := &levels[len(levels)-1]
		if slices.Contains(top.keys, key) {
			return true
		}
		top.keys = append(top.keys, key)
	}
	return false
}

// isWord reports whether a plain text is read as a truth value or null.
func isWord(text string) bool {
	if len(text) > len("false") {
		return false
	}
	switch strings.ToLower(text) {
	case "true", "false", "null":
		return true
	}
	return false
}
