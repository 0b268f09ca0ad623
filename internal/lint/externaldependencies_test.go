package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/lint/dependencies"
)

// TestVersionsOfSiblings: what is released beside an extension has to satisfy what it
// asks for.
func TestVersionsOfSiblings(t *testing.T) {
	for _, test := range []struct {
		name, entry, beside string
		want, hint          string
	}{
		{name: "satisfied", entry: "{name: db, version: '>=2.0.0-0'}", beside: "2.1.0"},
		{name: "any version", entry: "{name: db, version: '*'}", beside: "2.1.0"},
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
			findings := seen(run(t.Context(), []Rule{dependencies.External()}, ext, Options{Siblings: map[string][]string{"db": strings.Fields(test.beside)}}).Findings)
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
