package configfile

import (
	"encoding/json"
	"reflect"
)

// Target is an item of targets as it is written: a mapping with the keys of its kind, and
// no others. It has a field for each kind, of which the one that was written is set.
type Target struct {
	// The marketplace and the Helm repository of cloud and repository: KubeSphere Cloud.
	// There is one at most.
	Marketplace *MarketplaceTarget `json:"marketplace,omitempty" kind:"marketplace"`
	// A folder as a static Helm repository: packages and index.yaml, for any web server,
	// a mount of object storage, or a branch of git.
	Directory *DirectoryTarget `json:"directory,omitempty" kind:"directory"`
	// A ChartMuseum.
	ChartMuseum *ChartMuseumTarget `json:"chartmuseum,omitempty" kind:"chartmuseum"`
	// A registry, in which extensions are as helm push writes charts.
	OCI *OCITarget `json:"oci,omitempty" kind:"oci"`
	// An image of a Helm repository with the packages inside, such as the one that KubeSphere
	// runs on each cluster.
	Image *ImageTarget `json:"image,omitempty" kind:"image"`
	// Manifests of Extension, ExtensionVersion and ConfigMap, for kubectl apply and GitOps.
	Manifests *ManifestsTarget `json:"manifests,omitempty" kind:"manifests"`
	// A command of the project.
	Exec *ExecTarget `json:"exec,omitempty" kind:"exec"`
	// A service of your own.
	Webhook *WebhookTarget `json:"webhook,omitempty" kind:"webhook"`
}

// UnmarshalJSON reads the keys of the kind that is written. One that there is not leaves all
// fields as they are.
func (t *Target) UnmarshalJSON(data []byte) error {
	var head TargetHead
	if err := json.Unmarshal(data, &head); err != nil || head.Kind == nil {
		return err
	}
	fields := reflect.ValueOf(t).Elem()
	for i := range fields.NumField() {
		if fields.Type().Field(i).Tag.Get("kind") == *head.Kind {
			fields.Field(i).Set(reflect.New(fields.Type().Field(i).Type.Elem()))
			return json.Unmarshal(data, fields.Field(i).Interface())
		}
	}
	return nil
}

// TargetHead are the keys of every target.
type TargetHead struct {
	// What the place is. The other keys go by it.
	Kind *string `json:"kind" need:"true" verbatim:"true"`
	// The name by which the target is known: to --target, in reports, and in the variables
	// KSRELEASE_NAME_USERNAME, _PASSWORD and _TOKEN, which hold what it asks for (the name in
	// capitals there, with _ in place of -). Without one it has that of its kind.
	Name *string `json:"name,omitempty" verbatim:"true" pattern:"^[a-z]([a-z0-9]|[-_][a-z0-9]){0,39}$" say:"it must be made of small letters, digits and single - or _, beginning with a letter, with 40 of them at most" example:"mirror"`
}

// MarketplaceTarget is the marketplace.
type MarketplaceTarget struct {
	TargetHead
}

// DirectoryTarget is a static Helm repository.
type DirectoryTarget struct {
	TargetHead
	// The folder, relative to that of the config.
	Path *string `json:"path,omitempty" need:"git" min:"1" example:"museum"`
	// The address at which others see the folder, or its path on their host (/charts), for the
	// URLs of its index.yaml. Without it they are relative. Helm resolves those against the
	// address of index.yaml, and KubeSphere against its host alone: a repository that is not at
	// the top of its host needs the key.
	URL *string `json:"url,omitempty" pattern:"^(https?://[^\\s/?#@]+(/[^\\s?#]*)?|/[^\\s?#]*)$" say:"it must be an http:// or https:// address without user, query and fragment, or a path that begins with /" example:"https://charts.example.com/extensions"`
	// A branch of git that is the folder, in place of path: what is new is committed and pushed.
	Git *TargetGit `json:"git,omitempty"`
}

