// Package yamldoc reads one YAML document and remembers where everything in it
// stands, so that whoever finds a mistake in a value can show the line it is
// written on, and whoever changes a value can leave every other byte alone.
//
// Values are read by go.yaml.in/yaml/v3, whose scanner is the one that Helm and
// Kubernetes read YAML with: what is accepted here is accepted there, and reads
// as the same. Where that scanner refuses a file, github.com/goccy/go-yaml is
// asked for the exact place, which the other does not know.
//
// A value is named by a pointer, the list of keys and decimal indices that lead
// to it from the top: Place("extensions", "0", "path").
//
// What a file means, be it a config or an extension.yaml, does not belong here.
package yamldoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// Document is one parsed YAML document. It is immutable and may be used by
// several goroutines at once.
type Document struct {
	file  string
	src   []byte
	lines lines
	root  *yaml.Node // nil for a file without content
	value any
	// partial says that lines with syntax errors were put aside: what seems to
	// be missing may stand on them.
	partial bool
	// loose says that ParseLoose read it.
	loose    bool
	repeated []Repeated
}

// Repeated is a key that a mapping has more than once.
type Repeated struct {
	Name string
	// Earlier is the line of the one before the last, 1-based.
	Earlier int
	// Last is a diagnostic at the last one, whose value counts, without a message.
	Last diagnostic.Diagnostic
}

// Repeated are the keys that stand in a mapping more than once, in a document that
// ParseLoose read.
func (d *Document) Repeated() []Repeated { return d.repeated }

// Again reads another source as this document was read.
func (d *Document) Again(src []byte) (*Document, error) {
	if d.loose {
		return ParseLoose(d.file, src)
	}
	return Parse(d.file, src)
}

// File is the name that Parse was given, as it stands in diagnostics.
func (d *Document) File() string { return d.file }

// Source is the file as it was read. It must not be changed.
func (d *Document) Source() []byte { return d.src }

// Value is the whole document as map[string]any, []any, string, int64, uint64
// (above the range of int64), float64, bool and nil. Aliases and merge keys are
// resolved; what an anchor names is shared between its aliases. Dates and other
// values that JSON has no type for are the strings that were written. It must
// not be changed.
func (d *Document) Value() any { return d.value }

// Raw is a scalar as it was written, without quotes, escapes or folding
// resolved only where it was quoted or a block: an unquoted 1.10 is "1.10",
// though its value is the number 1.1. quoted distinguishes quoted and block scalars
// from plain ones. ok is false where there is no scalar.
func (d *Document) Raw(ptr ...string) (text string, quoted bool, ok bool) {
	found := d.find(ptr)
	if found.missing || found.node == nil {
		return "", false, false
	}
	node := resolveAlias(found.node)
	if node.Kind != yaml.ScalarNode {
		return "", false, false
	}
	const quotes = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return node.Value, node.Style&quotes != 0, true
}

// Has reports whether there is a value, be it null.
func (d *Document) Has(ptr ...string) bool {
	found := d.find(ptr)
	return found.node != nil && !found.missing
}

// Place is the line and column (1-based, in characters) at which a value
// starts; of its nearest existing parent when there is no such value; 0, 0 in
// an empty document.
func (d *Document) Place(ptr ...string) (line, col int) {
	found := d.find(ptr)
	if found.node == nil {
		return 0, 0
	}
	return d.lines.place(d.start(found.node))
}

// KeyPlace is the line and column of the key under which a value stands; of the
// value itself where it has none, as in a list.
func (d *Document) KeyPlace(ptr ...string) (line, col int) {
	found := d.find(ptr)
	if found.key == nil {
		return d.Place(ptr...)
	}
	return d.lines.place(d.start(found.key))
}

// Problem is a diagnostic at the place of a value, without a code.
func (d *Document) Problem(message, hint string, ptr ...string) diagnostic.Diagnostic {
	found := d.find(ptr)
	if found.node == nil {
		return diagnostic.Diagnostic{Severity: diagnostic.Error, File: d.file, Message: message, Hint: hint}
	}
	if isEmpty(found.node) && found.key != nil {
		return d.problemAt(d.start(found.key), d.length(found.key), message, hint)
	}
	return d.problemAt(d.start(found.node), d.length(found.node), message, hint)
}

