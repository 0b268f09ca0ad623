package helmchart

import (
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/engine"
)

// Chart is the chart of an extension. It is only read once it is loaded, so that several
// may use it at once, but for Sources.
type Chart struct {
	ext *extension.Extension

	// Root is the chart as Helm reads it, with all charts below it.
	Root *chart.Chart
	// Enabled is the chart as Helm installs it with its own values.
	Enabled *chart.Chart
	// Renderer renders Enabled.
	Renderer Renderer
	// EnabledErr is why there is neither.
	EnabledErr error
	// Places are the folders of all charts of Root.
	Places Places
	// Installed render Enabled as KubeSphere installs it, with the values that it sets:
	// what is for the host cluster and, in Multicluster, what is for the chosen ones.
	Installed []Renderer
	// Off are the subcharts that are there and not in Enabled, such as
	// agent.redis-ha, or in Enabled and not in Installed.
	Off []string

	shared *shared
}

// shared is what was made of the files of a chart, which all trees that are made of it have
// in common. But for the cache, one goroutine uses it at a time.
type shared struct {
	cache   *engine.Cache
	sources map[*chart.File]Source
	changes map[*chart.File]bool
}

// Load loads the chart of an extension. The error is that of Helm's loader; see
// helmerror.OfLoad.
func Load(ext *extension.Extension) (*Chart, error) {
	loaded, err := ext.Chart()
	if err != nil {
		return nil, err
	}
	c := &Chart{ext: ext, Root: loaded, Places: locateCharts(loaded), shared: &shared{engine.NewCache(), map[*chart.File]Source{}, map[*chart.File]bool{}}}
	if c.Enabled, err = Process(loaded, map[string]any{}); err == nil {
		c.Renderer, err = c.rendererOf(c.Enabled)
	}
	if err == nil {
		c.Installed, err = installedAs(ext, c)
	}
	if c.EnabledErr = err; err == nil {
		c.Off = append(SwitchedOff(loaded, c.Enabled), installedNowhere(c)...)
	}
	return c, nil
}

// allSwitchedOn renders the chart with all its optional subcharts.
func (c *Chart) allSwitchedOn() (Renderer, error) {
	tree, err := Process(WithAllDependencies(c.Root), map[string]any{})
	if err != nil {
		return Renderer{}, err
	}
	return c.rendererOf(tree)
}

// rendererOf renders as KubeSphere installs an extension: the release has the
// extension's name, its namespace is the one that extension.yaml asks for, or
// extension-NAME.
func (c *Chart) rendererOf(tree *chart.Chart) (Renderer, error) {
	ext := c.ext
	namespace := ext.Metadata.Namespace
	if namespace == "" {
		namespace = "extension-" + ext.Metadata.Name
	}
	return c.newRenderer(tree, chartutil.ReleaseOptions{
		Name: ext.Metadata.Name, Namespace: namespace, Revision: 1, IsInstall: true,
	}, map[string]any{})
}
