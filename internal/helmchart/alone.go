package helmchart

import (
	"context"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/merge"
)

// Alone renders a chart without subcharts as if it were the root, with values that
// each rendering brings.
func (c *Chart) Alone(one *chart.Chart) (Renderer, error) {
	tree := Clone(one)
	tree.Values = nil
	return c.newRenderer(tree, c.releaseOf(one), map[string]any{})
}

// AloneWith renders a chart, with the subcharts that it has, as if it were the root,
// with given values over its own.
func (c *Chart) AloneWith(one *chart.Chart, values map[string]any) (Renderer, error) {
	given := merge.Copy(values).(map[string]any)
	tree, err := Process(one, given)
	if err != nil {
		return Renderer{}, err
	}
	return c.newRenderer(tree, c.releaseOf(one), given)
}

func (c *Chart) releaseOf(one *chart.Chart) chartutil.ReleaseOptions {
	return chartutil.ReleaseOptions{Name: one.Name(), Namespace: "extension-" + c.ext.Metadata.Name, Revision: 1, IsInstall: true}
}

// RenderWith renders a chart with values that are its to change, and are made anew for each time
// that it is rendered, and says why that fails.
func (r Renderer) RenderWith(ctx context.Context, values func() chartutil.Values) error {
	_, err := r.texts(ctx, values, nil)
	return err
}
