package metadata

import (
	"fmt"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Version is the rule version.
func Version() rule.Rule {
	return rule.Rule{
		Name:    "version",
		Summary: "the version is MAJOR.MINOR.PATCH, which every part of KubeSphere reads, and is written as text",
		Why: "KubeSphere drops, without a word, a version that is not semantic, longer than 63 characters or no DNS-1123 " +
			"subdomain, such as 1.0.0+build. Newer versions of its controller do not read leading zeros (01.2.3). Its console " +
			"lists no extension at all as soon as one with the version 1.0 or 1 has a second version. Without quotes, YAML reads " +
			"1.10 as the number 1.1: another version.",
		Fix:    "Write MAJOR.MINOR.PATCH without leading zeros, with a pre-release in lower case such as -beta.1 where needed; a v before it is taken, too.",
		Source: "The repository controller of KubeSphere 4 (Masterminds/semver, DNS-1123 subdomain, at most 63 characters); its console (node-semver); YAML 1.2, core schema, on numbers.",
		Codes: []rule.Code{
			{Name: "invalid", Meaning: "some part of KubeSphere does not read this version"},
			{Name: "not-text", Meaning: "without quotes the version reads as something else"},
		},
		Default:  rule.Error,
		LeavesTo: []string{"schema"},
		Run:      checkVersion,
	}
}

func checkVersion(pass *rule.Pass) {
	doc := pass.Ext.Document
	value, _ := doc.Value().(map[string]any)
	version, present := value["version"]
	switch v := version.(type) {
	case string:
		if message, hint := naming.VersionProblem(v); message != "" {
			pass.Problem(rule.Found("invalid", v), doc.Problem(message, hint, "version"))
		}
	case int64, uint64, float64, bool:
		mistypedVersion(pass, v)
	default:
		if !present && pass.IsOn("schema") {
			return // the schema says that it is missing
		}
		pass.Problem(rule.Found("not-text"), doc.Problem("the version is not text", `write it as "1.0.0"`, "version"))
	}
}

// mistypedVersion reports what YAML makes of a version without quotes.
func mistypedVersion(pass *rule.Pass, value any) {
	written, _, _ := pass.Ext.Document.Raw("version")
	kind := "the number"
	if _, ok := value.(bool); ok {
		kind = "the truth value"
	}
	message := fmt.Sprintf("the version %s is not text: without quotes it reads as %s", written, kind+" "+rule.PlainScalar(value))
	meant := written
	if near, ok := naming.NearestVersion(written); ok {
		meant = near
	}
	pass.Problem(rule.Found("not-text", written), pass.Ext.Document.Problem(message, fmt.Sprintf("put it in quotes: version: %q", meant), "version"))
}
