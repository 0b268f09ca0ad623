package texts

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
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
			"KubeSphere's console looks for README, one of `_`, `-` and `.`, the reader's language, and .md, in any case: in the language of the user's settings, then in that of the " +
			"browser, then README.md. Of two files for one language it shows the first of the package.\n\n" +
			"It shows pictures that have an http(s) address. It does not find those that name a file, of the package or not. It leaves out HTML: of `<p align=\"center\"><img src=…></p>` " +
			"nothing is seen. A link that names a file leads nowhere if the pushed package does not have it: `staticFileDirectory` is left out of it, and so is what .helmignore names.",
		Fix: "Write README.md, and README_zh.md for zh, README_de.md for de, and so on; README-zh.md, README.zh.md and readme.md are read, too. (For Traditional Chinese the console has the code `tc`.)\n\n" +
			"Write pictures in Markdown, with their addresses on the web:\n\n" +
			"![Overview](https://www.company.example/overview.png)",
		Source: "The extension development guide of KubeSphere on the files of an extension: README.md and README_zh.md; KubeSphere's console of 2025-06, " +
			"https://github.com/kubesphere/console/blob/master/packages/core/src/containers/Extensions/utils/extension.tsx on names and pictures, and " +
			"https://github.com/kubesphere/console/blob/master/packages/core/src/containers/Extensions/components/ExtensionDetail/Overview.tsx (`skipHtml`); staticFileDirectory is left out of what is pushed.",
		Codes: []rule.Code{
			{Name: "missing", Meaning: "there is no README in a language"},
			{Name: "no-fallback", Meaning: "there is README_en.md, and no README.md for readers of other languages"},
			{Name: "never-shown", Meaning: "KubeSphere's console shows a README to nobody"},
			{Name: "picture-not-shown", Meaning: "pictures have no http(s) address, and are not shown"},
			{Name: "html", Meaning: "pictures or texts in HTML are not shown"},
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
	renamed := map[string]bool{requireDoc(pass, stem+".md", stem, fallbackLanguage): true}
	for _, code := range rule.SortedKeys(pass.Ext.Metadata.DisplayName) {
		if code != fallbackLanguage && languageCode(code) == code { // others are reported by the rule languages
			renamed[requireDoc(pass, stem+"_"+code+".md", stem, code)] = true
		}
	}
	shownToNobody(pass, stem, renamed)
	found := map[string][]byte{}
	for _, file := range pass.Ext.Files {
		if !naming.IsDoc(file.Name, stem) {
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

// shownToNobody reports the texts that KubeSphere's console never shows, but for those that
// are to be renamed anyway, and the lack of one for all languages.
func shownToNobody(pass *rule.Pass, stem string, renamed map[string]bool) {
	shown := map[string]string{} // the file of each language
	for _, file := range pass.Ext.Files {
		language, ok := naming.DocLanguage(file.Name, stem)
		if !ok {
			continue
		}
		message, hint := "", ""
		if code := languageCode(language); code != "" && code != language {
			message = fmt.Sprintf("KubeSphere's console never shows it: it knows %s, and not %s", code, excerpt.OneLine(language))
			hint = fmt.Sprintf("rename it to %s_%s.md", stem, code)
		} else if other := shown[language]; other != "" {
			message = fmt.Sprintf("KubeSphere's console never shows it, for it shows %s in its place", excerpt.OneLine(other))
			hint = "keep one of the two"
		} else {
			shown[language] = file.Name
			continue
		}
		if !renamed[file.Name] {
			pass.Report(rule.Found("never-shown"), pass.Severity(), rule.Finding{File: file.Name, Message: message, Hint: hint})
		}
	}
	if english := shown[fallbackLanguage]; english != "" && shown[""] == "" {
		pass.Report(rule.Found("no-fallback"), pass.AtMost(rule.Info), rule.Finding{
			File:    english,
			Message: fmt.Sprintf("there is no %s.md, which KubeSphere's console shows to readers whose language has none", stem),
			Hint:    fmt.Sprintf("rename it to %s.md", stem),
		})
	}
}

// requireDoc reports a text that is missing, at the language that asks for it. It gives the
// file that it asks to rename; empty where there is none.
func requireDoc(pass *rule.Pass, name, stem, code string) (renamed string) {
	isIt := func(name string) bool {
		language, ok := naming.DocLanguage(name, stem)
		return ok && (language == code || language == "" && code == fallbackLanguage)
	}
	if slices.ContainsFunc(pass.Ext.Files, func(f extension.File) bool { return isIt(f.Name) }) || pass.IsLeftOut(isIt) {
		return ""
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
		if language, ok := naming.DocLanguage(file.Name, stem); ok && language != "" && languageCode(language) == code {
			hint, renamed = fmt.Sprintf("rename %s to %s", file.Name, name), file.Name
		}
	}
	pass.Problem(rule.Found("missing", name), pass.Ext.Document.ProblemAtKey(message, hint, "displayName", code))
	return renamed
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
	content := contentOf(data)
	reported := map[string]bool{}
	var unseen []docReference
	for _, ref := range content.References {
		if ref.Picture && ref.HTML {
			continue // left out, whatever it names
		}
		file, ok := ref.file()
		message, hint := "", ""
		if ok {
			message, hint = absent(pass, file, ref.Picture)
		}
		if message == "" {
			if ref.Picture && !ref.onTheWeb() {
				unseen = append(unseen, ref)
			}
			continue
		}
		if reported[file] {
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
	picturesNotShown(pass, name, data, unseen)
	htmlNotShown(pass, name, data, content.HTML)
}

// webPicture is the hint for a picture that is not shown.
const webPicture = "give its address on the web (https://…): KubeSphere's console shows no other pictures"

// picturesNotShown reports the pictures of a text that are there and not at an address on the
// web: they are one mistake.
func picturesNotShown(pass *rule.Pass, name string, data []byte, pictures []docReference) {
	if len(pictures) == 0 {
		return
	}
	var targets []string
	for _, picture := range pictures {
		if target := short(picture.Target); !slices.Contains(targets, target) {
			targets = append(targets, target)
		}
	}
	verb := "has"
	if len(targets) > 1 {
		verb = "have"
	}
	line, column := rule.Position(data, pictures[0].Offset)
	pass.Report(rule.Found("picture-not-shown"), pass.Severity(), rule.Finding{
		File: name, Range: diagnostic.At(line, column), Excerpt: excerpt.Line(string(data), line, line),
		Message: fmt.Sprintf("KubeSphere's console does not show %s, which %s no http(s) address", rule.Listed(targets, 3), verb), Hint: webPicture,
	})
}

// htmlNotShown reports what a text has in HTML, which is one mistake.
func htmlNotShown(pass *rule.Pass, name string, data []byte, pieces []htmlPiece) {
	if len(pieces) == 0 {
		return
	}
	var whats []string
	for _, piece := range pieces {
		what := "the text " + strconv.Quote(short(piece.What))
		if piece.Picture {
			what = "the picture " + short(piece.What)
		} else if strings.HasPrefix(piece.What, "<") {
			what = piece.What
		}
		if !slices.Contains(whats, what) {
			whats = append(whats, what)
		}
	}
	line, column := rule.Position(data, pieces[0].Offset)
	pass.Report(rule.Found("html"), pass.Severity(), rule.Finding{
		File: name, Range: diagnostic.At(line, column), Excerpt: excerpt.Line(string(data), line, line),
		Message: "KubeSphere's console leaves out HTML: nobody sees " + rule.Listed(whats, 3),
		Hint:    "write it in Markdown: headings with #, pictures as ![text](https://…)",
	})
}

// short is the beginning of a text in one line.
func short(text string) string {
	const enough = 60
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > enough {
		return excerpt.OneLine(string(runes[:enough])) + "…"
	}
	return excerpt.OneLine(string(runes))
}

// absent says why the pushed package will not have a file that a text refers to;
// it is empty where it will.
func absent(pass *rule.Pass, file string, picture bool) (message, hint string) {
	defer func() {
		if message != "" && picture {
			hint = webPicture // wherever the file is
		}
	}()
	if file == ".." || strings.HasPrefix(file, "../") {
		return "leads out of the extension, so nobody has it", "give its address on the web (https://…)"
	}
	if pass.Ext.LeavesOut(file) {
		message = "lies in staticFileDirectory, which is left out of the pushed package"
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
