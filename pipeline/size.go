package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// forecastWithin is by how many bytes a package may come out other than it was
// forecast, where it is not known which addresses the assets will get. A test of
// internal/extension holds it.
const forecastWithin = 64

// sizeStep holds the archive against the limit. The marketplace refuses a
// submission whose package is over 1 MB after the assets were replaced
// (publishing guide), and does so after the upload: so it is measured before. From
// 90 % of the limit on it is measured, too, and where the bytes go.
//
// A forecast that is over by less than it may be wrong stops nothing: what may
// well be taken is tried, and after the upload the size is exact.
func sizeStep[E any](ctx context.Context, _ E, r *release) error {
	r.forgetSize()
	r.result.Package.SizeWithin = r.sizeWithin()
	limit := r.source.Settings.Size.Limit
	if r.packed.pkg.Size <= limit-limit/10 {
		return nil
	}
	if err := r.measure(ctx, r.packed.urls); err != nil {
		return err
	}
	if over := r.packed.pkg.Size - limit; over > r.sizeWithin() {
		return failure.WithHint(
			fmt.Errorf("the package has %s, over the limit of %s by %s", sizeText(r.packed.pkg.Size), sizeText(limit), sizeText(over)),
			"%s", r.mostHelpful())
	}
	r.noteSize(limit)
	return nil
}

// sizeWithin is by how many bytes the size of the package may change when its
// assets are really uploaded.
func (r *release) sizeWithin() int64 {
	if len(r.packed.urls) == 0 {
		return 0
	}
	return r.packed.within
}

// noteSize adds the finding of a package that is near the limit.
func (r *release) noteSize(limit int64) {
	code, message := results.CodeNearLimit, fmt.Sprintf("the package has %s, %d %% of the limit of %s", sizeText(r.packed.pkg.Size), r.packed.pkg.Size*100/limit, sizeText(limit))
	if over := r.packed.pkg.Size - limit; over > 0 {
		code, message = results.CodeOverLimit, fmt.Sprintf("the package is over the limit of %s by %s, if the assets get the addresses that were expected: the upload will show it", sizeText(limit), sizeText(over))
	}
	// A slice of its own: events hold the one before.
	r.result.Findings = append(slices.Clone(r.result.Findings), results.FindingOf(diagnostic.Diagnostic{
		Code: code, Severity: diagnostic.Warning, Message: message, Hint: r.mostHelpful(), File: extension.MetadataFile,
	}, r.source.Display))
}

// forgetSize takes back what the plan has measured of the size.
func (r *release) forgetSize() {
	r.result.Findings = slices.DeleteFunc(slices.Clone(r.result.Findings), func(f results.Finding) bool { return f.Rule == results.RuleSize })
}

// measure says in the result where the bytes of the package go that has these
// addresses, unless it has been said.
func (r *release) measure(ctx context.Context, urls extension.URLs) error {
	measured := r.result.Package
	if measured.Contributors != nil {
		return nil
	}
	report, err := r.run.Examiner.Sizes(ctx, r.read.ext, urls, r.limits())
	switch {
	case failure.LimitReached(err):
		// The size is known all the same; what would make it smaller is not.
		r.notify("where the bytes of the package go could not be found out: " + err.Error())
		measured.Contributors = []results.Contributor{}
		return nil
	case err != nil:
		return err
	}
	const largest = 10
	measured.Files = len(report.Contributors)
	measured.Contributors = []results.Contributor{}
	for _, c := range report.Contributors[:min(largest, measured.Files)] {
		measured.Contributors = append(measured.Contributors, contributorResult(c))
	}
	for _, a := range report.Advice {
		measured.Advice = append(measured.Advice, results.Advice(a))
	}
	if len(measured.Advice) > 0 {
		measured.AdvisedSize = report.Advised
	}
	return nil
}

func contributorResult(c weight.Contributor) results.Contributor {
	result := results.Contributor{File: c.File, Size: c.Size, Compressed: c.Compressed}
	for _, inside := range c.Inside {
		result.Inside = append(result.Inside, contributorResult(inside))
	}
	return result
}

// mostHelpful is the first thing to do about a package that is too large.
func (r *release) mostHelpful() string {
	measured := r.result.Package
	if len(measured.Contributors) == 0 {
		return "make its files smaller"
	}
	if len(measured.Advice) == 0 {
		largest := measured.Contributors[0]
		if largest.File == extension.ChartFile && measured.Files > 1 { // derived: nobody can change it
			largest = measured.Contributors[1]
		}
		if len(largest.Inside) > 0 {
			return fmt.Sprintf("make its files smaller; the largest part of it is %s (%s compressed), and in that %s (%s)",
				largest.File, sizeText(largest.Compressed), largest.Inside[0].File, sizeText(largest.Inside[0].Compressed))
		}
		return fmt.Sprintf("make its files smaller; the largest part of it is %s (%s compressed)", largest.File, sizeText(largest.Compressed))
	}
	advice := fmt.Sprintf("%s (saves %s)", measured.Advice[0].What, sizeText(measured.Advice[0].Saves))
	if measured.Advice[0].Saves < r.packed.pkg.Size-measured.Limit && measured.AdvisedSize > measured.Limit {
		advice += "; what can be left out is not enough, though"
	}
	return advice
}

// sizeText writes a size as people read it, in units of 1024.
func sizeText(n int64) string {
	if n < 0 {
		return "-" + sizeText(-n)
	}
	return humanize.IBytes(uint64(n))
}
