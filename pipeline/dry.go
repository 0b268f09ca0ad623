package pipeline

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/published"
)

// inspectStep looks at the package that would be sent as KubeSphere will look at it when it
// is published. So what it would pass over without a word fails before the first write.
func inspectStep(ctx context.Context, _ *planning, r *release) (err error) {
	if r.packed.known {
		return nil // it was found to be in order
	}
	c := published.Candidate{Name: r.result.Name, Version: r.result.Version, Archive: r.parcel.Package.Data, Loads: r.parcel.Loads}
	if !r.packed.from {
		if c.Packed, err = r.parcel.Ext.PackedFiles(r.parcel.URLs); err != nil {
			return err
		}
	}
	r.parcel.Inspected = r.parcel.Package.Digest // if something is amiss, this is its end
	if err = published.Inspect(ctx, c); err == nil && !r.packed.from {
		r.run.Packages.Keep(ctx, r.run.Packages.Of(r.parcel.Ext, r.read.known, r.parcel.URLs, r.source.Settings.Size.Limit, r.parcel.Loads), r.parcel.Package)
	}
	return err
}
