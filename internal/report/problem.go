package report

import (
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/output"
)

// Problem is how a mistake in a file is shown on a terminal of so many columns; 0 is
// no terminal. Where place and message have no space in one line, the place gets one to
// itself.
func Problem(p diagnostic.Diagnostic, columns int) output.Text {
	return problem(p, output.Text{}, columns)
}

// Rated is Problem with the severity in front of the message.
func Rated(p diagnostic.Diagnostic, columns int) output.Text {
	return problem(p, output.Format("%s: ", output.Word(string(p.Severity))), columns)
}

// problem is Problem with something in front of the message.
func problem(p diagnostic.Diagnostic, lead output.Text, columns int) output.Text {
	var lines []output.Text
	message := output.Lines(p.Message).Behind(lead)
	switch place := output.Cell(p.Position()); {
	case place.Empty():
		lines = append(lines, message.Fold("", "    ", columns))
	case columns == 0 || place.Width()+len(": ")+message.Width() <= columns:
		lines = append(lines, message.Behind(output.Format("%s: ", place)).Fold("", "    ", 0))
	default:
		lines = append(lines, output.Format("%s:", place), message.Fold("    ", "    ", columns))
	}
	if p.Excerpt != "" {
		lines = append(lines, output.Excerpt(p.Excerpt).TrimLines(columns))
	}
	if p.Hint != "" {
		lines = append(lines, hint(p.Hint, columns))
	}
	return output.Join(lines, "\n")
}

// hint is what to do, below what it is about.
func hint(what string, columns int) output.Text {
	return output.Hint("  ", what, columns)
}
