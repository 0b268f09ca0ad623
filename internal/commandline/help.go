package commandline

import (
	"bytes"
	"io"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/rivo/uniseg"

	"github.com/ksrelease/ksrelease/internal/language"
)

// Translated has a grammar explain itself in the language in use.
func Translated() kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		if language.Current() == language.English {
			return nil
		}
		return explained(k.Model, language.Text)
	})
}

// PrintHelp is a kong.HelpPrinter: that of kong, in the language in use.
func PrintHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if language.Current() == language.English {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	if err := explained(ctx.Model, spaced); err != nil {
		return err
	}
	var printed bytes.Buffer
	to := ctx.Stdout
	ctx.Stdout = &printed
	defer func() { ctx.Stdout = to }()
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	for line := range strings.Lines(printed.String()) {
		line = ofKong(unspaced(strings.TrimSuffix(line, "\n")))
		if _, err := io.WriteString(to, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// explained changes the texts in which a grammar explains itself.
func explained(model *kong.Application, change func(string) string) error {
	done := map[*kong.Value]bool{} // a flag is visited as one, and as a value
	ofValue := func(v *kong.Value) {
		if !done[v] {
			done[v], v.Help = true, change(v.Help)
		}
	}
	return kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		switch n := node.(type) {
		case *kong.Application:
			n.Help, n.Detail = change(n.Help), change(n.Detail)
		case *kong.Node:
			n.Help, n.Detail = change(n.Help), change(n.Detail)
		case *kong.Value:
			ofValue(n)
		case *kong.Flag:
			ofValue(n.Value)
		}
		return next(nil)
	})
}

// blank stands for a blank behind a wide character, as others are put there for kong. It is of a private use.
const blank = "\ue000"

// spaced is a text as kong folds it well. kong folds between words, and counts characters. Chinese has no
// blanks between words, and its characters take two columns: a blank behind each makes both right. Where
// a line may not be broken there is none.
func spaced(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		behindWide := i > 0 && isWide(runes[i-1])
		if r == ' ' && behindWide {
			b.WriteString(blank)
		}
		b.WriteRune(r)
		if i+1 < len(runes) && runes[i+1] != '\n' && MayBreak(r, runes[i+1]) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// MayBreak says that a line may end between two characters without a blank between them, as Chinese is written.
func MayBreak(r, next rune) bool {
	const notAtTheEnd, notAtTheBeginning = "（「《“", "，。：；、？！）」》” "
	return isWide(r) && !strings.ContainsRune(notAtTheEnd, r) && !strings.ContainsRune(notAtTheBeginning, next)
}

// unspaced is a line without what spaced has put into its text.
func unspaced(line string) string {
	var b strings.Builder
	runes := []rune(line)
	for i, r := range runes {
		if r == ' ' && i > 0 && isWide(runes[i-1]) || string(r) == blank {
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isWide(r rune) bool { return uniseg.StringWidth(string(r)) > 1 }

// ofKong is a line whose words are those of kong.
func ofKong(line string) string {
	switch {
	case strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " "):
		return language.Word(line)
	case strings.HasPrefix(line, "Usage: "):
		return language.Sprintf("Usage: %s", strings.TrimPrefix(line, "Usage: "))
	case strings.HasPrefix(line, "Run "):
		return language.Text(line)
	}
	return line
}
