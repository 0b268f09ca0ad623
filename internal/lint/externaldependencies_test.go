package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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

// TestVersionsBeside: what is released beside an extension has to satisfy what it
// asks for.
func TestVersionsBeside(t *testing.T) {
	for _, test := range []struct {
		name, entry, beside string
		want, hint          string
	}{
		{name: "satisfied", entry: "{name: db, version: '>=2.0.0-0'}", beside: "2.1.0"},
		{name: "any version", entry: "{name: db}", beside: "2.1.0"},
		{name: "not released beside it", entry: "{name: other, version: '>=3.0.0-0'}", beside: "2.1.0"},
		{
			name: "too old", entry: "{name: db, version: '>=3.0.0-0'}", beside: "2.1.0",
			want: `the external dependency "db" is to be ">=3.0.0-0", and is released with this one as 2.1.0`,
			hint: "let the constraint admit 2.1.0, or release db in a version that it admits",
		},
		{
			name: "a pre-release", entry: "{name: db, version: '>=2.1.0'}", beside: "2.1.0-rc.1",
			want: `the external dependency "db" is to be ">=2.1.0", and is released with this one as 2.1.0-rc.1`,
			hint: `constraints admit pre-releases only where they name one, as in ">=2.1.0-0"`,
		},
		{name: "one of several versions", entry: "{name: db, version: '<2.0.0'}", beside: "1.9.0 2.1.0"},
		{
			name: "none of several versions", entry: "{name: db, version: '<1.0.0'}", beside: "2.1.0 1.9.0",
			want: `the external dependency "db" is to be "<1.0.0", and is released with this one as 2.1.0`,
			hint: "let the constraint admit 2.1.0, or release db in a version that it admits",
		},
		{name: "a version that is none", entry: "{name: db, version: '>=2.1.0'}", beside: "latest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ext := load(t, with(goodFiles(), "extension.yaml", goodMetadata+"externalDependencies:\n  - "+test.entry+"\n"))
			findings := seen(run(t.Context(), []Rule{externalDependenciesRule()}, ext, Options{Beside: map[string][]string{"db": strings.Fields(test.beside)}}).Findings)
			var want []string
			if test.want != "" {
				want = append(want, "warning external-dependencies ext/extension.yaml:17:25: "+test.want)
			}
			if diff := cmp.Diff(want, told(findings)); diff != "" {
				t.Fatalf("findings (-want +got):\n%s", diff)
			}
			if want != nil && findings[0].Hint != test.hint {
				t.Errorf("hint %q, want %q", findings[0].Hint, test.hint)
			}
		})
	}
}
