package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/yamldoc/accepts"
)

// Schema is a JSON Schema (2020-12 unless it says otherwise) that documents can
// be held to. It is immutable and may be used by several goroutines at once.
//
// Besides the keywords of the standard it knows two that editors know too:
// patternErrorMessage and errorMessage, a text that completes a sentence such as
// `"limit" is "10 apples", but …` for a value that fails its pattern or any
// other test. unknownKeyHint is what to say of a key of a mapping that is like
// none of those it knows, and unknownKeyHints what to say of certain keys.
type Schema struct {
	compiled func() *jsonschema.Schema
	source   any // the schema itself, to look up the keywords above
	id       string
}

// Embedded is a schema that is part of the program. It is compiled when a value does not satisfy
// it, or may not. A text that is no schema panics, which tests of the schema rule out.
func Embedded(id string, json []byte) *Schema {
	source, err := jsonschema.UnmarshalJSON(bytes.NewReader(json))
	if err != nil {
		panic(fmt.Sprintf("the embedded schema %s: %v", id, err))
	}
	return &Schema{source: source, id: id, compiled: sync.OnceValue(func() *jsonschema.Schema {
		s, err := CompileSchema(id, json)
		if err != nil {
			panic(err)
		}
		return s.compiled()
	})}
}

// CompileSchema reads a JSON Schema. id is the URL by which it refers to itself;
// references to other schemas are errors, nothing is downloaded.
func CompileSchema(id string, json []byte) (*Schema, error) {
	source, err := jsonschema.UnmarshalJSON(bytes.NewReader(json))
	if err != nil {
		return nil, fmt.Errorf("reading schema %s: %w", id, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiler.UseLoader(offline{})
	if err := compiler.AddResource(id, source); err != nil {
		return nil, fmt.Errorf("reading schema %s: %w", id, err)
	}
	compiled, err := compiler.Compile(id)
	if err != nil {
		return nil, fmt.Errorf("reading schema %s: %w", id, err)
	}
	return &Schema{compiled: func() *jsonschema.Schema { return compiled }, source: source, id: id}, nil
}

// offline keeps the compiler from reading files and addresses.
type offline struct{}

func (offline) Load(address string) (any, error) {
	return nil, fmt.Errorf("schema %s is not part of this program", address)
}

// Validate holds the document to a schema and returns every mistake, one diagnostic
// each, in the order of the file; nil when there is none.
func (d *Document) Validate(s *Schema) diagnostic.List {
	return d.ValidateValue(s, d.value)
}

// ValidateValue is Validate for a value other than the document's own: one that
// was made of it by changing scalars, such as expanding variables. Diagnostics are
// placed where the document has the original.
func (d *Document) ValidateValue(s *Schema, value any) diagnostic.List {
	if accepts.Surely(s.source, value) {
		return nil
	}
	err := s.compiled().Validate(value)
	var failed *jsonschema.ValidationError
	if !errors.As(err, &failed) {
		return nil
	}
	faults := flatten(failed)
	t := reporter{doc: d, schema: s, value: value, reported: map[string]bool{}, unknown: map[string][]string{}}
	for _, fault := range faults {
		if extra, ok := fault.ErrorKind.(*kind.AdditionalProperties); ok {
			at := joined(fault.InstanceLocation)
			t.unknown[at] = append(t.unknown[at], extra.Properties...)
		}
	}
	for _, fault := range faults {
		t.report(fault)
	}
	return t.problems.Sorted()
}

// flatten reduces the validator's tree to the mistakes in it.
func flatten(fault *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch fault.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		var faults []*jsonschema.ValidationError
		for _, cause := range fault.Causes {
			faults = append(faults, flatten(cause)...)
		}
		return faults
	case *kind.AnyOf, *kind.OneOf:
		return likeliest(fault)
	}
	return []*jsonschema.ValidationError{fault}
}

// likeliest picks, of the alternatives that all failed, the one its author meant:
// one whose type fits, and of these the one with the fewest mistakes. Where no
// type fits, the types of all are reported together.
func likeliest(fault *jsonschema.ValidationError) []*jsonschema.ValidationError {
	var best []*jsonschema.ValidationError
	var wanted []string
	var got string
	for _, cause := range fault.Causes {
		faults := flatten(cause)
		if mistyped, ok := mistypedAt(faults, fault.InstanceLocation); ok {
			got = mistyped.Got
			wanted = append(wanted, mistyped.Want...)
			continue
		}
		if len(faults) > 0 && (best == nil || len(faults) < len(best)) {
			best = faults
		}
	}
	if best != nil {
		return best
	}
	if len(wanted) > 0 {
		return []*jsonschema.ValidationError{{
			SchemaURL: fault.SchemaURL, InstanceLocation: fault.InstanceLocation,
			ErrorKind: &kind.Type{Got: got, Want: wanted},
		}}
	}
	return []*jsonschema.ValidationError{fault}
}

func mistypedAt(faults []*jsonschema.ValidationError, location []string) (*kind.Type, bool) {
	for _, fault := range faults {
		if mistyped, ok := fault.ErrorKind.(*kind.Type); ok && slices.Equal(fault.InstanceLocation, location) {
			return mistyped, true
		}
	}
	return nil, false
}

// reporter turns the validator's faults into diagnostics.
type reporter struct {
	doc      *Document
	schema   *Schema
	value    any
	problems diagnostic.List
	reported map[string]bool     // values with a problem: one is enough
	unknown  map[string][]string // unknown keys, by the mapping they stand in
}

func (t *reporter) report(fault *jsonschema.ValidationError) {
	ptr := fault.InstanceLocation
	if t.doc.partial && seemsLost(fault.ErrorKind) {
		return
	}
	switch k := fault.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, key := range k.Properties {
			t.tellUnknown(fault, key)
		}
	case *kind.FalseSchema:
		t.once(ptr, func() diagnostic.Diagnostic {
			return about(UnknownKey, t.doc.ProblemAtKey(fmt.Sprintf("%s is not allowed here", subject(ptr)), "", ptr...), ptr...)
		})
	case *kind.Required:
		for _, key := range k.Missing {
			t.tellMissing(fault, key)
		}
	case *kind.PropertyNames:
		key := append(slices.Clone(ptr), k.Property)
		message := fmt.Sprintf("key %q is not allowed here", k.Property)
		if text := t.schema.text(fault.SchemaURL, "patternErrorMessage", "errorMessage"); text != "" {
			message = fmt.Sprintf("key %q %s", k.Property, text)
		}
		t.problems = append(t.problems, about(UnknownKey, t.doc.ProblemAtKey(message, "", key...), key...))
	default:
		t.once(ptr, func() diagnostic.Diagnostic {
			message, hint := t.words(fault)
			return about(InvalidValue, t.doc.Problem(message, hint, ptr...), ptr...)
		})
	}
}

