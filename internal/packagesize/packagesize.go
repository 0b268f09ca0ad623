// Package packagesize says in a result where the bytes of a package go, and what there is to say of
// one that is near the limit of its size, or over it.
package packagesize

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// largest is how many of the files a result names that take most.
const largest = 10

// Explain puts into the result of a package where its bytes go.
func Explain(result *results.Package, report *weight.Report) {
	result.Files = len(report.Contributors)
	result.Contributors = []results.Contributor{}
	for _, c := range report.Contributors[:min(largest, result.Files)] {
		result.Contributors = append(result.Contributors, contributor(c))
	}
	for _, a := range report.Advice {
		result.Advice = append(result.Advice, results.Advice(a))
	}
	if len(result.Advice) > 0 {
		result.AdvisedSize = report.Advised
	}
}

func contributor(c weight.Contributor) results.Contributor {
	result := results.Contributor{File: c.File, Size: c.Size, Compressed: c.Compressed}
	for _, inside := range c.Inside {
		result.Inside = append(result.Inside, contributor(inside))
	}
	return result
}

// Refusal is the error of a package that is over the limit, in bytes as its size is.
func Refusal(explained *results.Package, size, limit int64) error {
	return failure.WithHint(fmt.Errorf("the package has %s, over the limit of %s by %s", Text(size), Text(limit), Text(size-limit)), "%s", hint(explained, size))
}

// Near is the finding of a package that is near the limit, or over it by so little that its
// forecast may be wrong.
func Near(explained *results.Package, size, limit int64) diagnostic.Diagnostic {
	code, message := results.CodeNearLimit, fmt.Sprintf("the package has %s, %d %% of the limit of %s", Text(size), size*100/limit, Text(limit))
	if over := size - limit; over > 0 {
		code, message = results.CodeOverLimit, fmt.Sprintf("the package is over the limit of %s by %s, if the assets get the addresses that were expected: the upload will show it", Text(limit), Text(over))
	}
	return diagnostic.Diagnostic{Code: code, Severity: diagnostic.Warning, Message: message, Hint: hint(explained, size), File: extension.MetadataFile}
}

// PackedHard is what to know of a package that was packed as small as can be, with the size that
// it has so.
func PackedHard(size, limit int64) string {
	return fmt.Sprintf("packed as small as can be, which takes longer: it has %s, %d %% of the limit of %s", Text(size), size*100/limit, Text(limit))
}

// hint is the first thing to do about a package that has so many bytes and is too large.
func hint(explained *results.Package, size int64) string {
	if len(explained.Contributors) == 0 {
		return "make its files smaller"
	}
	if len(explained.Advice) == 0 {
		most := explained.Contributors[0]
		if most.File == extension.ChartFile && explained.Files > 1 { // derived: nobody can change it
			most = explained.Contributors[1]
		}
		if len(most.Inside) > 0 {
			return fmt.Sprintf("make its files smaller; the largest part of it is %s (%s compressed), and in that %s (%s)",
				most.File, Text(most.Compressed), most.Inside[0].File, Text(most.Inside[0].Compressed))
		}
		return fmt.Sprintf("make its files smaller; the largest part of it is %s (%s compressed)", most.File, Text(most.Compressed))
	}
	advice := fmt.Sprintf("%s (saves %s)", explained.Advice[0].What, Text(explained.Advice[0].Saves))
	if explained.Advice[0].Saves < size-explained.Limit && explained.AdvisedSize > explained.Limit {
		advice += "; what can be left out is not enough, though"
	}
	return advice
}

// Text writes a size, in bytes, as people read it, in units of 1024.
func Text(n int64) string {
	if n < 0 {
		return "-" + Text(-n)
	}
	return humanize.IBytes(uint64(n))
}
