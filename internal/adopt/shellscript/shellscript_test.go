package shellscript

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// shape is what the tests look at of a command.
func shape(c Command) string {
	s := fmt.Sprintf("%d %s", c.Line, strings.Join(c.Words, " "))
	for _, l := range c.Loops {
		s += fmt.Sprintf(" | loop %d %s", l.Line, l.Over)
	}
	for _, condition := range c.Conditions {
		s += " | if " + condition
	}
	if c.StopsOnError {
		s += " | stops"
	}
	if c.Ignored {
		s += " | ignored"
	}
	return s
}

// Commands are found wherever they stand in a script.
func TestCommands(t *testing.T) {
	for name, test := range map[string]struct{ script, want string }{
		"loops": {`
for path in $FILES; do
  dir=$(dirname "$path")
  [ -f "$dir/extension.yaml" ] && ksbuilder lint "$dir"
done`, `3 dirname $path | loop 2 $FILES
4 [ -f $dir/extension.yaml ] | loop 2 $FILES
4 ksbuilder lint $dir | loop 2 $FILES | if [ -f "$dir/extension.yaml" ]`},
		"while read": {`git diff --name-only main | while read -r f; do
  ksbuilder lint $f
done
while read d; do helm lint $d; done < <(ls -d */)`, `1 git diff --name-only main
1 read -r f
2 ksbuilder lint $f | loop 1 git diff --name-only main
4 ls -d */
4 read d
4 helm lint $d | loop 4 <(ls -d */)`},
		"starters": {`sudo -u ci env A=1 timeout -k 5 10m bin/ksbuilder push x
find . -maxdepth 1 -type d -exec ksbuilder package {} \;
ls *.tgz | xargs -n1 -I% helm push % oci://r`, `1 bin/ksbuilder push x
2 ksbuilder package {} | loop 2 find . -maxdepth 1 -type d
3 ls *.tgz
3 helm push % oci://r | loop 3 ls *.tgz`},
		"functions": {`release() { ksbuilder push "$1"; }
unused() { helm lint x; }
set -e
for d in a b; do release $d || true; done`, `3 set -e | stops
1 ksbuilder push $1 | loop 4 a b | ignored
4 true | loop 4 a b | if ! release $d | stops
2 helm lint x | stops`},
		"recursion":    {`f() { f; helm lint $1; }; f x`, "1 f x | stops"},
		"variables":    {"KS=./bin/ksbuilder\nDIR=extensions\n\"$KS\" lint ${DIR}/a $X ${Y:-z}", "3 ./bin/ksbuilder lint extensions/a $X z"},
		"two values":   {"A=1\nA=2\necho $A", "3 echo $A"},
		"inner script": {"bash -ec 'for i in 1 2; do\n ksbuilder lint $i; done'", "2 ksbuilder lint $i | loop 1 1 2"},
		"cases": {`case $T in v*) ksbuilder push a ;; *) if x; then b; elif y; then c; else d; fi ;; esac`, `1 ksbuilder push a | if case $T in v*
1 x | if case $T in *
1 b | if case $T in * | if x
1 y | if case $T in * | if ! x
1 c | if case $T in * | if ! x | if y
1 d | if case $T in * | if ! x | if ! y`},
		"substitutions": {"V=$(yq .version a/extension.yaml) X=\"$(git tag)\"\n( cd a; helm package . )", `1 yq .version a/extension.yaml
1 git tag
2 cd a
2 helm package .`},
		"or": {"crane manifest $i || crane copy $i $j", `1 crane manifest $i
1 crane copy $i $j | if ! crane manifest $i`},
		"continued": {"oras cp \\\n  a \\\n  b", "1 oras cp a b"},
		"shebang":   {"#!/bin/bash -e\nhelm lint x", "2 helm lint x | stops"},
		"nothing":   {"# nothing\n", ""},
	} {
		if name == "recursion" { // only that it ends
			if _, err := Read(Script{Text: test.script}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		commands, err := Read(Script{Text: test.script})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, c := range commands {
			got = append(got, shape(c))
		}
		if strings.Join(got, "\n") != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), test.want)
		}
	}
}

