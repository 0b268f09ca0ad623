package main

import (
	"regexp"
	"strings"
	"testing"
)

// misset are ways to write Chinese that the documents do not have, and why.
var misset = []struct {
	pattern *regexp.Regexp
	why     string
}{
	{regexp.MustCompile(`\p{Han}[A-Za-z0-9]|[A-Za-z0-9%]\p{Han}`), "a blank stands between Chinese and Latin"},
	{regexp.MustCompile(`\p{Han}[,;:!?()]|[,;:!?()]\p{Han}`), "punctuation is full-width next to Chinese"},
	{regexp.MustCompile(`\p{Han} \p{Han}`), "no blank stands within Chinese"},
	{regexp.MustCompile(`\p{Han}\n\p{Han}`), "a line of Chinese ends at punctuation: a browser shows a blank there"},
	{regexp.MustCompile(`！|您`), "the tone is plain"},
}

// The Chinese of all documents is set in one way.
func TestChineseIsSetInOneWay(t *testing.T) {
	code, markup := regexp.MustCompile("`[^`]*`"), regexp.MustCompile(`\]\([^)]*\)|<[^>]*>`)
	read := 0
	for _, english := range documents(t) {
		name := chineseOf(english)
		if !isThere(name) {
			continue
		}
		read++
		for _, s := range readSections(readDoc(t, name)) {
			text := s.title + "\n" + strings.ReplaceAll(s.text, "\n  ", "\n")
			text = markup.ReplaceAllString(code.ReplaceAllString(text, "C"), "]") // code is set as Latin is
			for _, m := range misset {
				for _, at := range m.pattern.FindAllStringIndex(text, -1) {
					from, to := max(0, at[0]-30), min(len(text), at[1]+30)
					t.Errorf("%s: %s: %q: %s", name, s.title, strings.ToValidUTF8(text[from:to], ""), m.why)
				}
			}
		}
	}
	if read < 10 {
		t.Errorf("only %d documents are read", read)
	}
}
