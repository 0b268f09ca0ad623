package pipeline

import (
	"bytes"
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/published"
)

// expectedURLs gives the assets the addresses that the target is expected to give them, and
// says by how many bytes the package may come out other than with these. Where the target
// keeps no assets there are no addresses.
func expectedURLs(ctx context.Context, env *planning, r *release) (urls extension.URLs, within int64, err error) {
	urls = extension.URLs{}
	assets := r.read.ext.Assets
	if !r.run.target.KeepsAssets() || len(assets) == 0 {
		return urls, 0, nil
	}
	got, certain, err := env.target.AssetURLs(ctx, r.result.Name, r.result.Version, assets)
	if err != nil {
		return nil, 0, err
	}
	for i, a := range assets {
		urls[a.File] = got[i]
	}
	if !certain {
		within = forecastWithin
	}
	return urls, within, nil
}

// inspectStep looks at the package that would be sent as KubeSphere will look at it when
// it is published. So what it would pass over without a word fails before the first write.
func inspectStep(ctx context.Context, _ *planning, r *release) error {
	files, err := loader.LoadArchiveFiles(bytes.NewReader(r.packed.pkg.Data))
	complaint := ""
	if err != nil {
		complaint = "its archive does not load in Helm: " + kubesphere.LoadError(err)
	} else if complaint = published.LeftOut(r.result.Version, files); complaint == "" && !r.read.loads {
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
