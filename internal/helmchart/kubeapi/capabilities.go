package kubeapi

import (
	"fmt"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
)

// usualMinor is the Kubernetes minor version for which charts are rendered where
// their constraint allows it: recent, and supported by KubeSphere 4.
const usualMinor = 31

// Capabilities are those of a cluster that the constraint on Kubernetes allows.
// Where it allows none, or is no constraint, they are those of a usual cluster.
//
// The API versions are those that a cluster of this version serves, each alone
// and with its kinds (batch/v1, batch/v1/CronJob), as Helm asks a cluster for
// them. Helm's own defaults, for rendering without one, have all versions that
// ever were, and no kinds: templates that ask for them take the wrong branch.
func Capabilities(constraint string) *chartutil.Capabilities {
	version, minor := allowedVersion(constraint)
	apis := usualAPIs()
	if minor != usualMinor {
		apis = servedAPIs(minor)
	}
	return &chartutil.Capabilities{KubeVersion: version, APIVersions: apis, HelmVersion: chartutil.HelmVersion()}
}

// usualAPIs are those of a usual cluster, worked out once.
var usualAPIs = sync.OnceValue(func() chartutil.VersionSet { return servedAPIs(usualMinor) })

// allowedVersion is a version of Kubernetes that a constraint allows, and its minor number.
func allowedVersion(constraint string) (chartutil.KubeVersion, int) {
	usual := kubeVersion(usualMinor, 0)
	allowed, err := semver.NewConstraint(constraint)
	if err != nil {
		return usual, usualMinor
	}
	for _, minor := range minors() {
		// The highest patch too, for constraints such as >=1.22.15.
		for _, patch := range [...]int{0, 99} {
			candidate := kubeVersion(minor, patch)
			if v, err := semver.NewVersion(candidate.Version); err == nil && allowed.Check(v) {
				return candidate, minor
			}
		}
	}
	return usual, usualMinor
}

// minors are the minor versions to try: the usual one, older ones, newer ones.
func minors() []int {
	var list []int
	for minor := usualMinor; minor >= 0; minor-- {
		list = append(list, minor)
	}
	for minor := usualMinor + 1; minor < 2*usualMinor; minor++ {
		list = append(list, minor)
	}
	return list
}

func kubeVersion(minor, patch int) chartutil.KubeVersion {
	return chartutil.KubeVersion{
		Version: fmt.Sprintf("v1.%d.%d", minor, patch), Major: "1", Minor: fmt.Sprint(minor),
	}
}