// ProblemAtKey is a diagnostic at the place of the key of a value, without a code.
func (d *Document) ProblemAtKey(message, hint string, ptr ...string) diagnostic.Diagnostic {
	found := d.find(ptr)
	if found.key == nil {
		return d.Problem(message, hint, ptr...)
	}
	return d.problemAt(d.start(found.key), d.length(found.key), message, hint)
}

// ProblemAtOffset is a diagnostic at a byte offset of Source, such as one within
// a Span, without a code. It marks length characters there.
func (d *Document) ProblemAtOffset(message, hint string, offset, length int) diagnostic.Diagnostic {
	return d.problemAt(min(max(offset, 0), len(d.src)), length, message, hint)
}

func (d *Document) problemAt(offset, length int, message, hint string) diagnostic.Diagnostic {
	line, column := d.lines.place(offset)
	text := d.lines.text(line)
	return diagnostic.Diagnostic{
		Severity: diagnostic.Error, Message: message, Hint: hint,
		File: d.file, Range: marked(text, line, column, length), Excerpt: excerpt(text, line, column, length),
	}
}

// Decode stores the value into a variable by its JSON tags. Values of a type
// that does not fit leave their field as it is and the rest is still decoded;
// the error then names the first of them. Validate against a schema first where
// every mistake and its place is to be reported.
func (d *Document) Decode(into any) error {
	data, err := json.Marshal(d.value)
	if err != nil {
		return fmt.Errorf("reading %s: %w", d.file, err)
	}
	err = json.Unmarshal(data, into)
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return coded(InvalidValue, d.Problem(strconv.Quote(mistyped.Field)+" does not fit what is expected there: it is a "+mistyped.Value, "", strings.Split(mistyped.Field, ".")...))
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", d.file, err)
	}
	return nil
}

// location is what a pointer leads to: the node, the key above it (nil in a
// list), the mapping or list that holds it, or, when there is no such node, the
// same of its nearest parent.
type location struct {
	key, node, holder *yaml.Node
	missing           bool
}

func (d *Document) find(ptr []string) location {
	at := location{node: d.root}
	for _, step := range ptr {
		if at.node == nil {
			at.missing = true
			return at
		}
		child := childOf(resolveAlias(at.node), step, d.loose)
		if child.missing {
			at.missing = true
			return at
		}
		at = child
	}
	return at
}

func childOf(node *yaml.Node, step string, loose bool) location {
	switch node.Kind {
	case yaml.MappingNode:
		if loose {
			return lastMember(node, step)
		}
		return member(node, step)
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(node.Content) {
			return location{node: node.Content[i], holder: node}
		}
	}
	return location{missing: true}
}

// member finds a key of a mapping, its own before merged ones, as merging asks
// for. Of duplicate keys the first counts.
func member(node *yaml.Node, name string) location {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if !isMerge(node.Content[i]) && node.Content[i].Value == name {
			return location{key: node.Content[i], node: node.Content[i+1], holder: node}
		}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if !isMerge(node.Content[i]) {
			continue
		}
		for _, merged := range mergedMappings(node.Content[i+1]) {
			if found := member(merged, name); !found.missing {
				return found
			}
		}
	}
	return location{missing: true}
}

// lastMember finds a key as ParseLoose reads mappings: each key, and all that a merge key
// brings, takes the place of what stands before it.
func lastMember(node *yaml.Node, name string) location {
	for i := len(node.Content) - 2; i >= 0; i -= 2 {
		if !isMerge(node.Content[i]) {
			if node.Content[i].Value == name {
				return location{key: node.Content[i], node: node.Content[i+1], holder: node}
			}
			continue
		}
		for _, merged := range mergedMappings(node.Content[i+1]) {
			if found := lastMember(merged, name); !found.missing {
				return found
			}
		}
	}
	return location{missing: true}
}

// mergedMappings lists what a merge key merges, the most important first.
func mergedMappings(value *yaml.Node) []*yaml.Node {
	value = resolveAlias(value)
	candidates := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		candidates = value.Content
	}
	var mappings []*yaml.Node
	for _, candidate := range candidates {
		if candidate = resolveAlias(candidate); candidate.Kind == yaml.MappingNode {
			mappings = append(mappings, candidate)
		}
	}
	return mappings
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Tag == "!!merge"
}

func resolveAlias(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// isEmpty reports whether nothing is written of a value, as in "icon:".
func isEmpty(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Value == "" && node.Tag == "!!null"
}
