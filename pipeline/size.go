package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// RuleSize is the rule under which a package near the limit is told among the
// findings. It is not one of lint: only here the size is known.
const RuleSize = "size"

// The codes of findings that no rule of lint makes: those of the size, and that of an
// extension that cannot be read.
const (
	CodeNearLimit  = RuleSize + "/near-limit"
	CodeOverLimit  = RuleSize + "/over-limit"
	CodeUnreadable = "schema/unreadable"
)

// forecastWithin is by how many bytes a package may come out other than it was
// forecast, where it is not known which addresses the assets will get. A test of
// internal/extension holds it.
const forecastWithin = 64

// sizeStage holds the archive against the limit. The marketplace refuses a
// submission whose package is over 1 MB after the assets were replaced
// (publishing guide), and does so after the upload: so it is told before. From
// 90 % of the limit on it is told, too, and where the bytes go.
//
// A forecast that is over by less than it may be wrong stops nothing: what may
// well be taken is tried, and after the upload the size is exact.
func sizeStage(ctx context.Context, _ *environment, r *release) error {
	r.forgetSize()
	r.result.Package.SizeWithin = r.sizeWithin()
	limit := r.source.Settings.Size.Limit
	if r.pkg.Size <= limit-limit/10 {
		return nil
	}
	if err := r.weigh(ctx, r.packedWith); err != nil {
		return err
	}
	if over := r.pkg.Size - limit; over > r.sizeWithin() {
		return withRemedy(
			fmt.Errorf("the package has %s, over the limit of %s by %s", sizeText(r.pkg.Size), sizeText(limit), sizeText(over)),
			"%s", r.mostHelpful())
	}
	r.tellSize(limit)
	return nil
}

// sizeWithin is by how many bytes the size of the package may change when its
// assets are really uploaded.
func (r *release) sizeWithin() int64 {
	if len(r.packedWith) == 0 {
		return 0
	}
	return r.within
}

// tellSize adds the finding of a package that is near the limit.
func (r *release) tellSize(limit int64) {
	code, message := CodeNearLimit, fmt.Sprintf("the package has %s, %d %% of the limit of %s", sizeText(r.pkg.Size), r.pkg.Size*100/limit, sizeText(limit))
	if over := r.pkg.Size - limit; over > 0 {
		code, message = CodeOverLimit, fmt.Sprintf("the package is over the limit of %s by %s, if the assets get the addresses that were expected: the upload will show it", sizeText(limit), sizeText(over))
	}
	// A slice of its own: events hold the one before.
	r.result.Findings = append(slices.Clone(r.result.Findings), FindingResult{
		Code: code, Rule: RuleSize, Severity: string(lint.Warning), Message: message, Hint: r.mostHelpful(),
		File: path.Join(r.source.Display, extension.MetadataFile),
	})
}

// forgetSize takes back what the plan has told of the size.
func (r *release) forgetSize() {
	r.result.Findings = slices.DeleteFunc(slices.Clone(r.result.Findings), func(f FindingResult) bool { return f.Rule == RuleSize })
}

// weigh says in the result where the bytes of the package go that has these
// addresses, unless it has been said.
func (r *release) weigh(ctx context.Context, urls extension.URLs) error {
	told := r.result.Package
	if told.Contributors != nil {
		return nil
	}
	report, err := r.run.Examiner.Weigh(ctx, r.ext, urls, r.limits())
	var reached limitReached
	switch {
	case errors.As(err, &reached) && reached.LimitReached():
		// The size is known all the same; what would make it smaller is not.
		r.tell("where the bytes of the package go could not be found out: " + err.Error())
		told.Contributors = []ContributorResult{}
		return nil
	case err != nil:
		return err
	}
	const largest = 10
	told.Files = len(report.Contributors)
	told.Contributors = []ContributorResult{}
	for _, c := range report.Contributors[:min(largest, told.Files)] {
		told.Contributors = append(told.Contributors, contributorResult(c))
	}
	for _, a := range report.Advice {
		told.Advice = append(told.Advice, AdviceResult(a))
	}
	if len(told.Advice) > 0 {
		told.AdvisedSize = report.Advised
	}
	return nil
}

func contributorResult(c weight.Contributor) ContributorResult {
	result := ContributorResult{File: c.File, Size: c.Size, Compressed: c.Compressed}
	for _, inside := range c.Inside {
		result.Inside = append(result.Inside, contributorResult(inside))
	}
	return result
}

// mostHelpful is the first thing to do about a package that is too large.
func (r *release) mostHelpful() string {
	told := r.result.Package
	if len(told.Contributors) == 0 {
		return "make its files smaller"
	}
	if len(told.Advice) == 0 {
		largest := told.Contributors[0]
		if largest.File == extension.ChartFile && told.Files > 1 { // derived: nobody can change it
			largest = told.Contributors[1]
		}
		if len(largest.Inside) > 0 {
			return fmt.Sprintf("make its files smaller; the largest part of it is %s (%s compressed), and in that %s (%s)",
				largest.File, sizeText(largest.Compressed), largest.Inside[0].File, sizeText(largest.Inside[0].Compressed))
		}
		return fmt.Sprintf("make its files smaller; the largest part of it is %s (%s compressed)", largest.File, sizeText(largest.Compressed))
	}
	advice := fmt.Sprintf("%s (saves %s)", told.Advice[0].What, sizeText(told.Advice[0].Saves))
	if told.Advice[0].Saves < r.pkg.Size-told.Limit && told.AdvisedSize > told.Limit {
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
