package accepts_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/yamldoc/accepts"
)

// schemas are those of the program.
var schemas = []string{"../../../schema/ksrelease.schema.json", "../../extension/extension.schema.json", "../../baseline/baseline.schema.json"}

// maker makes values of which some satisfy a schema, and most nearly do.
type maker struct {
	*rand.Rand
	root map[string]any
}

func (m maker) anything(depth int) any {
	switch n := m.IntN(12); {
	case n < 4 && depth > 0:
		mapping := map[string]any{}
		for range m.IntN(3) {
			mapping[m.word()] = m.anything(depth - 1)
		}
		return mapping
	case n < 6 && depth > 0:
		var list []any
		for range m.IntN(3) {
			list = append(list, m.anything(depth-1))
		}
		return append([]any{}, list...)
	case n < 7:
		return nil
	case n < 8:
		return m.IntN(2) == 0
	case n < 9:
		return m.number()
	}
	return m.word()
}

func (m maker) number() any {
	return []any{0, -1, 1, int64(12), 100, uint64(1) << 63, 1.5, 2.0, 1e300, 10_000_000}[m.IntN(10)]
}

func (m maker) word() string {
	return []string{"", "a", "name", "path", "kind", "1", "${X}", "1h", "10MiB", "error", "https://example.com/x", "oci://example.com/x", "a/b", "ä", "directory", "version"}[m.IntN(16)]
}

func (m maker) of(schema any, depth int) any {
	s, ok := schema.(map[string]any)
	if !ok || depth == 0 || m.IntN(60) == 0 {
		return m.anything(2)
	}
	if ref, ok := s["$ref"].(string); ok {
		var at any = m.root
		for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			at = at.(map[string]any)[step]
		}
		return m.of(at, depth-1)
	}
	for _, keyword := range []string{"examples", "enum"} {
		if list, ok := s[keyword].([]any); ok && m.IntN(8) > 0 {
			return plain(list[m.IntN(len(list))])
		}
	}
	if value, ok := s["const"]; ok {
		return plain(value)
	}
	if value, ok := s["default"]; ok && m.IntN(4) > 0 {
		return plain(value)
	}
	if list, ok := s["anyOf"].([]any); ok && m.IntN(8) > 0 {
		return m.of(list[m.IntN(len(list))], depth-1)
	}
	types := []any{s["type"]}
	if several, ok := s["type"].([]any); ok {
		types = several
	}
	switch types[m.IntN(len(types))] {
	case "object", nil:
		return m.mapping(s, depth)
	case "array":
		list := []any{}
		for range m.IntN(4) {
			list = append(list, m.of(s["items"], depth-1))
		}
		return list
	case "boolean":
		return m.IntN(2) == 0
	case "integer", "number":
		return m.number()
	}
	return m.word()
}

// mapping has the required keys, for the most part, and some of the others.
func (m maker) mapping(s map[string]any, depth int) map[string]any {
	mapping := map[string]any{}
	known := map[string]any{}
	parts := []any{s}
	if list, ok := s["allOf"].([]any); ok {
		then, _ := list[m.IntN(len(list))].(map[string]any)["then"].(map[string]any)
		if ref, ok := then["$ref"].(string); ok {
			parts = append(parts, m.root["$defs"].(map[string]any)[path.Base(ref)])
		}
	}
	for _, part := range parts {
		p, _ := part.(map[string]any)
		properties, _ := p["properties"].(map[string]any)
		for name, is := range properties {
			if _, there := known[name]; !there || m.IntN(2) == 0 {
				known[name] = is
			}
		}
		required, _ := p["required"].([]any)
		for _, name := range required {
			if m.IntN(40) > 0 {
				mapping[name.(string)] = nil
			}
		}
	}
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names) // or the same seed makes other values
	for _, name := range names {
		if _, needed := mapping[name]; needed || m.IntN(4) == 0 {
			mapping[name] = m.of(known[name], depth-1)
		}
	}
	if more, ok := s["additionalProperties"].(map[string]any); ok {
		for range m.IntN(3) {
			mapping[m.word()] = m.of(more, depth-1)
		}
	}
	if m.IntN(60) == 0 {
		mapping[m.word()] = m.anything(1)
	}
	return mapping
}

// plain is a value as a document has it: numbers are no texts.
func plain(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		panic(err)
	}
	return v
}

// TestAsTheLibrary: random values satisfy the schemas of the program if, and only if, the library
// says so.
func TestAsTheLibrary(t *testing.T) {
	for _, file := range schemas {
		t.Run(path.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, library := compile(t, string(text))
			fit, total := 0, 0
			for n := range soak.Cases(t, 3_000, 300_000) {
				m := maker{rand.New(rand.NewPCG(uint64(n), 18)), source.(map[string]any)}
				value := m.of(source, 12)
				wrong := library.Validate(value)
				if got := accepts.Surely(source, value); got != (wrong == nil) {
					data, _ := json.Marshal(value)
					t.Fatalf("case %d: accepted is %t, and the library says %v\n%s", n, got, wrong, data)
				}
				if wrong == nil {
					fit++
				}
				total++
			}
			if fit < total/100 || fit > total*99/100 {
				t.Errorf("%d of %d values satisfy the schema", fit, total)
			}
		})
	}
}

