package lint

import (
	"strings"
)

// Paragraph is a part of what a rule says of itself.
type Paragraph struct {
	Text string
	Code bool // lines to be shown as they are
}

// Paragraphs takes the prose of a rule (Why, Fix, Source) apart, in any language of this program.
func Paragraphs(prose string) []Paragraph {
	var paragraphs []Paragraph
	code := false
	for part := range strings.SplitSeq(prose, "\n\n") {
		paragraphs = append(paragraphs, Paragraph{Text: part, Code: code})
		code = !code && (strings.HasSuffix(part, ":") || strings.HasSuffix(part, "："))
	}
	return paragraphs
}
