package helmtest

import (
	"maps"

	stock "helm.sh/helm/v3/pkg/chartutil"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil/version"
)

// ForHelm is what templates see with the types of Helm's packages instead of ours, for tests in
// which both render. The values are shared.
func ForHelm(top map[string]any) stock.Values {
	theirs := maps.Clone(top)
	if values, ok := top["Values"].(chartutil.Values); ok {
		theirs["Values"] = stock.Values(values)
	}
	if caps, ok := top["Capabilities"].(*chartutil.Capabilities); ok {
		theirs["Capabilities"] = Capabilities(caps)
	}
	return theirs
}

// Capabilities are some with the types of Helm's packages.
func Capabilities(caps *chartutil.Capabilities) *stock.Capabilities {
	theirs := stock.DefaultCapabilities.Copy()
	theirs.KubeVersion, theirs.APIVersions = stock.KubeVersion(caps.KubeVersion), stock.VersionSet(caps.APIVersions)
	theirs.HelmVersion.GoVersion = caps.HelmVersion.GoVersion
	return theirs
}

// FromHelm is what templates see with our types instead of those of Helm's packages.
func FromHelm(top map[string]any) chartutil.Values {
	ours := maps.Clone(top)
	if values, ok := top["Values"].(stock.Values); ok {
		ours["Values"] = chartutil.Values(values)
	}
	if caps, ok := top["Capabilities"].(*stock.Capabilities); ok {
		ours["Capabilities"] = &chartutil.Capabilities{
			KubeVersion: chartutil.KubeVersion(caps.KubeVersion), APIVersions: chartutil.VersionSet(caps.APIVersions),
			HelmVersion: version.BuildInfo(caps.HelmVersion),
		}
	}
	return ours
}
