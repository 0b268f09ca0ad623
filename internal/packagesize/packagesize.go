// Package packagesize says in a result where the bytes of a package go, and what to do about
// one that is too large.
package packagesize

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/extension"
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

// Hint is the first thing to do about a package that has so many bytes and is too large.
func Hint(explained *results.Package, size int64) string {
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
	hint := fmt.Sprintf("%s (saves %s)", explained.Advice[0].What, Text(explained.Advice[0].Saves))
	if explained.Advice[0].Saves < size-explained.Limit && explained.AdvisedSize > explained.Limit {
		hint += "; what can be left out is not enough, though"
	}
	return hint
}

// Text writes a size, in bytes, as people read it, in units of 1024.
func Text(n int64) string {
	if n < 0 {
		return "-" + Text(-n)
	}
	return humanize.IBytes(uint64(n))
}
