package published

import (
	"bytes"
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// Inspect looks at an archive that is not published yet as KubeSphere will look at it when it is:
// the error is what KubeSphere would pass over without a word. loads says that Helm has loaded
// this content already.
func Inspect(ctx context.Context, name, version string, archive []byte, loads bool) error {
	files, err := loader.LoadArchiveFiles(bytes.NewReader(archive))
	complaint := ""
	if err != nil {
		complaint = "its archive does not load in Helm: " + kubesphere.LoadError(err)
	} else if complaint = LeftOut(version, files); complaint == "" && !loads {
		if complaint, err = Inside(ctx, name, version, files); err != nil {
			return err
		}
	}
	if complaint != "" {
		return failure.WithHint(fmt.Errorf("KubeSphere would not find it: %s", complaint), "correct the extension: ksrelease lint names the file and the line, where none of its rules is off")
	}
	return nil
}
