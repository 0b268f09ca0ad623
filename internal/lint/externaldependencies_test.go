package lint

import "testing"

func TestExternalDependencies(t *testing.T) {
	external := func(entries string) []string {
		return []string{"extension.yaml", goodMetadata + "externalDependencies:\n" + entries}
	}
	testFindings(t, []findingTest{
		{name: "good ones", changes: external("  - {name: opensearch, type: extension, version: '>=2', required: true}\n  - {name: cert-manager}\n")},
		{
			name:    "a name in capitals",
			changes: external("  - name: OpenSearch\n"),
			want:    []string{`warning external-dependencies ext/extension.yaml:17:11: no extension can have the name "OpenSearch"`},
			hint:    `did you mean "opensearch"?`,
		},
		{
			name:    "a title",
			changes: external("  - name: Open Search\n"),
			want:    []string{`warning external-dependencies ext/extension.yaml:17:11: no extension can have the name "Open Search"`},
			hint:    "use the name of its extension.yaml: lower-case letters, digits and hyphens, at most 63 characters",
		},
		{
			name:    "itself",
			changes: external("  - name: web\n"),
			want:    []string{`warning external-dependencies ext/extension.yaml:17:11: the extension "web" names itself as an external dependency, so that it can never be installed first`},
			hint:    "take the entry out",
		},
		{
			name:    "twice",
			changes: external("  - name: db\n    version: '>=1'\n  - name: db\n    version: '>=2'\n"),
			want:    []string{`warning external-dependencies ext/extension.yaml:19:11: the external dependency "db" stands here twice, first in line 17`},
			hint:    "keep one of the two, with one constraint on its version",
		},
		{
			name:    "of another type",
			changes: external("  - {name: db, type: chart}\n"),
			want:    []string{`warning external-dependencies ext/extension.yaml:17:22: the external dependency "db" is of the type "chart", and there is only "extension"`},
			hint:    "write type: extension, or remove the line",
		},
		{
			name:    "what the schema tells",
			changes: external("  - {type: extension}\n  - db\n  - {name: [a]}\n"),
			want: []string{
				`error schema ext/extension.yaml:17:5: key "name" is missing`,
				`error schema ext/extension.yaml:18:5: item 2 of "externalDependencies" must be a mapping, not a string`,
				`error schema ext/extension.yaml:19:12: "name" must be a string, not a list`,
			},
		},
	})
}