// TargetGit is a branch that holds a static Helm repository.
type TargetGit struct {
	// The branch. One that is not there yet begins without files.
	Branch *string `json:"branch" need:"true" pattern:"^[^\\s~^:?*\\[\\\\\\x00-\\x1f-][^\\s~^:?*\\[\\\\\\x00-\\x1f]*$" say:"it must be the name of a branch" example:"gh-pages"`
	// The name of a remote of the repository, or the address of another one.
	Remote *string `json:"remote,omitempty" pattern:"^[^\\s\\x00-\\x1f-][^\\s\\x00-\\x1f]*$" say:"it must be the name of a remote, or an address" default:"origin" example:"git@git.example.com:extensions/museum.git"`
	// The folder on the branch; without it, its top.
	Path *string `json:"path,omitempty" min:"1" example:"charts"`
	// The title of the commits. Without it, they name the versions.
	Message *string `json:"message,omitempty" min:"1" example:"Publish extensions"`
}

// ChartMuseumTarget is a ChartMuseum.
type ChartMuseumTarget struct {
	TargetHead
	// Its address, with the names of its tenants where it has several (--depth).
	URL *string `json:"url" need:"true" pattern:"^https?://[^\\s/?#@]+(/[^\\s?#]*)?$" say:"it must be an http:// or https:// address without user, query and fragment" example:"https://museum.example.com"`
	// As cloud.ca_file, for this server.
	CAFile *string `json:"ca_file,omitempty" example:"certificates/ca.pem"`
	// How late its index.yaml may be, where the server keeps one (--cache-interval): verify
	// asks no sooner.
	Cache *string `json:"cache,omitempty" like:"duration" say:"it must be a duration such as 90s, 5m or 1h30m" example:"30s"`
}

// OCITarget is a folder of a registry.
type OCITarget struct {
	TargetHead
	// The registry and the path below which each extension is a repository. User and
	// password may also come from docker's config.json and credential helpers.
	URL *string `json:"url" need:"true" pattern:"^oci://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$" say:"it must begin with oci:// and a host, with a path of small letters and digits" example:"oci://registry.example.com/extensions"`
	// As cloud.ca_file, for this registry.
	CAFile *string `json:"ca_file,omitempty" example:"certificates/ca.pem"`
	// Ask by http and not by https. A registry on this machine (localhost, 127.0.0.1) needs no
	// word of it.
	PlainHTTP *bool `json:"plain_http,omitempty" default:"false" example:"true"`
}

// ImageTarget is the image of a Helm repository.
type ImageTarget struct {
	TargetHead
	// Where the image is pushed to, each with a tag.
	Images []string `json:"images" need:"true" min:"1" like:"image" say:"it must be an image with its registry, such as registry.example.com/extensions/museum:latest" example:"registry.example.com/extensions/museum:latest"`
	// The image that it is built on, or scratch, where ksrelease itself serves the packages.
	Base *string `json:"base,omitempty" pattern:"^(scratch|(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?)$" say:"it must be an image, or scratch" default:"ghcr.io/helm/chartmuseum:v0.16.1" example:"scratch"`
	// For base: scratch, a folder with the program for platforms other than that of the ksrelease
	// that runs, as ksrelease-linux-arm64; relative to the folder of the config.
	Programs *string `json:"programs,omitempty" min:"1" example:"bin"`
	// The platforms of the image.
	Platforms []string `json:"platforms,omitempty" min:"1" like:"platform" say:"it must be a platform such as linux/amd64 or linux/arm64/v8" default:"linux/amd64 linux/arm64" example:"linux/amd64"`
	// Whether versions such as 1.2.0-rc.1 are in it.
	Prereleases *bool `json:"prereleases,omitempty" default:"true" example:"false"`
	// As cloud.ca_file, for the registries of images and base.
	CAFile *string `json:"ca_file,omitempty" example:"certificates/ca.pem"`
	// As with the kind oci, for the registries of images and base.
	PlainHTTP *bool `json:"plain_http,omitempty" default:"false" example:"true"`
}

