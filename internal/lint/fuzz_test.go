package lint

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// FuzzCheck: no values, template, extension.yaml, subchart or other text makes a
// rule break down. Templates that loop for long are cut off.
func FuzzCheck(f *testing.F) {
	chart := "apiVersion: v2\nname: web\nversion: 0.1.0\n"
	f.Add(goodMetadata, "tag: 1\n", goodDeployment, chart, goodPermissions)
	f.Add(goodMetadata, "global: 1\n", "{{ tpl .Values.tag . }}", chart, "kind: Role\nrules: [null, {verbs: get}, {verbs: [1]}, {apiGroups: ['*'], resources: ['*'], verbs: ['*']}]\n---\n- a\n---\n[\n--- x")
	f.Add("name: web\nversion: 1.10\nimages: [1, null, {a: b}]\nicon: []\nscreenshots: {a: b}\ndependencies: [null, {name: [a]}]\n", "null", "{{ include \"x\" . }}", chart+"dependencies: [null, {name: x, alias: y}]\n", "![a](b.png) <img src=\"c\"> 1.0.0 -----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----")
	f.Add("name: web\nversion: '1'\nicon: 'data:'\nscreenshots: ['data:,', 'https://%zz', '']\nimages: {a: b}\n", "[1, 2]", "kind: Pod\ncontainers: [", "name: [", "{\"$ref\": \"#\", \"type\": 1, \"properties\": {\"tag\": false}}")
	f.Add(goodMetadata, "global: {nodeSelector: 1, imageRegistry: {a: b}}\n", "kind: List\nitems: [[], {kind: Job, containers: [{name: 1, image: 2}]}]", chart+"type: library\n", "global: 1\nx: &x [*x]\n")
	// What the rules on extension.yaml look at, of other types and in odd forms.
	f.Add("displayName: {1: a, zh-CN: '', '': x, \"\\u202e\": y, en--: z}\ndescription: [en]\nprovider: {en: , zh: x, de: {name: [a], url: [b], email: 1}, fr: {email: '@', url: '//'}}\n"+
		"home: 'https://[::1'\ndocs: \"git@x:\\x1b\"\nsources: [1, null, 'http://', 'javascript:alert(1)', {a: b}]\nmaintainers: [null, '', {}, [a], {name: 1, email: 'a <b@c>', url: ':'}]\n", "null", goodDeployment, chart, "\xff\x00")
	f.Add(goodMetadata+"kubeVersion: '!=*'\nksVersion: '>99999999999999999999'\nexternalDependencies: [null, a, {}, {name: web, type: 1, version: '=<v1.x.3-a+b || 1 - 2'}, {name: web}, {name: web}, {name: [a], version: {}}]\n", "tags: 1", goodDeployment, chart, "tag: 1\n")
	f.Add(replaced(goodMetadata, "[extension]", "[agent, 1, null]\n    condition: ' ,.,a..b,web.tag, '\n    alias: web\n    version: 0.1.0\n    enabled: false\n  - {name: web, tags: agent, condition: [a]}\n  - {tags: [extension]}\n  - [a]")+
		"installationMode: {Multicluster: HostOnly}\n", "tag: {a: {b: 1}}\nenabled: 1\n", goodDeployment, chart, "- []\n---\n")
	f.Add(replaced(goodMetadata, "[extension]", "[agents]\n    condition: web.tag,x")+"installationMode: Multicluster\n", "tag: 'no'\n", goodDeployment, replaced(chart, "web", "other"), "tag: 1\n")
	f.Fuzz(func(t *testing.T, metadata, values, template, chart, other string) {
		for _, text := range []string{values, template, other} {
			// These can take all memory before anybody can stop them.
			if strings.Contains(text, "until") || strings.Contains(text, "repeat") || strings.Contains(text, "seq") ||
				strings.Contains(text, "indent") || strings.Contains(text, "gen") || strings.Contains(text, "tpl") && strings.Contains(values+other, "{{") {
				return
			}
		}
		ext, err := extension.Read("ext", []byte(packed(t, "web", with(goodFiles(), "extension.yaml", metadata+"\n", "charts/web/values.yaml", values+"\n", "values.yaml", values+"\n",
			"charts/web/templates/deployment.yaml", template+"\n", "charts/web/Chart.yaml", chart+"\n",
			"permissions.yaml", other, "README.md", other, "CHANGELOG.md", other, "static/one.png", other, "charts/web/values.schema.json", other,
			"charts/web/ci/a-values.yaml", other, "charts/web/ci/b-values.yaml", values+"\n", "charts/web/files/data", other))), extension.Limits{})
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		for _, finding := range Examine(ctx, ext, Options{}).Findings {
			if strings.Contains(finding.Message, "broke down") {
				t.Errorf("%s: %s", finding.Rule(), finding.Message)
			}
			if finding.Message == "" || strings.ContainsAny(finding.Message, "\n\x1b") || strings.HasPrefix(finding.File, "ext/") {
				t.Errorf("a finding that cannot be shown: %+v", finding)
			}
		}
	})
}
