package lint

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

func schemaRule() Rule {
	return Rule{
		Name:    "schema",
		Summary: "extension.yaml has the fields KubeSphere needs, of the type it needs, and no others",
		Why: "KubeSphere decodes extension.yaml after downloading the package. Where that fails, the version never " +
			"appears and nobody is told. A misspelt field is ignored without a word, at the top as well as below " +
			"`provider`, `maintainers`, `dependencies` and `externalDependencies`; since some are notes of their authors, those are told as warnings.\n\n" +
			"A key that stands there twice is no YAML, and an extension.yaml that is no YAML is told before all rules, and is always an error.",
		Fix:    "Correct the field at the place that the finding names.",
		Source: "The extension development guide of KubeSphere on extension.yaml; the repository controller of KubeSphere 4, which drops a version whose extension.yaml it cannot decode.",
		Codes: []Code{
			{"unreadable", "extension.yaml or the package cannot be read at all; no comment and no baseline silences that"},
			{"missing-key", "KubeSphere needs a field that is not there"},
			{"invalid-value", "a field has a value that KubeSphere does not take, or names a file that is not there"},
			{"unknown-key", "a field that KubeSphere does not read"},
		},
		Default: Error,
		check:   checkSchema,
	}
}

func checkSchema(s *subject) {
	unknown := unknownKeys(s.ext.Document.Value(), metadataSchema())
	mistyped := map[[2]int]bool{}
	for _, p := range s.ext.Document.Validate(extension.Schema()) {
		mistyped[[2]int{p.Line, p.Column}] = true
		if !s.toldElsewhere(p) && !s.isMisspelt(p, unknown) {
			s.problem(coded(string(p.Kind), s.steadyPath(strings.Split(p.About, "/"))), p)
		}
	}
	for _, key := range unknown {
		s.unknownKey(key)
	}
	for _, p := range s.ext.AssetProblems {
		if assetOf(s.ext, p).field() == "" && !mistyped[[2]int{p.Line, p.Column}] {
			s.problem(coded("invalid-value"), p)
		}
	}
}

// toldElsewhere reports whether a problem is with the value of a field that has
// a rule of its own, which has more to say: what a version reads as, what the
// modes mean, or what an icon may be if it is text.
func (s *subject) toldElsewhere(p yamldoc.Problem) bool {
	for field, rule := range map[string]string{"version": "version", "installationMode": "installation-mode", "icon": "icon"} {
		if !s.isOn(rule) || !hasKey(s.ext, field) || field == "icon" && !isText(s.ext, field) {
			continue
		}
		if line, column := s.ext.Document.Place(field); p.Line == line && p.Column == column {
			return true
		}
	}
	return false
}

// unknownKey is a field that nothing reads.
type unknownKey struct {
	Pointer []string
	Shape   *schemaNode // of the mapping that it stands in
	// Near is the field that was probably meant; it is empty where none is like it.
	Near string
	// Needed is set where what was meant is missing, and has to be there.
	Needed bool
}

// unknownKeys finds the fields that nothing reads. The schema allows them, since
// KubeSphere does: mostly they are slips, sometimes notes.
func unknownKeys(value any, shape *schemaNode, pointer ...string) []*unknownKey {
	var found []*unknownKey
	switch value := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			below := append(pointer[:len(pointer):len(pointer)], key)
			member := shape.member(key)
			if member != nil {
				found = append(found, unknownKeys(value[key], member, below...)...)
			} else if len(shape.Properties) > 0 {
				unknown := &unknownKey{Pointer: below, Shape: shape}
				unknown.Near, _ = yamldoc.Nearest(key, sortedKeys(shape.Properties))
				found = append(found, unknown)
			}
		}
	case []any:
		if shape.Items == nil {
			return nil
		}
		for i, item := range value {
			found = append(found, unknownKeys(item, shape.Items.shape(), append(pointer[:len(pointer):len(pointer)], strconv.Itoa(i))...)...)
		}
	}
	return found
}

// steadyPath is a place in extension.yaml as the subject of a finding: an item of a
// list goes by its name, for its number changes when another is added.
func (s *subject) steadyPath(pointer []string) string {
	value, steady := s.ext.Document.Value(), slices.Clone(pointer)
	for i, step := range pointer {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(v) {
				return strings.Join(steady, ".")
			}
			value = v[n]
			fields, _ := value.(map[string]any)
			steady[i] = text(fields["name"])
		}
	}
	return strings.Join(steady, ".")
}

