package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/results"
)

// Lists of files are cut in what people read, and names of files mean nothing to a page.
func TestDifferences(t *testing.T) {
	x := results.Extension{Name: "alc", Version: "1.0.0", Outcome: results.Drift, Reason: "other content"}
	for i := range 130 {
		x.Differs = append(x.Differs, results.Difference{File: fmt.Sprintf("file-%03d", i), Kind: "added"})
	}
	x.Differs[0] = results.Difference{File: "@team/</summary>`|\x1b[2J#1", Kind: "changed", Detail: "icon"}
	r := &results.Document{Command: "run", Extensions: []results.Extension{x}}
	r.Recount()
	page := string(markdown(r))
	for _, want := range []string{"### alc 1.0.0: other content\n", "<summary>130 differences</summary>", "| added | `file-099` |", "| | and 30 more |"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
	if strings.Contains(page, "file-100") || strings.Contains(page, "\x1b") {
		t.Errorf("the page is\n%s", page)
	}
	xml, err := junitXML(r)
	if err != nil || !strings.Contains(string(xml), "added      file-099&#xA;and 30 more") || strings.Contains(string(xml), "file-100") {
		t.Errorf("%v\n%s", err, xml)
	}
}

// What is said of a file has the file: "git does not know it" alone helps nobody.
func TestRemarksNameTheirFile(t *testing.T) {
	x := results.Extension{Name: "alc", Version: "1.0.0", Outcome: results.Released, AsAsked: true, Findings: []results.Finding{
		{Rule: results.RuleCommitted, Code: "committed/untracked", Severity: "warning", File: "extensions/alc/a|b@c.txt", Message: "git does not know it"},
	}}
	r := &results.Document{Command: "run", Extensions: []results.Extension{x}}
	r.Recount()
	page := string(markdown(r))
	if want := "| alc | 1.0.0 | `extensions/alc/a\\|b@c.txt`: git does not know it |"; !strings.Contains(page, want) {
		t.Errorf("%q is not in\n%s", want, page)
	}
	if strings.Contains(page, "alc/a|") {
		t.Errorf("the name of a file divides a cell:\n%s", page)
	}
}
