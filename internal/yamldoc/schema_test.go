package yamldoc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testSchema = `{
  "$id": "https://example.com/test.json",
  "type": "object",
  "additionalProperties": false,
  "required": ["version", "name"],
  "$defs": {
    "text": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "part": {"type": "object", "required": ["path", "kind"], "properties": {"path": {"type": "string", "examples": ["a/b"]}, "kind": {"enum": ["one"]}}, "additionalProperties": false}
  },
  "properties": {
    "version": {"type": "string", "pattern": "^[0-9.]+$", "patternErrorMessage": "it must be digits and dots"},
    "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$", "examples": ["abc"]},
    "text": {"$ref": "#/$defs/text"},
    "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "maxItems": 3, "uniqueItems": true},
    "choice": {"oneOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}, "additionalProperties": false}, {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}, "c": {"type": "string"}}, "additionalProperties": false}]},
    "number": {"type": "number", "exclusiveMinimum": 0, "maximum": 2.5},
    "step": {"type": "integer", "multipleOf": 5},
    "flag": {"type": "boolean"},
    "mode": {"enum": ["skip", "fail", 3]},
    "languages": {"type": "object", "propertyNames": {"pattern": "^[a-z]{2}$", "patternErrorMessage": "is no language code"}, "additionalProperties": {"type": "string"}, "minProperties": 1},
    "gone": false,
    "home": {"type": "string", "format": "uri"}
  }
}`

