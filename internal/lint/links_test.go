package lint

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLinksShowNoSecrets: neither message nor excerpt shows a password.
func TestLinksShowNoSecrets(t *testing.T) {
	findings := check(t, with(goodFiles(), "extension.yaml", goodMetadata+"home: https://me:hunter2@kubesphere.io/\n"), "links")
	var shown []string
	for _, f := range findings {
		shown = append(shown, fmt.Sprintf("%s\n%s", f.Message, f.Excerpt))
	}
	want := []string{"home has a user name or password in it, which everybody can read in the package\n  16 | home: https://**********@kubesphere.io/\n     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}
