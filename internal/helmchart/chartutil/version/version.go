// Package version has the type of .Capabilities.HelmVersion, by the name that it has in Helm.
package version

// BuildInfo is what templates see of a Helm.
type BuildInfo struct {
	Version      string `json:"version,omitempty"`
	GitCommit    string `json:"git_commit,omitempty"`
	GitTreeState string `json:"git_tree_state,omitempty"`
	GoVersion    string `json:"go_version,omitempty"`
}