func TestValidate(t *testing.T) {
	schema, err := CompileSchema("https://example.com/test.json", []byte(testSchema))
	if err != nil {
		t.Fatal(err)
	}
	const good = "version: '1'\nname: abc\n"
	tests := []struct{ name, src, want string }{
		{"nothing wrong", good + "text: a\nparts: [{path: a, kind: one}]\nchoice: {a: 1}\nnumber: 2.5\nstep: 10\nflag: true\nmode: 3\nlanguages: {en: x}\nhome: http://x/\n", ""},
		{"text as a list", good + "text: [a, b]\n", ""},
		{"missing, with an example", "version: '1'\n", `key "name" is missing (add it, for example "name: abc")`},
		{"missing, misspelt", "version: '1'\nnmae: abc\n", `unknown key "nmae" (did you mean "name"?)`},
		{"missing in an item", good + "parts: [{}]\n", `key "path" is missing (add it, for example "path: a/b")|key "kind" is missing (add "kind: one")`},
		{"belongs below", good + "kind: one\n", `unknown key "kind" ("kind" belongs under "parts")`},
		{"a number for a string", "version: 1.10\nname: abc\n", `"version" is 1.10, but it must be digits and dots`},
		{"its own words", "version: v1\nname: abc\n", `"version" is "v1", but it must be digits and dots`},
		{"pattern without words", "version: '1'\nname: ABC\n", `"name" is "ABC", which has not the form that is expected there (for example abc)`},
		{"too short, and of the wrong form: once", "version: '1'\nname: A\n", `"name" must have at least 2 characters, not 1`},
		{"empty", "version: '1'\nname: ''\n", `"name" is empty (give it a value)`},
		{"too long", "version: '1'\nname: abcde\n", `"name" must have at most 4 characters, not 5`},
		{"no alternative fits", good + "text: 3\n", `"text" must be a string or a list, not a number (write it in quotes: "3")`},
		{"the alternative that was meant", good + "text: [a, 3]\n", `item 2 of "text" must be a string, not a number (write it in quotes: "3")`},
		{"one of two mappings", good + "choice: {b: x, d: y}\n", `unknown key "d" (known here: b, c)`},
		{"list for a mapping", good + "choice: [a]\n", `"choice" must be a mapping, not a list`},
		{"mapping for a list", good + "parts: {path: a, kind: one}\n", `"parts" must be a list, not a mapping (start each item with "- ")`},
		{"the same twice", good + "parts: [{path: a, kind: one}, {path: a, kind: one}]\n", `items 1 and 2 of "parts" are the same (keep one of them)`},
		{"too many", good + "parts: [{path: a, kind: one}, {path: b, kind: one}, {path: c, kind: one}, {path: d, kind: one}]\n", `"parts" must have at most 3 items, not 4`},
		{"numbers", good + "number: 0\nstep: 7\n", `"number" must be more than 0, not 0|"step" must be a multiple of 5, not 7`},
		{"more numbers", good + "number: 2.75\nstep: 2.5\n", `"number" must be at most 2.5, not 2.75|"step" must be a whole number, not 2.5`},
		{"quoted", good + "number: '1'\nflag: 'true'\nstep: '5'\n", `"number" must be a number, not a string (remove the quotes: 1)|"flag" must be true or false, not a string (remove the quotes: true)|"step" must be a whole number, not a string (remove the quotes: 5)`},
		{"no value", good + "flag:\n", `"flag" has no value; it must be true or false (give it one)`},
		{"one of", good + "mode: skp\n", `"mode" must be one of skip, fail, 3, not "skp" (did you mean "skip"?)`},
		{"keys of a form", good + "languages: {english: x, zh: 3}\n", `key "english" is no language code|"zh" must be a string, not a number (write it in quotes: "3")`},
		{"too few keys", good + "languages: {}\n", `"languages" must have at least 1 key, not 0`},
		{"not allowed", good + "gone: 1\n", `"gone" is not allowed here`},
		{"format", good + "home: ':'\n", `"home" is ":", which is no valid URL`},
		{"a long value is cut", good + "mode: " + strings.Repeat("x", 100) + "\n", `"mode" must be one of skip, fail, 3, not "` + strings.Repeat("x", 60) + `…"`},
		{"not a mapping", "a\n", `the file must be a mapping, not a string (its keys are choice, flag, gone, home, languages, mode, name, number, parts, step, text, version)`},
		{"nothing", "", `the file is empty (add it, for example "name: abc")`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc, err := Parse("a.yaml", []byte(test.src))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range doc.Validate(schema) {
				text := p.Message
				if p.Hint != "" {
					text += " (" + p.Hint + ")"
				}
				got = append(got, text)
				if test.src != "" && (p.Range.Start.Line == 0 || p.Range.Start.Column == 0 || p.Excerpt == "") {
					t.Errorf("no place for %q", p.Message)
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "|")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompileSchemaProblems(t *testing.T) {
	for name, test := range map[string]struct{ schema, want string }{
		"no JSON":       {"{", "reading schema https://example.com/x: "},
		"no schema":     {`{"type": 3}`, "reading schema https://example.com/x: "},
		"another's ref": {`{"$ref": "https://example.com/other"}`, "schema https://example.com/other is not part of this program"},
	} {
		if _, err := CompileSchema("https://example.com/x", []byte(test.schema)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnknownKeyHint: a schema has the last word on a key that is like none it
// knows.
func TestUnknownKeyHint(t *testing.T) {
	schema, err := CompileSchema("https://example.com/hint.json", []byte(
		`{"type": "object", "properties": {"alpha": {}, "beta": {}}, "additionalProperties": false, "unknownKeyHint": "the page lists them"}`))
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{"zzzzz: 1\n": "the page lists them", "alpah: 1\n": `did you mean "alpha"?`} {
		doc, err := Parse("a.yaml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Validate(schema); len(got) != 1 || got[0].Hint != want {
			t.Errorf("%q: %v", src, got)
		}
	}
}

// TestEmbeddedIsCompiledWhenNeeded: a document that is as it should be needs no compiled schema, and
// each other one does. The schema is none in a part that the first document does not reach.
func TestEmbeddedIsCompiledWhenNeeded(t *testing.T) {
	schema := Embedded("https://example.com/lazy.json", []byte(`{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": 3}}}`))
	fine, err := Parse("a.yaml", []byte("a: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if problems := fine.Validate(schema); problems != nil {
		t.Error(problems)
	}
	defer func() {
		if recover() == nil {
			t.Error("the schema was not compiled for what does not satisfy it")
		}
	}()
	other, err := Parse("a.yaml", []byte("a: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	other.Validate(schema)
}
