package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// TestHintOnce: what a rule hints at is said once for each extension.
func TestHintOnce(t *testing.T) {
	finding := func(rule, message, hint string) results.Finding {
		return results.Finding{Rule: rule, Code: rule + "/x", Severity: "warning", Message: message, Hint: hint, File: "a.yaml"}
	}
	result := &results.Document{Extensions: []results.Extension{
		{Name: "alc", Findings: []results.Finding{
			finding("one", "first", "fix it"), finding("two", "second", "fix it"), finding("one", "third", "fix it"), finding("one", "fourth", "drop it"),
		}},
		{Name: "bee", Findings: []results.Finding{finding("one", "fifth", "fix it")}},
	}}
	var out bytes.Buffer
	NewText(output.New(&out), output.New(&out), TextOptions{Findings: true}).finish(result, result)
	const want = `a.yaml: warning: first (one/x)
  → fix it
a.yaml: warning: second (two/x)
  → fix it
a.yaml: warning: third (one/x)
a.yaml: warning: fourth (one/x)
  → drop it
a.yaml: warning: fifth (one/x)
  → fix it
`
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got:\n%s\nwant first:\n%s", out.String(), want)
	}
}
