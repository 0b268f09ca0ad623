package results

// Names of the stages, as they stand in flags, reports and events.
const (
	StageLint    = "lint"
	StagePackage = "package"
	StageUpload  = "upload"
	StageSize    = "size"
	StagePush    = "push"
	StageVerify  = "verify"
)

// RuleSize is the rule under which a package near the limit is reported among the
// findings. It is not one of lint: only here the size is known.
const RuleSize = "size"

// The codes of findings that no rule of lint makes: those of the size, and that of an
// extension that cannot be read.
const (
	CodeNearLimit  = RuleSize + "/near-limit"
	CodeOverLimit  = RuleSize + "/over-limit"
	CodeUnreadable = "schema/unreadable"
)

// The rules under which a plan says what is worth knowing of a version or of a
// dependency. Like RuleSize they are none of lint: they go by what is in the Helm
// repository.
const (
	RuleVersions     = "versions"
	RuleDependencies = "dependencies-there"
)

// RulesOfRuns are the rules that a run holds an extension to in addition to those of
// lint, each with what it asks for.
func RulesOfRuns() map[string]string {
	return map[string]string{
		RuleSize:         "the package is not near the limit of the marketplace",
		RuleVersions:     "the version follows those in the Helm repository, and KubeSphere will show it",
		RuleDependencies: "the extensions that this one depends on are in the Helm repository, or released before it",
	}
}
