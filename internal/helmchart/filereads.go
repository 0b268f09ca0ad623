package helmchart

import "regexp"

// FileRead is where a template reads files of its chart.
type FileRead struct {
	// Pattern is the name of the file or, for .Files.Glob, the pattern, as the template has it.
	Pattern string
	// Offset is where the pattern begins in the text, in bytes from 0.
	Offset int
}

// fileRead is a call with a literal. .Files takes names relative to the chart of the template
// (Helm, "Accessing Files Inside Templates", https://helm.sh/docs/chart_template_guide/accessing_files/).
var fileRead = regexp.MustCompile("\\.Files\\.(?:Get|GetBytes|Lines|Glob)\\s+(?:\"([^\"]+)\"|`([^`]+)`)")

// FileReads are the places where the text of a template reads files by a literal name or
// pattern, in order. What a variable or a pipeline names is not among them.
func FileReads(text []byte) []FileRead {
	var reads []FileRead
	for _, m := range fileRead.FindAllSubmatchIndex(text, -1) {
		from, to := m[2], m[3]
		if from < 0 {
			from, to = m[4], m[5]
		}
		reads = append(reads, FileRead{string(text[from:to]), from})
	}
	return reads
}
