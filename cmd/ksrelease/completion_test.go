//go:build !windows

package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/explaining"
	"github.com/ksrelease/ksrelease/internal/testutil/shells"
)

func TestCompletionNamesEveryCommandAndFlag(t *testing.T) {
	for _, shell := range shells.All {
		t.Run(shell, func(t *testing.T) {
			code, script, stderr := runMain(t, "completion", shell)
			if code != app.ExitOK || stderr != "" {
				t.Fatalf("exit code %d, stderr %q", code, stderr)
			}
			words := strings.FieldsFunc(script, func(r rune) bool {
				return strings.ContainsRune(" \n\t'\"()[]{}=:+|;\\*", r)
			})
			walk(ksreleaseModel(t).Node, func(path string, n *kong.Node) {
				if !slices.Contains(words, n.Name) {
					t.Errorf("the script lacks the command %q", path)
				}
				for _, f := range n.Flags {
					long := "--" + f.Name
					if shell == "fish" {
						long = f.Name
					}
					if !slices.Contains(words, long) {
						t.Errorf("the script lacks --%s of %q", f.Name, path)
					}
				}
			})
		})
	}
}

// walk visits a command and all below it.
func walk(n *kong.Node, visit func(path string, n *kong.Node)) {
	visit(n.FullPath(), n)
	for _, child := range n.Children {
		walk(child, visit)
	}
}

func TestCompletionWantsAShell(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}} {
		code, stdout, stderr := runMain(t, args...)
		if code != app.ExitUsage || stdout != "" {
			t.Errorf("%v: exit code %d, stdout %q", args, code, stdout)
		}
		for _, shell := range shells.All {
			if !strings.Contains(stderr, shell) {
				t.Errorf("%v: the error does not name %s: %s", args, shell, stderr)
			}
		}
	}
}

func TestCompletionHelpSaysHowToInstall(t *testing.T) {
	code, stdout, _ := runMain(t, "completion", "--help")
	if code != app.ExitOK {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"source <(ksrelease completion bash)",
		"source <(ksrelease completion zsh)",
		"ksrelease completion fish | source",
		"~/.config/fish/completions/ksrelease.fish",
		"ksrelease completion powershell | Out-String | Invoke-Expression",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the help lacks %q:\n%s", want, stdout)
		}
	}
}

