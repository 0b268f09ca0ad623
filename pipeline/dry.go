package pipeline

import (
	"bytes"
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/published"
)

// inspectStep looks at the package that would be sent as KubeSphere will look at it when
// it is published. So what it would pass over without a word fails before the first write.
func inspectStep(ctx context.Context, _ *planning, r *release) error {
	files, err := loader.LoadArchiveFiles(bytes.NewReader(r.parcel.Package.Data))
	complaint := ""
	if err != nil {
		complaint = "its archive does not load in Helm: " + kubesphere.LoadError(err)
	} else if complaint = published.LeftOut(r.result.Version, files); complaint == "" && !r.parcel.Loads {
		// Else lint has loaded this content.
		complaint, err = published.Inside(ctx, r.result.Name, r.result.Version, files)
		if err != nil {
			return err
		}
	}
	if complaint != "" {
		return failure.WithHint(fmt.Errorf("KubeSphere would not find it: %s", complaint), "correct the extension: ksrelease lint names the file and the line, where none of its rules is off")
	}
	return nil
}
