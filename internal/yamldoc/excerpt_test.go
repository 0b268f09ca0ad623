package yamldoc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExcerpt(t *testing.T) {
	long := ""
	for range 30 {
		long += "0123456789"
	}
	tests := []struct {
		name, text           string
		line, column, length int
		want                 string
	}{
		{"plain", "a: b", 3, 4, 1, "   3 | a: b\n     |    ^"},
		{"several", "a: bcd", 12345, 4, 3, "12345 | a: bcd\n      |    ^^^"},
		{"tabs stay tabs", "\ta:\tb", 1, 5, 1, "   1 | \ta:\tb\n     | \t  \t^"},
		{"a tab is one mark", "\ta: b", 1, 1, 1, "   1 | \ta: b\n     | ^"},
		{"wide characters", "名字: 值 x", 1, 5, 1, "   1 | 名字: 值 x\n     |       ^^"},
		{"behind wide characters", "名字: 值 x", 1, 7, 1, "   1 | 名字: 值 x\n     |          ^"},
		{"combining characters", "e\u0301: x", 1, 5, 1, "   1 | e\u0301: x\n     |    ^"},
		{"behind the end", "ab", 1, 9, 1, "   1 | ab\n     |   ^"},
		{"too many marks", "ab", 1, 2, 99, "   1 | ab\n     |  ^"},
		{"empty line", "", 1, 1, 1, "   1 | \n     | ^"},
		{"no column", "ab", 1, 0, 0, "   1 | ab"},
		{"nothing that drives a terminal", "a\x1b[31mb\u202e: c", 1, 11, 1, "   1 | a\ufffd[31mb\ufffd: c\n     |           ^"},
		{"no password", "u: http://me:pw@x y", 1, 19, 1, "   1 | u: http://*****@x y\n     |                   ^"},
		{"long", long, 1, 150, 3, "   1 | …" + long[124:224] + "…\n     | " + spaces(26) + "^^^"},
		{"long, at its start", long, 1, 1, 300, "   1 | " + long[:100] + "…\n     | " + carets(100)},
		{"long, at its end", long, 1, 300, 1, "   1 | …" + long[200:] + "\n     | " + spaces(100) + "^"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, excerpt(test.text, test.line, test.column, test.length)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func spaces(n int) string { return repeat(' ', n) }
func carets(n int) string { return repeat('^', n) }

func repeat(c byte, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = c
	}
	return string(b)
}

func TestNearest(t *testing.T) {
	keys := []string{"version", "extensions", "path", "lint", "node-selector", "warning", "images", "image-registry", "url"}
	for word, want := range map[string]string{
		"vesion": "version", "Version": "version", "extension": "extensions", "pah": "path", "nodeSelector": "node-selector",
		"node_selectr": "node-selector", "warn": "warning", "warnings": "warning", "image": "images", "imageregistry": "image-registry",
		"uri": "url", "lynt": "lint", "lnit": "lint", "ptah": "path",
		"frobnicate": "", "x": "", "": "", "名字": "", "ab": "", "paths-to-things": "path",
	} {
		got, ok := Nearest(word, keys)
		if got != want || ok != (want != "") {
			t.Errorf("%q is taken for %q, want %q", word, got, want)
		}
	}
	if _, ok := Nearest("a", nil); ok {
		t.Error("something is found in nothing")
	}
}
