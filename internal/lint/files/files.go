package files

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Files is the rule files.
func Files() rule.Rule {
	return rule.Rule{
		Name:    "files",
		Summary: "each file is what its name says: no Git LFS pointer, text in UTF-8, no part of another extension",
		Why: "A checkout without Git LFS has, in place of each file that is kept there, a pointer of three lines, and the package " +
			"is made of that. Texts in other encodings than UTF-8, such as GBK or UTF-16, are shown as signs without a meaning, and " +
			"Helm does not read values in them. An extension in the folder of another one is packed into both.",
		Fix: "Fetch what Git LFS keeps, on a CI system with its option for that:\n\n" +
			"git lfs pull\n\n" +
			"Save texts as UTF-8:\n\n" +
			"iconv -f GBK -t UTF-8 README_zh.md > new && mv new README_zh.md\n\n" +
			"Move an inner extension out of the outer one, or name its folder in .helmignore.",
		Source: "The specification of Git LFS on pointers (git-lfs/docs/spec.md); Helm packs all that lies in the folder of a chart.",
		Codes: []rule.Code{
			{Name: "lfs-pointer", Meaning: "a file is a pointer of Git LFS, and not what it points to"},
			{Name: "encoding", Meaning: "a text is not in UTF-8"},
			{Name: "nested-extension", Meaning: "another extension lies in the folder, and is packed into this one"},
		},
		Default:  rule.Warning,
		LeavesTo: []string{"chart"},
		Run:      checkFiles,
	}
}

func checkFiles(pass *rule.Pass) {
	assets := map[string]bool{} // reported by icon and screenshots
	for _, a := range pass.Ext.Assets {
		assets[a.File] = true
	}
	for _, file := range pass.Ext.Files {
		switch {
		case unpack.IsPointer(file.Data):
			if !assets[file.Name] && !(pass.IsOn("chart") && isSubchartPackage(file.Name)) {
				pass.Report(rule.Found("lfs-pointer"), pass.Severity(), rule.Finding{
					File: file.Name, Message: "it is a pointer of Git LFS, and not the file", Hint: rule.FetchPointers,
				})
			}
		case isTextFile(file.Name):
			checkEncoding(pass, file)
		}
	}
	for _, file := range pass.PackagedFiles() {
		if unpack.IsPointer(file.Data) {
			pass.Report(rule.Found("lfs-pointer", file.Inside), pass.Severity(), rule.Finding{
				File: file.Archive, Message: fmt.Sprintf("%s in the package is a pointer of Git LFS, and not the file", excerpt.OneLine(file.Inside)),
				Hint: "pack the subchart anew after `git lfs pull`",
			})
		}
	}
	nestedExtensions(pass)
}

// isSubchartPackage reports whether a file is a packaged subchart.
func isSubchartPackage(name string) bool {
	return path.Ext(name) == ".tgz" && path.Base(path.Dir(name)) == "charts"
}

// isTextFile reports whether a file is one that Helm or KubeSphere reads as text.
func isTextFile(name string) bool {
	base := path.Base(name)
	switch {
	case naming.IsDoc(name, "README"), naming.IsDoc(name, "CHANGELOG"), rule.IsTemplate(name):
		return true
	case !strings.Contains(name, "/"):
		return slices.Contains([]string{".yaml", ".yml", ".json", ".md", ".txt"}, strings.ToLower(path.Ext(name)))
	}
	return slices.Contains([]string{"values.yaml", "values.schema.json", "Chart.yaml"}, base)
}

// checkEncoding reports a text that is not UTF-8, at the first byte that is none.
func checkEncoding(pass *rule.Pass, file extension.File) {
	data := file.Data
	message, at := "", 0
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")), isWide(data):
		message = "it is text in UTF-16, which neither Helm nor KubeSphere shows rightly"
	case !utf8.Valid(data):
		for at < len(data) {
			r, width := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && width == 1 {
				break
			}
			at += width
		}
		message = fmt.Sprintf("byte %s is no text in UTF-8: the file is in another encoding, such as GBK", fmt.Sprintf("0x%02X", data[at]))
	default:
		return
	}
	line, column := 0, 0
	if at > 0 || !strings.Contains(message, "UTF-16") {
		line, column = rule.Position(data, at)
	}
	pass.Report(rule.Found("encoding"), pass.Severity(), rule.Finding{
		File: file.Name, Range: diagnostic.At(line, column), Message: message,
		Hint: "save it as UTF-8, in an editor or with iconv",
	})
}

// isWide reports whether a text is of ASCII characters with a zero byte each, which is
// UTF-16 without a mark.
func isWide(data []byte) bool {
	const enough = 64
	head := data[:min(len(data), enough)]
	return len(head) > 3 && bytes.Count(head, []byte{0})*3 >= len(head)
}

// extensionFields are the lines that make a file extension.yaml the one of an extension.
var extensionFields = [...]*lazyregexp.Regexp{
	lazyregexp.New(`(?m)^["']?name["']?[ \t]*:`), lazyregexp.New(`(?m)^["']?version["']?[ \t]*:`),
}

// nestedExtensions reports other extensions in the folder, the outermost of them.
func nestedExtensions(pass *rule.Pass) {
	var folders []string
	for _, file := range pass.Ext.Files {
		if folder := path.Dir(file.Name); path.Base(file.Name) == extension.MetadataFile && folder != "." &&
			extensionFields[0].Match(file.Data) && extensionFields[1].Match(file.Data) {
			folders = append(folders, folder)
		}
	}
	slices.Sort(folders)
	outer := ""
	for _, folder := range folders {
		if outer != "" && strings.HasPrefix(folder, outer+"/") {
			continue
		}
		outer = folder
		if strings.HasPrefix(folder+"/", "charts/") {
			pass.Report(rule.Found("nested-extension", folder), pass.Severity(), rule.Finding{
				File: path.Join(folder, extension.MetadataFile), Message: fmt.Sprintf("the subchart %s is an extension, too: it is installed as a part of this one, and its extension.yaml is read by nobody", excerpt.OneLine(folder)),
				Hint: "take out the file or, if it is to be an extension, move the folder next to this one and name it in externalDependencies",
			})
			continue
		}
		files := 0
		for _, other := range pass.Ext.Files {
			if strings.HasPrefix(other.Name, folder+"/") {
				files++
			}
		}
		pass.Report(rule.Found("nested-extension", folder), pass.Severity(), rule.Finding{
			File: path.Join(folder, extension.MetadataFile), Message: fmt.Sprintf("another extension lies in the folder %s, and is packed into this one (%s)", excerpt.OneLine(folder), rule.Counted(files, "file", "files")),
			Hint: fmt.Sprintf("move it out of this extension, or add to .helmignore at its top: %s/", excerpt.OneLine(folder)),
		})
	}
}