func compile(t *testing.T, schema string) (source any, library *jsonschema.Schema) {
	t.Helper()
	source, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("https://example.com/s", source); err != nil {
		t.Fatal(err)
	}
	library, err = compiler.Compile("https://example.com/s")
	if err != nil {
		t.Fatal(err)
	}
	return source, library
}

// TestIsSure: what it does not know is not accepted, and what it accepts the library does, too.
func TestIsSure(t *testing.T) {
	for _, test := range []struct {
		schema string
		value  any
		want   bool
	}{
		{`true`, "x", true}, {`false`, "x", false}, {`{}`, nil, true},
		{`{"format": "uri"}`, "https://x", false}, {`{"unknown": 1}`, "x", false},
		{`{"pattern": "^a"}`, "ab", true}, {`{"pattern": "^a"}`, "b", false}, {`{"pattern": "^a"}`, 3, true}, {`{"minimum": 3}`, "x", true},
		{`{"type": "integer"}`, 2.0, true}, {`{"type": "integer"}`, 2.5, false}, {`{"type": ["null", "string"]}`, nil, true},
		{`{"const": 1}`, 1.0, true}, {`{"const": {"a": 1}}`, map[string]any{"a": 1}, false}, {`{"enum": ["a", null]}`, nil, true},
		{`{"minimum": 3, "maximum": 4.5}`, 4.5, true}, {`{"maximum": 4.5}`, uint64(5), false}, {`{"minLength": 2}`, "äö", true}, {`{"minLength": 3}`, "äö", false},
		{`{"not": {"format": "uri"}}`, "x", false}, {`{"not": {"type": "null"}}`, "x", true},
		{`{"if": {"type": "string"}, "then": {"minLength": 2}, "else": false}`, "ab", true}, {`{"if": {"type": "string"}, "then": {"minLength": 2}}`, "a", false},
		{`{"if": {"type": "string"}, "else": {"type": "null"}}`, 1, false}, {`{"if": {"format": "uri"}, "then": true}`, "a", false},
		{`{"properties": {"a": {"type": "null"}}, "additionalProperties": false}`, map[string]any{"a": nil}, true},
		{`{"properties": {"a": true}, "additionalProperties": false}`, map[string]any{"b": nil}, false},
		{`{"patternProperties": {"^b": true}, "additionalProperties": false}`, map[string]any{"b": nil}, false},
		{`{"dependentSchemas": {"a": {"required": ["b"]}}}`, map[string]any{"a": 1}, false}, {`{"dependentSchemas": {"a": {"required": ["b"]}}}`, map[string]any{"a": 1, "b": 2}, true},
		{`{"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}`, []any{[]any{}, []any{[]any{}}}, true},
		{`{"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}`, "x", false},
		{`{"anyOf": [{"format": "uri"}, {"type": "string"}]}`, "x", true}, {`{"allOf": [{"format": "uri"}, {"type": "string"}]}`, "x", false},
		{`{"minItems": 1}`, []any{}, false}, {`{"minProperties": 1}`, map[string]any{}, false}, {`{"type": "object"}`, map[string]int{}, false}, {`{}`, []int{}, false},
	} {
		source, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(test.schema)))
		if err != nil {
			t.Fatal(err)
		}
		if got := accepts.Surely(source, test.value); got != test.want {
			t.Errorf("%s accepts %v: %t", test.schema, test.value, got)
		}
		if strings.Contains(test.schema, `"$ref": "#/$defs/a"}}, `) {
			continue // it has no end
		}
		if _, library := compile(t, test.schema); test.want && library.Validate(test.value) != nil {
			t.Errorf("%s is said to accept %v, which the library does not", test.schema, test.value)
		}
	}
}

// BenchmarkSurely is what a usual config takes, and what compiling its schema does.
func BenchmarkSurely(b *testing.B) {
	text, err := os.ReadFile(schemas[0])
	if err != nil {
		b.Fatal(err)
	}
	value := map[string]any{"version": 1, "extensions": []any{map[string]any{"path": "extensions/*"}}}
	b.Run("accepts", func(b *testing.B) {
		for b.Loop() {
			source, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil || !accepts.Surely(source, value) {
				b.Fatal("it is not accepted", err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			source, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				b.Fatal(err)
			}
			compiler := jsonschema.NewCompiler()
			if err := compiler.AddResource("https://example.com/s", source); err != nil {
				b.Fatal(err)
			}
			if s, err := compiler.Compile("https://example.com/s"); err != nil || s.Validate(value) != nil {
				b.Fatal("it is not accepted", err)
			}
		}
	})
}
