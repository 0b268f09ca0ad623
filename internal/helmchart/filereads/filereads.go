package filereads

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Read is where a template reads files of its chart.
type Read struct {
	// Pattern is the name of the file or, for .Files.Glob, the pattern, as the template has it.
	Pattern string
	// IsGlob is set for a pattern.
	IsGlob bool
	// Guarded is set where the template asks whether there is such a file, or has something in
	// its place.
	Guarded bool
	// Offset is where the pattern begins in the text, in bytes from 0.
	Offset int
}

// fileRead is a call with a literal. .Files takes names relative to the chart of the template
// (Helm, "Accessing Files Inside Templates", https://helm.sh/docs/chart_template_guide/accessing_files/).
var fileRead = lazyregexp.New("\\.Files\\.(Get|GetBytes|Lines|Glob)\\s+(?:\"([^\"]+)\"|`([^`]+)`)")

// filesCall is any call.
var filesCall = lazyregexp.New(`\.Files\.(?:Get|GetBytes|Lines|Glob)\b`)

// Of are the places where the text of a template reads files by a literal name or
// pattern, in order. What a variable or a pipeline names is not among them, nor what is read
// of another chart (.Subcharts), or in a comment.
func Of(text []byte) []Read {
	if !bytes.Contains(text, []byte(".Files.")) {
		return nil
	}
	var reads []Read
	for _, m := range fileRead.FindAllSubmatchIndex(text, -1) {
		from, to := m[4], m[5]
		if from < 0 {
			from, to = m[6], m[7]
		}
		action := actionAt(text, m[0])
		if strings.HasPrefix(action, "/*") || ofSubchart.Match(text[max(0, m[0]-maxOwner):m[0]]) {
			continue
		}
		reads = append(reads, Read{string(text[from:to]), string(text[m[2]:m[3]]) == "Glob", guarding.MatchString(action) || asksLater(text, action), from})
	}
	return reads
}

// actionAt is the action of a template around a byte, without its braces and the blanks
// at its beginning.
func actionAt(text []byte, offset int) string {
	begin := bytes.LastIndex(text[:offset], []byte("{{")) + len("{{")
	if begin < len("{{") {
		return ""
	}
	end := len(text)
	if i := bytes.Index(text[offset:], []byte("}}")); i >= 0 {
		end = offset + i
	}
	return strings.TrimLeft(string(text[begin:end]), "- \t\r\n")
}

// guarding is what asks for a file, or takes another thing for one that is not there.
var guarding = lazyregexp.New(`^(?:else\s+)?(?:if|with)\b|\b(?:default|coalesce|ternary|empty|required|not|and|or|fail)\b`)

// assigned is a variable that an action sets.
var assigned = lazyregexp.New(`^(\$\w+)\s*:?=`)

// asksLater reports whether a template keeps what it reads, and asks some where whether
// that is anything.
func asksLater(text []byte, action string) bool {
	m := assigned.FindStringSubmatch(action)
	if m == nil {
		return false
	}
	asks := regexp.MustCompile(`\{\{-?\s*(?:else\s+)?(?:if|with|range)\b[^}]*` + regexp.QuoteMeta(m[1]) + `\b|\b(?:default|coalesce|ternary|empty)\b[^}]*` + regexp.QuoteMeta(m[1]) + `\b`)
	return asks.Match(text)
}

// ofSubchart is how a template names another chart in front of .Files.
var ofSubchart = lazyregexp.New(`\.Subcharts\.[\w-]+$`)

const maxOwner = 80

// ReadsUnknown reports whether the text of a template reads files whose names are not
// written in it.
func ReadsUnknown(text []byte) bool {
	if !bytes.Contains(text, []byte("Files")) {
		return false
	}
	return len(filesCall.FindAllIndex(text, -1)) != len(fileRead.FindAllIndex(text, -1)) || bytes.Contains(text, []byte(`"Files"`))
}

// Matches reports whether a file of the chart of the template, by its slash path below the
// chart, is one that is read: as .Files of Helm has it, where a pattern that is none stands for
// all files.
func (r Read) Matches(name string) bool {
	if !r.IsGlob {
		return r.Pattern == name
	}
	pattern, err := glob.Compile(r.Pattern, '/')
	return err != nil || pattern.Match(name)
}

// TemplateFile is a file by its slash path.
type TemplateFile struct {
	Name string
	Data []byte
}

// ReadFiles are the files that templates read by literal names and patterns.
type ReadFiles struct {
	reads []chartRead
	// unknown are the folders of the charts with templates that read files by other names.
	unknown []string
}

type chartRead struct {
	chart string // the folder, with a slash at the end; empty for the top
	Read
}

// FilesReadIn looks through the templates among some files.
func FilesReadIn(files []TemplateFile) ReadFiles {
	var all ReadFiles
	for _, file := range files {
		i := strings.LastIndex(file.Name, "templates/")
		if i < 0 || i > 0 && file.Name[i-1] != '/' {
			continue
		}
		folder := file.Name[:i]
		for _, read := range Of(file.Data) {
			all.reads = append(all.reads, chartRead{folder, read})
		}
		if ReadsUnknown(file.Data) && !slices.Contains(all.unknown, folder) {
			all.unknown = append(all.unknown, folder)
		}
	}
	return all
}

// Has reports whether a template of its chart reads a file.
func (r ReadFiles) Has(name string) bool {
	return slices.ContainsFunc(r.reads, func(read chartRead) bool {
		inChart, ok := strings.CutPrefix(name, read.chart)
		return ok && read.Matches(inChart)
	})
}

// May reports whether a template of its chart reads a file, or may do so by a name that is
// not written in it.
func (r ReadFiles) May(name string) bool {
	return r.Has(name) || slices.ContainsFunc(r.unknown, func(folder string) bool {
		return strings.HasPrefix(name, folder) && path.Dir(name) != path.Clean(folder)
	})
}