// about gives a diagnostic its code, and the value that it is about.
func about(code string, d diagnostic.Diagnostic, ptr ...string) diagnostic.Diagnostic {
	d.Code, d.Subject = code, strings.Join(ptr, "/")
	return d
}

// seemsLost reports mistakes that may be no more than a line that was put aside.
func seemsLost(k jsonschema.ErrorKind) bool {
	switch k := k.(type) {
	case *kind.Required, *kind.MinItems, *kind.MinProperties:
		return true
	case *kind.Type:
		return k.Got == "null"
	}
	return false
}

// once reports one problem of a value and keeps silent about others of the same.
func (t *reporter) once(ptr []string, problem func() diagnostic.Diagnostic) {
	if at := joined(ptr); !t.reported[at] {
		t.reported[at] = true
		t.problems = append(t.problems, problem())
	}
}

// mostNamed is how many keys of a mapping a hint names.
const mostNamed = 16

func (t *reporter) tellUnknown(fault *jsonschema.ValidationError, key string) {
	hint := t.hintForUnknown(fault.SchemaURL, key)
	ptr := append(slices.Clone(fault.InstanceLocation), key)
	t.problems = append(t.problems, about(UnknownKey, t.doc.ProblemAtKey(fmt.Sprintf("unknown key %q", key), hint, ptr...), ptr...))
}

// hintForUnknown says what to write in place of a key that a mapping does not have.
func (t *reporter) hintForUnknown(schemaURL, key string) string {
	hints, _ := t.schema.at(schemaURL)["unknownKeyHints"].(map[string]any)
	if text, ok := hints[key].(string); ok {
		return text
	}
	known := t.schema.properties(schemaURL)
	if near, ok := Nearest(key, known); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if above := t.schema.holdersOf(schemaURL, key); len(above) > 0 && len(above) <= 4 {
		return fmt.Sprintf("%q belongs under \"%s\"", key, strings.Join(above, `" or "`))
	}
	if text := t.schema.text(schemaURL, "unknownKeyHint"); text != "" {
		return text
	}
	if len(known) > 0 && len(known) <= mostNamed {
		return "known here: " + strings.Join(known, ", ")
	}
	return ""
}

