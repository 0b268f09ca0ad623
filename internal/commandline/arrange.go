// Package commandline reads and completes the command lines of a grammar of kong.
//
// It knows no command of ksrelease: the grammar is handed to it, and so is what is known of
// values. Flags have two tags for it: may-be-empty (an empty value is one like any other)
// and value-optional (the value may be left out).
package commandline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// words are a command line as this file reads it before kong does. Two rules are
// made here, for every command and flag that the grammar has:
//
//   - Paths, names and flags stand in any order. Kong takes the arguments of a list
//     only in one row: the first flag ends it, and what follows is "unexpected".
//   - A value that is empty, as an unset variable leaves it, is never the same as no
//     value: `--only "$NAMES"` must not release everything.
//
// The words that are handed on are the command, its flags, "--" and the arguments.
type words struct {
	grammar *kong.Application
	command *kong.Node // the application, until a command was named
	names   []string   // of the command
	flags   []string   // with their values, as they were written
	args    []string
	bare    bool     // "--" was seen: what follows are arguments
	unknown []string // what kong will refuse, and what follows it
	dryRun  bool     // --dry-run was given, and nothing that takes it back
	empty   error    // an *EmptyValueError: the first value that is empty
}

// Arrange puts a command line into the order that kong reads. A line that the
// grammar does not know stays as it is, for kong to refuse. The error is an
// *EmptyValueError.
func Arrange(grammar *kong.Application, args []string) ([]string, error) {
	switch {
	case len(args) == 0, len(args) == 1 && args[0] == "help":
		return []string{"--help"}, nil
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}, nil
	}
	w := words{grammar: grammar, command: grammar.Node}
	for rest := args; len(rest) > 0 && w.unknown == nil; {
		rest = w.take(rest)
	}
	if !w.command.Leaf() {
		w.withoutCommand(args)
	}
	switch {
	case w.unknown != nil:
		return append(w.names, w.unknown...), nil
	case w.empty != nil:
		return nil, w.empty
	}
	arranged := append(w.names, w.flags...)
	if len(w.args) > 0 {
		arranged = append(append(arranged, "--"), w.args...)
	}
	return arranged, nil
}

// withoutCommand gives meaning to a line that names no command: one that begins
// with flags, --dry-run among them, means `run`. Nothing else does, so that no typo
// can ever send anything.
func (w *words) withoutCommand(args []string) {
	switch {
	case w.command == w.grammar.Node && w.dryRun && strings.HasPrefix(args[0], "-"):
		w.names = []string{"run"}
	case w.unknown != nil:
	case len(w.args) > 0:
		w.unknown = append([]string{"--"}, w.args...)
	default:
		// Flags of commands alone: what is missing is the command.
		w.empty = nil
		w.flags = slices.DeleteFunc(w.flags, func(word string) bool { return flagOf(w.command, word) == nil })
	}
}

// take reads the first of some words, with its value if it is a flag that has one,
// and returns what is left.
func (w *words) take(rest []string) []string {
	word := rest[0]
	rest = rest[1:]
	switch {
	case w.bare, word == "-", !strings.HasPrefix(word, "-"):
		w.takeArgument(word)
	case word == "--":
		w.bare = true
	case strings.HasPrefix(word, "--"):
		name, value, given := strings.Cut(word, "=")
		return w.takeFlag(name, value, given, word, rest)
	default:
		return w.takeShort(word, rest)
	}
	return rest
}

// takeArgument takes a command's name or an argument.
func (w *words) takeArgument(word string) {
	if len(w.args) == 0 {
		for _, child := range w.command.Children {
			if child.Type == kong.CommandNode && (child.Name == word || slices.Contains(child.Aliases, word)) {
				w.command, w.names = child, append(w.names, word)
				return
			}
		}
	}
	w.args = append(w.args, word)
	w.checkArgument(word)
}

// takeFlag takes a flag that stands in a word of its own or, where given, together
// with its value.
func (w *words) takeFlag(name, value string, given bool, word string, rest []string) []string {
	flag := w.find(name)
	if flag == nil {
		w.unknown = append([]string{word}, rest...)
		return rest
	}
	w.flags = append(w.flags, word)
	if !given && w.takesNext(flag, rest) {
		value, given = rest[0], true
		w.flags, rest = append(w.flags, value), rest[1:]
	}
	w.check(flag, name, value, given)
	return rest
}

// takeShort takes a word such as -C, -Cdir or several flags without a value in one.
func (w *words) takeShort(word string, rest []string) []string {
	letters := []rune(word[1:])
	for i, letter := range letters {
		name := "-" + string(letter)
		flag := w.find(name)
		if flag == nil {
			w.unknown = append([]string{"-" + string(letters[i:])}, rest...)
			return rest
		}
		if TakesNone(flag) {
			w.flags = append(w.flags, name)
			continue
		}
		if tail := string(letters[i+1:]); tail != "" {
			w.flags = append(w.flags, name+tail)
			w.check(flag, name, tail, true)
			return rest
		}
		return w.takeFlag(name, "", false, name, rest)
	}
	return rest
}

