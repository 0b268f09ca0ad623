// Package configfile is .ksrelease.yaml as it is written. The JSON Schema (package schema),
// docs/configuration.md and the checks of package config are made of its types: names by the json
// tag, texts by the doc comments, values by the tags
//
//	need:"true"              the key must be there; with another key in place of true, one of
//	                         the two must be, and not both
//	types:"string integer"   the JSON types, where not the Go type's
//	const:"1"                the only value
//	enum:"skip fail"         the values, and ${NAME} references
//	pattern:"…" say:"…"      a regular expression that Go and ECMAScript read
//	                         alike, ${NAME} references besides, and the words
//	                         for a value that fails
//	like:"duration" say:"…"  likewise, the regular expression of DurationPattern; others are
//	                         tag, variable, platform, image and rename, for the items of a list
//	                         where it is one
//	min, max                 of a number; the least number of items or characters
//	default:"…"              what holds where the key is left out
//	example:"…"              how it may look; several are divided by " | "
//	alone:"true"             a text in place of the mapping stands for this key of it
//	verbatim:"true"          ${NAME} does not stand for it
//	keys:"rules"             the keys are the names of the lint rules, of which this
//	                         package knows nothing: the generator asks internal/lint
//	kind:"directory"         a field of Target: the kind that it is for
//
// A comment ends as a description: it speaks to the author of a config. What the keys mean is in
// package config, with the patterns that like names.
package configfile

import "encoding/json"

// File is the whole of .ksrelease.yaml.
type File struct {
	// Version of the config's format. A later ksrelease that reads another
	// format still reads this one by its number.
	Version *int `json:"version" need:"true" const:"1" say:"the only version of the config so far is 1" example:"1"`
	// The marketplace that extensions are pushed to.
	Cloud *Cloud `json:"cloud,omitempty"`
	// The Helm repository in which releases appear.
	Repository *Repository `json:"repository,omitempty"`
	// What is to be released. An extension that several entries match takes the
	// settings of the last of them.
	Extensions []Entry `json:"extensions" need:"true" min:"1"`
	// Commands to run once before anything is read: to bring in an upstream chart, to
	// generate files. What they write is part of the extensions. An item is the
	// command alone, or a mapping with the keys below. Real runs and ksrelease package
	// run them; everything else does only with --hooks, as they are commands of the
	// repository. docs/monorepo.md says what they find in their environment. A command that
	// fails ends the run before anything is sent.
	Before []Hook `json:"before,omitempty"`
	// Commands to run once when all extensions have ended, however they did: to clean
	// up. One that fails is a warning. The items are those of before.
	After []Hook `json:"after,omitempty" example:"rm -rf build"`
	Settings
	// The places to release to. Each gets the same packages, and has an outcome of its own for
	// each extension; without it, the marketplace alone. docs/targets.md has each kind.
	Targets []Target `json:"targets,omitempty" min:"1"`
	// What packages are signed with. docs/proofs.md says what is published where, and how it
	// is verified.
	Sign *Sign `json:"sign,omitempty"`
	// How git tags mean versions of extensions.
	Tags *Tags `json:"tags,omitempty"`
	// Where it is announced what a run has released.
	Announce []Announcement `json:"announce,omitempty" min:"1"`
	// What is kept of earlier commands, so that they need not find it out again. It changes no
	// result. docs/performance.md says what is kept, and where.
	Cache *Cache `json:"cache,omitempty"`
	// How many extensions are worked on at once.
	Parallelism *int `json:"parallelism,omitempty" min:"1" max:"128" default:"8" example:"4"`
}

// Settings are the settings of the stages. They stand at the top for all
// extensions; an entry of extensions may override each of them.
type Settings struct {
	// How extensions are checked before anything else happens.
	Lint *Lint `json:"lint,omitempty"`
	// How packages are made.
	Package *Package `json:"package,omitempty"`
	// How large a package may be.
	Size *Size `json:"size,omitempty"`
	// What happens where a version is in the marketplace already.
	Push *Push `json:"push,omitempty"`
	// What a release waits for.
	Verify *Verify `json:"verify,omitempty"`
	// What is asked of the images that extensions use, and where they are copied to.
	Images *Images `json:"images,omitempty"`
}

