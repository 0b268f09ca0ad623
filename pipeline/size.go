package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// sizeStage holds the archive against the limit. The marketplace refuses a
// submission whose package is over 1 MB after the assets were replaced
// (publishing guide), and does so after the upload: so it is told before.
func sizeStage(_ context.Context, _ *world, r *release) error {
	limit := r.source.Settings.Size.Limit
	if r.pkg.Size <= limit {
		return nil
	}
	return withRemedy(
		fmt.Errorf("the package has %s, over the limit of %s by %s",
			sizeText(r.pkg.Size), sizeText(limit), sizeText(r.pkg.Size-limit)),
		"keep files out of it with .helmignore or staticFileDirectory; the largest are %s", largest(r.ext.Files, 3))
}

func largest(files []extension.File, n int) string {
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b extension.File) int { return len(b.Data) - len(a.Data) })
	var told []string
	for _, f := range sorted[:min(n, len(sorted))] {
		told = append(told, fmt.Sprintf("%s (%s)", f.Name, sizeText(int64(len(f.Data)))))
	}
	return strings.Join(told, ", ")
}

// sizeText writes a size as people read it, in units of 1024.
func sizeText(n int64) string {
	if n < 0 {
		return "-" + sizeText(-n)
	}
	return humanize.IBytes(uint64(n))
}
