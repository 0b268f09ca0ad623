package lint

import (
	"context"
	"sync"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
)

// material is what rules share: each part is made when the first rule asks for
// it, once, and read only from then on.
type material struct {
	// chart is the chart as Helm loads it. The error is that of the loader.
	chart func() (*helmchart.Chart, error)
	// rendered is the chart as users install it, with its own values: conditions and
	// tags decide which subcharts are in.
	rendered func() (*helmchart.Renderings, error)
	// marked is the chart with markerRegistry and the marker node selector in its
	// global values and with every optional subchart switched on. One rendering
	// serves all rules on global values.
	marked func() (*helmchart.Rendering, error)
	// permissions is permissions.yaml; it is empty where there is none.
	permissions func() permissions
	// packaged are the files within packaged subcharts.
	packaged func() []extension.PackagedFile

	loads bool // chart was asked, and Helm loaded it
}

// The markers are values that no chart can have by itself; where they show up
// in a rendered pod, the chart obeys the global value. The top-level domain
// .invalid is reserved for names that must not exist (RFC 2606).
const (
	markerRegistry      = "registry.ksrelease.invalid"
	markerSelectorKey   = "ksrelease.invalid/node-selector"
	markerSelectorValue = "marked"
)

func newMaterial(ctx context.Context, ext *extension.Extension) *material {
	m := &material{}
	m.chart = sync.OnceValues(func() (*helmchart.Chart, error) {
		loaded, err := helmchart.Load(ext)
		m.loads = err == nil
		return loaded, err
	})
	m.rendered = sync.OnceValues(func() (*helmchart.Renderings, error) {
		loaded, err := m.chart()
		if err != nil {
			return nil, err
		}
		return loaded.Render(ctx, setMarkers)
	})
	m.marked = sync.OnceValues(func() (*helmchart.Rendering, error) {
		rendered, err := m.rendered()
		if err != nil {
			return nil, err
		}
		return rendered.Overlaid(ctx)
	})
	m.packaged = sync.OnceValue(ext.PackagedFiles)
	m.permissions = sync.OnceValue(func() permissions { return permissionsOf(ext) })
	return m
}

// plain is the chart rendered with its own values.
func (m *material) plain() (*helmchart.Rendering, error) {
	rendered, err := m.rendered()
	if err != nil {
		return nil, err
	}
	return rendered.Plain, nil
}

// setMarkers puts the markers into global values.
func setMarkers(global map[string]any) {
	global["imageRegistry"] = markerRegistry
	selector, ok := global["nodeSelector"].(map[string]any)
	if !ok {
		selector = map[string]any{}
		global["nodeSelector"] = selector
	}
	selector[markerSelectorKey] = markerSelectorValue
}
