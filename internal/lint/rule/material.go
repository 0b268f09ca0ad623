package rule

import (
	"context"
	"reflect"
	"sync"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
)

// State is how far an extension could be taken: each state has all those before it.
type State int

// The states. The zero value is that of every extension.
const (
	// Files: extension.yaml and the other files are read.
	Files State = iota
	// Dependencies: the charts that extension.yaml names by a repository are brought
	// in. Whoever calls lint sees to that.
	Dependencies
	// Chart: Helm loads the chart.
	Chart
	// Values: Helm works out which subcharts are on, and their values.
	Values
	// Rendering: Helm renders the chart with its own values, though some templates
	// may not render.
	Rendering
	// MarkedRendering: the same with all subcharts on, and with markers in the
	// global values. One rendering serves all rules on global values.
	MarkedRendering
)

// Material is what the rules share of one extension: each part is made when the first
// rule asks for it, once, and read only from then on. One goroutine uses it at a time.
// Tests may put other functions into its fields before that.
type Material struct {
	// Load gives the chart as Helm loads it. The error is that of the loader.
	Load func() (*helmchart.Chart, error)
	// Render gives the chart as users install it, with its own values: conditions and
	// tags decide which subcharts are in.
	Render func() (*helmchart.Renderings, error)
	// RenderMarked gives the rendering of the state MarkedRendering.
	RenderMarked func() (*helmchart.Rendering, error)
	// packaged are the files within packaged subcharts.
	packaged func() []extension.PackagedFile
	// derived is what Derived made, by its type.
	derived map[reflect.Type]any

	loads bool // somebody asked for the chart, and Helm loaded it
}

// The markers are values that no chart can have by itself; where they show up
// in a rendered pod, the chart obeys the global value. The top-level domain
// .invalid is reserved for names that must not exist (RFC 2606, June 1999,
// https://www.rfc-editor.org/rfc/rfc2606).
const (
	MarkerRegistry      = "registry.ksrelease.invalid"
	MarkerSelectorKey   = "ksrelease.invalid/node-selector"
	markerSelectorValue = "marked"
	// MarkerTruthKey is a node selector whose value is the truth value true, as Helm
	// makes it of `--set global.nodeSelector.KEY=true`.
	MarkerTruthKey = "ksrelease.invalid/truth"
)

// NewMaterial is that of an extension. Renderings end when ctx does.
func NewMaterial(ctx context.Context, ext *extension.Extension) *Material {
	m := &Material{derived: map[reflect.Type]any{}}
	m.Load = sync.OnceValues(func() (*helmchart.Chart, error) {
		loaded, err := helmchart.Load(ext)
		m.loads = err == nil
		return loaded, err
	})
	m.Render = sync.OnceValues(func() (*helmchart.Renderings, error) {
		loaded, err := m.Load()
		if err != nil {
			return nil, err
		}
		return loaded.Render(ctx, setMarkers)
	})
	m.RenderMarked = sync.OnceValues(func() (*helmchart.Rendering, error) {
		rendered, err := m.Render()
		if err != nil {
			return nil, err
		}
		return rendered.Overlaid(ctx)
	})
	m.packaged = sync.OnceValue(ext.PackagedFiles)
	return m
}

// Missing is the first state, up to a given one, that the extension does not reach, and
// why; the error is nil where it reaches them all.
func (m *Material) Missing(upTo State) (State, error) {
	if upTo < Chart {
		return Files, nil
	}
	loaded, err := m.Load()
	switch {
	case err != nil:
		return Chart, err
	case upTo >= Values && loaded.EnabledErr != nil:
		return Values, loaded.EnabledErr
	}
	if upTo >= Rendering {
		if _, err := m.Render(); err != nil {
			return Rendering, err
		}
	}
	if upTo >= MarkedRendering {
		if _, err := m.RenderMarked(); err != nil {
			return MarkedRendering, err
		}
	}
	return Files, nil
}

// Loaded reports whether somebody asked for the chart, and Helm loaded it.
func (m *Material) Loaded() bool { return m.loads }

// Broken are the names of the templates that do not render, of a chart that reaches
// the state Rendering.
func (m *Material) Broken() []string {
	plain := m.plain()
	if plain == nil {
		return nil
	}
	var names []string
	for _, broken := range plain.Broken {
		names = append(names, plain.Sources[broken.Template].Name())
	}
	return names
}

// plain is the chart rendered with its own values; nil where that fails.
func (m *Material) plain() *helmchart.Rendering {
	rendered, err := m.Render()
	if err != nil {
		return nil
	}
	return rendered.Plain
}

// setMarkers puts the markers into global values.
func setMarkers(global map[string]any) {
	global["imageRegistry"] = MarkerRegistry
	selector, ok := global["nodeSelector"].(map[string]any)
	if !ok {
		selector = map[string]any{}
		global["nodeSelector"] = selector
	}
	selector[MarkerSelectorKey], selector[MarkerTruthKey] = markerSelectorValue, true
}
