package lint

import (
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/strvals"
)

// TestRemoteSchemaIsNoFinding: a chart whose schema refers to the web can be released,
// be it a subchart or the extension itself.
func TestRemoteSchemaIsNoFinding(t *testing.T) {
	const remote = `{"properties": {"tag": {"$ref": "https://schemas.invalid/_definitions.json#/definitions/x"}}}`
	if got := told(check(t, with(goodFiles(), "values.schema.json", remote, "charts/web/values.schema.json", remote), "values-schema", "chart")); got != nil {
		t.Error(got)
	}
}

// TestOverridesAgainstHelm: an extension whose schemas refuse what KubeSphere sets has an
// error exactly where Helm installs nothing with what the executor gives it, and a warning
// where it does not once an administrator has configured all there is.
func TestOverridesAgainstHelm(t *testing.T) {
	const host = "tags.extension=true,tags.agent=false,global.portal.url=http://10.0.0.1:30880,off.enabled=false"
	const chosen = "tags.agent=true,tags.extension=false,global.clusterInfo.name=member,global.clusterInfo.role=member"
	const configured = ",global.imageRegistry=r.example.com,global.nodeSelector.disktype=ssd,global.extension.ingress.ingressClassName=nginx,global.extension.ingress.domainSuffix=x.example.com,global.extension.ingress.httpPort=80,global.extension.ingress.httpsPort=443"
	metadata := replaced(goodMetadata, "tags: [extension]", "tags: [extension, agent]\n  - {name: off, tags: [agent], condition: off.enabled}") + "installationMode: Multicluster\n"
	files := with(goodFiles(), "extension.yaml", metadata, "charts/off/Chart.yaml", "apiVersion: v2\nname: off\nversion: 0.1.0\n")
	for _, schema := range []string{
		`{}`, `true`, `false`,
		`{"additionalProperties": false}`,
		`{"additionalProperties": false, "properties": {"web": {}, "off": {}}}`,
		`{"additionalProperties": false, "properties": {"web": {}, "off": {}, "global": {}}}`,
		`{"additionalProperties": false, "properties": {"web": {}, "off": {}, "global": {}, "tags": {}}}`,
		`{"additionalProperties": false, "properties": {"tag": {}, "global": {}}}`,
		`{"additionalProperties": false, "patternProperties": {"^[a-z]+$": {}}}`,
		`{"properties": {"tags": {"additionalProperties": {"type": "string"}}}}`,
		`{"properties": {"tags": false}}`,
		`{"properties": {"global": {"additionalProperties": false}}}`,
		`{"properties": {"global": {"additionalProperties": false, "properties": {"portal": {}}}}}`,
		`{"properties": {"global": {"additionalProperties": false, "properties": {"portal": {}, "clusterInfo": {"required": ["name", "role"]}}}}}`,
		`{"properties": {"global": {"properties": {"imageRegistry": {"enum": ["docker.io"]}}}}}`,
		`{"properties": {"global": {"properties": {"nodeSelector": {"maxProperties": 0}}}}}`,
		`{"properties": {"global": {"properties": {"extension": {"properties": {"ingress": {"properties": {"httpPort": {"type": "string"}}}}}}}}}`,
		`{"properties": {"off": {"required": ["enabled"]}}}`,
		`{"properties": {"off": {"properties": {"enabled": {"const": true}}}}}`,
		`{"propertyNames": {"maxLength": 3}}`,
		`{"anyOf": [{"not": {"required": ["tags"]}}, {"required": ["nothing"]}]}`,
		`{"required": ["tags"]}`,
		`{"unevaluatedProperties": false, "properties": {"web": {}, "off": {}}}`,
	} {
		for _, file := range []string{"values.schema.json", "charts/web/values.schema.json"} {
			all := with(files, file, schema)
			refuses := func(sets string) bool {
				values, err := strvals.Parse(sets)
				if err != nil {
					t.Fatal(err)
				}
				c, err := load(t, all).Chart()
				if err != nil {
					t.Fatal(err)
				}
				if err := chartutil.ProcessDependenciesWithMerge(c, values); err != nil {
					t.Fatal(err)
				}
				_, err = chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{}, nil)
				return err != nil
			}
			got := told(check(t, all, "values-schema"))
			count := func(severity string) bool { return strings.Contains("\n"+strings.Join(got, "\n"), "\n"+severity+" ") }
			always := refuses(host) || refuses(chosen)
			if count("error") != always {
				t.Errorf("%s in %s: Helm refuses: %v; lint: %q", schema, file, always, got)
			}
			if more := !always && (refuses(host+configured) || refuses(chosen+configured)); count("warning") != more && !always {
				t.Errorf("%s in %s: Helm refuses what is configured: %v; lint: %q", schema, file, more, got)
			}
		}
	}
}
