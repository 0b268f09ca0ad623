package lint

import (
	"fmt"
	"strconv"

	"github.com/ksrelease/ksrelease/internal/extension"
)

func versionRule() Rule {
	return Rule{
		Name:    "version",
		Summary: "the version is MAJOR.MINOR.PATCH, which every part of KubeSphere reads, and is written as text",
		Why: "KubeSphere drops, without a word, a version that is not semantic, longer than 63 characters or no DNS-1123 " +
			"subdomain, such as 1.0.0+build. Newer versions of its controller do not read leading zeros (01.2.3). Its console " +
			"lists no extension at all as soon as one with the version 1.0 or 1 has a second version. Without quotes, YAML reads " +
			"1.10 as the number 1.1: another version.",
		Fix:    "Write MAJOR.MINOR.PATCH without leading zeros, with a pre-release in lower case such as -beta.1 where needed; a v before it is taken, too.",
		Source: "The repository controller of KubeSphere 4 (Masterminds/semver, DNS-1123 subdomain, at most 63 characters); its console (node-semver); YAML 1.2, core schema, on numbers.",
		Codes: []Code{
			{"invalid", "some part of KubeSphere does not read this version"},
			{"not-text", "without quotes the version reads as something else"},
		},
		Default: Error,
		check:   checkVersion,
	}
}

func checkVersion(pass *subject) {
	doc := pass.ext.Document
	value, _ := doc.Value().(map[string]any)
	version, present := value["version"]
	switch v := version.(type) {
	case string:
		if message, hint := extension.VersionProblem(v); message != "" {
			pass.problem(coded("invalid", v), doc.Problem(message, hint, "version"))
		}
	case int64, uint64, float64, bool:
		mistypedVersion(pass, v)
	default:
		if !present && pass.isOn("schema") {
			return // the schema says that it is missing
		}
		pass.problem(coded("not-text"), doc.Problem("the version is not text", `write it as "1.0.0"`, "version"))
	}
}

// mistypedVersion tells what YAML makes of a version without quotes.
func mistypedVersion(pass *subject, value any) {
	written, _, _ := pass.ext.Document.Raw("version")
	kind := "the number"
	if _, ok := value.(bool); ok {
		kind = "the truth value"
	}
	message := fmt.Sprintf("the version %s is not text: without quotes it reads as %s %s", written, kind, plainScalar(value))
	meant := written
	if near, ok := extension.NearestVersion(written); ok {
		meant = near
	}
	pass.problem(coded("not-text", written), pass.ext.Document.Problem(message, fmt.Sprintf("put it in quotes: version: %q", meant), "version"))
}

func plainScalar(value any) string {
	if f, ok := value.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return fmt.Sprint(value)
}
