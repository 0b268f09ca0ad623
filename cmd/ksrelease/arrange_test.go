package main

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/shards"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// newParser reads command lines into commands: into a cli, or a part of one.
func newParser(t *testing.T, commands any) *kong.Kong {
	t.Helper()
	parser, err := kong.New(commands, append(grammar(), kong.Bind(&app.App{}), kong.Exit(func(int) { panic("nothing here ends the program") }))...)
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// ksreleaseModel is the grammar as kong sees it.
func ksreleaseModel(t *testing.T) *kong.Application {
	t.Helper()
	return newParser(t, &cli{}).Model
}

// readInto reads a command line into commands, and gives it in the order in which kong reads it.
func readInto(t *testing.T, commands any, args []string) (arranged []string, parsed *kong.Context, err error) {
	t.Helper()
	parser := newParser(t, commands)
	if arranged, err = commandline.Arrange(parser.Model, args); err != nil {
		return nil, nil, err
	}
	parsed, err = parser.Parse(arranged)
	return arranged, parsed, err
}

// commandsOf are the commands that can be run, with the words that name each.
func commandsOf(node *kong.Node, names ...string) map[string]*kong.Node {
	found := map[string]*kong.Node{}
	for _, child := range node.Children {
		below := append(slices.Clone(names), child.Name)
		if child.Leaf() {
			found[strings.Join(below, " ")] = child
		}
		for name, command := range commandsOf(child, below...) {
			found[name] = command
		}
	}
	return found
}

// read is what a command line means: the command, and its flags and arguments.
func read(t *testing.T, args ...string) (command string, values string, err error) {
	t.Helper()
	var into cli
	_, parsed, err := readInto(t, &into, args)
	if err != nil {
		return "", "", err
	}
	return strings.Join(strings.Fields(parsed.Selected().Path()), " "), fmt.Sprintf("%+v", into), nil
}

// Each command takes its flags and arguments in any order: flags before the command,
// between arguments and behind them mean the same.
func TestPathsAndFlagsInAnyOrder(t *testing.T) {
	soak.Long(t)
	random := rand.New(rand.NewPCG(9, 1))
	for name, command := range commandsOf(ksreleaseModel(t).Node) {
		var flags [][]string
		exclusive := map[string]bool{}
		for _, flag := range command.Flags {
			if slices.ContainsFunc(flag.Xor, func(group string) bool { return exclusive[group] }) {
				continue
			}
			for _, group := range flag.Xor {
				exclusive[group] = true
			}
			switch value := sample(flag.Value); {
			case commandline.TakesNone(flag):
				flags = append(flags, []string{"--" + flag.Name})
			case flag.Short != 0:
				flags = append(flags, []string{"-" + string(flag.Short), value})
			default:
				flags = append(flags, []string{"--" + flag.Name, value}, []string{"--" + flag.Name + "=" + value})
			}
		}
		var args []string
		for _, arg := range command.Positional {
			args = append(args, sample(arg))
			if arg.IsCumulative() {
				args = append(args, "second", "third")
			}
		}
		canonical := strings.Fields(name)
		for _, flag := range flags {
			canonical = append(canonical, flag...)
		}
		wantCommand, want, err := read(t, append(canonical, args...)...)
		if err != nil {
			t.Fatalf("%s %q: %v", name, canonical, err)
		}
		for range 40 {
			shuffled := shuffle(random, strings.Fields(name), flags, args)
			gotCommand, got, err := read(t, shuffled...)
			if err != nil || gotCommand != wantCommand || got != want {
				t.Fatalf("%q\nmeans %s\n%s\nwant %s\n%s\n%v", shuffled, gotCommand, got, wantCommand, want, err)
			}
		}
	}
}

// shuffle mixes flags with the command and its arguments, whose order stays.
func shuffle(random *rand.Rand, command []string, flags [][]string, args []string) []string {
	var line []string
	rest := append(slices.Clone(command), args...)
	for len(flags)+len(rest) > 0 {
		if len(rest) == 0 || random.IntN(len(flags)+len(rest)) < len(flags) {
			line, flags = append(line, flags[0]...), flags[1:]
			continue
		}
		line, rest = append(line, rest[0]), rest[1:]
	}
	return line
}

// sample is a value that a flag or an argument takes.
func sample(v *kong.Value) string {
	switch {
	case v.Enum != "":
		return v.EnumSlice()[0]
	case v.Name == "parallelism" || v.Target.Kind() == reflect.Int:
		return "3"
	case v.Target.Type() == reflect.TypeFor[commandline.Duration]():
		return "90s"
	case v.Target.Type() == reflect.TypeFor[released]():
		return "alc@1.2.0"
	case v.Target.Type() == reflect.TypeFor[shards.Shard]():
		return "2/5"
	}
	return "one"
}

// A flag that comes before the command is read without it, so one name means a
// switch in all commands, or in none.
func TestNamesOfFlagsMeanOneThing(t *testing.T) {
	switches := map[string]bool{}
	for name, command := range commandsOf(ksreleaseModel(t).Node) {
		for _, flag := range command.Flags {
			for _, word := range commandline.FlagNames(flag) {
				if known, ok := switches[word]; ok && known != commandline.TakesNone(flag) {
					t.Errorf("%s of %s takes a value in one command and none in another", word, name)
				}
				switches[word] = commandline.TakesNone(flag)
			}
		}
	}
}

// No flag that takes a value takes an empty one, as an unset variable leaves it, for
// no value: each command refuses it and names the flag.
func TestEmptyValuesAreRefused(t *testing.T) {
	soak.Long(t)
	tried := 0
	for name, command := range commandsOf(ksreleaseModel(t).Node) {
		for _, flag := range command.Flags {
			if commandline.TakesNone(flag) || flag.Tag.Has("may-be-empty") {
				continue
			}
			empty := []string{"", " ", "\t\n"}
			if flag.IsSlice() {
				empty = append(empty, ",", " , ", "one,", ",one", "one,,two", "one, ")
			}
			for _, value := range empty {
				lines := [][]string{{"--" + flag.Name, value}, {"--" + flag.Name + "=" + value}, {"--" + flag.Name, "one", "--" + flag.Name, value}}
				if flag.Short != 0 {
					lines = append(lines, []string{"-" + string(flag.Short), value})
				}
				for _, line := range lines {
					tried++
					args := append(strings.Fields(name), line...)
					_, _, err := read(t, args...)
					if err == nil || !strings.Contains(err.Error(), line[0][:2]) {
						t.Errorf("%q: %v", args, err)
					}
				}
			}
		}
		for i := range command.Positional {
			args := strings.Fields(name)
			for _, before := range command.Positional[:i] {
				args = append(args, sample(before))
			}
			if _, _, err := read(t, append(args, "")...); err == nil {
				t.Errorf("%s takes an empty %s", name, command.Positional[i].Name)
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d lines tried", tried)
	}
}

// What a line means that is no plain command.
func TestArrange(t *testing.T) {
	for _, test := range []struct {
		line, command string
		refused       string // part of the message, where it is
	}{
		{line: "--dry-run", command: "run"},
		{line: "--dry-run a b", command: "run"},
		{line: "-C dir --local --dry-run a --parallelism 2 b", command: "run"},
		{line: "-C dir lint a", command: "lint"},
		{line: "-Cdir lint a", command: "lint"},
		{line: "--dry-run run a", command: "run"},
		{line: "lint -- --only", command: "lint"},
		{line: "lint --only x -- a -b", command: "lint"},
		{line: "--dir dir marketplace approve a@1", command: "marketplace approve"},
		{line: "lint --explain", command: "lint"},
		{line: "lint --explain -C dir", command: "lint"},
		{line: "a --dry-run", refused: "unexpected argument a"},
		{line: "--dry-run --dry-run=false", refused: "expected one of"},
		{line: "--dry-run=true a", refused: "unexpected argument a"},
		{line: "-- --dry-run", refused: "unexpected argument --dry-run"},
		{line: "-f --dry-run", refused: "expected one of"},
		{line: "-C dir", refused: "expected one of"},
		{line: "-C dir lnt", refused: `did you mean one of "lint", "init"`},
		{line: "--dry-run --bogus", refused: "unknown flag --bogus"},
		{line: "--bogus", refused: "unknown flag --bogus"},
		{line: "lint a --outputt json b", refused: `did you mean "--output"`},
		{line: "lint -x", refused: "unknown flag -x"},
		{line: "check a", refused: "unexpected argument a"},
		{line: "withdraw a@1 b@2", refused: "unexpected argument b@2"},
		{line: "--dry-run lint", refused: "unknown flag --dry-run"},
		{line: "marketplace foo", refused: "unexpected argument foo"},
		{line: "lint --only", refused: "--only"},
		{line: "lint -C", refused: "--dir"},
	} {
		command, _, err := read(t, strings.Fields(test.line)...)
		switch {
		case test.refused == "" && (err != nil || command != test.command):
			t.Errorf("%s: %q, %v", test.line, command, err)
		case test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)):
			t.Errorf("%s: %q, %v", test.line, command, err)
		}
	}
}

// An empty value is a mistake in what was typed, and comes with advice.
func TestEmptyValueIsAUsageError(t *testing.T) {
	code, stdout, stderr := runMain(t, "run", "--only", "")
	if want := "ksrelease: --only names no extension\n  → set the variable that the value comes from, or leave the empty value out\n"; code != app.ExitUsage || stdout != "" || stderr != want {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
}