// ManifestsTarget is a folder of manifests.
type ManifestsTarget struct {
	TargetHead
	// The folder, relative to that of the config.
	Path *string `json:"path" need:"true" min:"1" example:"deploy"`
	// A file for each extension, or one for all.
	Files *string `json:"files,omitempty" enum:"each one" default:"each" example:"one"`
}

// ExecTarget is a command as a target.
type ExecTarget struct {
	TargetHead
	// What the shell runs (sh -e -c) for each request, in the folder of the config. ${NAME}
	// is left to the shell here. docs/targets.md says what it gets and answers.
	Run *string `json:"run" need:"true" pattern:"^[^\\x00]*\\S[^\\x00]*$" say:"it must be a command for a shell" example:"./publish.sh"`
	// How long it may take. Then it is ended with all that it started, and has failed.
	Timeout *string `json:"timeout,omitempty" like:"duration" say:"it must be a duration such as 90s, 5m or 1h30m" default:"10m" example:"90s | 1h"`
	// As before.env.
	Env []string `json:"env,omitempty" like:"variable" say:"it must be the name of a variable, or NAME=value" example:"PUBLISH_KEY"`
}

// WebhookTarget is an address as a target.
type WebhookTarget struct {
	TargetHead
	// The address that each request is sent to. It is never printed where it comes from a
	// variable.
	URL *string `json:"url" need:"true" pattern:"^https?://[^\\s/?#@]+(/[^\\s#]*)?$" say:"it must be an http:// or https:// address without user and fragment" example:"https://releases.example.com/extensions"`
	// The key with which requests are signed, from a variable of the environment.
	Secret *string `json:"secret,omitempty" min:"1" example:"${RELEASE_TARGET_SIGNATURE}"`
	// As cloud.ca_file, for this server.
	CAFile *string `json:"ca_file,omitempty" example:"certificates/ca.pem"`
	// How long a request may take.
	Timeout *string `json:"timeout,omitempty" like:"duration" say:"it must be a duration such as 90s, 5m or 1h30m" default:"10m" example:"90s | 1h"`
}

// Images are the settings of the images that extensions use.
type Images struct {
	// Whether each image that an extension uses has to be in its registry: the severity of the
	// rule image-exists in a run. off asks no registry. What lint.rules says of that rule counts
	// more.
	Exist *string `json:"exist,omitempty" enum:"off warning error" default:"off" example:"error"`
	// The platforms for which it has to be there, and which are mirrored. Without it, any
	// platform suffices, and all are mirrored.
	Platforms []string `json:"platforms,omitempty" min:"1" like:"platform" say:"it must be a platform such as linux/amd64 or linux/arm64/v8" example:"linux/amd64"`
	// Where images are copied to before an extension is released.
	Mirror []Mirror `json:"mirror,omitempty" min:"1"`
}

// Mirror is a copy of images.
type Mirror struct {
	// The registry, and the path below which images are copied to.
	To *string `json:"to" need:"true" pattern:"^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$" say:"it must be a registry with a path, such as registry.example.com/mirror" example:"registry.example.com/mirror"`
	// The platforms to copy, in place of images.platforms.
	Platforms []string `json:"platforms,omitempty" min:"1" like:"platform" say:"it must be a platform such as linux/amd64 or linux/arm64/v8" example:"linux/amd64"`
	// What stands below to: {host} is the registry of an image, {path} its name there
	// (library/nginx of nginx), {name} the last part of that.
	Rename *string `json:"rename,omitempty" like:"rename" say:"it must have {path} or {name}, among small letters, digits, slashes and {host}" default:"{path}" example:"{host}/{path}"`
	// As cloud.ca_file, for this registry.
	CAFile *string `json:"ca_file,omitempty" example:"certificates/ca.pem"`
	// Ask it by http and not by https.
	PlainHTTP *bool `json:"plain_http,omitempty" default:"false" example:"true"`
}