// Where words and loops come from is followed through variables, loops and functions, and what
// a CI system replaces is shown as it is written.
func TestOrigins(t *testing.T) {
	commands, err := Read(Script{
		Text: `changed=(${FILES})
for path in ${changed[@]}; do
  dir=$(dirname "$path")
  ksbuilder lint "$dir/${{ matrix.x }}"
done`,
		Variables:  map[string]string{"FILES": "${{ steps.changed.outputs.all_changed_files }}"},
		Expression: lazyregexp.New(`\$\{\{.*?\}\}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	lint := commands[len(commands)-1]
	if got := lint.Text; got != `ksbuilder lint "$dir/${{ matrix.x }}"` {
		t.Error(got)
	}
	if got := lint.Words[2]; got != "$dir/${{ matrix.x }}" {
		t.Error(got)
	}
	for _, want := range []string{"dirname", "changed[@]", "all_changed_files"} {
		if !strings.Contains(lint.Origin, want) {
			t.Errorf("no %s in\n%s", want, lint.Origin)
		}
	}
	if len(lint.Loops) != 1 || lint.Loops[0].Over != "${changed[@]}" || !strings.Contains(lint.Loops[0].Origin, "all_changed_files") {
		t.Errorf("%+v", lint.Loops)
	}

	commands, err = Read(Script{Text: "copy() { crane cp $1 $2; }\nfor i in $(yq '.images[]' e.yaml); do copy $i mirror/$i; done"})
	if err != nil {
		t.Fatal(err)
	}
	if origin := commands[len(commands)-1].Origin; !strings.Contains(origin, "mirror/$i") || !strings.Contains(origin, ".images[]") {
		t.Error(origin)
	}
}

// Flags and words are found in both forms.
func TestFlagsOfACommand(t *testing.T) {
	c := Command{Words: []string{"/usr/bin/oras", "cp", "--platform", "linux/amd64", "-x=1", "a"}}
	if c.Name() != "oras" || strings.Join(c.Plain(), " ") != "/usr/bin/oras cp linux/amd64 a" {
		t.Errorf("%s %q", c.Name(), c.Plain())
	}
	if value, ok := c.Flag("--platform"); !ok || value != "linux/amd64" {
		t.Error(value)
	}
	if value, ok := c.Flag("-y", "-x"); !ok || value != "1" {
		t.Error(value)
	}
	if _, ok := c.Flag("--other"); ok {
		t.Error("a flag that is not there")
	}
	if (Command{}).Name() != "" {
		t.Error("a command without words")
	}
}

// What cannot be read is an error with its line, and hostile scripts end.
func TestUnreadable(t *testing.T) {
	_, err := Read(Script{Text: "a\nfor x in; do\n"})
	var wrong *SyntaxError
	if !errors.As(err, &wrong) || wrong.Line != 2 {
		t.Errorf("%v", err)
	}
	for name, script := range map[string]string{
		"large":    strings.Repeat("a\n", MaxSize),
		"brackets": strings.Repeat("(", MaxSize-1),
		"nested":   strings.Repeat("$( ", 10_000),
		"ifs":      strings.Repeat("if ", MaxSize/3),
	} {
		if _, err := Read(Script{Text: script}); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	// Functions that call each other many times are bounded, also where they do nothing.
	empty := "a() { x=1; }\n"
	for f := 'b'; f <= 'f'; f++ {
		empty += fmt.Sprintf("%c() {%s }\n", f, strings.Repeat(fmt.Sprintf(" %c;", f-1), 4000))
	}
	if _, err := Read(Script{Text: empty + "f"}); err != nil {
		t.Error(err)
	}
	bomb := "a() { x; }\n"
	for f := 'b'; f <= 'h'; f++ {
		bomb += fmt.Sprintf("%c() {%s }\n", f, strings.Repeat(fmt.Sprintf(" %c;", f-1), 50))
	}
	commands, err := Read(Script{Text: bomb + "h"})
	if err != nil || len(commands) > maxCommands {
		t.Errorf("%d commands, %v", len(commands), err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("for x in $(ls); do ksbuilder lint $x; done")
	f.Add("case $x in a) b ;; esac; f() { g $1; }; f ${{ a }} <<E\n$x\nE")
	f.Fuzz(func(t *testing.T, text string) {
		commands, err := Read(Script{Text: text, Expression: lazyregexp.New(`\$\{\{.*?\}\}`)})
		if err != nil {
			return
		}
		for _, c := range commands {
			if strings.Contains(c.Text, "\n") || c.Line < 1 {
				t.Errorf("%+v", c)
			}
		}
	})
}
