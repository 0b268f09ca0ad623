package main

import (
	"testing"
	"unicode"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/language"
)

// TestHelpIsInChinese: what each command, argument and flag says of itself is found in the catalog, with the values
// that the grammar puts into it.
func TestHelpIsInChinese(t *testing.T) {
	parser, err := kong.New(&cli{}, append(grammar(), kong.Bind(&app.App{}))...)
	if err != nil {
		t.Fatal(err)
	}
	texts := 0
	look := func(what, help string) {
		t.Helper()
		if help == "" {
			return
		}
		texts++
		chinese := language.Chinese.Text(help)
		han := 0
		for _, r := range chinese {
			if unicode.Is(unicode.Han, r) {
				han++
			}
		}
		if chinese == help || han < 1 {
			t.Errorf("%s: %q is in Chinese %q", what, help, chinese)
		}
	}
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		switch n := node.(type) {
		case *kong.Application:
			look(n.Name, n.Help)
		case *kong.Node:
			look(n.Path(), n.Help)
			look(n.Path(), n.Detail)
		case *kong.Flag:
			look("--"+n.Name, n.Help)
		case *kong.Value:
			look(n.Name, n.Help)
		}
		return next(nil)
	})
	if err != nil || texts < 150 {
		t.Errorf("%d texts: %v", texts, err)
	}
}
