package commandline

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Candidate is what may stand for the last word of a command line.
type Candidate struct {
	Word string
	Help string // in one line; may be empty
}

// Complete lists what may stand for the last of the words of a command line, which begin after the
// name of the program. values are those of WriteCompletion, and names gives those of the extensions.
// Where files are completed, or anything may stand, there is none.
func Complete(grammar *kong.Application, values map[string][]string, names func() []string, words []string) []Candidate {
	if len(words) == 0 {
		return nil
	}
	l := line{commands: known(values).commands(grammar.Node, ""), names: names}
	for _, word := range words[:len(words)-1] {
		l.take(word)
	}
	return l.offer(words[len(words)-1])
}

// line is a command line that is read word by word.
type line struct {
	commands []completableCommand
	names    func() []string
	at       int              // in commands
	waits    *completableFlag // for its value
	bare     bool             // no flags any more
	count    int              // arguments
}

func (l *line) take(word string) {
	switch {
	case l.waits != nil:
		l.waits = nil
	case !l.bare && word == "--":
		l.bare = true
	case !l.bare && strings.HasPrefix(word, "-"):
		if f := l.flag(word); f != nil && f.Kind != valueNone {
			l.waits = f
		}
	default:
		for _, below := range l.commands[l.at].Sub {
			if l.count == 0 && slices.Contains(below.Names, word) {
				l.at = slices.IndexFunc(l.commands, func(c completableCommand) bool { return c.Path == below.Path })
				return
			}
		}
		l.count++
	}
}

// flag is the one of a name in the command that the line is in; nil where there is none.
func (l *line) flag(name string) *completableFlag {
	for _, f := range l.commands[l.at].Flags {
		if slices.Contains(f.Names, name) {
			return &f
		}
	}
	return nil
}

// offer is what may stand for a word.
func (l *line) offer(word string) (all []Candidate) {
	command := l.commands[l.at]
	name, value, given := strings.Cut(word, "=")
	switch {
	case l.waits != nil:
		return l.values(l.waits.completableValue, "", word)
	case !l.bare && strings.HasPrefix(word, "--") && given:
		if f := l.flag(name); f != nil {
			return l.values(f.completableValue, name+"=", value)
		}
	case !l.bare && strings.HasPrefix(word, "-"):
		for _, f := range command.Flags {
			all = append(all, beginning(f.Names, f.Help, word)...)
		}
	case l.count == 0 && len(command.Sub) > 0:
		for _, below := range command.Sub {
			all = append(all, beginning(below.Names, below.Help, word)...)
		}
	default:
		for i, a := range command.Args {
			if i == l.count || a.Rest && i < l.count {
				return l.values(a, "", word)
			}
		}
	}
	return all
}

// values are those of a flag or an argument. Of a list, what stands before the last comma stays.
func (l *line) values(v completableValue, prefix, word string) []Candidate {
	words := v.Words
	if v.Asked {
		words = l.names()
	}
	if v.Kind == valueList {
		if at := strings.LastIndex(word, ",") + 1; at > 0 {
			given := strings.Split(word[:at-1], ",")
			words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(given, w) })
			prefix, word = prefix+word[:at], word[at:]
		}
	}
	all := beginning(words, "", word)
	for i := range all {
		all[i].Word = prefix + all[i].Word
	}
	return all
}

// beginning are the words that begin as one does.
func beginning(words []string, help, as string) (all []Candidate) {
	for _, w := range words {
		if strings.HasPrefix(w, as) {
			all = append(all, Candidate{w, help})
		}
	}
	return all
}

// Project is where a command line says that the project is, by -C and -f, whatever else is in it.
func Project(words []string) (dir, config string) {
	for i := 0; i < len(words) && words[i] != "--"; i++ {
		name, value, given := strings.Cut(words[i], "=")
		if short := words[i]; len(short) > 2 && (strings.HasPrefix(short, "-C") || strings.HasPrefix(short, "-f")) {
			name, value, given = short[:2], strings.TrimPrefix(short[2:], "="), true
		}
		to := map[string]*string{"-C": &dir, "--dir": &dir, "-f": &config, "--config": &config}[name]
		if to == nil {
			continue
		}
		if !given && i+1 < len(words) {
			i++
			value = words[i]
		}
		*to = value
	}
	return dir, config
}
