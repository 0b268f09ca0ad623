package lint

import (
	"github.com/ksrelease/ksrelease/internal/lint/assets"
	"github.com/ksrelease/ksrelease/internal/lint/charts"
	"github.com/ksrelease/ksrelease/internal/lint/dependencies"
	"github.com/ksrelease/ksrelease/internal/lint/files"
	"github.com/ksrelease/ksrelease/internal/lint/history"
	"github.com/ksrelease/ksrelease/internal/lint/metadata"
	"github.com/ksrelease/ksrelease/internal/lint/objects"
	"github.com/ksrelease/ksrelease/internal/lint/security"
	"github.com/ksrelease/ksrelease/internal/lint/texts"
	"github.com/ksrelease/ksrelease/internal/lint/values"
	"github.com/ksrelease/ksrelease/internal/lint/workloads"
)

// Rules are all there are, in the order in which they are run and listed: from what
// every reader of an extension looks at first to what only its users see. After a
// change run `go generate ./...`: schema and documentation list them.
func Rules() []Rule {
	return []Rule{
		metadata.Schema(),
		metadata.Name(),
		metadata.Namespace(),
		metadata.Version(),
		history.VersionBump(),
		history.Upgrade(),
		texts.Languages(),
		metadata.Constraints(),
		dependencies.InstallationMode(),
		metadata.Category(),
		metadata.Annotations(),
		metadata.StoredSize(),
		metadata.Provider(),
		metadata.Links(),
		dependencies.External(),
		assets.Icon(),
		assets.Screenshots(),
		assets.Assets(),
		texts.Readme(),
		texts.Changelog(),
		security.Permissions(),
		security.LeastPrivilege(),
		security.Rights(),
		security.Secrets(),
		files.Leftovers(),
		files.Files(),
		files.LineBreaks(),
		files.HelmIgnore(),
		charts.Chart(),
		dependencies.Dependencies(),
		dependencies.Conditions(),
		dependencies.Lock(),
		values.File(),
		values.Schema(),
		charts.Render(),
		charts.Templates(),
		charts.HelmLint(),
		charts.ReleaseSize(),
		objects.Kustomize(),
		objects.ObjectTypes(),
		objects.KubeSphereObjects(),
		objects.Hooks(),
		values.CI(),
		workloads.Images(),
		workloads.ImageExists(),
		workloads.ImageRegistry(),
		workloads.NodeSelector(),
		limitsRule(),
		ignoreRule(),
	}
}
