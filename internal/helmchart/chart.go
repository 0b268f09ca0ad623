package helmchart

import (
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart/kubeapi"
)

// Chart is the chart of an extension. It is only read once it is loaded, so that several
// may use it at once.
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
}

// Load loads the chart of an extension. The error is that of Helm's loader; see
// helmerror.OfLoad.
func Load(ext *extension.Extension) (*Chart, error) {
	loaded, err := ext.Chart()
	if err != nil {
		return nil, err
	}
	c := &Chart{ext: ext, Root: loaded, Places: locateCharts(loaded)}
	if c.Enabled, err = Process(loaded, map[string]any{}); err == nil {
		c.Renderer, err = rendererOf(ext, c.Enabled)
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
	return rendererOf(c.ext, tree)
}

// rendererOf renders as KubeSphere installs an extension: the release has the
// extension's name, its namespace is the one that extension.yaml asks for, or
// extension-NAME.
func rendererOf(ext *extension.Extension, tree *chart.Chart) (Renderer, error) {
	namespace := ext.Metadata.Namespace
	if namespace == "" {
		namespace = "extension-" + ext.Metadata.Name
	}
	return newRenderer(tree, chartutil.ReleaseOptions{
		Name: ext.Metadata.Name, Namespace: namespace, Revision: 1, IsInstall: true,
	}, map[string]any{}, kubeapi.Capabilities(ext.Metadata.KubeVersion))
}
