// Package verdict brings what lint has found in an extension into its result, and says what that comes to.
package verdict

import (
	"errors"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/services"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

// By is what findings are judged by.
type By struct {
	Known  services.Baseline // findings that are not reported again; nil knows none
	Strict bool              // a warning stops an extension as an error does
}

// Keep keeps the findings of a report that are new in the result of an extension, and counts the others.
// path is that of the extension for messages. The error is what the new findings of severity error come
// to, and of warnings where these stop an extension, too.
func Keep(result *results.Extension, report lint.Report, by By, path string) error {
	result.Silenced += report.Silenced
	findings := report.Findings
	if by.Known != nil {
		// What has not been looked at cannot be known.
		kept, reached := lint.WithoutLimits(findings)
		fresh, count := by.Known.Sift(result.Name, kept)
		findings, result.Known = append(fresh, reached...), result.Known+count
	}
	errorCount, warningCount := 0, 0
	var first lint.Finding
	for _, f := range findings {
		result.Findings = append(result.Findings, results.FindingOf(f, path))
		switch f.Severity {
		case lint.Error:
			if errorCount == 0 {
				first = f
			}
			errorCount++
		case lint.Warning:
			warningCount++
		}
	}
	switch {
	case errorCount == 0 && warningCount > 0 && by.Strict:
		return failure.WithHint(errors.New(warned(warningCount)), "fix what lint warns of, silence it with a reason, or leave out --strict")
	case errorCount == 0:
		return nil
	case errorCount == 1:
		return failure.WithHint(fmt.Errorf("%s (%s)", first.Message, first.Code), "%s", first.Hint)
	default:
		return failure.WithHint(fmt.Errorf("%s (%s), and %d more", first.Message, first.Code, errorCount-1),
			"see all of them with: ksrelease lint %s", shellword.Quote(path))
	}
}

// warned is what warnings alone come to where they stop an extension.
func warned(count int) string {
	if count == 1 {
		return "1 warning, and --strict lets none pass"
	}
	return fmt.Sprintf("%d warnings, and --strict lets none pass", count)
}
