// Package collect finds the words of this program in its source: the messages that a catalog
// of package language has to have.
//
// Words are found by their looks, and not by the functions that they are given to, so that none
// is forgotten: each constant that reads like prose (two words with a blank between them) is a
// message, and so is what the command line says of commands and flags, the head of a table, and
// the noun of a count. What only looks like prose stands in the catalog with a translation
// equal to it.
package collect

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Message is one text in English, as it stands in the source: with the verbs of fmt for the values
// in it. A value that is put between constants by + is a %s.
type Message struct {
	ID string
	// One is the ID of a message that says the same of one: "%d finding" for "%d findings".
	One   string
	Files []string // where it stands, by paths with slashes below the module, sorted
}

// outside are folders without words for users: tests and what helps them, and programs that make a
// part of this one.
var outside = []string{"testutil", "testdata", "internal/bench", "internal/archtest", "internal/reliability", "internal/faults", "internal/target/targettest", "internal/lint/ruletest", "findings", "generate", "internal/language"}

// Messages are those of all Go files below the root of the module, in the order of files and of places
// in them, and behind them those of libraries.
func Messages(root string) ([]Message, error) {
	c := collector{known: map[string]int{}}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		below = filepath.ToSlash(below)
		if entry.IsDir() {
			if below != "." && (strings.HasPrefix(entry.Name(), ".") || slices.ContainsFunc(outside, func(o string) bool { return o == below || o == entry.Name() })) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(below, ".go") || strings.HasSuffix(below, "_test.go") {
			return nil
		}
		return c.file(name, below)
	})
	for _, library := range slices.Sorted(maps.Keys(foreign)) {
		c.at = library
		for _, id := range foreign[library] {
			c.add(id, "")
		}
	}
	c.at = "words of results"
	for _, word := range words {
		c.add(word, "")
	}
	return c.all, err
}

type collector struct {
	all   []Message
	known map[string]int
	at    string
}

func (c *collector) file(name, below string) error {
	source, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	c.at = below
	for _, d := range file.Decls {
		c.look(d)
	}
	return nil
}

// look takes the words of a part of a file.
func (c *collector) look(part ast.Node) {
	ast.Inspect(part, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			if n.Tag != nil {
				c.tag(n.Tag.Value)
			}
			c.look(n.Type)
			return false
		case *ast.CallExpr:
			c.call(n)
		case *ast.BinaryExpr:
			if text, ok := folded(n); ok {
				c.prose(text)
				for _, inner := range parts(n) {
					c.look(inner)
				}
				return false
			}
		case *ast.BasicLit:
			if text, ok := literal(n); ok {
				c.prose(text)
			}
		}
		return true
	})
}

// tag takes the help of a command, flag or argument, and what a field of the configuration has to be.
func (c *collector) tag(quoted string) {
	tag, err := strconv.Unquote(quoted)
	if err != nil {
		return
	}
	for _, key := range []string{"help", "say"} {
		if text := reflect.StructTag(tag).Get(key); text != "" {
			c.add(text, "")
		}
	}
}

// nouns are the functions that count: their last argument is a noun.
var nouns = []string{"Plural", "plural", "counted"}

// heads are the functions whose constants are words, however few.
var heads = []string{"NewTable", "Word"}

// things are the functions that take a word for a kind of things; the catalog has it with its article.
var things = []string{"Noun"}

func (c *collector) call(call *ast.CallExpr) {
	var name string
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	if slices.Contains(nouns, name) && len(call.Args) == 2 {
		if noun, ok := literal(call.Args[1]); ok {
			c.add("%d "+noun, "")
			c.add("%d "+noun+"s", "%d "+noun)
		}
	}
	if slices.Contains(things, name) {
		for _, arg := range call.Args {
			if word, ok := literal(arg); ok {
				c.add("the "+word, "")
			}
		}
	}
	if slices.Contains(heads, name) {
		for _, arg := range call.Args {
			if word, ok := literal(arg); ok && word != "" {
				c.add(word, "")
			}
		}
	}
}

// looksLikeProse is a word, and behind a blank a second one, or a value.
var looksLikeProse = lazyregexp.New(`[A-Za-z]{2,}[,;:.)]? ([A-Za-z]{1,}|%(?:\[\d\])?[a-z]|["'(])|%(?:\[\d\])?[a-z][,:]? [a-z]{2,}|^an? [a-z]{2,}`)

func (c *collector) prose(text string) {
	if looksLikeProse.MatchString(text) {
		c.add(text, "")
	}
}

func (c *collector) add(id, one string) {
	i, ok := c.known[id]
	if !ok {
		i = len(c.all)
		c.known[id] = i
		c.all = append(c.all, Message{ID: id, One: one})
	}
	m := &c.all[i]
	if !slices.Contains(m.Files, c.at) {
		m.Files = append(m.Files, c.at)
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// folded is a sum of texts in which at least one is constant; what is not is a %s.
func folded(e ast.Expr) (text string, constant bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return literal(e)
	case *ast.ParenExpr:
		if text, ok := folded(e.X); ok {
			return text, true
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			left, one := folded(e.X)
			right, other := folded(e.Y)
			if !one {
				left = "%s"
			}
			if !other {
				right = "%s"
			}
			return left + right, one || other
		}
	}
	return "%s", false
}

// parts are the expressions of a sum that are not constant.
func parts(e ast.Expr) []ast.Expr {
	switch e := e.(type) {
	case *ast.BasicLit:
		return nil
	case *ast.ParenExpr:
		return parts(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return append(parts(e.X), parts(e.Y)...)
		}
	}
	return []ast.Expr{e}
}

// String is the message for people who look for it.
func (m Message) String() string { return fmt.Sprintf("%q in %s", m.ID, m.Files[0]) }
