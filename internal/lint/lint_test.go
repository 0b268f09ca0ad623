package lint

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/helmchart"
)

func replaced(text, old, new string) string { return strings.ReplaceAll(text, old, new) }

// findingTest is a change to a good extension and what is told of it.
type findingTest struct {
	name    string
	changes []string
	want    []string
	hint    string // of the first finding
}

func testFindings(t *testing.T, tests []findingTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			findings := check(t, with(goodFiles(), test.changes...))
			if diff := cmp.Diff(test.want, told(findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if test.hint != "" && len(findings) > 0 && findings[0].Hint != test.hint {
				t.Errorf("hint is\n%s\nwant\n%s", findings[0].Hint, test.hint)
			}
			for _, f := range findings {
				if f.Hint == "" && f.Rule != "name" && f.Rule != "version" && f.Rule != "schema" {
					t.Errorf("no remedy: %s", f.Message)
				}
				if strings.Contains(f.Message+f.Hint, "interface {}") || strings.Contains(f.Message, "map[") {
					t.Errorf("a name of a Go type: %s", f.Message)
				}
			}
		})
	}
}

// TestFindings is the list of what each rule tells, one mistake at a time.
func TestFindings(t *testing.T) {
	const deployment = "charts/web/templates/deployment.yaml"
	testFindings(t, []findingTest{
		{name: "a good extension"},
		{
			name:    "a misspelt key",
			changes: []string{"extension.yaml", goodMetadata + "keyword: [web]\n"},
			want:    []string{`warning schema ext/extension.yaml:16:1: unknown key "keyword"`},
			hint:    `did you mean "keywords"?`,
		},
		{
			name:    "a required key is missing",
			changes: []string{"extension.yaml", replaced(goodMetadata, "category: dev-tools\n", "")},
			want:    []string{`error schema ext/extension.yaml:1:1: key "category" is missing`},
		},
		{
			name:    "a constraint that is none",
			changes: []string{"extension.yaml", goodMetadata + "kubeVersion: newest\n"},
			want:    []string{`error constraints ext/extension.yaml:16:14: kubeVersion "newest" is not a constraint on versions`},
			hint:    `write it as ">=1.19.0-0" or ">=1.22.0-0 <1.32.0-0"`,
		},
		{
			name:    "a constraint of an external dependency",
			changes: []string{"extension.yaml", goodMetadata + "externalDependencies:\n  - {name: db, type: extension, version: '>=one'}\n"},
			want:    []string{`error constraints ext/extension.yaml:17:42: version ">=one" is not a constraint on versions`},
		},
		{
			name:    "a name KubeSphere passes over",
			changes: []string{"extension.yaml", replaced(goodMetadata, "name: web\nversion", "name: Web_Server\nversion")},
			want:    []string{`error name ext/extension.yaml:2:7: the name "Web_Server" is not a DNS-1123 subdomain: use lower-case letters, digits, '-' and '.', with a letter or digit at both ends`},
		},
		{
			name:    "a version without quotes",
			changes: []string{"extension.yaml", replaced(goodMetadata, "version: 1.0.0", "version: 1.10")},
			want:    []string{`error version ext/extension.yaml:3:10: the version 1.10 is not text: without quotes it reads as the number 1.1`},
			hint:    `put it in quotes: version: "1.10.0"`,
		},
		{
			name:    "a version with build metadata",
			changes: []string{"extension.yaml", replaced(goodMetadata, "version: 1.0.0", "version: 1.0.0+build")},
			want:    []string{`error version ext/extension.yaml:3:10: the version "1.0.0+build" has build metadata (+), and KubeSphere drops such a version silently`},
		},
		{
			name:    "an icon out of the extension",
			changes: []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", "../../secret")},
			want:    []string{`error icon ext/extension.yaml:8:7: icon "../../secret" leads out of the extension`},
		},
		{
			name:    "an icon that is not there",
			changes: []string{"static/icon.svg", ""},
			want:    []string{`error icon ext/extension.yaml:8:7: icon "static/icon.svg" names no file of the extension`},
		},
		{
			name:    "an icon that is no image",
			changes: []string{"static/icon.svg", "<html><body>404</body></html>"},
			want:    []string{`error icon ext/extension.yaml:8:7: icon "static/icon.svg" is not an image: it reads as text/html`},
			hint:    "use a PNG, JPEG, GIF, WebP or SVG file",
		},
		{
			name:    "an icon that was not fetched",
			changes: []string{"static/icon.svg", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"},
			want:    []string{`error icon ext/extension.yaml:8:7: icon "static/icon.svg" is not an image: it is a Git LFS pointer; run git lfs pull`},
		},
		{
			name:    "an empty screenshot",
			changes: []string{"static/one.png", " "},
			want:    []string{`error screenshots ext/extension.yaml:10:5: screenshots "static/one.png" is not an image: it reads as text/plain`},
		},
		{
			name:    "a screenshot that is not there",
			changes: []string{"static/one.png", ""},
			want:    []string{`error screenshots ext/extension.yaml:10:5: screenshots "static/one.png" names no file of the extension`},
		},
		{
			name:    "an SVG by another name",
			changes: []string{"static/one.png", "<?xml version='1.0'?>\n<!-- drawn --><svg/>"},
			want:    []string{`error screenshots ext/extension.yaml:10:5: screenshots "static/one.png" is an SVG image by another name, which browsers refuse to show`},
		},
		{
			name:    "an icon that is an SVG by another name",
			changes: []string{"static/icon.svg", "", "static/icon.png", "<svg/>", "extension.yaml", replaced(goodMetadata, "icon.svg", "icon.png")},
			want:    []string{`error icon ext/extension.yaml:8:7: icon "static/icon.png" is an SVG image by another name, which browsers refuse to show`},
		},
		{
			name:    "screenshots that are empty, blank and without a host",
			changes: []string{"extension.yaml", replaced(goodMetadata, "  - static/one.png\n", "  - ''\n  - ' '\n  - https:///one.png\n")},
			want: []string{
				`error screenshots ext/extension.yaml:10:5: screenshots is empty`,
				`error screenshots ext/extension.yaml:11:5: screenshots is empty`,
				`error screenshots ext/extension.yaml:12:5: screenshots "https:///one.png" is not a URL that anybody can open`,
			},
		},
		{
			name:    "a data URI of text",
			changes: []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", "data:text/plain,hello")},
			want:    []string{`error icon ext/extension.yaml:8:7: icon is a data: URI without an image: its type is "text/plain", not image/…`},
			hint:    "write it as data:image/png;base64,…, or name a file instead",
		},
		{
			name:    "damaged base64",
			changes: []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", "data:image/png;base64,!!!!")},
			want:    []string{`error icon ext/extension.yaml:8:7: icon is a data: URI without an image: its base64 is damaged`},
		},
		{
			name:    "a URL without a host",
			changes: []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", "https:///icon.png")},
			want:    []string{`error icon ext/extension.yaml:8:7: icon "https:///icon.png" is not a URL that anybody can open`},
		},
		{
			name:    "good references that are no files",
			changes: []string{"extension.yaml", replaced(replaced(goodMetadata, "static/icon.svg", "data:image/png;base64,"+base64.StdEncoding.EncodeToString([]byte(headOfPNG(64, 64)))), "static/one.png", "https://example.com/one.png")},
		},
		{
			name:    "a data URI that is percent-encoded",
			changes: []string{"extension.yaml", replaced(goodMetadata, "static/icon.svg", "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E")},
		},
		{
			name:    "a dependency that is not there",
			changes: []string{"extension.yaml", replaced(goodMetadata, "- name: web\n", "- name: wbe\n")},
			want:    []string{`error chart ext/extension.yaml:12:11: the dependency "wbe" is not there: no chart under charts/ has that name`},
			hint:    `did you mean "web"?`,
		},
		{
			name:    "a dependency of another version",
			changes: []string{"extension.yaml", replaced(goodMetadata, "- name: web\n", "- name: web\n    version: ^2\n")},
			want:    []string{`warning chart ext/extension.yaml:13:14: the dependency "web" asks for version ^2, and charts/ has 0.1.0: Helm passes over its alias`},
		},
		{
			name:    "an alias without a version",
			changes: []string{"extension.yaml", replaced(goodMetadata, "- name: web\n", "- name: web\n    alias: front\n")},
			want:    []string{`warning chart ext/extension.yaml:13:12: the alias "front" of the dependency "web" has no effect: Helm looks at it only where version is given`},
			hint:    `add version: "0.1.0"`,
		},
		{
			name:    "a subchart lacks one of its own",
			changes: []string{"charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies: [{name: redis, version: 1.0.0}]\n"},
			want:    []string{`warning chart ext/charts/web/Chart.yaml: the subchart "web" depends on "redis", which is switched on and not under its charts/`},
		},
		{
			name: "a subchart lacks one that is off",
			changes: []string{
				"charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies: [{name: redis, version: 1.0.0, condition: redis.enabled}]\n",
				"charts/web/values.yaml", "tag: 1.27.0\nredis: {enabled: false}\n",
			},
		},
		{
			name:    "values that are no YAML",
			changes: []string{"charts/web/values.yaml", "tag: 1.27.0\n  bad: indent\n"},
			want:    []string{`error chart ext/charts/web/values.yaml:2:3: Helm cannot load the chart: this line is indented deeper than the one above it, which has a value already`},
		},
		{
			name:    "values of a subchart that are no mapping",
			changes: []string{"values.yaml", "web: on\n"},
			want:    []string{`error chart ext/values.yaml: the values have no mapping under "web", the name of a subchart`},
		},
		{
			name:    "a Chart.yaml without a name",
			changes: []string{"charts/web/Chart.yaml", "apiVersion: v2\nversion: 0.1.0\n"},
			want:    []string{`error chart ext/charts/web/Chart.yaml:1:1: Helm cannot load the chart: name is required`},
		},
		{
			name:    "a file among the subcharts",
			changes: []string{"charts/README.md", "the subcharts"},
			want:    []string{`error chart ext/charts/README.md: Helm cannot load the chart: Chart.yaml file is missing`},
			hint:    "Helm takes whatever lies in a charts folder for a subchart, but for names that begin with . or _: give it a Chart.yaml, or move it",
		},
		{
			name:    "a template that does not parse",
			changes: []string{deployment, goodDeployment + "{{ if }}\n"},
			want:    []string{`error render ext/charts/web/templates/deployment.yaml:14: the template does not render: missing value for if`},
		},
		{
			name:    "a value that is not set",
			changes: []string{"charts/web/templates/a.yaml", "a: b\nb: {{ .Values.image.tag }}\n"},
			want:    []string{`error render ext/charts/web/templates/a.yaml:2:14: the template does not render: tag is asked of a value that is not set, in {{ .Values.image.tag }}`},
			hint:    "set the value in values.yaml, or guard the place with {{ if }} or {{ with }}: an extension has to install with its own values",
		},
		{
			name:    "a value that is not set, given to a function",
			changes: []string{"charts/web/templates/a.yaml", "a: {{ toJson (merge (dict) .Values.x) }}\n"},
			want:    []string{`error render ext/charts/web/templates/a.yaml:1:35: the template does not render: a value that is not set stands where a mapping is needed, in {{ .Values.x }}`},
		},
		{
			name: "a fault in a helper",
			changes: []string{
				"charts/web/templates/_helpers.tpl", "{{- define \"tag\" }}\n{{ .Values.image.tag }}\n{{- end }}\n",
				"charts/web/templates/a.yaml", "a: {{ include \"tag\" . }}\n",
			},
			want: []string{`error render ext/charts/web/templates/_helpers.tpl:2:11: charts/web/templates/a.yaml does not render: tag is asked of a value that is not set, in {{ .Values.image.tag }}`},
		},
		{
			name:    "a definition that includes itself",
			changes: []string{"charts/web/templates/a.yaml", "{{ define \"web.a\" }}{{ include \"web.a\" . }}{{ end }}{{ include \"web.a\" . }}"},
			want:    []string{`error render ext/charts/web/templates/a.yaml:1:24: the template does not render: the template "web.a" includes itself without end, in {{ include "web.a" . }}`},
		},
		{
			name:    "a required value",
			changes: []string{"charts/web/templates/a.yaml", "a: {{ required \"set web.host\" .Values.host }}\n"},
			want:    []string{`error render ext/charts/web/templates/a.yaml:1:7: the template does not render: set web.host`},
		},
		{
			name: "two broken templates, and the rules that still run",
			changes: []string{
				"charts/web/templates/a.yaml", "{{ fail \"no\" }}",
				"charts/web/templates/b.yaml", "{{ nosuchfunction }}",
				deployment, replaced(goodDeployment, "nginx", "httpd"),
			},
			want: []string{
				`error render ext/charts/web/templates/a.yaml:1:4: the template does not render: no`,
				`error render ext/charts/web/templates/b.yaml:1: the template does not render: Helm has no function "nosuchfunction"`,
				`warning images ext/charts/web/templates/deployment.yaml:2: container "web" of Deployment "web" uses docker.io/library/httpd:1.27.0, which images in extension.yaml does not list`,
			},
		},
		{
			name: "one broken helper is told once",
			changes: []string{
				"charts/web/templates/_helpers.tpl", "{{- define \"tag\" }}{{ if }}{{- end }}\n",
				"charts/web/templates/a.yaml", "a: {{ include \"tag\" . }}\n",
			},
			want: []string{`error render ext/charts/web/templates/_helpers.tpl:1: the template does not render: missing value for if`},
		},
		{
			name:    "a template that makes no YAML",
			changes: []string{"charts/web/templates/a.yaml", "# a\n---\nkind: ConfigMap\ndata:\n  a: b: c\n"},
			want:    []string{`error render ext/charts/web/templates/a.yaml: the template renders to something that is not YAML: line 5 of what it renders: a second ": " stands where only a value can be`},
			hint:    "look at the indentation ({{ nindent }}) and the quotes ({{ quote }}) of the values put in there",
		},
		{
			name:    "values that break their schema",
			changes: []string{"charts/web/values.schema.json", `{"properties": {"tag": {"type": "integer"}, "x": {"$ref": "http://127.0.0.1:1/other.json"}}}`},
			want:    []string{`error values-schema ext/charts/web/values.yaml:1:6: tag breaks charts/web/values.schema.json: got string, want integer`},
		},
		{
			name:    "a schema that is no JSON",
			changes: []string{"charts/web/values.schema.json", `{`},
			want:    []string{`error values-schema ext/charts/web/values.schema.json: the schema of the values is not JSON: unexpected EOF`},
		},
		{
			name:    "an image that is not listed",
			changes: []string{"extension.yaml", replaced(goodMetadata, "nginx:1.27.0", "nginx:1.27.00")},
			want: []string{
				`warning images ext/charts/web/templates/deployment.yaml:2: container "web" of Deployment "web" uses docker.io/library/nginx:1.27.0, which images in extension.yaml does not list`,
				`warning images ext/extension.yaml:15:5: the image docker.io/library/nginx:1.27.00 is listed, and nothing uses it`,
			},
			hint: "images lists docker.io/library/nginx:1.27.00: use one of the two everywhere, or add\n  - docker.io/library/nginx:1.27.0",
		},
		{
			name:    "no list of images",
			changes: []string{"extension.yaml", replaced(goodMetadata, "images:\n  - docker.io/library/nginx:1.27.0\n", "")},
			want:    []string{`warning images ext/extension.yaml:1:1: extension.yaml lists no images, and one image is in use (container "web" of Deployment "web" uses docker.io/library/nginx:1.27.0)`},
			hint:    "add to extension.yaml:\nimages:\n  - docker.io/library/nginx:1.27.0",
		},
		{
			name:    "the list of images has faults of its own",
			changes: []string{"extension.yaml", goodMetadata + "  - nginx:1.27.0\n  - NGINX\n"},
			want: []string{
				`warning images ext/extension.yaml:16:5: the image docker.io/library/nginx:1.27.0 is listed twice`,
				`warning images ext/extension.yaml:17:5: "NGINX" is no image reference`,
			},
		},
		{
			name: "an image in an argument is in use",
			changes: []string{
				"extension.yaml", goodMetadata + "  - quay.io/x/solver:v1\n",
				deployment, goodDeployment + "          args: [\"--solver-image=quay.io/x/solver:v1\"]\n",
			},
		},
		{
			name: "a longer tag in an argument is no use of a shorter one",
			changes: []string{
				"extension.yaml", goodMetadata + "  - quay.io/x/solver:v1\n",
				deployment, goodDeployment + "          args: [\"--solver-image=quay.io/x/solver:v1.1\"]\n",
			},
			want: []string{`warning images ext/extension.yaml:16:5: the image quay.io/x/solver:v1 is listed, and nothing uses it`},
		},
		{
			name:    "a container without an image",
			changes: []string{deployment, goodDeployment + "        - name: sidecar\n"},
			want:    []string{`warning images ext/charts/web/templates/deployment.yaml:2: container "sidecar" of Deployment "web" has no image`},
		},
		{
			name:    "an image that cannot be pulled",
			changes: []string{deployment, goodDeployment + "        - name: sidecar\n          image: \"{{ .Values.global.imageRegistry | default `docker.io` }}/x:\"\n"},
			want:    []string{`warning images ext/charts/web/templates/deployment.yaml:2: container "sidecar" of Deployment "web" has an image that cannot be pulled: "docker.io/x:" is no image reference`},
		},
		{
			name: "an image whatever the registry is",
			changes: []string{deployment, goodDeployment + "      initContainers:\n        - name: wait\n          image: busybox:1.36\n",
				"extension.yaml", goodMetadata + "  - busybox:1.36\n"},
			want: []string{`warning image-registry ext/charts/web/templates/deployment.yaml:16: init container "wait" of Deployment "web" uses the image busybox:1.36 whatever global.imageRegistry is`},
			hint: "write it as\nimage: {{ .Values.global.imageRegistry | default \"docker.io\" }}/library/busybox:1.36",
		},
		{
			name: "an image of values, whatever the registry is",
			changes: []string{deployment, replaced(goodDeployment, `{{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:{{ .Values.tag }}`, "{{ .Values.image }}"),
				"charts/web/values.yaml", "image: quay.io/x/web:2\n", "extension.yaml", replaced(goodMetadata, "docker.io/library/nginx:1.27.0", "quay.io/x/web:2")},
			want: []string{`warning image-registry ext/charts/web/templates/deployment.yaml:2: container "web" of Deployment "web" uses the image quay.io/x/web:2 whatever global.imageRegistry is`},
			hint: "take the registry out of the value that the image comes from, if it is in there, and let the template put it in front:\nimage: {{ .Values.global.imageRegistry | default \"quay.io\" }}/…",
		},
		{
			name: "what only helm test makes",
			changes: []string{"charts/web/templates/tests/a.yaml",
				"apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {helm.sh/hook: \"test-success, test\"}}\nspec: {containers: [{name: a, image: \"busybox:1\"}]}\n"},
			want: []string{
				`info image-registry ext/charts/web/templates/tests/a.yaml:2: container "a" of Pod "a" uses the image busybox:1 whatever global.imageRegistry is` + onlyTested,
				`info images ext/charts/web/templates/tests/a.yaml:2: container "a" of Pod "a" uses docker.io/library/busybox:1, which images in extension.yaml does not list` + onlyTested,
				`info node-selector ext/charts/web/templates/tests/a.yaml:2: Pod "a" does not obey global.nodeSelector` + onlyTested,
			},
		},
		{
			name: "an image that values switch on",
			changes: []string{"charts/web/values.yaml", "tag: 1.27.0\nresizer: {enabled: false, image: {repository: example/resizer, tag: '2'}}\ncache: {image: \"redis:7\", name: memcached}\n",
				"extension.yaml", goodMetadata + "  - docker.io/example/resizer:2-podman\n  - redis:7\n  - memcached:1\n"},
			want: []string{
				`info images ext/extension.yaml:16:5: the image docker.io/example/resizer:2-podman is listed, and nothing uses it by default; charts/web/values.yaml names example/resizer`,
				`info images ext/extension.yaml:17:5: the image redis:7 is listed, and nothing uses it by default; charts/web/values.yaml names redis`,
				`warning images ext/extension.yaml:18:5: the image memcached:1 is listed, and nothing uses it`,
			},
			hint: fineIfOptional,
		},
		{
			name:    "an image that values name, in use in another version",
			changes: []string{"charts/web/values.yaml", "tag: 1.27.1\nimage: library/nginx\n"},
			want: []string{
				`warning images ext/charts/web/templates/deployment.yaml:2: container "web" of Deployment "web" uses docker.io/library/nginx:1.27.1, which images in extension.yaml does not list`,
				`warning images ext/extension.yaml:15:5: the image docker.io/library/nginx:1.27.0 is listed, and nothing uses it`,
			},
		},
		{
			name:    "no list of images, and a template that does not render",
			changes: []string{"charts/web/templates/a.yaml", "{{ fail `no` }}", "extension.yaml", replaced(goodMetadata, "images:\n  - docker.io/library/nginx:1.27.0\n", "")},
			want: []string{
				`error render ext/charts/web/templates/a.yaml:1:4: the template does not render: no`,
				`warning images ext/extension.yaml:1:1: extension.yaml lists no images, and one image is in use (container "web" of Deployment "web" uses docker.io/library/nginx:1.27.0)`,
			},
		},
		{
			name:    "the registry without a slash",
			changes: []string{deployment, replaced(goodDeployment, `{{ .Values.global.imageRegistry | default "docker.io" }}/library`, `{{ .Values.global.imageRegistry | default "docker.io/" }}library`)},
			want:    []string{`warning image-registry ext/charts/web/templates/deployment.yaml:2: container "web" of Deployment "web" puts global.imageRegistry before the image library/nginx:1.27.0 without a slash between them`},
		},
		{
			name:    "the registry in the wrong place",
			changes: []string{deployment, replaced(goodDeployment, "image: {{", "image: docker.io/{{"), "extension.yaml", replaced(goodMetadata, "docker.io/library/nginx", "docker.io/docker.io/library/nginx")},
			want:    []string{`warning image-registry ext/charts/web/templates/deployment.yaml:2: container "web" of Deployment "web" has global.imageRegistry inside of its image, not at the beginning: docker.io/REGISTRY/library/nginx:1.27.0`},
		},
		{
			name:    "a workload that runs anywhere",
			changes: []string{deployment, replaced(goodDeployment, ".Values.global.nodeSelector", ".Values.nodeSelector")},
			want:    []string{`warning node-selector ext/charts/web/templates/deployment.yaml:2: Deployment "web" does not obey global.nodeSelector`},
			hint:    "in the pod spec, in place of the nodeSelector that is there:\nnodeSelector: {{- toYaml (merge (dict) (.Values.nodeSelector | default dict) (.Values.global.nodeSelector | default dict)) | nindent 8 }}",
		},
		{
			name:    "a workload that nothing places",
			changes: []string{deployment, replaced(replaced(goodDeployment, ".Values.global.nodeSelector", "false"), "nodeSelector:", "x:")},
			want:    []string{`warning node-selector ext/charts/web/templates/deployment.yaml:2: Deployment "web" does not obey global.nodeSelector`},
			hint:    "in the pod spec:\nnodeSelector: {{- toYaml .Values.global.nodeSelector | nindent 8 }}",
		},
		{
			name: "a workload as the hint has it, with a node selector of its own",
			changes: []string{deployment, regexp.MustCompile(`(?s)\{\{- with .*?end \}\}`).ReplaceAllString(goodDeployment, "nodeSelector: {{- toYaml (merge (dict) (.Values.nodeSelector | default dict) (.Values.global.nodeSelector | default dict)) | nindent 8 }}"),
				"charts/web/values.yaml", "tag: 1.27.0\nnodeSelector: {kubernetes.io/os: linux}\n"},
		},
		{
			name:    "a workload as the hint has it, with none",
			changes: []string{deployment, regexp.MustCompile(`(?s)\{\{- with .*?end \}\}`).ReplaceAllString(goodDeployment, "nodeSelector: {{- toYaml (merge (dict) (.Values.nodeSelector | default dict) (.Values.global.nodeSelector | default dict)) | nindent 8 }}")},
		},
		{
			name:    "a DaemonSet that runs anywhere",
			changes: []string{deployment, replaced(replaced(goodDeployment, ".Values.global.nodeSelector", ".Values.nodeSelector"), "Deployment", "DaemonSet")},
			want:    []string{`info node-selector ext/charts/web/templates/deployment.yaml:2: DaemonSet "web" does not obey global.nodeSelector`},
		},
		{
			name:    "a node selector in the affinity",
			changes: []string{deployment, replaced(goodDeployment, "nodeSelector: {{- toYaml . | nindent 8 }}", "affinity: {nodeAffinity: {x: [{{ range $k, $v := . }}{key: {{ $k }}, values: [{{ $v }}]},{{ end }}]}}")},
		},
	})
}

// TestExcerpts: a finding in a template shows its line.
func TestExcerpts(t *testing.T) {
	findings := check(t, with(goodFiles(), "charts/web/templates/a.yaml", "a: b\nb: {{ .Values.image.tag }}\n"))
	if len(findings) != 1 || findings[0].Excerpt != "   2 | b: {{ .Values.image.tag }}" {
		t.Errorf("findings: %+v", findings)
	}
}

func TestSeverities(t *testing.T) {
	files := with(goodFiles(), "extension.yaml", goodMetadata+"keyword: [web]\n", "static/icon.svg", "no image")
	ext := load(t, files)
	tests := []struct {
		name       string
		severities map[string]Severity
		want       []string
		failed     bool
	}{
		{"the defaults", nil, []string{"error icon", "warning schema"}, true},
		{"a rule that is off", map[string]Severity{"icon": Off}, []string{"warning schema"}, false},
		{"a rule that only informs", map[string]Severity{"icon": Info, "schema": Info}, []string{"info icon", "info schema"}, false},
		{"lesser findings follow a severity that was chosen", map[string]Severity{"icon": Off, "schema": Error}, []string{"error schema"}, true},
		{"what is no severity counts as none", map[string]Severity{"icon": "loud"}, []string{"error icon", "warning schema"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			findings := Examine(context.Background(), ext, Options{Severities: test.severities}).Findings
			var got []string
			for _, f := range findings {
				got = append(got, string(f.Severity)+" "+f.Rule)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if Failed(findings) != test.failed {
				t.Errorf("Failed is %t", !test.failed)
			}
		})
	}
}

// TestLesserFindings: a finding that is less than its rule is not more than what was
// chosen for the rule, and not more than it is by itself.
func TestLesserFindings(t *testing.T) {
	ext := load(t, with(goodFiles(), "extension.yaml", replaced(goodMetadata, "- name: web\n", "- name: web\n    alias: front\n")))
	for chosen, want := range map[Severity]Severity{Info: Info, Warning: Warning, Error: Warning} {
		findings := Examine(t.Context(), ext, Options{Severities: map[string]Severity{"chart": chosen}}).Findings
		if len(findings) != 1 || findings[0].Code != "chart/alias-without-version" || findings[0].Severity != want {
			t.Errorf("chart: %s: %v", chosen, told(findings))
		}
	}
}

func TestRulesAreDescribed(t *testing.T) {
	known := map[string]bool{}
	for _, r := range Rules() {
		if r.Summary == "" || r.Why == "" || r.Fix == "" || r.Source == "" || r.Default.rank() < 0 || r.check == nil {
			t.Errorf("the rule %s is not whole: %+v", r.Name, r)
		}
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(r.Name) {
			t.Errorf("the rule %q has no name that stands well in a comment", r.Name)
		}
		if strings.ContainsAny(r.Summary, "\n|") || strings.HasSuffix(r.Summary, ".") {
			t.Errorf("the summary of %s is no line of a table: %q", r.Name, r.Summary)
		}
		if known[r.Name] {
			t.Errorf("there are two rules %s", r.Name)
		}
		known[r.Name] = true
	}
}

// TestExamineMetadata: without the chart, there are no findings about it, and what
// is told is what Check tells.
func TestExamineMetadata(t *testing.T) {
	ext := load(t, with(goodFiles(), "static/icon.svg", "no image", "charts/web/Chart.yaml", "{", "charts/web/templates/deployment.yaml", "{{"))
	got := told(ExamineMetadata(context.Background(), ext, Options{}).Findings)
	want := []string{`error icon ext/extension.yaml:8:7: icon "static/icon.svg" is not an image: it reads as text/plain`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestPanicOfARule: it costs that rule, and is told.
func TestPanicOfARule(t *testing.T) {
	ext := load(t, with(goodFiles(), "static/icon.svg", "no image"))
	bad := Rule{Name: "bad", Default: Warning, check: func(*subject) { panic("index out of range") }}
	got := told(run(context.Background(), []Rule{bad, iconRule()}, ext, Options{}).Findings)
	want := []string{
		`warning bad ext: the rule bad broke down on this extension: index out of range`,
		`error icon ext/extension.yaml:8:7: icon "static/icon.svg" is not an image: it reads as text/plain`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestNothingAfterTheEnd: rules that come after the end of the context do not run.
func TestNothingAfterTheEnd(t *testing.T) {
	ext := load(t, with(goodFiles(), "static/icon.svg", "no image", "charts/web/templates/broken.yaml", "{{ fail `no` }}"))
	ctx, cancel := context.WithCancel(t.Context())
	end := Rule{Name: "end", Default: Warning, check: func(*subject) { cancel() }}
	got := told(run(ctx, []Rule{iconRule(), end, renderRule(), iconRule()}, ext, Options{}).Findings)
	want := []string{`error icon ext/extension.yaml:8:7: icon "static/icon.svg" is not an image: it reads as text/plain`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if findings := Examine(ctx, ext, Options{}).Findings; findings != nil {
		t.Errorf("findings after the end: %v", told(findings))
	}
}

// TestManyBrokenTemplates: the search for more of them has an end.
func TestManyBrokenTemplates(t *testing.T) {
	var changes []string
	for i := range helmchart.MaxBroken + 5 {
		changes = append(changes, fmt.Sprintf("charts/web/templates/broken-%02d.yaml", i), `{{ fail "no" }}`)
	}
	findings := check(t, with(goodFiles(), changes...))
	last := slices.IndexFunc(findings, func(f Finding) bool {
		return f.Message == "after 20 templates that do not render, the others were not tried"
	})
	if last < 0 {
		t.Errorf("findings: %v", told(findings))
	}
}

// TestExtensionStaysAsItIs: rules share what others read; templates that change
// values change them for nobody else. Under -race this also shows that an
// extension can be linted from several sides at once.
func TestExtensionStaysAsItIs(t *testing.T) {
	files := with(goodFiles(),
		"charts/web/templates/a.yaml", `{{ $_ := set .Values "tag" "changed" }}{{ $_ := set .Values.global "nodeSelector" (dict "a" "b") }}`,
		"charts/web/templates/z.yaml", `{{ $_ := set .Values "tag" "changed" }}{{ $_ := set .Values.global "nodeSelector" (dict "a" "b") }}`)
	ext := load(t, files)
	before := ext.ContentDigest()
	want := told(Examine(context.Background(), ext, Options{}).Findings)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if diff := cmp.Diff(want, told(Examine(context.Background(), ext, Options{}).Findings)); diff != "" {
				t.Errorf("findings changed (-first +later):\n%s", diff)
			}
		})
	}
	group.Wait()
	pack, err := ext.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	if pack.ContentDigest != before || load(t, files).ContentDigest() != before {
		t.Error("linting changed the content of the extension")
	}
}

// TestBrokenTemplateSpoilsNoOther: rules that need no rendering, or another part
// of it, tell what they would have told.
func TestBrokenTemplateSpoilsNoOther(t *testing.T) {
	files := with(goodFiles(),
		"README.md", "", "CHANGELOG.md", "none\n", "permissions.yaml", "kind: Pod\n---\nkind: ClusterRole\nrules:\n  - {apiGroups: ['*'], resources: ['*'], verbs: ['*']}\n",
		"static/one.png", headOfPNG(10, 10), "charts/web/files/a.pem", freshKey(t), "charts/web/a.bak", "x",
		"charts/web/values.schema.json", `{"required": ["host"]}`, "charts/web/templates/old.yaml", "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n",
		"charts/extra/Chart.yaml", "apiVersion: v2\nname: extra\nversion: 0.1.0\n", "charts/extra/templates/a.yaml", "{{ if .Values.x }}{{ .Values.a.b }}{{ end }}", "charts/extra/ci/a-values.yaml", "x: y\n",
		"extension.yaml", replaced(goodMetadata, "dependencies:\n", "dependencies:\n  - name: extra\n    tags: [extension]\n"))
	rules := func(findings []Finding) []string {
		var names []string
		for _, f := range findings {
			if !slices.Contains(names, f.Rule) {
				names = append(names, f.Rule)
			}
		}
		slices.Sort(names)
		return names
	}
	want := []string{"assets", "changelog", "ci-values", "helm-lint", "least-privilege", "leftovers", "permissions", "readme", "secrets", "values-schema"}
	before := check(t, files)
	if diff := cmp.Diff(want, rules(before)); diff != "" {
		t.Fatalf("rules that tell something (-want +got):\n%s", diff)
	}
	files["charts/web/templates/broken.yaml"] = "{{ if }}"
	var after []Finding
	for _, f := range check(t, files) {
		if f.Rule != "render" {
			after = append(after, f)
		}
	}
	if diff := cmp.Diff(told(before), told(after)); diff != "" {
		t.Errorf("findings change (-without +with a broken template):\n%s", diff)
	}
}

// TestWhatThePushedPackageLacks: templates see what they will see once the package
// is pushed, without staticFileDirectory.
func TestWhatThePushedPackageLacks(t *testing.T) {
	const static = "staticFileDirectory: static\n"
	testFindings(t, []findingTest{
		{
			name: "a file that is read", changes: []string{"extension.yaml", goodMetadata + static, "static/d.json", "{}",
				"templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  d: {{ .Files.Get \"static/d.json\" | quote }}\n"},
			want: []string{`warning chart ext/templates/a.yaml:5: the template reads static/d.json, and staticFileDirectory leaves that out of the pushed package`},
			hint: "move the file into another folder: staticFileDirectory is for icon and screenshots",
		},
		{
			name: "a file that is needed", changes: []string{"extension.yaml", goodMetadata + static, "static/d.json", "{}",
				"templates/a.yaml", "{{ .Files.Get (printf \"static/%s\" \"d.json\") | required \"no d.json\" }}"},
			want: []string{`error render ext/templates/a.yaml:1:47: the template does not render: no d.json`},
		},
		{
			name: "the chart itself", changes: []string{"extension.yaml", goodMetadata + "staticFileDirectory: ./charts/\n"},
			want: []string{`error schema ext/extension.yaml:16:22: staticFileDirectory "./charts/" is left out of the pushed package, and Helm needs what is in it`},
			hint: "keep the assets in a folder of their own, such as static, and name that",
		},
	})
}

// TestAssetsThatAreLeftOut: they are uploaded, and lacking where somebody releases the
// package that was made.
func TestAssetsThatAreLeftOut(t *testing.T) {
	testFindings(t, []findingTest{{
		name: "by .helmignore", changes: []string{".helmignore", "one.png\n"},
		want: []string{"info assets ext/extension.yaml:10:5: screenshots static/one.png is uploaded, and line 1 of .helmignore, \"one.png\", keeps it out of packages: one that `ksrelease package` leaves cannot be released from"},
		hint: "to keep pictures out of what is pushed, name their folder as staticFileDirectory",
	}})
}

// TestHookImages: the images of KubeSphere's own hooks are in use, too.
func TestHookImages(t *testing.T) {
	const hook = "annotations:\n  executor-hook-image.kubesphere.io/install: docker.io/kubesphere/hook:v1\n"
	testFindings(t, []findingTest{
		{name: "listed", changes: []string{"extension.yaml", replaced(goodMetadata, "images:\n", hook+"images:\n  - kubesphere/hook:v1\n")}},
		{
			name: "not listed", changes: []string{"extension.yaml", goodMetadata + hook},
			want: []string{`warning images ext/extension.yaml:17:46: the annotation executor-hook-image.kubesphere.io/install uses docker.io/kubesphere/hook:v1, which images in extension.yaml does not list`},
			hint: "add it to images in extension.yaml:\n  - docker.io/kubesphere/hook:v1",
		},
	})
}

// TestFieldsOfSubchartsThatHelmDoesNotTake: each is told at its place, without the
// names of Go types.
func TestFieldsOfSubchartsThatHelmDoesNotTake(t *testing.T) {
	const head = "apiVersion: v2\nname: web\n"
	var tests []findingTest
	for field, want := range map[string]string{
		"version: 0.1.0\nmaintainers: [Foo]": "4:14: Helm cannot load the chart: an entry of maintainers is a text, and has to be a mapping",
		"version: 0.1.0\nkeywords: x":        "4:11: Helm cannot load the chart: keywords is a text, and has to be a list",
		"version: 0.1.0\nannotations: [a]":   "4:14: Helm cannot load the chart: annotations is a list, and has to be a mapping",
		"version: latest":                    `3:10: Helm cannot load the chart: version "latest" is invalid`,
		"version: 0.1.0\ntype: app":          "4:7: Helm cannot load the chart: type must be application or library",
	} {
		tests = append(tests, findingTest{name: field, changes: []string{"charts/web/Chart.yaml", head + field + "\n"}, want: []string{"error chart ext/charts/web/Chart.yaml:" + want}})
	}
	testFindings(t, tests)
}

// TestObjectsThatHelmCannotRead: what Helm refuses when it sorts what was rendered.
func TestObjectsThatHelmCannotRead(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	const of = "error render ext/charts/web/templates/a.yaml:2: line 1 of what the template renders begins an object whose "
	const end = ", so Helm does not install the chart"
	testFindings(t, []findingTest{
		{
			name: "a list of annotations", changes: []string{"charts/web/templates/a.yaml", head + "  annotations: {{- toYaml .Values.annotations | nindent 4 }}\n", "charts/web/values.yaml", "tag: 1.27.0\nannotations: []\n"},
			want: []string{of + "metadata.annotations is a list, not a mapping" + end},
			hint: "look at the values that are put in there: an empty list ([]) is no mapping ({})",
		},
		{
			name: "an annotation that is a mapping", changes: []string{"charts/web/templates/a.yaml", head + "  annotations: {a: {b: c}}\n"},
			want: []string{of + "annotation a is a mapping, not a text" + end},
		},
		{
			name: "a name that is a list", changes: []string{"charts/web/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [a]}\n"},
			want: []string{of + "metadata.name is a list, not a text" + end},
		},
		{
			name: "a text", changes: []string{"charts/web/templates/a.yaml", "just text\n"},
			want: []string{"error render ext/charts/web/templates/a.yaml: line 1 of what the template renders begins no object, but a text" + end},
			hint: "let it begin with apiVersion and kind, or render nothing",
		},
		{name: "annotations of other types, and none", changes: []string{"charts/web/templates/a.yaml", head + "  annotations: {a: true, b: 1}\n---\n" + strings.Replace(head, "name: a", "name: b", 1) + "  annotations:\n"}},
	})
}

// TestChartsThatAreNotInstalled: neither libraries nor what another Chart.yaml says.
func TestChartsThatAreNotInstalled(t *testing.T) {
	testFindings(t, []findingTest{
		{
			name: "a library", changes: []string{"extension.yaml", goodMetadata + "type: library\n"},
			want: []string{`error chart ext/extension.yaml:16:7: the chart is of the type "library", and Helm installs only applications`},
			hint: "take type out, or write application",
		},
		{
			name: "a library by its Chart.yaml", changes: []string{"Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\ntype: library\n"},
			want: []string{`error chart ext/Chart.yaml: the chart is of the type "library", and Helm installs only applications`},
		},
		{name: "an application", changes: []string{"Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\ntype: application\n"}},
		{
			name: "another chart", changes: []string{"Chart.yaml", "apiVersion: v2\nname: other\nversion: 9.9.9\n"},
			want: []string{
				`warning chart ext/Chart.yaml: the name in Chart.yaml is "other", and "web" in extension.yaml: the package gets a Chart.yaml made from extension.yaml`,
				`warning chart ext/Chart.yaml: the version in Chart.yaml is "9.9.9", and "1.0.0" in extension.yaml: the package gets a Chart.yaml made from extension.yaml`,
			},
		},
	})
}

// TestPackagedSubchartThatIsNone: what is told names the package, what is wrong in
// it and what to do, all of it.
func TestPackagedSubchartThatIsNone(t *testing.T) {
	long := strings.Repeat("a-folder-of-many/", 10) + "../../../secret"
	got := told(check(t, with(goodFiles(),
		"charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/charts/deep-1.0.0.tgz", packed(t, "deep", map[string]string{long: "x"}),
	)))
	want := []string{"error chart ext/charts/sub/charts/deep-1.0.0.tgz: Helm cannot load the chart: " +
		`the entry "deep/` + long + `" leads out of the package: names must not contain '..'; pack it again`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
