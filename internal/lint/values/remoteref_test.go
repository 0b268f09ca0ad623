package values

import (
	"strings"
	"testing"
)

// TestReferencesOfSchemas: what a schema may refer to. Nothing is fetched: the hosts
// are not there.
func TestReferencesOfSchemas(t *testing.T) {
	const remote = `"https://schemas.invalid/_definitions.json#/definitions/x"`
	values := map[string]any{"tag": "1.27.0", "list": []any{map[string]any{"a": "b"}}}
	for name, test := range map[string]struct{ schema, want string }{
		"a fragment":                    {`{"properties": {"tag": {"$ref": ` + remote + `}}}`, ""},
		"an anchor":                     {`{"properties": {"tag": {"$ref": "http://schemas.invalid/a.json#anchor"}}}`, ""},
		"the whole":                     {`{"$ref": "https://schemas.invalid/a.json"}`, ""},
		"deep":                          {`{"properties": {"list": {"items": {"allOf": [{"properties": {"a": {"$ref": ` + remote + `}}}]}}}}`, ""},
		"behind a definition":           {`{"$defs": {"y": {"$ref": ` + remote + `}}, "properties": {"tag": {"$ref": "#/$defs/y"}}}`, ""},
		"behind an unknown keyword":     {`{"components": {"schemas": {"y": {"$ref": ` + remote + `}}}, "properties": {"tag": {"$ref": "#/components/schemas/y"}}}`, ""},
		"what is beside it counts":      {`{"properties": {"tag": {"$ref": ` + remote + `, "type": "integer"}}}`, "tag: got string, want integer"},
		"and not in older drafts":       {`{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"tag": {"$ref": ` + remote + `, "type": "integer"}}}`, ""},
		"definitions next to it":        {`{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"tag": {"$ref": "#/properties/list/definitions/y"}, "list": {"$ref": ` + remote + `, "definitions": {"y": {"type": "integer"}}}}}`, "tag: got string, want integer"},
		"its own definition":            {`{"definitions": {"x": {"type": "integer"}}, "properties": {"tag": {"$ref": "#/definitions/x"}}}`, "tag: got string, want integer"},
		"its own address":               {`{"$id": "https://schemas.invalid/values.json", "$defs": {"x": {"type": "integer"}}, "properties": {"tag": {"$ref": "https://schemas.invalid/values.json#/$defs/x"}}}`, "tag: got string, want integer"},
		"a part with an address":        {`{"$id": "https://schemas.invalid/values.json", "$defs": {"x": {"$id": "part.json", "type": "integer"}}, "properties": {"tag": {"$ref": "part.json"}}}`, "tag: got string, want integer"},
		"relative to its address":       {`{"$id": "https://schemas.invalid/values.json", "properties": {"tag": {"$ref": "other.json#/definitions/x"}}}`, ""},
		"a field that is called $ref":   {`{"properties": {"$ref": {"type": "string"}, "tag": {"type": "integer"}}}`, "tag: got string, want integer"},
		"a text that looks like one":    {`{"properties": {"list": {"enum": [[{"$ref": ` + remote + `}]]}}}`, "list: 'enum' failed"},
		"relative":                      {`{"properties": {"tag": {"$ref": "_definitions.json#/definitions/x"}}}`, "refers to _definitions.json#/definitions/x, which"},
		"relative with a dot":           {`{"properties": {"tag": {"$ref": "./_definitions.json"}}}`, "refers to ./_definitions.json, which"},
		"a file":                        {`{"properties": {"tag": {"$ref": "file:///etc/passwd"}}}`, "refers to file:///etc/passwd, which"},
		"a file and a part of it":       {`{"properties": {"tag": {"$ref": "file:///etc/passwd#/x"}}}`, "refers to file:///etc/passwd#/x, which"},
		"a file with blanks":            {`{"properties": {"tag": {"$ref": "file:///a%20b/c"}}}`, "refers to file:///a%20b/c, which"},
		"a file of a host":              {`{"properties": {"tag": {"$ref": "file://host/share/x"}}}`, "refers to file://host/share/x, which"},
		"from the root":                 {`{"properties": {"tag": {"$ref": "/etc/passwd"}}}`, "refers to /etc/passwd, which"},
		"relative to a file":            {`{"$id": "file:///a/", "properties": {"tag": {"$ref": "b.json"}}}`, "refers to b.json, which"},
		"a definition that is not here": {`{"properties": {"tag": {"$ref": "#/definitions/none"}}}`, "refers to #/definitions/none, and has nothing there"},
		"an anchor that is not here":    {`{"properties": {"tag": {"$ref": "#none"}}}`, "refers to #none, and has no such anchor"},
	} {
		compiled, mistake := compileSchema([]byte(test.schema))
		if mistake == "" {
			for _, m := range against(compiled, values) {
				mistake += m.name() + ": " + m.Message
			}
		}
		if mistake != test.want && (test.want == "" || !strings.Contains(mistake, test.want)) {
			t.Errorf("%s: %q, want %q", name, mistake, test.want)
		}
	}
}
