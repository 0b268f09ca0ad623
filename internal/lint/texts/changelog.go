package texts

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Changelog is the rule changelog.
func Changelog() rule.Rule {
	return rule.Rule{
		Name:    "changelog",
		Summary: "there is a CHANGELOG in each language of displayName, it names this version, and refers to no file that users will not have",
		Why: "KubeSphere shows the changelog to administrators who are asked whether to upgrade. One that does not know " +
			"the version they are offered says that somebody forgot it: the version was bumped and the text was not.\n\n" +
			"Which file is shown, and what of it is not (pictures without an http(s) address, HTML), is as with the rule `readme`.",
		Fix: "Write CHANGELOG.md, and CHANGELOG_zh.md for zh, and so on, with a heading for each version:\n\n" +
			"## 1.2.0",
		Source: "The extension development guide of KubeSphere on the files of an extension: CHANGELOG.md and CHANGELOG_zh.md; KubeSphere's console of 2025-06, " +
			"https://github.com/kubesphere/console/blob/master/packages/core/src/containers/Extensions/components/ExtensionDetail/Tabs.tsx.",
		Codes: []rule.Code{
			{Name: "missing", Meaning: "there is no CHANGELOG in a language"},
			{Name: "no-fallback", Meaning: "there is CHANGELOG_en.md, and no CHANGELOG.md for readers of other languages"},
			{Name: "never-shown", Meaning: "KubeSphere's console shows a CHANGELOG to nobody"},
			{Name: "picture-not-shown", Meaning: "pictures have no http(s) address, and are not shown"},
			{Name: "html", Meaning: "pictures or texts in HTML are not shown"},
			{Name: "empty", Meaning: "a CHANGELOG is empty"},
			{Name: "dead-reference", Meaning: "a CHANGELOG refers to a file that users will not have"},
			{Name: "too-large", Meaning: "a CHANGELOG is too large to look for references in it"},
			{Name: "version-not-named", Meaning: "a CHANGELOG does not name this version"},
		},
		Default:  rule.Warning,
		LeavesTo: []string{"helmignore"},
		Run:      checkChangelog,
	}
}

func checkChangelog(pass *rule.Pass) {
	texts := checkDocs(pass, "CHANGELOG")
	version := pass.Ext.Metadata.Version
	if naming.ValidVersion(version) != nil {
		return // the rules schema and version say so
	}
	for _, name := range rule.SortedKeys(texts) {
		if !namesVersion(texts[name], version) {
			pass.Report(rule.Found("version-not-named", version), pass.Severity(), rule.Finding{
				File:    name,
				Message: fmt.Sprintf("%s does not name this version, %s", name, excerpt.OneLine(version)),
				Hint:    fmt.Sprintf("say what is new, below a heading ## %s", excerpt.OneLine(version)),
			})
		}
	}
}

// namesVersion reports whether a text has a version as a whole word, with or
// without a v before it: 1.2.0 stands in v1.2.0, not in 1.2.0-rc.1 or 11.2.0.
func namesVersion(text []byte, version string) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(version))
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(version)
		if beginsVersion(text[:begin]) && endsVersion(text[end:]) {
			return true
		}
		at = begin + 1
	}
}

func beginsVersion(before []byte) bool {
	if n := len(before); n > 0 && (before[n-1] == 'v' || before[n-1] == 'V') {
		before = before[:n-1]
	}
	n := len(before)
	// A hyphen before it is that of a tag: web-v1.2.0.
	return n == 0 || before[n-1] == '-' || !isVersionByte(before[n-1])
}

func endsVersion(after []byte) bool {
	// A stop or a hyphen that nothing of a version follows belongs to the sentence.
	after = bytes.TrimLeft(after, ".-")
	if len(after) == 0 {
		return true
	}
	return !isVersionByte(after[0])
}

func isVersionByte(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || strings.IndexByte(".-+", b) >= 0
}
