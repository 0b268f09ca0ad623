package faults

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Rule is one line of a script: which requests it is about, and what happens
// to them.
type Rule struct {
	Method string // "*" is any
	Path   string // a glob over the path, in which * stands for one segment and ** for any
	From   int    // the first of the matching requests that it hits, from 1
	To     int    // the last one; 0 is no end
	// Done says that the server does what it is asked before the fault.
	Done  bool
	Fault Fault
	line  string
}

// String is the rule as a line of a script.
func (r Rule) String() string { return r.line }

func (r Rule) matches(q *http.Request) bool {
	return (r.Method == "*" || r.Method == q.Method) && matchPath(strings.Split(r.Path, "/"), strings.Split(q.URL.Path, "/"))
}

func (r Rule) turn(nth int) bool { return nth >= r.From && (r.To == 0 || nth <= r.To) }

// matchPath matches segment by segment.
func matchPath(pattern, segments []string) bool {
	for i, p := range pattern {
		if p == "**" {
			for skip := i; skip <= len(segments); skip++ {
				if matchPath(pattern[i+1:], segments[skip:]) {
					return true
				}
			}
			return false
		}
		if i >= len(segments) {
			return false
		}
		if ok, err := path.Match(p, segments[i]); err != nil || !ok {
			return false
		}
	}
	return len(pattern) == len(segments)
}

// Usage explains the script, for help texts.
const Usage = `A line is METHOD PATH WHICH WHEN WHAT; # begins a comment:

  POST /apis/**/package        1    after   html 502
  POST /apis/**/action:submit  1-2  before  status 429 retry-after 3s
  GET  /index.yaml             *    before  delay 2s

WHICH  of the requests that match: 1, 2-3, 2- or * (all)
WHEN   before or after the server did what it was asked
WHAT   status CODE, html CODE (both may add: retry-after D, or retry-date D),
       login, empty, shape, cut, reset, hang, hangbody, delay D, redirect URL,
       body TEXT (the rest of the line, with status 200) or body @FILE`

// Error is a mistake in a script.
type Error struct {
	File    string
	Line    int
	Message string
	Source  string
}

// Error names the place and the mistake and shows the line.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d: %s\n  %s", e.File, e.Line, e.Message, e.Source)
}

// Parse reads a script; name is its file, which stands in errors, and next to
// which the files of bodies are. The error is an *Error.
func Parse(name, script string) ([]Rule, error) {
	var rules []Rule
	number := 0
	for line := range strings.Lines(script) {
		number++
		text, _, _ := strings.Cut(line, "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		rule, err := parseRule(words)
		if file, ok := strings.CutPrefix(rule.Fault.Body, "@"); ok && err == nil {
			rule.Fault.Body, err = readBody(filepath.Join(filepath.Dir(name), filepath.FromSlash(file)))
		}
		if err != nil {
			return nil, &Error{File: name, Line: number, Message: err.Error(), Source: strings.TrimSpace(line)}
		}
		rule.line = strings.Join(words, " ")
		rules = append(rules, rule)
	}
	return rules, nil
}

var methods = []string{"*", http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func parseRule(words []string) (Rule, error) {
	if len(words) < 5 {
		return Rule{}, fmt.Errorf("a line is METHOD PATH WHICH WHEN WHAT, and this one has %d words", len(words))
	}
	r := Rule{Method: words[0], Path: words[1]}
	if !slices.Contains(methods, r.Method) {
		return r, fmt.Errorf("METHOD %q is none of %s", r.Method, strings.Join(methods, ", "))
	}
	if !strings.HasPrefix(r.Path, "/") {
		return r, fmt.Errorf("PATH %q has to begin with /", r.Path)
	}
	if _, err := path.Match(r.Path, ""); err != nil {
		return r, fmt.Errorf("PATH %q: %w", r.Path, err)
	}
	var err error
	if r.From, r.To, err = parseWhich(words[2]); err != nil {
		return r, err
	}
	switch words[3] {
	case "before":
	case "after":
		r.Done = true
	default:
		return r, fmt.Errorf("WHEN %q is neither before nor after", words[3])
	}
	r.Fault, err = parseFault(words[4:])
	return r, err
}

func parseWhich(word string) (from, to int, err error) {
	if word == "*" {
		return 1, 0, nil
	}
	first, last, isRange := strings.Cut(word, "-")
	from, err = strconv.Atoi(first)
	if err == nil {
		switch {
		case !isRange:
			to = from
		case last != "":
			to, err = strconv.Atoi(last)
		}
	}
	if err != nil || from < 1 || to != 0 && to < from {
		return 0, 0, fmt.Errorf("WHICH %q is none of N, N-M, N- and *", word)
	}
	return from, to, nil
}

var plainKinds = []Kind{Login, Empty, Shape, Cut, Reset, Hang, HangBody}

func parseFault(words []string) (Fault, error) {
	f := Fault{Kind: Kind(words[0])}
	rest := words[1:]
	need := func(what string) (string, error) {
		if len(rest) == 0 {
			return "", fmt.Errorf("%s needs %s", f.Kind, what)
		}
		word := rest[0]
		rest = rest[1:]
		return word, nil
	}
	var word string
	var err error
	switch {
	case slices.Contains(plainKinds, f.Kind):
	case f.Kind == Status || f.Kind == HTML:
		if word, err = need("a status code"); err != nil {
			return f, err
		}
		if f.Status, err = strconv.Atoi(word); err != nil || f.Status < 200 || f.Status > 599 {
			return f, fmt.Errorf("%q is no status code", word)
		}
		if len(rest) > 0 && (rest[0] == "retry-after" || rest[0] == "retry-date") {
			f.Date = rest[0] == "retry-date"
			rest = rest[1:]
			f.Wait, err = parseWait(need)
		}
	case f.Kind == Delay:
		f.Wait, err = parseWait(need)
	case f.Kind == Redirect:
		f.Location, err = need("an address")
	case f.Kind == Body:
		if len(rest) == 0 {
			return f, fmt.Errorf("%s needs a text, or @FILE", f.Kind)
		}
		f.Body, rest = strings.Join(rest, " "), nil
	default:
		return f, fmt.Errorf("WHAT %q is none of status, html, login, empty, shape, cut, reset, hang, hangbody, delay, redirect, body", words[0])
	}
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("there is more behind %s than it takes: %s", f.Kind, strings.Join(rest, " "))
	}
	return f, err
}

// bodyLimit bounds the file of a body, in bytes.
const bodyLimit = 64 << 20

// readBody reads the file that a body stands in.
func readBody(file string) (string, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the body: %w", err)
	case !info.Mode().IsRegular() || info.Size() > bodyLimit:
		return "", fmt.Errorf("reading the body: %s is no file, or one of more than %s", file, humanize.IBytes(bodyLimit))
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the body: %w", err)
	}
	return string(body), nil
}

func parseWait(need func(string) (string, error)) (time.Duration, error) {
	word, err := need("a duration, such as 2s")
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration, such as 2s", word)
	}
	return d, nil
}
