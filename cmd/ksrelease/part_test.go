package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// TestPartFor: the part of the grammar that a command line needs reads it as the whole one does,
// or not at all.
func TestPartFor(t *testing.T) {
	commands := commandsOf(ksreleaseModel(t).Node)
	names := slices.Sorted(maps.Keys(commands))
	// Help and manual pages are about all commands, and end the program.
	names = slices.DeleteFunc(names, func(name string) bool { return name == "help" || name == "man" })
	read := func(commands any, args []string) (line, values string, err error) {
		words, parsed, err := readInto(t, commands, args)
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
		name := names[n%len(names)]
		args := strings.Fields(name)
		flags := slices.Concat(commands[name].AllFlags(true)...)
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
	for _, args := range [][]string{nil, {"--help"}, {"lint", "--help"}, {"lint", "-h"}, {"--dry-run"}, {"help"}, {"nothing"}, {"completion", "bash"}, {"help", "lint"}, {"man"}, {"-C", "x", "lint"}} {
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
