package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// Limits of a document. What people write is far below them; they keep a
// hostile package from costing memory or time.
const (
	// MaxSize is the largest file that Parse reads, in bytes.
	MaxSize = 8 << 20
	// MaxDepth is how deep lists and mappings may be nested.
	MaxDepth = 100
	// maxRepaired is the largest file, in bytes, of which more than the first mistake
	// of syntax is looked for: it is read again for each.
	maxRepaired = 128 << 10
	// maxExpanded bounds the value once aliases are resolved, in bytes of
	// scalars plus one for each node.
	maxExpanded = 4 * MaxSize
)

// Parse reads one YAML document. file is only the name used in diagnostics.
//
// The error is a diagnostic.List. The document is not nil whenever there is a tree to
// look at, even next to an error: duplicate keys (the first of them counts), a
// second document and values of no use (a key that is a number, .nan) leave one,
// and so do lines that are no YAML, if the others make sense without them. It is
// there so that a caller can add its own findings before it reports; a caller
// that needs a sound document looks at the error alone.
func Parse(file string, src []byte) (*Document, error) {
	return (&Document{file: file, src: src}).parse()
}

// ParseLoose is Parse for a file whose readers take more than one should write, as
// KubeSphere and Helm do (sigs.k8s.io/yaml, by the decoder of go.yaml.in/yaml/v2): of
// several documents the first counts, of a key that is given twice the last, and what a
// merge key brings takes the place of what stands before it. None of that is an error;
// Repeated reports the keys.
func ParseLoose(file string, src []byte) (*Document, error) {
	return (&Document{file: file, src: src, loose: true}).parse()
}

func (d *Document) parse() (*Document, error) {
	file, src := d.file, d.src
	if len(src) > MaxSize {
		return nil, diagnostic.List{{Code: TooLarge, Severity: diagnostic.Error, File: file,
			Message: fmt.Sprintf("the file has %d bytes; at most %d MiB are read", len(src), MaxSize>>20)}}
	}
	d.lines = newLines(src)
	if problems := d.checkText(); len(problems) > 0 {
		return nil, problems
	}
	var syntax diagnostic.List
	root, second, problem := d.scan()
	if problem != nil {
		if len(src) > maxRepaired {
			return nil, diagnostic.List{*problem}
		}
		d.partial = true
		if root, syntax = d.repair(*problem); root == nil {
			return nil, syntax
		}
	}
	d.root = root
	if root == nil {
		return d, nil
	}
	r := reader{doc: d, problems: syntax, open: map[*yaml.Node]bool{}, weights: map[*yaml.Node]int{}, values: map[*yaml.Node]any{}}
	if !r.bounded(root) {
		return nil, r.problems.Err()
	}
	d.value = r.value(root)
	if second != nil && !d.loose {
		r.problems = append(r.problems, coded(SecondDocument, d.problemAt(d.lines.offset(second.Line, second.Column), len("---"),
			"a second document starts here; only one is read",
			`remove the "---" line, or move what follows it to a file of its own`)))
	}
	return d, r.problems.Err()
}

// checkText refuses what no YAML reader takes, at its place: bytes that are not
// UTF-8 and control characters. UTF-16 is reported as what it is.
func (d *Document) checkText() diagnostic.List {
	if bytes.HasPrefix(d.src, []byte("\xff\xfe")) || bytes.HasPrefix(d.src, []byte("\xfe\xff")) {
		return diagnostic.List{{Code: NotText, Severity: diagnostic.Error, File: d.file, Range: diagnostic.At(1, 1), Message: "the file is UTF-16; YAML is read as UTF-8 here", Hint: "save it as UTF-8"}}
	}
	for i := d.lines.editor[0]; i < len(d.src); {
		r, width := utf8.DecodeRune(d.src[i:])
		switch {
		case r == utf8.RuneError && width == 1:
			return diagnostic.List{coded(NotText, d.problemAt(i, 1, fmt.Sprintf("byte %s is not UTF-8 text", fmt.Sprintf("0x%02X", d.src[i])), "save the file as UTF-8"))}
		case !isYAMLCharacter(r):
			return diagnostic.List{coded(NotText, d.problemAt(i, 1, fmt.Sprintf("character U+%04X is not allowed in YAML", r), "remove it, or write it as an escape in a double-quoted string"))}
		}
		i += width
	}
	return nil
}

// isYAMLCharacter follows the production c-printable of YAML 1.1, and the
// scanner, which takes a byte order mark anywhere.
func isYAMLCharacter(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85, r == 0xFEFF:
		return true
	case r < 0x20, r >= 0x7F && r < 0xA0, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return true
}