// Cloud is the marketplace.
type Cloud struct {
	// Address of the KubeSphere Cloud API. The API key never stands here: it
	// comes from KSRELEASE_TOKEN, or from ksrelease login.
	Server *string `json:"server,omitempty" pattern:"^https?://[^\\s/?#@]+(/[^\\s?#]*)?$" say:"it must be an http:// or https:// address without user, query and fragment" default:"https://apis.kubesphere.cloud" example:"https://apis.kubesphere.cloud"`
	// A file with certificates of authorities (PEM) that may have signed the
	// server's certificate, besides the authorities of the system; relative to
	// the folder of the config. They are trusted for this server alone. An empty
	// value names no file.
	CAFile *string `json:"ca_file,omitempty" example:"certificates/ca.pem"`
}

// Repository is the Helm repository.
type Repository struct {
	// Address of the Helm repository; its index.yaml is asked which versions
	// exist. A user and password, where it needs them, come from
	// KSRELEASE_REPOSITORY_USERNAME and KSRELEASE_REPOSITORY_PASSWORD.
	URL *string `json:"url,omitempty" pattern:"^https?://[^\\s/?#@]+(/[^\\s?#]*)?$" say:"it must be an http:// or https:// address without user, query and fragment" default:"https://beta.app.kubesphere.cloud" example:"https://charts.example.com/extensions"`
	// As cloud.ca_file, for this server. Charts that extensions depend on are
	// downloaded from it with these authorities, too.
	CAFile *string `json:"ca_file,omitempty" example:"certificates/ca.pem"`
}

// Announcement is a service in which releases are announced.
type Announcement struct {
	// The service. webhook is sent data as JSON, the others a message in the form of
	// the chat: docs/monorepo.md has both. Lark is feishu.
	Kind *string `json:"kind" need:"true" enum:"webhook feishu dingtalk wecom slack" example:"feishu"`
	// Address of the webhook. Whoever has it can write to the chat: take it from a
	// variable of the environment. It is never printed.
	URL *string `json:"url" need:"true" pattern:"^https?://[^\\s/?#@]+(/[^\\s#]*)?$" say:"it must be an http:// or https:// address without user and fragment" example:"${RELEASE_WEBHOOK}"`
	// The key with which messages are signed, for webhook, feishu and dingtalk, from
	// a variable of the environment.
	Secret *string `json:"secret,omitempty" min:"1" example:"${RELEASE_WEBHOOK_SIGNATURE}"`
	// The language of the CHANGELOG that is quoted, such as zh. Where there is none,
	// English takes its place, as in KubeSphere.
	Language *string `json:"language,omitempty" pattern:"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$" say:"it must be a language code such as en or zh" default:"en" example:"zh"`
	// Names of the extensions whose releases are announced; without it, of all.
	Only []string `json:"only,omitempty" min:"1" itemmin:"1" example:"alc"`
}

// Tags are the git tags of releases.
type Tags struct {
	// The forms of tags, in place of those that are built in: {name}/v{version},
	// {name}/{version} and {name}-{version}. A tag may have any of them; the first
	// is that of the tags that ksrelease tag makes. A pattern without {name} is for
	// a project with one extension.
	Patterns []string `json:"patterns,omitempty" min:"1" like:"tag" say:"it must have {version} once and {name} at most once, not next to each other, among letters, digits, underscores and single separators, such as {name}/v{version}" example:"{name}/v{version}"`
}

