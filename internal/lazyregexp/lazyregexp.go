// Package lazyregexp has regular expressions that are compiled when they are first used.
//
// A program that compiles some two hundred of them when it starts needs milliseconds and
// megabytes for it, and most commands use a few. internal/archtest keeps package-level
// expressions from being compiled in any other way.
package lazyregexp

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Regexp is a regular expression as of package regexp, whose methods these are. It may be
// used by several goroutines at the same time.
type Regexp struct {
	text string
	once sync.Once
	made *regexp.Regexp
}

// New is the expression of a text, which is compiled when it is first used. A text that is no
// expression panics then, and in tests at once, so that no test of a package passes with one.
func New(text string) *Regexp {
	r := &Regexp{text: text}
	if inTest {
		r.Compiled()
	}
	return r
}

// inTest is true in programs that `go test` builds. They could ask testing.Testing, but that
// would link package testing into ksrelease.
var inTest = len(os.Args) > 0 && strings.HasSuffix(strings.TrimSuffix(os.Args[0], ".exe"), ".test")

// Compiled is the expression for all that this type does not have.
func (r *Regexp) Compiled() *regexp.Regexp {
	r.once.Do(func() { r.made = regexp.MustCompile(r.text) })
	return r.made
}

func (r *Regexp) ExpandString(dst []byte, template string, src string, match []int) []byte {
	return r.Compiled().ExpandString(dst, template, src, match)
}

func (r *Regexp) Find(b []byte) []byte { return r.Compiled().Find(b) }

func (r *Regexp) FindAllIndex(b []byte, n int) [][]int { return r.Compiled().FindAllIndex(b, n) }

func (r *Regexp) FindAllString(s string, n int) []string { return r.Compiled().FindAllString(s, n) }

func (r *Regexp) FindAllStringIndex(s string, n int) [][]int {
	return r.Compiled().FindAllStringIndex(s, n)
}

func (r *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return r.Compiled().FindAllStringSubmatch(s, n)
}

func (r *Regexp) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return r.Compiled().FindAllStringSubmatchIndex(s, n)
}

func (r *Regexp) FindAllSubmatch(b []byte, n int) [][][]byte {
	return r.Compiled().FindAllSubmatch(b, n)
}

func (r *Regexp) FindAllSubmatchIndex(b []byte, n int) [][]int {
	return r.Compiled().FindAllSubmatchIndex(b, n)
}

func (r *Regexp) FindIndex(b []byte) (loc []int) { return r.Compiled().FindIndex(b) }

func (r *Regexp) FindString(s string) string { return r.Compiled().FindString(s) }

func (r *Regexp) FindStringIndex(s string) (loc []int) { return r.Compiled().FindStringIndex(s) }

func (r *Regexp) FindStringSubmatch(s string) []string { return r.Compiled().FindStringSubmatch(s) }

func (r *Regexp) FindStringSubmatchIndex(s string) []int {
	return r.Compiled().FindStringSubmatchIndex(s)
}

func (r *Regexp) FindSubmatch(b []byte) [][]byte { return r.Compiled().FindSubmatch(b) }

func (r *Regexp) Match(b []byte) bool { return r.Compiled().Match(b) }

func (r *Regexp) MatchString(s string) bool { return r.Compiled().MatchString(s) }

func (r *Regexp) ReplaceAll(src, repl []byte) []byte { return r.Compiled().ReplaceAll(src, repl) }

func (r *Regexp) ReplaceAllFunc(src []byte, repl func([]byte) []byte) []byte {
	return r.Compiled().ReplaceAllFunc(src, repl)
}

func (r *Regexp) ReplaceAllLiteralString(src, repl string) string {
	return r.Compiled().ReplaceAllLiteralString(src, repl)
}

func (r *Regexp) ReplaceAllString(src, repl string) string {
	return r.Compiled().ReplaceAllString(src, repl)
}

func (r *Regexp) ReplaceAllStringFunc(src string, repl func(string) string) string {
	return r.Compiled().ReplaceAllStringFunc(src, repl)
}

func (r *Regexp) Split(s string, n int) []string { return r.Compiled().Split(s, n) }

// String is the text of the expression.
func (r *Regexp) String() string { return r.text }
