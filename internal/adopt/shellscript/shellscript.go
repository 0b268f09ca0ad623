// Package shellscript finds the commands that a shell script calls, as far as that can be said
// without executing it: in which loops they stand and what those go over, what is known of the
// variables in their words, and which conditions are in front of them.
//
// What a command means does not belong here, nor where a script comes from.
package shellscript

import (
	"errors"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Limits of a script. What people write is far below them.
const (
	// MaxSize is the largest script that is read, in bytes.
	MaxSize = 128 << 10
	// maxNesting is how many brackets may be open at once: the parser calls itself for each.
	maxNesting = 500
	// maxCommands bounds the commands of a script; a function counts once for each call.
	maxCommands = 5000
	// maxStatements bounds the statements that are walked, those of functions at each call.
	maxStatements = 200_000
	// maxOrigin bounds the text that says where the words of a command come from, in bytes.
	maxOrigin = 4 << 10
	// maxCalls is how deep calls of functions, and scripts within scripts, are followed.
	maxCalls = 4
)

// Script is a script and what is known of its surroundings.
type Script struct {
	Text string
	// Variables are those that are set outside of the script, by name. Their values may have
	// references to others, as in the script.
	Variables map[string]string
	// Expression finds what somebody else replaces before a shell reads the script, such as
	// ${{ github.ref }}; nil where there is nothing of that kind.
	Expression *lazyregexp.Regexp
	// StopsOnError says that the shell is started so that it ends with the first command that
	// fails (set -e).
	StopsOnError bool
}

// Command is a call of a command.
type Command struct {
	// Line is the line in the script on which it begins, from 1.
	Line int
	// Words are its words without quotes. Variables whose value is known are replaced by it;
	// others are there as $NAME. What only starts another command (sudo, xargs, find -exec) is
	// left out.
	Words []string
	// Text is the command as it is written, on one line.
	Text string
	// Loops are the loops around it, the outermost first.
	Loops []Loop
	// Conditions are the commands and tests that decide whether it is called, as written.
	Conditions []string
	// Origin is the text of all that the variables in its words were made of, so far as the
	// script shows it.
	Origin string
	// StopsOnError says that the script ends if this command fails.
	StopsOnError bool
	// Tested says that its failure decides what is done next, as in an if or in front of ||.
	Tested bool
	// Ignored says that its failure is ignored: "|| true".
	Ignored bool
	// Alone says that the script calls it once and as it is written: it stands in no loop,
	// condition, function or pipe, alone or in a row of "&&", without redirections, assignments
	// and what starts it.
	Alone bool
}

// Loop is a loop around a command.
type Loop struct {
	Line int
	// Over is what it goes over, as written, such as */ or $(git diff --name-only main).
	Over string
	// Origin is Over, and all that the variables in it were made of.
	Origin string
}

// Name is the name of the command, without the folder in which it is: ksbuilder for
// bin/ksbuilder.
func (c Command) Name() string {
	if len(c.Words) == 0 {
		return ""
	}
	return c.Words[0][strings.LastIndexByte(c.Words[0], '/')+1:]
}

// Plain are its words without flags, the command first, as far as that can be known without the
// grammar of the command: the value of a flag that stands in a word of its own is one of them.
func (c Command) Plain() []string {
	var plain []string
	for i, word := range c.Words {
		if i == 0 || !strings.HasPrefix(word, "-") {
			plain = append(plain, word)
		}
	}
	return plain
}

// Flag is the value of the first of the flags that is there: --name value or --name=value.
func (c Command) Flag(names ...string) (value string, there bool) {
	for i, word := range c.Words {
		for _, name := range names {
			if after, ok := strings.CutPrefix(word, name+"="); ok {
				return after, true
			}
			if word == name {
				if i+1 < len(c.Words) {
					return c.Words[i+1], true
				}
				return "", true
			}
		}
	}
	return "", false
}

// Read finds the commands of a script, in the order of the script. An error says why it cannot
// be read, with the line where there is one.
func Read(s Script) (commands []Command, err error) {
	if len(s.Text) > MaxSize {
		return nil, fmt.Errorf("the script has more than %d KiB", MaxSize>>10)
	}
	defer func() {
		// The parser is handed what strangers wrote.
		if r := recover(); r != nil {
			commands, err = nil, fmt.Errorf("the script cannot be read: %v", r)
		}
	}()
	e := newExpressions(s.Expression)
	text := e.replace(s.Text)
	if nesting(text) > maxNesting {
		return nil, fmt.Errorf("the script has more than %d brackets within each other", maxNesting)
	}
	file, err := parse(text)
	if err != nil {
		return nil, err
	}
	left := maxStatements
	w := &walker{left: &left, src: text, expressions: e, vars: map[string][]string{}, functions: map[string]*syntax.FuncDecl{}, called: map[string]bool{}}
	for name, value := range s.Variables {
		w.vars[name] = []string{e.replace(value)}
	}
	for name, value := range e.values {
		w.vars[name] = []string{value}
	}
	w.stops = s.StopsOnError || strings.HasPrefix(text, "#!") && strings.Contains(firstLine(text), " -e")
	w.collect(file)
	w.alone = map[*syntax.CallExpr]bool{}
	for _, s := range file.Stmts {
		w.findAlone(s)
	}
	w.stmts(file.Stmts, around{})
	for _, name := range w.order {
		if !w.called[name] {
			w.stmt(w.functions[name].Body, around{})
		}
	}
	return w.commands, nil
}

func parse(text string) (*syntax.File, error) {
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	file, err := parser.Parse(strings.NewReader(text), "")
	if err == nil {
		return file, nil
	}
	var wrong syntax.ParseError
	if errors.As(err, &wrong) {
		return nil, &SyntaxError{Line: int(wrong.Pos.Line()), Cause: wrong.Text}
	}
	var other syntax.LangError
	if errors.As(err, &other) {
		return nil, &SyntaxError{Line: int(other.Pos.Line()), Cause: "it is written for another shell than bash"}
	}
	return nil, err
}

// SyntaxError is a script that is no shell script.
type SyntaxError struct {
	Line  int // in the script, from 1
	Cause string
}

func (e *SyntaxError) Error() string { return e.Cause }

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// nesting is the largest number of brackets that are open at once, quotes or not.
func nesting(text string) int {
	open, most := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{', '[', '`':
			open++
			most = max(most, open)
		case ')', '}', ']':
			open = max(0, open-1)
		}
	}
	return most
}

// expressions are what somebody else than the shell replaces, with a variable in the place of
// each, so that the script can be parsed.
type expressions struct {
	find   *lazyregexp.Regexp
	values map[string]string // by the name of the variable
}

const expressionName = "KSRELEASE_EXPRESSION_"

func newExpressions(find *lazyregexp.Regexp) *expressions {
	return &expressions{find: find, values: map[string]string{}}
}

func (e *expressions) replace(text string) string {
	if e.find == nil {
		return text
	}
	return e.find.ReplaceAllStringFunc(text, func(written string) string {
		name := fmt.Sprintf("%s%d", expressionName, len(e.values))
		e.values[name] = written
		return "${" + name + "}" + strings.Repeat("\\\n", strings.Count(written, "\n"))
	})
}

var expressionVariable = lazyregexp.New(`\$\{?(` + expressionName + `\d+)\}?`)

// restore puts the expressions back into a text that is shown.
func (e *expressions) restore(text string) string {
	if len(e.values) == 0 {
		return text
	}
	return expressionVariable.ReplaceAllStringFunc(text, func(variable string) string {
		return e.values[strings.Trim(variable, "${}")]
	})
}