func (t *reporter) tellMissing(fault *jsonschema.ValidationError, key string) {
	for _, unknown := range t.unknown[joined(fault.InstanceLocation)] {
		if near, ok := Nearest(unknown, []string{key}); ok && near == key {
			return // a key misspelt is one mistake, reported as an unknown key
		}
	}
	missing := t.doc.Problem(fmt.Sprintf("key %q is missing", key), t.schema.hintForMissing(fault.SchemaURL, key), fault.InstanceLocation...)
	t.problems = append(t.problems, about(MissingKey, missing, append(slices.Clone(fault.InstanceLocation), key)...))
}

func joined(ptr []string) string { return strings.Join(ptr, "\x00") }

// at looks up the part of the schema's source that an error's URL names.
func (s *Schema) at(schemaURL string) map[string]any {
	_, fragment, _ := strings.Cut(schemaURL, "#")
	if decoded, err := url.PathUnescape(fragment); err == nil {
		fragment = decoded
	}
	part := s.source
	for _, step := range strings.Split(strings.TrimPrefix(fragment, "/"), "/") {
		if step == "" {
			continue
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch at := part.(type) {
		case map[string]any:
			part = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			part = at[i]
		default:
			return nil
		}
	}
	return s.resolve(part)
}

// resolve follows a $ref within the schema.
func (s *Schema) resolve(part any) map[string]any {
	object, _ := part.(map[string]any)
	if ref, ok := object["$ref"].(string); ok && strings.HasPrefix(ref, "#/") {
		if target := s.at(ref); target != nil {
			merged := make(map[string]any, len(target)+len(object))
			for key, value := range target {
				merged[key] = value
			}
			for key, value := range object {
				if key != "$ref" {
					merged[key] = value
				}
			}
			return merged
		}
	}
	return object
}

// text is the first of some keywords that a part of the schema has as a text.
func (s *Schema) text(schemaURL string, keywords ...string) string {
	part := s.at(schemaURL)
	for _, keyword := range keywords {
		if text, ok := part[keyword].(string); ok {
			return text
		}
	}
	return ""
}

// enum lists the values that a part of the schema allows, also where they are one
// of several alternatives; nil where it does not list them.
func (s *Schema) enum(schemaURL string) []any {
	part := s.at(schemaURL)
	if enum, ok := part["enum"].([]any); ok {
		return enum
	}
	alternatives, _ := part["anyOf"].([]any)
	for _, alternative := range alternatives {
		if enum, ok := s.resolve(alternative)["enum"].([]any); ok {
			return enum
		}
	}
	return nil
}

// properties lists the keys that a part of the schema knows, sorted.
func (s *Schema) properties(schemaURL string) []string {
	properties, _ := s.at(schemaURL)["properties"].(map[string]any)
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// holdersOf finds the keys below which an unknown key would be known, sorted.
func (s *Schema) holdersOf(schemaURL, key string) []string {
	properties, _ := s.at(schemaURL)["properties"].(map[string]any)
	var holders []string
	for name, property := range properties {
		below := s.resolve(property)
		if items := s.resolve(below["items"]); items != nil {
			below = items
		}
		inner, _ := below["properties"].(map[string]any)
		if _, ok := inner[key]; ok {
			holders = append(holders, name)
		}
	}
	slices.Sort(holders)
	return holders
}

// hintForMissing says what to write for a key that is required.
func (s *Schema) hintForMissing(schemaURL, key string) string {
	properties, _ := s.at(schemaURL)["properties"].(map[string]any)
	property := s.resolve(properties[key])
	if constant, ok := property["const"]; ok {
		return fmt.Sprintf(`add "%s: %v"`, key, constant)
	}
	if enum, ok := property["enum"].([]any); ok && len(enum) == 1 {
		return fmt.Sprintf(`add "%s: %v"`, key, enum[0])
	}
	if items := s.resolve(property["items"]); items != nil {
		return s.hintForList(key, items)
	}
	if examples, ok := property["examples"].([]any); ok && len(examples) > 0 {
		switch example := examples[0].(type) {
		case map[string]any, []any:
		default:
			return fmt.Sprintf(`add it, for example "%s: %v"`, key, example)
		}
	}
	return ""
}

// hintForList shows a list by what its items must have.
func (s *Schema) hintForList(key string, items map[string]any) string {
	required, _ := items["required"].([]any)
	properties, _ := items["properties"].(map[string]any)
	if len(required) == 0 {
		return ""
	}
	first := fmt.Sprint(required[0])
	examples, _ := s.resolve(properties[first])["examples"].([]any)
	if len(examples) == 0 {
		return ""
	}
	return fmt.Sprintf("add at least one item:\n%s:\n  - %s: %v", key, first, examples[0])
}
