package lint

import "testing"

// TestExamplesAreClean: the examples show how it is done, so there is nothing to
// say of them.
func TestExamplesAreClean(t *testing.T) {
	for _, ext := range examples(t) {
		for _, finding := range told(Examine(t.Context(), ext, Options{}).Findings) {
			t.Error(finding)
		}
	}
}