// scan reads the first document, and where a second one starts, if any.
func (d *Document) scan() (root, second *yaml.Node, problem *diagnostic.Diagnostic) {
	defer func() {
		// The scanner is handed hostile input; whatever it does with it must
		// not end the release of the other extensions.
		if r := recover(); r != nil {
			root, second, problem = nil, nil, &diagnostic.Diagnostic{Code: Syntax, Severity: diagnostic.Error, File: d.file, Message: fmt.Sprintf("this YAML cannot be read: %v", r)}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(d.src))
	var first yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, d.syntaxProblem(err)
	}
	if d.loose {
		if len(first.Content) == 0 {
			return nil, nil, nil
		}
		return first.Content[0], nil, nil
	}
	var next yaml.Node
	if err := decoder.Decode(&next); err == nil {
		second = &next
	} else if !errors.Is(err, io.EOF) {
		return nil, nil, d.syntaxProblem(err)
	}
	if len(first.Content) == 0 {
		return nil, second, nil
	}
	return first.Content[0], second, nil
}

// reader makes values of nodes and collects what is wrong with them.
type reader struct {
	doc      *Document
	problems diagnostic.List
	open     map[*yaml.Node]bool // nodes being looked at: an alias to one is a circle
	weights  map[*yaml.Node]int  // of anchored nodes, counted once
	values   map[*yaml.Node]any  // of anchored nodes, made once
}

// bounded reports whether the tree is finite, not too deep and, with its aliases
// resolved, not too large; if not, the problems say so.
func (r *reader) bounded(root *yaml.Node) bool {
	weight, ok := r.sizeOf(root, 1)
	if ok && weight > maxExpanded {
		r.problems = append(r.problems, diagnostic.Diagnostic{Code: TooLarge, Severity: diagnostic.Error, File: r.doc.file,
			Message: fmt.Sprintf("with its aliases resolved the document would have more than %d MiB", maxExpanded>>20),
			Hint:    "use fewer aliases of aliases"})
		return false
	}
	return ok
}

func (r *reader) sizeOf(node *yaml.Node, depth int) (weight int, ok bool) {
	if depth > MaxDepth {
		r.problem(TooLarge, node, fmt.Sprintf("nested more than %d levels deep", MaxDepth), "")
		return 0, false
	}
	if node.Kind == yaml.AliasNode {
		return r.weighAlias(node, depth)
	}
	if r.open[node] {
		return 0, false
	}
	if node.Anchor != "" {
		r.open[node] = true
		defer delete(r.open, node)
	}
	weight = 1 + len(node.Value)
	for _, child := range node.Content {
		childWeight, ok := r.sizeOf(child, depth+1)
		if !ok {
			return 0, false
		}
		weight = min(weight+childWeight, math.MaxInt32)
	}
	if node.Anchor != "" {
		r.weights[node] = weight
	}
	return weight, true
}

func (r *reader) weighAlias(node *yaml.Node, depth int) (weight int, ok bool) {
	if r.open[node.Alias] {
		r.problem(InvalidAlias, node, fmt.Sprintf("alias *%s stands inside what it names", node.Value), "")
		return 0, false
	}
	if weight, known := r.weights[node.Alias]; known {
		return weight, true
	}
	return r.sizeOf(node.Alias, depth)
}

func (r *reader) problem(code string, node *yaml.Node, message, hint string) {
	r.problems = append(r.problems, coded(code, r.doc.problemOf(node, message, hint)))
}

func (d *Document) problemOf(node *yaml.Node, message, hint string) diagnostic.Diagnostic {
	return d.problemAt(d.start(node), d.length(node), message, hint)
}

func (r *reader) value(node *yaml.Node) any {
	node = resolveAlias(node)
	if value, known := r.values[node]; known {
		return value
	}
	value := r.newValue(node)
	if node.Anchor != "" {
		r.values[node] = value
	}
	return value
}

func (r *reader) newValue(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		return r.mapping(node)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			list[i] = r.value(item)
		}
		return list
	}
	return r.scalar(node)
}

