// Package chartutil has what templates see of values, of the cluster and of Helm: Values and
// Capabilities, with the fields and methods that they have in Helm's package chartutil.
//
// Package and types have the names of Helm's, because templates can see them (`typeOf .Values`),
// and errors of templates have them in their words. Helm's own package brings the types of all
// kinds of Kubernetes into the program, which take a third of it, for a list that no rendering
// here reads: see internal/helmchart/kubeapi. Helm is the judge in tests.
package chartutil

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil/version"
)

// ValuesfileName is the file that has the values of a chart, and GlobalKey the key of the values
// that its subcharts get, too.
const (
	ValuesfileName = "values.yaml"
	GlobalKey      = "global"
)

// Values are the values of a chart.
type Values map[string]any

// ReadValues decodes YAML. Of an empty text, and with an error, there are no values.
func ReadValues(data []byte) (Values, error) {
	var values Values
	err := yaml.Unmarshal(data, &values)
	if len(values) == 0 {
		values = Values{}
	}
	return values, err
}

// YAML is what the values are in YAML.
func (v Values) YAML() (string, error) {
	text, err := yaml.Marshal(v)
	return string(text), err
}

// Encode writes the values as YAML.
func (v Values) Encode(w io.Writer) error {
	text, err := yaml.Marshal(v)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// AsMap is the values as a mapping, which is never nil.
func (v Values) AsMap() map[string]any {
	if len(v) == 0 {
		return map[string]any{}
	}
	return v
}

// Table is the mapping at a path such as "a.b". It is an error where there is none.
func (v Values) Table(path string) (Values, error) {
	table := v
	for step := range strings.SplitSeq(path, ".") {
		switch below := table[step].(type) {
		case map[string]any:
			table = below
		case Values:
			table = below
		default:
			return Values{}, fmt.Errorf("there is no mapping at %q", step)
		}
	}
	return table, nil
}

// PathValue is the value at a path such as "a.b". It is an error where there is none, or a
// mapping.
func (v Values) PathValue(path string) (any, error) {
	if path == "" {
		return nil, errors.New("a path of values is empty")
	}
	table, key := v, path
	if at := strings.LastIndexByte(path, '.'); at >= 0 {
		key = path[at+1:]
		var err error
		if table, err = v.Table(path[:at]); err != nil {
			return nil, err
		}
	}
	value, there := table[key]
	if _, isTable := value.(map[string]any); !there || isTable {
		return nil, fmt.Errorf("there is no plain value at %q", path)
	}
	return value, nil
}

// Capabilities are what a cluster can do, and the Helm that asks it.
type Capabilities struct {
	KubeVersion KubeVersion
	APIVersions VersionSet
	HelmVersion version.BuildInfo
}

// Copy is a copy that shares the list of APIs.
func (c *Capabilities) Copy() *Capabilities {
	clone := *c
	return &clone
}

// KubeVersion is the version of a cluster: v1.31.0, 1 and 31.
type KubeVersion struct {
	Version, Major, Minor string
}

// String is the whole version.
func (v *KubeVersion) String() string { return v.Version }

// GitVersion is the whole version, by the name that it had in Helm 2.
func (v *KubeVersion) GitVersion() string { return v.Version }

// VersionSet are API versions, each alone and with its kinds: batch/v1, batch/v1/CronJob.
type VersionSet []string

// Has reports whether one is among them.
func (s VersionSet) Has(apiVersion string) bool { return slices.Contains(s, apiVersion) }

// HelmVersion is the version that templates see of Helm: that of the packages of Helm that are
// linked, which say no patch version.
func HelmVersion() version.BuildInfo {
	return version.BuildInfo{Version: "v3.22", GoVersion: runtime.Version()}
}

// ReleaseOptions are what templates see of a release.
type ReleaseOptions struct {
	Name, Namespace      string
	Revision             int
	IsUpgrade, IsInstall bool
}

// IsCompatibleRange reports whether a version satisfies a constraint. One that is no version, or
// no constraint, does not.
func IsCompatibleRange(constraint, version string) bool {
	allowed, err := semver.NewConstraint(constraint)
	if err != nil {
		return false
	}
	v, err := semver.NewVersion(version)
	return err == nil && allowed.Check(v)
}
