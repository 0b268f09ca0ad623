// Package verdict brings what lint has found in an extension into its result, and says what that comes to.
package verdict

import (
	"fmt"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/services"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

// Keep keeps the findings of a report that are new in the result of an extension, and counts the others.
// known may be nil; path is that of the extension for messages. The error is what the new findings of
// severity error come to.
func Keep(result *results.Extension, report lint.Report, known services.Baseline, path string) error {
	result.Silenced += report.Silenced
	findings := report.Findings
	if known != nil {
		// What has not been looked at cannot be known.
		kept, reached := lint.WithoutLimits(findings)
		fresh, count := known.Sift(result.Name, kept)
		findings, result.Known = append(fresh, reached...), result.Known+count
	}
	errorCount := 0
	var first lint.Finding
	for _, f := range findings {
		result.Findings = append(result.Findings, results.FindingOf(f, path))
		if f.Severity == lint.Error {
			if errorCount == 0 {
				first = f
			}
			errorCount++
		}
	}
	switch errorCount {
	case 0:
		return nil
	case 1:
		return failure.WithHint(fmt.Errorf("%s (%s)", first.Message, first.Code), "%s", first.Hint)
	default:
		return failure.WithHint(fmt.Errorf("%s (%s), and %d more", first.Message, first.Code, errorCount-1),
			"see all of them with: ksrelease lint %s", shellword.Quote(path))
	}
}
