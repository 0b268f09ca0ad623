//go:build !windows

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/shellword"
)

var completionShells = []string{"bash", "zsh", "fish"}

// ksreleaseModel is the grammar as kong sees it.
func ksreleaseModel(t *testing.T) *kong.Application {
	t.Helper()
	return modelOf(t, &cli{})
}

func modelOf(t *testing.T, commands any) *kong.Application {
	t.Helper()
	parser, err := kong.New(commands, grammar()...)
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// runMain runs a command line as main does.
func runMain(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	out, errs := open("stdout"), open("stderr")
	a := &app{stdin: os.Stdin, stdout: output.New(out), stderr: output.New(errs), stop: t.Context(),
		env: func(string) (string, bool) { return "", false }}
	code = a.main(args)
	return code, readString(t, out.Name()), readString(t, errs.Name())
}

func readString(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCompletionNamesEveryCommandAndFlag(t *testing.T) {
	for _, shell := range completionShells {
		t.Run(shell, func(t *testing.T) {
			code, script, stderr := runMain(t, "completion", shell)
			if code != exitOK || stderr != "" {
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
		if code != exitUsage || stdout != "" {
			t.Errorf("%v: exit code %d, stdout %q", args, code, stdout)
		}
		for _, shell := range completionShells {
			if !strings.Contains(stderr, shell) {
				t.Errorf("%v: the error does not name %s: %s", args, shell, stderr)
			}
		}
	}
}

func TestCompletionHelpSaysHowToInstall(t *testing.T) {
	code, stdout, _ := runMain(t, "completion", "--help")
	if code != exitOK {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"source <(ksrelease completion bash)",
		"source <(ksrelease completion zsh)",
		"ksrelease completion fish | source",
		"~/.config/fish/completions/ksrelease.fish",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the help lacks %q:\n%s", want, stdout)
		}
	}
}

// typed is a command line, with the cursor at its end, and what a shell
// offers there, in any order.
type typed struct {
	line string
	want []string
}

func TestCompletionInShells(t *testing.T) {
	files := []string{"a b.yaml", "c.yaml", "sub"}
	stages := skippable()
	cases := []typed{
		{"ksrelease mark", []string{"marketplace"}},
		{"ksrelease marketplace ", []string{"serve", "approve", "reject", "repair"}},
		{"ksrelease completion ", completionShells},
		{"ksrelease completion bash b", nil},
		{"ksrelease version v", nil},
		{"ksrelease nosuch ", nil},

		{"ksrelease check -", []string{"-h", "--help", "-C", "--dir", "-f", "--config", "--timeout"}},
		{"ksrelease run --dry", []string{"--dry-run"}},
		{"ksrelease run c.yaml --dry", []string{"--dry-run"}},
		{`ksrelease run --only "x" --dry`, []string{"--dry-run"}},
		{"ksrelease run --output=json --dry", []string{"--dry-run"}},
		{"ksrelease run -C sub --dry", []string{"--dry-run"}},

		{"ksrelease run --output ", []string{"text", "json"}},
		{"ksrelease run --output j", []string{"json"}},
		{"ksrelease run --output=j", []string{"--output=json"}},
		{"ksrelease run --skip ", stages},
		{"ksrelease lint --explain ", ruleNames()},
		{"ksrelease lint --explain nod", []string{"node-selector"}},
		{"ksrelease run --skip pu", []string{"push"}},
		{"ksrelease run --skip lint,pu", []string{"lint,push"}},
		{"ksrelease run --skip=lint,pu", []string{"--skip=lint,push"}},
		{"ksrelease run --skip " + strings.Join(stages[1:], ",") + ",", []string{strings.Join(stages[1:], ",") + "," + stages[0]}},
		{"ksrelease run --skip lint --skip pu", []string{"push"}},

		{"ksrelease run ", files},
		{"ksrelease run c.yaml ", files},
		{"ksrelease run --config ", files},
		{"ksrelease run --config=c", []string{"--config=c.yaml"}},
		{"ksrelease run -f c", []string{"c.yaml"}},
		{"ksrelease run --report ", files},
		{"ksrelease run --dir ", []string{"sub"}},
		{"ksrelease run -C ", []string{"sub"}},
		{"ksrelease marketplace serve --dir ", []string{"sub"}},
		{"ksrelease run -- ", files},

		{"ksrelease run --only ", nil},
		{"ksrelease run --timeout ", nil},
		{"ksrelease status ", nil},
		{"ksrelease marketplace approve ", nil},
		// Words of other commands in places that are not theirs.
		{"ksrelease run marketplace ", files},
		{"ksrelease run --only marketplace --dry", []string{"--dry-run"}},
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
		cases = append(cases, typed{path + " --", flags})
		if len(commands) > 0 {
			cases = append(cases, typed{path + " ", commands})
		}
	})
	eachShell(t, model, cases)
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
	Ghost struct{} `cmd:"" hidden:""`
}

// oddHelp means something to every shell, to the lists of _arguments and to
// templates.
const oddHelp = "it's \"odd\" [here]: $(touch pwned) `touch pwned` ${HOME} \\ \\' %s %d {{.}} (a) #*? <x> ~ !! é"

func oddModel(t *testing.T) *kong.Application {
	t.Helper()
	model := modelOf(t, &oddGrammar{})
	walk(model.Node, func(_ string, n *kong.Node) {
		n.Help = oddHelp
		for _, f := range n.Flags {
			f.Help = oddHelp
			f.PlaceHolder = oddHelp
		}
	})
	return model
}

func TestCompletionOfAnOddGrammar(t *testing.T) {
	files := []string{"a b.yaml", "c.yaml", "sub"}
	flags := []string{"--help", "--mode", "--force", "--no-force", "--color", "--colour", "--gray", "--verbose"}
	eachShell(t, oddModel(t), []typed{
		{"ksrelease ", []string{"plain", "p"}},
		{"ksrelease --", []string{"--help"}},
		{"ksrelease plain --", flags},
		{"ksrelease p --", flags},
		{"ksrelease plain ", []string{"one", "two"}},
		{"ksrelease plain -v t", []string{"two"}},
		{"ksrelease plain one ", files},
		{"ksrelease plain one c.yaml ", files},
		{"ksrelease plain --mode ", []string{"a:bee", "a:cat"}},
		{"ksrelease plain --mode a:b", []string{"a:bee"}},
		{"ksrelease plain --mode=a:b", []string{"--mode=a:bee"}},
		{"ksrelease plain --mode a:bee o", []string{"one"}},
	})
}

func TestCompletionShowsHelpAsWritten(t *testing.T) {
	fish := lookShell(t, "fish")
	dir := completionDir(t, "fish", oddModel(t))
	out := shell(t, dir, "", fish, "-c", `source script; complete -C 'ksrelease pl'; complete -C 'ksrelease plain --mo'`)
	if want := "plain\t" + oddHelp + "\n--mode\t" + oddHelp + "\n"; out != want {
		t.Errorf("got %q\nwant %q", out, want)
	}
}

var anyOrder = cmpopts.SortSlices(strings.Compare)

// eachShell tries all lines in each shell that is there.
func eachShell(t *testing.T, model *kong.Application, cases []typed) {
	t.Helper()
	shells := map[string]func(t *testing.T, program, dir string, lines []string) [][]string{
		"bash": bashOffers, "zsh": zshOffers, "fish": fishOffers,
	}
	var lines []string
	for _, c := range cases {
		lines = append(lines, c.line)
	}
	for _, name := range completionShells {
		dir := completionDir(t, name, model) // not below: kong's model is not for parallel use
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := lookShell(t, name)
			got := shells[name](t, program, dir, lines)
			if len(got) != len(cases) {
				t.Fatalf("%s answered %d of %d lines: %q", name, len(got), len(cases), got)
			}
			for i, c := range cases {
				for j := range got[i] {
					got[i][j] = strings.TrimSuffix(got[i][j], "/")
				}
				if diff := cmp.Diff(c.want, got[i], anyOrder, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", c.line, diff)
				}
			}
			for _, file := range []string{"pwned", "here/pwned"} {
				if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
					t.Error("the shell ran a command that stands in a help text")
				}
			}
		})
	}
}

