package texts

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Readme is the rule readme.
func Readme() rule.Rule {
	return rule.Rule{
		Name:    "readme",
		Summary: "there is a README in each language of displayName, and it refers to no file that users will not have",
		Why: "The README is the page of the extension in the marketplace and in KubeSphere. Who reads in a language without " +
			"one gets the English page, or none.\n\n" +
			"A picture or a link that names a file works in the repository and nowhere else if the pushed package does " +
			"not have that file: `staticFileDirectory` is left out of it, and so is what .helmignore names.",
		Fix: "Write README.md, and README_zh.md for zh, README_de.md for de, and so on; README-zh.md, README.zh.md and readme.md are read, too.\n\n" +
			"Let a picture stand outside of `staticFileDirectory`, or give its address on the web:\n\n" +
			"![Overview](https://example.com/overview.png)",
		Source: "The extension development guide of KubeSphere on the files of an extension: README.md and README_zh.md; its console (utils/extension.tsx), " +
			"which takes `_`, `-` or `.` before the language, in any case; staticFileDirectory is left out of what is pushed.",
		Codes: []rule.Code{
			{Name: "missing", Meaning: "there is no README in a language"},
			{Name: "empty", Meaning: "a README is empty"},
			{Name: "dead-reference", Meaning: "a README refers to a file that users will not have"},
			{Name: "too-large", Meaning: "a README is too large to look for references in it"},
		},
		Default:  rule.Warning,
		LeavesTo: []string{"helmignore"},
		Run:      func(pass *rule.Pass) { checkDocs(pass, "README") },
	}
}

// checkDocs looks at STEM.md and at STEM_LANG.md for each language of
// displayName, and gives those that are there and not empty.
func checkDocs(pass *rule.Pass, stem string) map[string][]byte {
	requireDoc(pass, stem+".md", stem, fallbackLanguage)
	for _, code := range rule.SortedKeys(pass.Ext.Metadata.DisplayName) {
		if code != fallbackLanguage && languageCode(code) == code { // others are reported by the rule languages
			requireDoc(pass, stem+"_"+code+".md", stem, code)
		}
	}
	found := map[string][]byte{}
	for _, file := range pass.Ext.Files {
		if !rule.IsDoc(file.Name, stem) {
			continue
		}
		if len(bytes.TrimSpace(file.Data)) == 0 {
			pass.Report(rule.Found("empty"), pass.Severity(), rule.Finding{
				File: file.Name, Message: file.Name + " is empty",
				Hint: "write it: the marketplace and KubeSphere show it to users",
			})
			continue
		}
		found[file.Name] = file.Data
		checkReferences(pass, file.Name, file.Data)
	}
	return found
}

// requireDoc reports a text that is missing, at the language that asks for it.
func requireDoc(pass *rule.Pass, name, stem, code string) {
	isIt := func(name string) bool {
		language, ok := rule.DocLanguage(name, stem)
		return ok && (language == code || language == "" && code == fallbackLanguage)
	}
	if slices.ContainsFunc(pass.Ext.Files, func(f extension.File) bool { return isIt(f.Name) }) || pass.IsLeftOut(isIt) {
		return
	}
	message := "there is no " + name
	hint := "add it: what the extension is for, and how to use it"
	if stem == "CHANGELOG" {
		hint = "add it: what is new in each version"
	}
	if code != fallbackLanguage {
		message += fmt.Sprintf(", and displayName speaks %s", code)
		hint = fmt.Sprintf("translate %s.md, or take %s out of displayName and description", stem, code)
	}
	for _, file := range pass.Ext.Files {
		if language, ok := rule.DocLanguage(file.Name, stem); ok && language != "" && languageCode(language) == code {
			hint = fmt.Sprintf("rename %s to %s", file.Name, name)
		}
	}
	pass.Problem(rule.Found("missing", name), pass.Ext.Document.ProblemAtKey(message, hint, "displayName", code))
}

// maxMarkdown is how many bytes of Markdown are parsed. goldmark v1 takes time with the
// square of its input where that is nested quotes, pictures or emphasis: 0.8 s for 64 KiB.
// README files of real extensions have some KiB.
const maxMarkdown = 256 << 10

// checkReferences reports the links and pictures of a text that name files which the
// pushed package will not have, each file once.
func checkReferences(pass *rule.Pass, name string, data []byte) {
	if len(data) > maxMarkdown {
		pass.Report(rule.Found("too-large"), pass.Severity(), rule.Finding{
			File:    name,
			Message: fmt.Sprintf("%s has %d bytes: its links and pictures were not checked, as that is more than %s", name, len(data), rule.Size(maxMarkdown)),
			Hint:    "shorten it, or move a part of it to the web (https://…): users read it as one page",
		})
		return
	}
	reported := map[string]bool{}
	for _, ref := range docReferences(data) {
		file, ok := ref.file()
		if !ok || reported[file] {
			continue
		}
		message, hint := absent(pass, file, ref.Picture)
		if message == "" {
			continue
		}
		reported[file] = true
		what := "the link"
		if ref.Picture {
			what = "the picture"
		}
		line, column := rule.Position(data, ref.Offset)
		pass.Report(rule.Found("dead-reference", ref.Target), pass.Severity(), rule.Finding{
			File: name, Range: diagnostic.At(line, column), Excerpt: excerpt.Line(string(data), line, line),
			Message: fmt.Sprintf("%s %s %s", what, excerpt.OneLine(ref.Target), message), Hint: hint,
		})
	}
}

// absent says why the pushed package will not have a file that a text refers to;
// it is empty where it will.
func absent(pass *rule.Pass, file string, picture bool) (message, hint string) {
	if file == ".." || strings.HasPrefix(file, "../") {
		return "leads out of the extension, so nobody has it", "give its address on the web (https://…)"
	}
	if pass.Ext.LeavesOut(file) {
		message = "lies in staticFileDirectory, which is left out of the pushed package"
		if picture {
			return message, "move it to another folder, or give the address of a picture on the web (https://…)"
		}
		return message, "move it to another folder, or give its address on the web (https://…)"
	}
	if file == "." || packs(pass, file) {
		return "", ""
	}
	var names []string
	for _, f := range pass.Ext.Files {
		names = append(names, f.Name)
	}
	hint = "add the file, or give its address on the web (https://…)"
	if pass.File(".helmignore") != nil {
		hint = "add the file or, should .helmignore keep it out, fix that; or give its address on the web (https://…)"
	}
	if near, ok := yamldoc.Nearest(file, names); ok {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return "names no file of the package", hint
}

// packs reports whether the package has a file, or files in a folder, of a name.
func packs(pass *rule.Pass, name string) bool {
	if name == "Chart.yaml" {
		return true // derived
	}
	for _, f := range pass.Ext.Files {
		if f.Name == name || strings.HasPrefix(f.Name, name+"/") {
			return true
		}
	}
	return false
}