// Cache is what is kept of earlier commands.
type Cache struct {
	// How much it takes on the disk, as a number of bytes or with a unit, as in size.limit; at
	// least 1 MiB. What was not used for longest is removed first. KSRELEASE_CACHE_LIMIT counts
	// more.
	Limit any `json:"limit,omitempty" types:"string integer" min:"1048576" max:"1000000000000" pattern:"^([1-9][0-9]{0,8} ?([kKmMgG][iI]?)?[bB]?|([1-9][0-9]{0,5}\\.[0-9]{1,3}|0\\.[0-9]{0,2}[1-9]) ?[kKmMgG][iI]?[bB]?)$" say:"it must be a size such as 512MiB or 2GiB" default:"1GiB" example:"512MiB | 2GiB"`
	// A place that shares the cache with other machines: the absolute path of a folder outside of
	// the project, such as a mount, or oci:// with a registry and a repository. It is only read,
	// where KSRELEASE_CACHE_REMOTE_MODE is not write. Whoever may write to it is trusted with the
	// results of lint. An empty value names none. KSRELEASE_CACHE_REMOTE counts more.
	Remote *string `json:"remote,omitempty" pattern:"^(oci://[^\\s/?#@]+/[^\\s?#@]+|/[^\\x00]*|[A-Za-z]:[/\\\\][^\\x00]*|)$" say:"it must be the absolute path of a folder, or oci:// with a host and a repository" example:"oci://registry.example.com/ksrelease/cache | /mnt/cache"`
}

// Sign are the keys that packages are signed with.
type Sign struct {
	// A file with an OpenPGP private key, as gpg --export-secret-keys writes it, armored or
	// not; relative to the folder of the config. Packages get provenance files (.prov), as helm
	// package --sign makes them. A passphrase comes from KSRELEASE_PGP_PASSPHRASE. An empty
	// value names no file.
	PGPKeyFile *string `json:"pgp_key_file,omitempty" example:"${RELEASE_KEYS:-keys}/release.asc"`
	// A file with a private key in PEM without a passphrase: ECDSA, Ed25519 or RSA, as openssl
	// genpkey writes it. Packages get signatures (.sig), as cosign sign-blob makes them, and
	// what is pushed to a registry those of cosign sign. An empty value names no file.
	KeyFile *string `json:"key_file,omitempty" example:"${RELEASE_KEYS:-keys}/release.pem"`
}

// Entry names one or more extensions and, if need be, their own settings.
type Entry struct {
	// Where the extensions are: each directory with an extension.yaml and each
	// package .tgz that matches. *, ?, [a-z], {a,b} and ** (any number of
	// directories) may be used. A relative path starts at the folder of the
	// config; absolute ones and .. are allowed. A path that matches nothing is
	// an error.
	Path *string `json:"path" need:"true" min:"1" example:"extensions/* | apps/alc | vendor/alc-1.2.0.tgz"`
	// What to leave out of path, in the same form. A directory leaves out all
	// below it. One that matches nothing is an error.
	Exclude []string `json:"exclude,omitempty" itemmin:"1" example:"extensions/legacy-*"`
	// Commands to run for each of these extensions before it is read, in its own
	// folder, after those at the top of the file. A command that fails ends that extension.
	Before []Hook `json:"before,omitempty" example:"./build-chart.sh"`
	// Commands to run for each of these extensions when all have ended, before those at the
	// top of the file.
	After []Hook `json:"after,omitempty" example:"rm -rf charts/upstream"`
	Settings
}

// Hook is a command to run before or after a release: a mapping, or its run alone.
type Hook struct {
	// What the shell runs (sh -e -c). ${NAME} is left to the shell here.
	Run *string `json:"run" need:"true" alone:"true" pattern:"^[^\\x00]*\\S[^\\x00]*$" say:"it must be a command for a shell" example:"make charts"`
	// The folder to run it in, relative to that of the config; otherwise the folder of
	// the extension, or at the top that of the config.
	Dir *string `json:"dir,omitempty" min:"1" example:"tools"`
	// How long it may take. Then it is ended with all that it started, and has failed.
	Timeout *string `json:"timeout,omitempty" like:"duration" say:"it must be a duration such as 90s, 5m or 1h30m" default:"10m" example:"90s | 1h"`
	// Variables of the environment that it gets, although they look like secrets, by
	// their names; NAME=value sets one.
	Env []string `json:"env,omitempty" like:"variable" say:"it must be the name of a variable, or NAME=value" example:"GITHUB_TOKEN"`
}

