package pipeline

import (
	"context"
	"slices"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/packagesize"
	"github.com/ksrelease/ksrelease/internal/results"
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
	r.change(func() { // what the plan has measured goes
		r.result.Findings = slices.DeleteFunc(slices.Clone(r.result.Findings), func(f results.Finding) bool { return f.Rule == results.RuleSize })
		r.result.Package.SizeWithin = r.sizeWithin()
	})
	limit := r.source.Settings.Size.Limit
	if r.parcel.Package.Size <= limit-limit/10 {
		return nil
	}
	if err := r.measure(ctx, r.parcel.URLs); err != nil {
		return err
	}
	if r.parcel.Package.Size-limit > r.sizeWithin() {
		return packagesize.Refusal(r.result.Package, r.parcel.Package.Size, limit)
	}
	near := packagesize.Near(r.result.Package, r.parcel.Package.Size, limit)
	r.add(results.FindingOf(near, r.source.Display))
	return nil
}

// sizeWithin is by how many bytes the size of the package may change when its
// assets are really uploaded.
func (r *release) sizeWithin() int64 {
	if len(r.parcel.URLs) == 0 {
		return 0
	}
	return r.packed.within
}

// measure says in the result where the bytes of the package go that has these
// addresses, unless it has been said.
func (r *release) measure(ctx context.Context, urls extension.URLs) error {
	measured := r.result.Package
	if measured.Contributors != nil {
		return nil
	}
	if err := readContent(ctx, r); err != nil {
		return err
	}
	report, err := r.run.Examiner.Sizes(ctx, r.parcel.Ext, urls, measured.Limit, r.limits())
	switch {
	case failure.LimitReached(err):
		// The size is known all the same; what would make it smaller is not.
		r.notify("where the bytes of the package go could not be found out: " + err.Error())
		r.change(func() { measured.Contributors = []results.Contributor{} })
		return nil
	case err != nil:
		return err
	}
	r.change(func() { packagesize.Explain(measured, report) })
	return nil
}