func lookShell(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: its completion is not tried", name)
	}
	return program
}

// completionDir has the script, and in here the files that are offered.
func completionDir(t *testing.T, shell string, model *kong.Application) string {
	t.Helper()
	dir := t.TempDir()
	var script bytes.Buffer
	if err := writeCompletion(&script, shell, model); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"script": script.String(), "here/a b.yaml": "", "here/c.yaml": "", "here/sub/x": ""} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shell runs a shell in dir, in a session of its own, so that an interactive
// one does not take the terminal of the tests.
func shell(t *testing.T, dir, stdin string, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TERM=dumb", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", argv[0], err, stderr.String())
	}
	return string(out)
}

// offered takes what the shell put in place of the last word of each line
// from the file that the function ksrelease wrote: its arguments, one a line,
// and an empty line after each call.
func offered(t *testing.T, file string, lines []string) [][]string {
	t.Helper()
	calls := strings.Split(strings.TrimSuffix(readString(t, file), "\n\n"), "\n\n")
	if len(calls) != len(lines) {
		t.Fatalf("%d calls from %d lines: %q", len(calls), len(lines), calls)
	}
	var all [][]string
	for i, call := range calls {
		cut := strings.LastIndexByte(lines[i], ' ') + 1
		before, last := lines[i][:cut], lines[i][cut:]
		words := strings.Split(strings.Trim(call, "\n"), "\n")
		words = words[min(len(words), len(strings.Fields(before))-1):]
		if slices.Equal(words, []string{last}) || slices.Equal(words, []string{""}) {
			words = nil // nothing was offered
		}
		all = append(all, words)
	}
	return all
}