// UnmarshalJSON takes a text for the command.
func (h *Hook) UnmarshalJSON(data []byte) error {
	var run string
	if json.Unmarshal(data, &run) == nil {
		*h = Hook{Run: &run}
		return nil
	}
	type plain Hook
	return json.Unmarshal(data, (*plain)(h))
}

// Lint are the settings of the lint stage.
type Lint struct {
	// Severity of each rule: off does not run it, info and warning report, error
	// keeps the extension from being released. Rules that are not named keep
	// their default. docs/rules.md and ksrelease lint --explain RULE say more of
	// each.
	Rules map[string]string `json:"rules,omitempty" keys:"rules"`
	// How long it may take to look at one extension: its templates are rendered
	// for that. One that takes longer fails, with the template or rule that was at
	// work, and the others go on.
	Timeout *string `json:"timeout,omitempty" like:"duration" say:"it must be a duration such as 90s, 5m or 1h30m" default:"1m" example:"30s | 3m"`
	// How much memory it may take to look at one extension, as a number of bytes
	// or with a unit, as in size.limit; at least 64 MiB. One that takes more fails, as
	// with timeout.
	Memory any `json:"memory,omitempty" types:"string integer" min:"67108864" max:"1000000000000" pattern:"^([1-9][0-9]{0,8} ?([kKmMgG][iI]?)?[bB]?|([1-9][0-9]{0,5}\\.[0-9]{1,3}|0\\.[0-9]{0,2}[1-9]) ?[kKmMgG][iI]?[bB]?)$" say:"it must be a size such as 512MiB or 2GiB" default:"1GiB" example:"512MiB | 2GiB"`
}

// Package are the settings of the package stage.
type Package struct {
	// Folder for the packages that ksrelease package and run leave, relative to the
	// folder of the config. It is never packed, and wildcards do
	// not lead into it.
	Output *string `json:"output,omitempty" min:"1" default:"dist" example:"build/packages"`
}

// Size are the settings of the size stage.
type Size struct {
	// The largest package that may be pushed, as a number of bytes or with a
	// unit: KiB, MiB and GiB are powers of 1024, KB, MB and GB powers of 1000.
	// KubeSphere keeps packages in Kubernetes objects, which hold about 1 MiB.
	Limit any `json:"limit,omitempty" types:"string integer" min:"1" max:"1000000000000" pattern:"^([1-9][0-9]{0,8} ?([kKmMgG][iI]?)?[bB]?|([1-9][0-9]{0,5}\\.[0-9]{1,3}|0\\.[0-9]{0,2}[1-9]) ?[kKmMgG][iI]?[bB]?)$" say:"it must be a size such as 512KiB or 1MiB" default:"1MiB" example:"512KiB | 1048576"`
}

// Push are the settings of the push stage.
type Push struct {
	// A version that exists with the same content: skip it, or fail. Nothing is
	// sent in either case.
	Existing *string `json:"existing,omitempty" enum:"skip fail" default:"skip" example:"fail"`
	// A version that exists with other content: fail, or warn and exit with 0,
	// which suits scheduled runs on a branch where work goes on. Nothing is sent
	// in either case.
	Drift *string `json:"drift,omitempty" enum:"fail warn" default:"fail" example:"warn"`
	// A package with files that are not as they were committed: changed, not
	// added, or ignored by git. Fail, warn, or allow it. Where nothing is set it
	// fails in a CI (the variable CI is true), and else warns.
	Dirty *string `json:"dirty,omitempty" enum:"fail warn allow" example:"allow"`
}

// Verify are the settings of the verify stage.
type Verify struct {
	// What a release waits for: indexed, until the version can be downloaded
	// from the Helm repository; active, until it has been reviewed besides.
	Until *string `json:"until,omitempty" enum:"indexed active" default:"indexed" example:"active"`
	// How long to wait for it. What is not seen by then ends as unverified.
	Timeout *string `json:"timeout,omitempty" like:"duration" say:"it must be a duration such as 90s, 5m or 1h30m" default:"5m" example:"90s | 1h30m"`
}
