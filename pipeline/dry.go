package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// readOnly is the target of a plan, and so of a dry run: reads are those of the target,
// and every write is refused. A step of a plan that writes by mistake fails.
type readOnly struct{ reader }

var _ writer = readOnly{}

// errReadOnly is why a plan writes nothing. Nobody sees it but who made a mistake here.
var errReadOnly = errors.New("a plan writes nothing")

func (readOnly) UploadAssets(context.Context, string, string, []extension.Asset) ([]string, error) {
	return nil, errReadOnly
}

func (readOnly) Publish(context.Context, *extension.Package) (Snapshot, error) {
	return Snapshot{}, errReadOnly
}

func (readOnly) Submit(context.Context, string, string) error { return errReadOnly }

// expectedURLs gives the assets the addresses that the target is expected to give them, and
// says by how many bytes the package may come out other than with these. Where the target
// keeps no assets there are no addresses.
func expectedURLs(ctx context.Context, env *environment, r *release) (urls extension.URLs, within int64, err error) {
	urls = extension.URLs{}
	assets := r.ext.Assets
	if r.run.target.assets == nil || len(assets) == 0 {
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

// inspectStage looks at the package that would be sent as KubeSphere will look at it when
// it is published. So what it would pass over without a word fails before the first write.
func inspectStage(ctx context.Context, _ *environment, r *release) error {
	files, err := loader.LoadArchiveFiles(bytes.NewReader(r.pkg.Data))
	complaint := ""
	if err != nil {
		complaint = "its archive does not load in Helm: " + kubesphere.LoadError(err)
	} else if complaint = leftOut(r, files); complaint == "" && !r.loads {
		// Else lint has loaded this content.
		complaint, err = inside(ctx, r, files)
		if err != nil {
			return err
		}
	}
	if complaint != "" {
		return withRemedy(fmt.Errorf("KubeSphere would not find it: %s", complaint), "correct the extension: ksrelease lint names the file and the line, where none of its rules is off")
	}
	return nil
}
