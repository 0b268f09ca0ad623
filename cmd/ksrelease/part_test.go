package main

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/commandline"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// TestPartFor: the part of the grammar that a command line needs reads it as the whole one does,
// or not at all.
func TestPartFor(t *testing.T) {
	whole, err := kong.New(&cli{}, grammar()...)
	if err != nil {
		t.Fatal(err)
	}
	var leaves []*kong.Node
	if err := kong.Visit(whole.Model, func(node kong.Visitable, next kong.Next) error {
		if command, ok := node.(*kong.Node); ok && command.Type == kong.CommandNode && command.Leaf() {
			leaves = append(leaves, command)
		}
		return next(nil)
	}); err != nil {
		t.Fatal(err)
	}
	read := func(commands any, args []string) (line, values string, err error) {
		parser, err := kong.New(commands, append(grammar(), kong.Exit(func(int) { panic("it ends") }))...)
		if err != nil {
			t.Fatal(err)
		}
		words, err := commandline.Arrange(parser.Model, args)
		if err != nil {
			return "", "", err
		}
		parsed, err := parser.Parse(words)
		if err != nil {
			return "", "", err
		}
		for field, value := range reflect.ValueOf(commands).Elem().Fields() {
			if strings.EqualFold(field.Name, args[0]) {
				values = fmt.Sprintf("%+v", value.Interface())
			}
		}
		return strings.Join(words, " ") + " | " + parsed.Command(), values, nil
	}
	fit := map[string]int{}
	for n := range soak.Cases(t, 600, 50_000) {
		r := rand.New(rand.NewPCG(uint64(n), 19))
		leaf := leaves[n%len(leaves)]
		args := strings.Fields(strings.TrimPrefix(leaf.FullPath(), "ksrelease "))
		flags := slices.Concat(leaf.AllFlags(true)...)
		for range r.IntN(5) {
			word := []string{"a", "extensions/x", "run", "lint", "--", "-", "1.2.3", "bash", "--nothing", "a=b", "", "1h"}[r.IntN(12)]
			if flag := flags[r.IntN(len(flags))]; r.IntN(3) > 0 && flag.Name != "help" {
				args = append(args, "--"+flag.Name)
				if flag.IsBool() || r.IntN(6) == 0 {
					continue
				}
				if flag.Enum != "" {
					word = strings.Split(flag.Enum, ",")[0]
				}
			}
			args = append(args, word)
		}
		part := partFor(args)
		if _, all := part.(*cli); all != (args[0] == "completion") {
			t.Fatalf("%q is read by %T", args, part)
		}
		line, values, err := read(part, args)
		if err != nil {
			continue // the whole grammar says what is wrong
		}
		fit[args[0]]++
		wantLine, wantValues, err := read(&cli{}, args)
		if err != nil || line != wantLine || !sameValues(values, wantValues) {
			t.Fatalf("%q is read as\n%s\n%s\nand by the whole grammar as\n%s\n%s\n%v", args, line, values, wantLine, wantValues, err)
		}
	}
	if len(fit) < 20 {
		t.Errorf("only lines of these commands could be read: %v", fit)
	}
	for _, args := range [][]string{nil, {"--help"}, {"lint", "--help"}, {"lint", "-h"}, {"--dry-run"}, {"help"}, {"nothing"}, {"completion", "bash"}, {"-C", "x", "lint"}} {
		if _, all := partFor(args).(*cli); !all {
			t.Errorf("%q is read by a part of the grammar", args)
		}
	}
}

// sameValues compares printed values, pointers aside.
func sameValues(a, b string) bool {
	return withoutPointers(a) == withoutPointers(b)
}

func withoutPointers(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" {}[]", r) })
	for i, word := range words {
		if at := strings.Index(word, "0xc"); at >= 0 {
			words[i] = word[:at]
		}
	}
	return strings.Join(words, " ")
}
