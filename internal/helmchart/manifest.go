package helmchart

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Manifest is one YAML document of a rendered template.
type Manifest struct {
	Text string
	// Line is where the document begins in the rendered template, from 1.
	Line int
}

// Manifests splits a rendered template where Helm does (SplitManifests of
// helm.sh/helm/v3/pkg/releaseutil): at every line that begins with three
// hyphens, whatever follows them. Documents with nothing but blanks and comments
// are left out.
func Manifests(rendered string) []Manifest {
	var list []Manifest
	begin, beginLine, line := 0, 1, 0
	blank := true
	flush := func(end int) {
		if !blank {
			list = append(list, Manifest{Text: rendered[begin:end], Line: beginLine})
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

// mayHoldPods is the cheap look that saves the parse: every pod spec has a
// containers list, and API definitions, which mention one in a long schema, are
// the largest documents of all.
func (m Manifest) mayHoldPods() bool {
	return strings.Contains(m.Text, "ontainers") && !m.definesAPI()
}

func (m Manifest) definesAPI() bool {
	const kind = "kind: CustomResourceDefinition"
	return strings.HasPrefix(m.Text, kind) || strings.Contains(m.Text, "\n"+kind)
}

// maxNodes bounds how much of a document is looked at once its aliases are
// followed: an alias within an alias within an alias is a short text and a large
// tree. maxDepth ends what contains itself.
const (
	maxNodes = 1 << 18
	maxDepth = 200
)

// parse reads the document as far as its syntax goes. Values are not looked at,
// and so duplicate keys pass, as they do in Kubernetes.
func (m Manifest) parse() (*yaml.Node, error) {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(m.Text), &node); err != nil {
		return nil, err
	}
	return &node, nil
}

// notText stands for a scalar that is no text: 1.10, true.
type notText string

var errTooLarge = errors.New("it is nested deeper, or grows larger by its aliases, than any manifest")

// decode turns a parsed document into map[string]any, []any, string, notText and
// nil. Of duplicate keys the last counts.
func decode(node *yaml.Node) (any, error) {
	d := decoder{budget: maxNodes}
	return d.node(node)
}

// decoder counts what it has made, and how deep it is.
type decoder struct{ budget, depth int }

func (d *decoder) node(node *yaml.Node) (any, error) {
	d.budget--
	d.depth++
	defer func() { d.depth-- }()
	if d.budget < 0 || d.depth > maxDepth {
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
