package pipeline

import (
	"context"

	"github.com/ksrelease/ksrelease/internal/published"
)

// inspectStep looks at the package that would be sent as KubeSphere will look at it when it
// is published. So what it would pass over without a word fails before the first write.
func inspectStep(ctx context.Context, _ *planning, r *release) error {
	return published.Inspect(ctx, r.result.Name, r.result.Version, r.parcel.Package.Data, r.parcel.Loads)
}