func TestCompletionInShells(t *testing.T) {
	stages := skippable()
	cases := []shells.Typed{
		{Line: "ksrelease mark", Want: []string{"marketplace"}},
		{Line: "ksrelease marketplace ", Want: []string{"serve", "approve", "reject", "repair"}},
		{Line: "ksrelease completion ", Want: commandline.Shells},
		{Line: "ksrelease completion bash b", Want: nil},
		{Line: "ksrelease version v", Want: nil},
		{Line: "ksrelease help mark", Want: []string{"marketplace"}},
		{Line: "ksrelease nosuch ", Want: nil},

		{Line: "ksrelease check -", Want: []string{"-h", "--help", "--hooks", "-C", "--dir", "-f", "--config", "--timeout"}},
		{Line: "ksrelease run --dry", Want: []string{"--dry-run"}},
		{Line: "ksrelease run c.yaml --dry", Want: []string{"--dry-run"}},
		{Line: `ksrelease run --only "x" --dry`, Want: []string{"--dry-run"}},
		{Line: "ksrelease run --output=json --dry", Want: []string{"--dry-run"}},
		{Line: "ksrelease run -C sub --dry", Want: []string{"--dry-run"}},

		{Line: "ksrelease run --output ", Want: []string{"text", "json"}},
		{Line: "ksrelease run --output j", Want: []string{"json"}},
		{Line: "ksrelease run --output=j", Want: []string{"--output=json"}},
		{Line: "ksrelease run --skip ", Want: stages},
		{Line: "ksrelease lint --explain ", Want: explaining.RuleNames()},
		{Line: "ksrelease lint --explain nod", Want: []string{"node-selector"}},
		{Line: "ksrelease run --skip pu", Want: []string{"push"}},
		{Line: "ksrelease run --skip lint,pu", Want: []string{"lint,push"}},
		{Line: "ksrelease run --skip=lint,pu", Want: []string{"--skip=lint,push"}},
		{Line: "ksrelease run --skip " + strings.Join(stages[1:], ",") + ",", Want: []string{strings.Join(stages[1:], ",") + "," + stages[0]}},
		{Line: "ksrelease run --skip lint --skip pu", Want: []string{"push"}},

		{Line: "ksrelease run ", Want: shells.Files},
		{Line: "ksrelease run c.yaml ", Want: shells.Files},
		{Line: "ksrelease run --config ", Want: shells.Files},
		{Line: "ksrelease run --config=c", Want: []string{"--config=c.yaml"}},
		{Line: "ksrelease run -f c", Want: []string{"c.yaml"}},
		{Line: "ksrelease run --report ", Want: shells.Files},
		{Line: "ksrelease run --dir ", Want: []string{"sub"}},
		{Line: "ksrelease run -C ", Want: []string{"sub"}},
		{Line: "ksrelease marketplace serve --dir ", Want: []string{"sub"}},
		{Line: "ksrelease run -- ", Want: shells.Files},

		{Line: "ksrelease run --only ", Want: shells.Names},
		{Line: "ksrelease run --only al", Want: []string{"alc"}},
		{Line: "ksrelease run --only alc,", Want: []string{"alc,bee"}},
		{Line: "ksrelease run --only=b", Want: []string{"--only=bee"}},
		{Line: "ksrelease run --only alc --dry", Want: []string{"--dry-run"}},
		{Line: "ksrelease diff b", Want: []string{"bee"}},
		{Line: "ksrelease notes b", Want: []string{"bee"}},
		{Line: "ksrelease run --timeout ", Want: nil},
		{Line: "ksrelease status ", Want: shells.Names},
		{Line: "ksrelease status alc ", Want: shells.Names},
		{Line: "ksrelease marketplace approve ", Want: nil},
		// Words of other commands in places that are not theirs.
		{Line: "ksrelease run marketplace ", Want: shells.Files},
		{Line: "ksrelease run --only marketplace --dry", Want: []string{"--dry-run"}},
	}
	model := ksreleaseModel(t)
	walk(model.Node, func(path string, n *kong.Node) {
		var flags, commands []string
		for _, group := range n.AllFlags(true) {
			for _, f := range group {
				flags = append(flags, "--"+f.Name)
			}
		}
		for _, child := range n.Children {
			commands = append(commands, child.Name)
		}
		cases = append(cases, shells.Typed{Line: path + " --", Want: flags})
		if len(commands) > 0 {
			cases = append(cases, shells.Typed{Line: path + " ", Want: commands})
		}
	})
	// What PowerShell asks for is what the scripts of other shells find by themselves.
	for _, c := range cases {
		words := strings.Fields(strings.ReplaceAll(c.Line, `"x"`, "x"))[1:]
		if strings.HasSuffix(c.Line, " ") {
			words = append(words, "")
		}
		var got []string
		for _, candidate := range commandline.Complete(model, completionWords(model), func() []string { return shells.Names }, words) {
			if !strings.HasPrefix(candidate.Word, "-") || strings.HasPrefix(candidate.Word, "--") || words[len(words)-1] == "-" {
				got = append(got, candidate.Word)
			}
		}
		want := slices.Clone(c.Want)
		if slices.ContainsFunc(want, func(w string) bool { return slices.Contains(shells.Files, strings.TrimPrefix(w, "--config=")) }) {
			want = nil // files are left to the shell
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.Line, got, want)
		}
	}
	shells.Try(t, func(shell string) string {
		var script bytes.Buffer
		if err := commandline.WriteCompletion(&script, shell, model, completionWords(ksreleaseModel(t))); err != nil {
			t.Fatal(err)
		}
		return script.String()
	}, cases)
}
