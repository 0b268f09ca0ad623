package results

import "github.com/ksrelease/ksrelease/internal/diagnostic"

// FindingOf is a diagnostic as the document has it. folder is the path of the extension
// that the file of the diagnostic is relative to; it is empty for what is in no
// extension. This is the one place where the two are joined for reports.
func FindingOf(d diagnostic.Diagnostic, folder string) Finding {
	at := d.In(folder)
	end := 0
	if at.Range.End.Line == at.Range.Start.Line {
		end = at.Range.End.Column
	}
	return Finding{
		Code: d.Code, Rule: d.Rule(), Severity: string(d.Severity), Message: d.Message, Hint: d.Hint,
		File: at.File, Line: at.Range.Start.Line, Column: at.Range.Start.Column, EndColumn: end, Excerpt: d.Excerpt,
		Fingerprint: d.Fingerprint().String(),
	}
}

// Diagnostic is the finding for who prints it. Its file is the one that the user would
// open.
func (f Finding) Diagnostic() diagnostic.Diagnostic {
	at := diagnostic.At(f.Line, f.Column)
	if f.EndColumn > 0 {
		at.End = diagnostic.Position{Line: f.Line, Column: f.EndColumn}
	}
	return diagnostic.Diagnostic{
		Code: f.Code, Severity: diagnostic.Severity(f.Severity), Message: f.Message, Hint: f.Hint,
		File: f.File, Range: at, Excerpt: f.Excerpt,
	}
}
