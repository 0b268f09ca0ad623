package replay

import "github.com/ksrelease/ksrelease/internal/diagnostic"

// Code is the stable name of a problem.
type Code string

// Effect is what a problem does in a cluster.
type Effect string

// The effects.
const (
	// SyncFails keeps KubeSphere from reading the repository to its end: what is new in it
	// appears late or never, of whichever extension it is.
	SyncFails Effect = "sync-fails"
	// Dropped versions do not appear, without an event or a status.
	Dropped Effect = "dropped"
	// ConsoleFails keeps the console from listing extensions.
	ConsoleFails Effect = "console-fails"
	// Remark is what somebody should know, and nothing that fails.
	Remark Effect = "remark"
)

// The codes.
const (
	CodeIndexRefused     Code = "index-refused"
	CodeIndexForHelm     Code = "index-refused-by-helm"
	CodeEmptyEntry       Code = "empty-entry"
	CodeAnnotationKey    Code = "annotation-key"
	CodeAnnotationsSize  Code = "annotations-size"
	CodeCategory         Code = "category"
	CodeInstallationMode Code = "installation-mode"
	CodeTooLarge         Code = "too-large"

	CodeName            Code = "name"
	CodeOwnName         Code = "own-name"
	CodeNoURL           Code = "no-url"
	CodeInvalidVersion  Code = "version"
	CodeNotDownloaded   Code = "not-downloaded"
	CodeNotLoaded       Code = "not-loaded"
	CodeNoExtensionYAML Code = "no-extension-yaml"
	CodeUndecodable     Code = "undecodable"
	CodeNoVersion       Code = "no-version"
	CodeOtherChart      Code = "other-chart"

	CodeShortVersion Code = "short-version"

	CodeOddVersion     Code = "odd-version"
	CodeDigest         Code = "digest"
	CodeVersionDiffers Code = "version-differs"
	CodeTwice          Code = "listed-twice"
	CodeSpelledTwice   Code = "spelled-twice"
	CodePreRelease     Code = "pre-release-recommended"
	CodeStableHidden   Code = "stable-hidden"
	CodeNoneFits       Code = "none-fits"
	CodeConstraint     Code = "constraint"
	CodeRelativeURL    Code = "relative-url"
	CodeConsole        Code = "console-constraint"
)

// kind is what all problems of a code have in common.
type kind struct {
	severity diagnostic.Severity
	effect   Effect
	message  string
	hint     string
}

const byRepository = "those who run the repository have to correct the entry, or take it out"

