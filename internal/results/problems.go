package results

import "github.com/ksrelease/ksrelease/internal/diagnostic"

// Problems are the findings of an extension, or why it cannot be read, as diagnostics.
func (x Extension) Problems() (all diagnostic.List) {
	for _, f := range x.Findings {
		d := f.Diagnostic()
		if d.Code != CodeUnreadable {
			d.Message += " (" + d.Code + ")"
		}
		all = append(all, d)
	}
	if x.Error != nil && len(all) == 0 {
		all = append(all, diagnostic.Diagnostic{Code: CodeUnreadable, Severity: diagnostic.Error, File: x.Path, Message: x.Error.Message, Hint: x.Error.Hint})
	}
	return all
}