// takesNext says whether the next word is the value of a flag.
func (w *words) takesNext(flag *kong.Flag, rest []string) bool {
	if TakesNone(flag) || len(rest) == 0 {
		return false
	}
	if flag.Tag.Has(valueOptional) {
		return !strings.HasPrefix(rest[0], "-")
	}
	return true
}

// TakesNone says that a flag is a switch.
func TakesNone(flag *kong.Flag) bool { return flag.IsBool() || flag.IsCounter() }

// find is the flag of a name with its dashes: of the command that was named so far,
// or of one that may be named yet, for flags may come first.
func (w *words) find(name string) *kong.Flag {
	found := flagOf(w.command, name)
	_ = kong.Visit(w.command, func(node kong.Visitable, next kong.Next) error {
		if command, ok := node.(*kong.Node); ok && found == nil {
			found = flagOf(command, name)
		}
		return next(nil)
	})
	return found
}

// flagOf is the flag of a command, or of one above it, that has a name.
func flagOf(command *kong.Node, name string) *kong.Flag {
	for _, group := range command.AllFlags(false) {
		for _, flag := range group {
			if slices.Contains(FlagNames(flag), name) {
				return flag
			}
		}
	}
	return nil
}

// FlagNames are the names of a flag with their dashes, the short one first.
func FlagNames(f *kong.Flag) (names []string) {
	if f.Short != 0 {
		names = append(names, "-"+string(f.Short))
	}
	for _, name := range append([]string{f.Name}, f.Aliases...) {
		names = append(names, "--"+name)
	}
	switch no := f.Tag.Negatable; no {
	case "":
	case "_": // what kong makes of a bare negatable tag
		names = append(names, "--no-"+f.Name)
	default:
		names = append(names, "--"+no)
	}
	return names
}

// The tags of flags that are read here.
const (
	mayBeEmpty    = "may-be-empty"   // an empty value is one like any other
	valueOptional = "value-optional" // the value may be left out
)

// check refuses a value that is empty, or a list with an item that is. What is one
// of a few words kong checks.
func (w *words) check(flag *kong.Flag, name, value string, given bool) {
	if flag.Name == "dry-run" {
		w.dryRun = !given
	}
	if !given || TakesNone(flag) || flag.Tag.Has(mayBeEmpty) || flag.Enum != "" && !flag.IsSlice() {
		return
	}
	items := []string{value}
	if flag.IsSlice() && flag.Tag.Sep != -1 {
		items = strings.Split(value, string(flag.Tag.Sep))
	}
	for i, item := range items {
		switch {
		case strings.TrimSpace(item) != "":
		case strings.Trim(value, ", \t\r\n") == "":
			w.refuse(name + " " + namesNo(flag.PlaceHolder))
		default:
			w.refuse(fmt.Sprintf("%s %q: item %d of it %s", name, value, i+1, namesNo(flag.PlaceHolder)))
		}
	}
}

// checkArgument refuses an argument that is empty.
func (w *words) checkArgument(word string) {
	positional := w.command.Positional
	if strings.TrimSpace(word) != "" {
		return
	}
	if len(positional) == 0 {
		w.refuse(fmt.Sprintf("the argument %q is empty", word))
		return
	}
	if of := positional[min(len(w.args), len(positional))-1]; of.Enum == "" {
		w.refuse(fmt.Sprintf("the %s %q %s", of.Name, word, namesNo(of.Name)))
	}
}

func (w *words) refuse(message string) {
	if w.empty == nil {
		w.empty = &EmptyValueError{message}
	}
}

// EmptyValueError is the error of a command line with a value that is empty.
type EmptyValueError struct {
	message string // which value, and what it names no more
}

func (e *EmptyValueError) Error() string { return e.message }

// Hint is what to do about it.
func (e *EmptyValueError) Hint() string {
	return "set the variable that the value comes from, or leave the empty value out"
}

// namesNo says what an empty value leaves out, by what the help calls it.
func namesNo(label string) string {
	nouns := map[string]string{
		"NAME": "extension", "name": "extension", "path": "extension", "name@version": "version", "DIR": "folder",
		"FILE": "file", "STAGE": "stage", "URL": "address", "HOST:PORT": "address", "RULE": "rule", "TARGET": "target", "D": "time", "N": "number",
	}
	if noun, ok := nouns[label]; ok {
		return "names no " + noun
	}
	return "is empty"
}
