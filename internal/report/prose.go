package report

import md "github.com/ksrelease/ksrelease/internal/markdown"

// Texts of others in Markdown: see package markdown.

func prose(s string) string     { return md.Prose(s) }
func cell(s string) string      { return md.Cell(s) }
func paragraph(s string) string { return md.Paragraph(s) }
func fenced(s string) string    { return md.Fenced(s) }
