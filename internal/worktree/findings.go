package worktree

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
)

// messages say of a file in which way it is not as it was committed.
var messages = map[string]string{
	Changed:   "it is not as it was committed, and would be packed as it is",
	Removed:   "it was committed and is gone, so that the package lacks it",
	Untracked: "git does not know it (git add), and it would be packed",
	Ignored:   "git ignores it, and it would be packed",
	LineEnds:  "its line ends alone are not as they were committed, and it would be packed so: give it those with '* text=auto eol=lf' in .gitattributes",
}

// mostFindings is how many files are findings of their own.
const mostFindings = 10

// Findings are what a run reports of files that are not as they were committed, of an extension
// that is shown by a path. Those that end it are errors.
func Findings(files []results.Uncommitted, fails bool, display string) (findings []results.Finding) {
	for i, f := range files {
		d := diagnostic.Diagnostic{Code: results.RuleCommitted + "/" + f.State, Severity: diagnostic.Warning, File: f.File, Subject: f.File, Message: messages[f.State]}
		if fails {
			d.Severity = diagnostic.Error
		}
		more := len(files) - mostFindings
		if i == mostFindings-1 && more > 0 {
			d.Message += fmt.Sprintf("; %d more files are not as they were committed", more)
		}
		findings = append(findings, results.FindingOf(d, display))
		if i == mostFindings-1 {
			break
		}
	}
	return findings
}

// Refusal is the error of an extension that fails with such files; nil where it does not.
func Refusal(files []results.Uncommitted, fails bool) error {
	if len(files) == 0 || !fails {
		return nil
	}
	const few = 5
	var words []string
	for _, f := range files[:min(few, len(files))] {
		words = append(words, fmt.Sprintf("%s (%s)", excerpt.OneLine(f.File), f.State))
	}
	if more := len(files) - few; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	what := "1 file would be packed that is"
	if len(files) > 1 {
		what = fmt.Sprintf("%d files would be packed that are", len(files))
	}
	return failure.WithHint(fmt.Errorf("%s not as committed: %s", what, strings.Join(words, ", ")),
		"commit them (git add, git commit), or leave them out (.helmignore); push: {dirty: warn} in .ksrelease.yaml sends them all the same")
}
