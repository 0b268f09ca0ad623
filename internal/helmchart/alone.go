package helmchart

import (
	"context"
	"iter"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// Alone renders a chart without subcharts as if it were the root, with values that
// each rendering brings.
func (c *Chart) Alone(one *chart.Chart) (Renderer, error) {
	tree := Clone(one)
	tree.Values = nil
	return newRenderer(tree, c.releaseOf(one), map[string]any{}, Capabilities(c.ext.Metadata.KubeVersion))
}

// AloneWith renders a chart, with the subcharts that it has, as if it were the root,
// with given values over its own.
func (c *Chart) AloneWith(one *chart.Chart, values map[string]any) (Renderer, error) {
	given := copyTree(values).(map[string]any)
	tree, err := Process(one, given)
	if err != nil {
		return Renderer{}, err
	}
	return newRenderer(tree, c.releaseOf(one), given, Capabilities(c.ext.Metadata.KubeVersion))
}

func (c *Chart) releaseOf(one *chart.Chart) chartutil.ReleaseOptions {
	return chartutil.ReleaseOptions{Name: one.Name(), Namespace: "extension-" + c.ext.Metadata.Name, Revision: 1, IsInstall: true}
}

// RenderEach renders a chart with one set of values after the other, which it may
// change. failed is the first of them with which it does not render, -1 where it does
// with all; ok is false where that cannot be known.
func (r Renderer) RenderEach(ctx context.Context, sets []chartutil.Values) (failed int, ok bool) {
	begun := -1
	err := r.pass(ctx, func(native map[string]any) iter.Seq[*step] {
		return func(yield func(*step) bool) {
			for i, values := range sets {
				begun = i
				for _, step := range r.steps(native, values) {
					if !yield(step) {
						return
					}
				}
			}
		}
	})
	switch {
	case err == nil:
		return -1, true
	case ctx.Err() != nil: // the pass may go on beside
		return 0, false
	}
	return begun, begun >= 0
}

// ValuesOver gives the values of a chart without subcharts with given ones over
// them: what chartutil.CoalesceValues does, but for its copying by reflection,
// which takes longer than the rendering.
func ValuesOver(c *chart.Chart, given map[string]any) chartutil.Values {
	merged := chartutil.CoalesceTables(copyTree(given).(map[string]any), copyTree(c.Values).(map[string]any))
	for key := range c.Values {
		if value, ok := given[key]; ok && value == nil {
			delete(merged, key) // null takes a value out, even one that is null itself
		}
	}
	return merged
}
