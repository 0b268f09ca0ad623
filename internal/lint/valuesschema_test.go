package lint

import "testing"

// TestRemoteSchemaIsNoFinding: a chart whose schema refers to the web can be released,
// be it a subchart or the extension itself.
func TestRemoteSchemaIsNoFinding(t *testing.T) {
	const remote = `{"properties": {"tag": {"$ref": "https://schemas.invalid/_definitions.json#/definitions/x"}}}`
	if got := told(check(t, with(goodFiles(), "values.schema.json", remote, "charts/web/values.schema.json", remote), "values-schema", "chart")); got != nil {
		t.Error(got)
	}
}
