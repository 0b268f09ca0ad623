//go:build !windows

package commandline

import (
	"bytes"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/testutil/shells"
)

// script is the completion script of a shell for a grammar.
func script(t *testing.T, shell string, model *kong.Application) string {
	t.Helper()
	var script bytes.Buffer
	if err := WriteCompletion(&script, shell, model, map[string][]string{"HUE": {"red", "dark"}}); err != nil {
		t.Fatal(err)
	}
	return script.String()
}

// oddGrammar has what the grammar of ksrelease has not, or not yet.
type oddGrammar struct {
	Plain struct {
		Mode    string   `enum:"a:bee,a:cat" default:"a:bee"`
		Force   bool     `negatable:""`
		Color   bool     `negatable:"gray" aliases:"colour"`
		Verbose int      `type:"counter" short:"v"`
		Secret  string   `hidden:""`
		Kind    string   `arg:"" enum:"one,two"`
		Paths   []string `arg:"" optional:"" name:"path"`
	} `cmd:"" aliases:"p"`
	Paint struct {
		Hue string `placeholder:"HUE"`
	} `cmd:""`
	Ghost struct{} `cmd:"" hidden:""`
}

// oddHelp means something to every shell, to the lists of _arguments and to
// templates.
const oddHelp = "it's \"odd\" [here]: $(touch pwned) `touch pwned` ${HOME} \\ \\' %s %d {{.}} (a) #*? <x> ~ !! é"

func oddModel(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(&oddGrammar{}, kong.Name("ksrelease"))
	if err != nil {
		t.Fatal(err)
	}
	model := parser.Model
	_ = kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		if n, ok := node.(*kong.Node); ok {
			n.Help = oddHelp
			for _, f := range n.Flags {
				f.Help = oddHelp
				if f.PlaceHolder != "HUE" {
					f.PlaceHolder = oddHelp
				}
			}
		}
		return next(nil)
	})
	return model
}

func TestCompletionOfAnOddGrammar(t *testing.T) {
	flags := []string{"--help", "--mode", "--force", "--no-force", "--color", "--colour", "--gray", "--verbose"}
	model := oddModel(t)
	shells.Try(t, func(shell string) string { return script(t, shell, model) }, []shells.Typed{
		{Line: "ksrelease ", Want: []string{"plain", "p", "paint"}},
		{Line: "ksrelease paint --hue ", Want: []string{"red", "dark"}},
		{Line: "ksrelease paint --hue r", Want: []string{"red"}},
		{Line: "ksrelease --", Want: []string{"--help"}},
		{Line: "ksrelease plain --", Want: flags},
		{Line: "ksrelease p --", Want: flags},
		{Line: "ksrelease plain ", Want: []string{"one", "two"}},
		{Line: "ksrelease plain -v t", Want: []string{"two"}},
		{Line: "ksrelease plain one ", Want: shells.Files},
		{Line: "ksrelease plain one c.yaml ", Want: shells.Files},
		{Line: "ksrelease plain --mode ", Want: []string{"a:bee", "a:cat"}},
		{Line: "ksrelease plain --mode a:b", Want: []string{"a:bee"}},
		{Line: "ksrelease plain --mode=a:b", Want: []string{"--mode=a:bee"}},
		{Line: "ksrelease plain --mode a:bee o", Want: []string{"one"}},
	})
}

func TestCompletionShowsHelpAsWritten(t *testing.T) {
	out := shells.Fish(t, script(t, "fish", oddModel(t)), `complete -C 'ksrelease pl'; complete -C 'ksrelease plain --mo'`)
	if want := "plain\t" + oddHelp + "\n--mode\t" + oddHelp + "\n"; out != want {
		t.Errorf("got %q\nwant %q", out, want)
	}
}
