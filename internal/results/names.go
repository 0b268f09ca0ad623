package results

import "github.com/ksrelease/ksrelease/internal/diagnostic"

// Names of the stages, as they stand in flags, reports and events.
const (
	StageLint    = "lint"
	StagePackage = "package"
	StageUpload  = "upload"
	StageSize    = "size"
	StagePush    = "push"
	StageVerify  = "verify"
)

// The stages of hooks, before the first and after the last of these.
const (
	StageBefore = "before"
	StageAfter  = "after"
)

// RuleSize is the rule under which a package near the limit is reported among the
// findings. It is not one of lint: only here the size is known.
const RuleSize = "size"

// Codes of what no rule of lint finds: those of the size, of an extension that cannot be
// read, of a cycle of dependencies, and of a journal that cannot be read.
const (
	CodeNearLimit         = RuleSize + "/near-limit"
	CodeOverLimit         = RuleSize + "/over-limit"
	CodeUnreadable        = "schema/unreadable"
	CodeCycle             = RuleDependencies + "/cycle"
	CodeUnreadableJournal = RuleJournal + "/unreadable"
)

// The rules under which a plan says what is worth knowing of a version or of a
// dependency. Like RuleSize they are none of lint: they go by what is in the Helm
// repository.
const (
	RuleVersions     = "versions"
	RuleDependencies = "dependencies-there"
)

// RuleCommitted is the rule under which a plan says what would be packed and is not committed.
const RuleCommitted = "committed"

// RuleJournal is the rule that a journal breaks that cannot be reported from.
const RuleJournal = "journal"

// Rule is a rule that is none of lint.
type Rule struct {
	Name  string
	Asks  string            // what has to be so, in one line
	Codes []diagnostic.Code // all that it may find
}

// OtherRules are the rules that are none of lint, but for RuleConfig, whose codes package
// config has.
func OtherRules() []Rule {
	return []Rule{
		{RuleSize, "the package is not near the limit of the marketplace", []diagnostic.Code{
			{Name: "near-limit", Meaning: "the package takes more than nine tenths of the limit"},
			{Name: "over-limit", Meaning: "the package may be over the limit, which the upload of its assets will show"},
		}},
		{RuleVersions, "the version follows those in the Helm repository, and KubeSphere will show it", []diagnostic.Code{
			{Name: "goes-back", Meaning: "the version is lower than one that is there"},
			{Name: "jumps", Meaning: "the version is far above the highest one that is there"},
			{Name: "spelled-twice", Meaning: "the version is there in another spelling, as v1.0.0 is 1.0.0"},
			{Name: "not-shown", Meaning: "KubeSphere shows only versions that are higher"},
			{Name: "pre-release", Meaning: "KubeSphere will recommend a pre-release"},
			{Name: "last-stable", Meaning: "KubeSphere will no longer show a version that is no pre-release"},
		}},
		{RuleDependencies, "the extensions that this one depends on are in the Helm repository, or released before it", []diagnostic.Code{
			{Name: "required-missing", Meaning: "an extension that is required is nowhere, and --allow-missing-dependencies goes ahead"},
			{Name: "optional-missing", Meaning: "an extension that can be used is nowhere"},
			{Name: "optional-failed", Meaning: "an extension that can be used was not released"},
			{Name: "cycle", Meaning: "the extension requires itself by way of others"},
		}},
		{RuleCommitted, "what is packed is as it was committed (push.dirty)", []diagnostic.Code{
			{Name: "changed", Meaning: "a file is not as it was committed, or was not committed yet"},
			{Name: "removed", Meaning: "a file was committed and is gone"},
			{Name: "untracked", Meaning: "git does not know a file"},
			{Name: "ignored", Meaning: "git ignores a file"},
			{Name: "line-ends", Meaning: "a file has other line ends than it was committed with, and differs in nothing else"},
		}},
		{RuleJournal, "the journal can be read", []diagnostic.Code{
			{Name: "unreadable", Meaning: "a line of the journal is none that ksrelease writes"},
		}},
	}
}

// OtherRule is the one of that name; it has no name where there is none.
func OtherRule(name string) Rule {
	for _, r := range OtherRules() {
		if r.Name == name {
			return r
		}
	}
	return Rule{}
}
