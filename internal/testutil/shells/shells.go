//go:build !windows

// Package shells tries completion scripts in the shells that they are for.
package shells

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

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ksrelease/ksrelease/internal/shellword"
)

// All are the shells that there are scripts for.
var All = []string{"bash", "zsh", "fish"}

// Files are the files and the folder that lie where the lines are typed.
var Files = []string{"a b.yaml", "c.yaml", "sub"}

// Names are what the program answers, in these tests, when a script asks it for the names of
// extensions.
var Names = []string{"alc", "bee"}

// Typed is a command line, with the cursor at its end, and what a shell
// offers there, in any order.
type Typed struct {
	Line string
	Want []string
}

// Fish is what commands of fish print that have read a script for it.
func Fish(t *testing.T, script, commands string) string {
	t.Helper()
	fish := look(t, "fish")
	return run(t, folder(t, script), "", fish, "-c", "source script; "+commands)
}

var anyOrder = cmpopts.SortSlices(strings.Compare)

// Try types all lines in each shell that is there, and compares what it offers. script
// makes the script of a shell; it is not called by several goroutines at once.
func Try(t *testing.T, script func(shell string) string, cases []Typed) {
	t.Helper()
	shells := map[string]func(t *testing.T, program, dir string, lines []string) [][]string{
		"bash": bashOffers, "zsh": zshOffers, "fish": fishOffers,
	}
	var lines []string
	for _, c := range cases {
		lines = append(lines, c.Line)
	}
	for _, name := range All {
		dir := folder(t, script(name))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := look(t, name)
			got := shells[name](t, program, dir, lines)
			if len(got) != len(cases) {
				t.Fatalf("%s answered %d of %d lines: %q", name, len(got), len(cases), got)
			}
			for i, c := range cases {
				for j := range got[i] {
					got[i][j] = strings.TrimSuffix(got[i][j], "/")
				}
				if diff := cmp.Diff(c.Want, got[i], anyOrder, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", c.Line, diff)
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

func look(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: its completion is not tried", name)
	}
	return program
}

// folder has the script, and in here the files that are offered.
func folder(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string]string{"script": script, "here/a b.yaml": "", "here/c.yaml": "", "here/sub/x": ""} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := "#!/bin/sh\n[ \"$1\" = __names ] && printf '%s\\n' " + strings.Join(Names, " ") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "ksrelease"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs a shell in dir, in a session of its own, so that an interactive
// one does not take the terminal of the tests.
func run(t *testing.T, dir, stdin string, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "PATH=" + dir + ":" + os.Getenv("PATH"), "TERM=dumb", "LC_ALL=C.UTF-8"}
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
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSuffix(string(written), "\n\n"), "\n\n")
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
	run(t, dir, input, program, "--norc", "--noprofile", "-i")
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
	run(t, dir, "", append([]string{program, "-f", "-c", "ZSH=" + shellword.Quote(program) + drive, "zsh"}, lines...)...)
	return offered(t, filepath.Join(dir, "calls"), lines)
}

// fishOffers asks fish, which prints what it offers.
func fishOffers(t *testing.T, program, dir string, lines []string) [][]string {
	out := run(t, dir, "", append([]string{program, "-c", `source script; cd here; for line in $argv; complete -C $line; echo; end`}, lines...)...)
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