// bashOffers types the lines into an interactive bash, each followed by the
// key that inserts all completions.
func bashOffers(t *testing.T, program, dir string, lines []string) [][]string {
	if exec.Command(program, "-c", "type compopt").Run() != nil {
		t.Skip("this bash has no compopt: it offers files where there is nothing else")
	}
	input := "PS1=; ksrelease() { printf '%s\\n' \"$@\" '' >>../calls; }\nsource ./script\ncd here\n"
	for _, line := range lines {
		input += line + "\x1b*\n"
	}
	shell(t, dir, input, program, "--norc", "--noprofile", "-i")
	return offered(t, filepath.Join(dir, "calls"), lines)
}

// zshOffers does the like in zsh, which needs a terminal for it; zpty is one.
func zshOffers(t *testing.T, program, dir string, lines []string) [][]string {
	const drive = `
zmodload zsh/zpty || exit
zpty z $ZSH -f -i
ready() { local seen; zpty -r -m z seen '*READY>*' }
zpty -w z 'stty -echo; PS1=; autoload -Uz compinit; compinit -u -D; source ./script
ksrelease() { printf "%s\n" "$@" "" >>../calls }
zle -C all-matches complete-word _generic
bindkey "^Xa" all-matches
zstyle ":completion:all-matches:*" completer _all_matches _complete
zstyle ":completion:all-matches:*" insert true
cd here; PS1="READ""Y>"'
ready
for line; do
    zpty -w -n z "$line"$'\C-xa\n'
    ready
done
zpty -d z
`
	shell(t, dir, "", append([]string{program, "-f", "-c", "ZSH=" + shellword.Quote(program) + drive, "zsh"}, lines...)...)
	return offered(t, filepath.Join(dir, "calls"), lines)
}

// fishOffers asks fish, which tells.
func fishOffers(t *testing.T, program, dir string, lines []string) [][]string {
	out := shell(t, dir, "", append([]string{program, "-c", `source script; cd here; for line in $argv; complete -C $line; echo; end`}, lines...)...)
	var all [][]string
	var one []string
	for line := range strings.Lines(out) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if word == "" {
			all, one = append(all, one), nil
			continue
		}
		one = append(one, word)
	}
	return all
}