// kinds are all codes. The order is that of the report: what fails for all comes first.
var kinds = []struct {
	code Code
	kind
}{
	{CodeIndexRefused, kind{diagnostic.Error, SyncFails, "KubeSphere cannot load the index, so that nothing of the repository is read any more, of nobody", byRepository}},
	{CodeEmptyEntry, kind{diagnostic.Error, SyncFails, "the index has an empty entry, over which KubeSphere's controller fails: nothing of the repository is read any more, of nobody", byRepository}},
	{CodeAnnotationKey, kind{diagnostic.Error, SyncFails, "the cluster refuses a key of an annotation, and each try to read the repository ends there: others appear late", "keys are names of at most 63 letters, digits, -, _ and ., with a domain and a slash before them where needed: correct it in extension.yaml, and release a new version"}},
	{CodeAnnotationsSize, kind{diagnostic.Error, SyncFails, "the cluster takes annotations of 262,144 bytes at most, and each try to read the repository ends there: others appear late", "shorten the annotations in extension.yaml, and release a new version"}},
	{CodeCategory, kind{diagnostic.Error, SyncFails, "the category cannot be the value of a label: the extension never appears, and each try to read the repository ends there: others appear late", "write one of the marketplace's categories, such as dev-tools, and release a new version"}},
	{CodeInstallationMode, kind{diagnostic.Error, SyncFails, "the cluster refuses the installationMode: the version never appears, and each try to read the repository ends there: others appear late", "write HostOnly or Multicluster, in this spelling, and release a new version"}},
	{CodeTooLarge, kind{diagnostic.Error, SyncFails, "the version is more than the cluster stores in one object (1.5 MiB): it never appears, and each try to read the repository ends there: others appear late", "upload icon and screenshots, as ksrelease run does, instead of writing them as data: addresses, or make them smaller"}},

	{CodeName, kind{diagnostic.Error, Dropped, "KubeSphere takes no extension of this name", "use lower-case letters, digits and hyphens, at most 63"}},
	{CodeOwnName, kind{diagnostic.Error, Dropped, "KubeSphere leaves out an entry that has another name for itself than the index", byRepository}},
	{CodeNoURL, kind{diagnostic.Error, Dropped, "KubeSphere leaves out an entry without an address to download from", byRepository}},
	{CodeInvalidVersion, kind{diagnostic.Error, Dropped, "KubeSphere leaves out a version that it cannot read", "release it under a version of the form MAJOR.MINOR.PATCH, with a pre-release in lower case where needed"}},
	{CodeNotDownloaded, kind{diagnostic.Error, Dropped, "the package could not be downloaded, and KubeSphere leaves out what it cannot download", "upload the package, or correct its address in the index"}},
	{CodeNotLoaded, kind{diagnostic.Error, Dropped, "Helm cannot load the package, so KubeSphere leaves it out", "package it again, and release a new version"}},
	{CodeNoExtensionYAML, kind{diagnostic.Error, Dropped, "the package has no extension.yaml, so KubeSphere leaves it out", "a chart that is no extension belongs into another repository"}},
	{CodeUndecodable, kind{diagnostic.Error, Dropped, "KubeSphere cannot decode extension.yaml, so it leaves the version out", "ksrelease lint names the line; release a new version"}},
	{CodeNoVersion, kind{diagnostic.Error, Dropped, "KubeSphere finds no version in extension.yaml, so it leaves the version out", "write version: into extension.yaml, before any line that is ---"}},
	{CodeOtherChart, kind{diagnostic.Error, Dropped, "the package holds a chart of another name, so KubeSphere leaves it out", byRepository}},

	{CodeShortVersion, kind{diagnostic.Error, ConsoleFails, "KubeSphere's console cannot sort such a version, and lists no extension at all while the extension has two versions", "take it out of the repository, and release it as MAJOR.MINOR.PATCH"}},

	{CodeIndexForHelm, kind{diagnostic.Warning, Remark, "Helm cannot load the index, though KubeSphere can: `helm repo add` fails for everybody", byRepository}},
	{CodeOddVersion, kind{diagnostic.Warning, Remark, "not every part of KubeSphere reads this version", "release it as MAJOR.MINOR.PATCH without leading zeros"}},
	{CodeNoneFits, kind{diagnostic.Warning, Remark, "none of the versions that are shown fits the cluster, so none is recommended", "see its kubeVersion and ksVersion"}},
	{CodePreRelease, kind{diagnostic.Warning, Remark, "a pre-release is recommended to everybody: KubeSphere takes the highest version, whatever its kind", "release the final version, or take the pre-release out of the repository"}},
	{CodeStableHidden, kind{diagnostic.Warning, Remark, "pre-releases have pushed the last stable version out", "take pre-releases out of the repository, or raise depth of the Repository in the cluster"}},
	{CodeConstraint, kind{diagnostic.Warning, Remark, "a constraint cannot be read, so the version is never recommended", `write it as ">=4.1.0-0", with blanks between comparisons`}},
	{CodeConsole, kind{diagnostic.Warning, Remark, "KubeSphere's console cannot read a constraint, so nobody can install the version there", `write it as ">=4.1.0-0 <5.0.0-0", with blanks between comparisons`}},
	{CodeTwice, kind{diagnostic.Warning, Remark, "the index lists a version more than once: each takes a place of the depth, and which one counts is not certain", byRepository}},
	{CodeSpelledTwice, kind{diagnostic.Warning, Remark, "one version is there in two spellings: KubeSphere shows both, in no certain order", "take one of them out of the repository"}},
	{CodeVersionDiffers, kind{diagnostic.Warning, Remark, "extension.yaml has another version than the index, and KubeSphere shows that one", "release a new version of which both are the same"}},
	{CodeDigest, kind{diagnostic.Warning, Remark, "the package is not the one whose digest the index lists; KubeSphere does not look, others may", byRepository}},
	{CodeRelativeURL, kind{diagnostic.Warning, Remark, "the address in the index is relative and the repository is not at the root of its host: KubeSphere 4.1.1 and 4.1.2 look below the repository, later ones at the root of the host", "write absolute addresses into the index: helm repo index --url"}},
}

// kindOf is the kind of a code.
func kindOf(code Code) kind {
	for _, k := range kinds {
		if k.code == code {
			return k.kind
		}
	}
	panic("no such code: " + string(code))
}