// isMisspelt reports whether a problem is that a key is missing which is there,
// misspelt: that is one mistake, told with the key.
func (s *subject) isMisspelt(p yamldoc.Problem, unknown []*unknownKey) bool {
	if p.Kind != yamldoc.MissingKey {
		return false
	}
	missing := path.Base(p.About)
	for _, key := range unknown {
		line, column := s.ext.Document.Place(key.Pointer[:len(key.Pointer)-1]...)
		if key.Near == missing && p.Line == line && p.Column == column {
			key.Needed = true
			return true
		}
	}
	return false
}

func (s *subject) unknownKey(key *unknownKey) {
	last := len(key.Pointer) - 1
	hint := "KubeSphere ignores it: correct its name, or remove it"
	if key.Near != "" {
		hint = fmt.Sprintf("did you mean %q?", key.Near)
	}
	message := fmt.Sprintf("unknown key %q", oneLine(key.Pointer[last]))
	if last > 0 {
		message += " in " + placeWords(key.Pointer[:last])
	}
	severity := s.byDefault(Warning)
	if key.Needed {
		severity = s.severity()
		message += fmt.Sprintf(", and %q is missing", key.Near)
	}
	s.problemAs(coded("unknown-key", s.steadyPath(key.Pointer)), severity, s.ext.Document.ProblemAtKey(message, hint, key.Pointer...))
}

// placeWords names a mapping by the keys that lead to it: provider.en, or item 1
// of dependencies.
func placeWords(pointer []string) string {
	last := len(pointer) - 1
	if i, err := strconv.Atoi(pointer[last]); err == nil && last > 0 {
		return fmt.Sprintf("item %d of %s", i+1, placeWords(pointer[:last]))
	}
	return oneLine(strings.Join(pointer, "."))
}

func hasKey(ext *extension.Extension, key string) bool {
	value, _ := ext.Document.Value().(map[string]any)
	_, ok := value[key]
	return ok
}

// schemaNode is what is needed of the schema of extension.yaml to know the keys
// of each mapping in it.
type schemaNode struct {
	Ref                  string                 `json:"$ref"`
	Properties           map[string]*schemaNode `json:"properties"`
	AdditionalProperties *schemaNode            `json:"additionalProperties"`
	Items                *schemaNode            `json:"items"`
	AnyOf                []*schemaNode          `json:"anyOf"`
	Defs                 map[string]*schemaNode `json:"$defs"`

	root *schemaNode
}

// metadataSchema is the schema of extension.yaml, with its references followed
// on the way down.
var metadataSchema = sync.OnceValue(func() *schemaNode {
	root := new(schemaNode)
	if err := json.Unmarshal(extension.SchemaJSON, root); err != nil {
		panic("the embedded schema of extension.yaml cannot be read: " + err.Error())
	}
	root.rootedIn(root)
	return root
})

func (n *schemaNode) rootedIn(root *schemaNode) {
	if n == nil || n.root != nil {
		return
	}
	n.root = root
	for _, below := range []map[string]*schemaNode{n.Properties, n.Defs} {
		for _, node := range below {
			node.rootedIn(root)
		}
	}
	for _, node := range append([]*schemaNode{n.AdditionalProperties, n.Items}, n.AnyOf...) {
		node.rootedIn(root)
	}
}

// shape is the node that says which keys there are: behind a reference, and of
// several alternatives the one with keys.
func (n *schemaNode) shape() *schemaNode {
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok && n.root.Defs[name] != nil {
		return n.root.Defs[name].shape()
	}
	for _, alternative := range n.AnyOf {
		if shape := alternative.shape(); len(shape.Properties) > 0 {
			return shape
		}
	}
	return n
}

// member is the schema of the value under a key; nil where the key is unknown or
// nothing is said of it.
func (n *schemaNode) member(key string) *schemaNode {
	if node := n.Properties[key]; node != nil {
		return node.shape()
	}
	if n.AdditionalProperties != nil {
		return n.AdditionalProperties.shape()
	}
	return nil
}
