package lint

import "testing"

func TestValuesSchema(t *testing.T) {
	schema := `{"properties": {"tag": {"type": "integer"}, "deep": {"properties": {"x": {"enum": ["a", "b"]}}}}}`
	testFindings(t, []findingTest{
		{
			name: "a value of the subchart, and one that the extension gives it",
			changes: []string{"charts/web/values.schema.json", schema, "charts/web/values.yaml", "tag: 1.27.0\ndeep: {x: a}\n",
				"values.yaml", "global: {}\nweb:\n  deep:\n    x: c\n"},
			want: []string{
				`error values-schema ext/charts/web/values.yaml:1:6: tag breaks charts/web/values.schema.json: got string, want integer`,
				`error values-schema ext/values.yaml:4:8: web.deep.x breaks charts/web/values.schema.json: value must be one of 'a', 'b'`,
			},
			hint: "Helm refuses to install the chart: fix the value, or the schema",
		},
		{
			name: "a value that nobody writes", changes: []string{"values.schema.json", `{"required": ["host"]}`},
			want: []string{`error values-schema ext/values.schema.json: the values break this schema at the top: missing property 'host'`},
		},
		{
			name: "no JSON Schema", changes: []string{"values.schema.json", `{"type": "text"}`},
			want: []string{`error values-schema ext/values.schema.json: the schema of the values is no JSON Schema at type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'`},
			hint: "Helm refuses to install the chart with any values: correct the schema; definitions have to be in the schema itself",
		},
		{
			name: "a schema of a subchart that is off", changes: []string{"charts/web/values.schema.json", `{`, "values.yaml", "web: {enabled: false}\n",
				"extension.yaml", replaced(goodMetadata, "- name: web\n", "- name: web\n    condition: web.enabled\n")},
			want: []string{
				`error values-schema ext/charts/web/values.schema.json: the schema of the values is not JSON: unexpected EOF`,
				`info images ext/extension.yaml:16:5: the image docker.io/library/nginx:1.27.0 is listed, and used only by container "web" of Deployment "web", which is off by default`,
			},
		},
		{name: "references elsewhere are taken for met", changes: []string{"values.schema.json", `{"$ref": "http://127.0.0.1:1/other.json"}`}},
	})
}