func (r *reader) mapping(node *yaml.Node) map[string]any {
	if r.doc.loose {
		return r.looseMapping(node)
	}
	mapping := make(map[string]any, len(node.Content)/2)
	first := make(map[string]*yaml.Node, len(node.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, child := node.Content[i], node.Content[i+1]
		name, ok := r.key(key)
		if !ok {
			continue
		}
		id := name
		if isMerge(key) {
			id = "\x00merge" // a quoted "<<" is a key like any other
		}
		if earlier := first[id]; earlier != nil {
			line, _ := r.doc.lines.place(r.doc.start(earlier))
			r.problem(RepeatedKey, key, fmt.Sprintf("key %q is given twice; it stands on line %d already", name, line), "keep one of them")
			twice := &r.problems[len(r.problems)-1]
			twice.Subject = name
			if isMerge(key) {
				twice.Code = RepeatedMerge
				merges = append([]*yaml.Node{child}, merges...) // the last counts most
				continue
			}
			r.value(child) // for the problems in it
			continue
		}
		first[id] = key
		if isMerge(key) {
			merges = append(merges, child)
			continue
		}
		mapping[name] = r.value(child)
	}
	for _, merge := range merges {
		r.merge(mapping, merge)
	}
	return mapping
}

// looseMapping is mapping for ParseLoose.
func (r *reader) looseMapping(node *yaml.Node) map[string]any {
	mapping := make(map[string]any, len(node.Content)/2)
	seen := make(map[string][]*yaml.Node, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, child := node.Content[i], node.Content[i+1]
		if isMerge(key) {
			r.looseMerge(mapping, child)
			continue
		}
		name, ok := r.key(key)
		if !ok {
			continue
		}
		seen[name] = append(seen[name], key)
		mapping[name] = r.value(child)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		keys := seen[node.Content[i].Value]
		if len(keys) < 2 || keys[0] != node.Content[i] {
			continue
		}
		line, _ := r.doc.lines.place(r.doc.start(keys[len(keys)-2]))
		last := about(RepeatedKey, r.doc.problemOf(keys[len(keys)-1], "", ""), keys[0].Value)
		r.doc.repeated = append(r.doc.repeated, Repeated{keys[0].Value, line, last})
	}
	return mapping
}

// looseMerge adds what a merge key brings, in place of what is there. Of a list, what
// stands first counts.
func (r *reader) looseMerge(into map[string]any, value *yaml.Node) {
	target := resolveAlias(value)
	sources := []*yaml.Node{target}
	if target.Kind == yaml.SequenceNode {
		sources = target.Content
	}
	for _, source := range slices.Backward(sources) {
		merged, ok := r.value(source).(map[string]any)
		if !ok {
			r.problem(InvalidAlias, source, `"<<" takes a mapping or a list of mappings`, "")
			continue
		}
		maps.Copy(into, merged)
	}
}

// key is the name of a mapping key. Keys that are not strings are reported, because
// readers differ in what becomes of them, and read as they are written.
func (r *reader) key(key *yaml.Node) (name string, ok bool) {
	if key.Kind == yaml.AliasNode {
		key = resolveAlias(key)
	}
	if key.Kind != yaml.ScalarNode {
		r.problem(InvalidKey, key, "a list or mapping cannot be a key", "")
		return "", false
	}
	switch key.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		if key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			break
		}
		if key.Value == "" {
			r.problem(InvalidKey, key, "the key before this colon is missing", "")
			break
		}
		r.problem(InvalidKey, key, fmt.Sprintf("key %s is not a string", key.Value), fmt.Sprintf("write it in quotes: %q", key.Value))
	}
	return key.Value, true
}

// merge adds what a merge key (<<) brings: keys that are not there yet.
func (r *reader) merge(into map[string]any, value *yaml.Node) {
	target := resolveAlias(value)
	sources := []*yaml.Node{target}
	if target.Kind == yaml.SequenceNode {
		sources = target.Content
	}
	for _, source := range sources {
		merged, ok := r.value(source).(map[string]any)
		if !ok {
			r.problem(InvalidAlias, source, `"<<" takes a mapping or a list of mappings`, "")
			continue
		}
		for name, child := range merged {
			if _, there := into[name]; !there {
				into[name] = child
			}
		}
	}
}

func (r *reader) scalar(node *yaml.Node) any {
	switch node.Tag {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		return r.typed(node)
	}
	return node.Value
}

func (r *reader) typed(node *yaml.Node) any {
	var value any
	if err := node.Decode(&value); err != nil {
		r.problem(InvalidValue, node, fmt.Sprintf("%q does not fit the tag %s", node.Value, node.Tag), "remove the tag")
		return nil
	}
	switch value := value.(type) {
	case int:
		return int64(value)
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			r.problem(InvalidValue, node, fmt.Sprintf("%s is no number that can be used here", node.Value), "if it is meant as text, write it in quotes: "+strconv.Quote(node.Value))
			return nil
		}
	}
	return value
}
