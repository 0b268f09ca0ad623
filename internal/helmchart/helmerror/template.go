// Package helmerror takes the errors of Helm apart: file, line, cause and hint. Helm gives most of
// them nothing but a text.
package helmerror

import (
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Place is a place in a template, by the path that Helm gives it.
type Place struct {
	Template string
	// Line is 1-based, or 0.
	Line int
	// Offset is where in the line, in bytes from 0, as text/template counts columns;
	// -1 where it does not say, as for what cannot be parsed.
	Offset int
}

// The forms in which Helm's engine (helm.sh/helm/v3/pkg/engine) gives a place:
// "execution error at (PATH:LINE:COLUMN): …", "parse error at (PATH:LINE): …",
// "parse error in (PATH): …", and text/template's own
// "template: PATH:LINE:COLUMN: …", once for every include on the way.
var (
	helmPlace     = lazyregexp.New(`^(?:parse|execution) error (?:at|in) \((.+?)(?::(\d+))?(?::(\d+))?\): `)
	templateChain = lazyregexp.New(`template: ([^\n]+?):(\d+):(?:(\d+):)? ?(?:executing "(?:[^"\\]|\\.)*" at <((?:[^>\n]|->)*)>: )?`)
)

// Outermost is the template that Helm was rendering when it failed.
func Outermost(err error) (Place, bool) {
	message := err.Error()
	if m := helmPlace.FindStringSubmatch(message); m != nil {
		return Place{m[1], number(m[2]), offset(m[3])}, true
	}
	if m := templateChain.FindStringSubmatch(message); m != nil {
		return Place{m[1], number(m[2]), offset(m[3])}, true
	}
	return Place{}, false
}

// Template is why a template does not render.
type Template struct {
	// At is the innermost place that is a file: the helper that was included, not
	// the template that included it.
	At Place
	// Expression is what was being evaluated, such as .Values.image.tag; it may be
	// empty.
	Expression string
	// Cause is in plain words, without names of Go types.
	Cause string
	// Hint is what to do about it.
	Hint string
	// Lacks is the definition that the template includes and no template has; empty where
	// something else is the cause.
	Lacks string
}

// OfTemplate reads an error of Helm's engine. isFile says whether there is a template of a
// name: text given to tpl counts its lines by itself, and is no file.
func OfTemplate(err error, isFile func(template string) bool) Template {
	message := err.Error()
	var fault Template
	fault.At, _ = Outermost(err)
	if m := helmPlace.FindStringIndex(message); m != nil {
		message = message[m[1]:]
	}
	for _, m := range templateChain.FindAllStringSubmatchIndex(message, -1) {
		name := message[m[2]:m[3]]
		if !isFile(name) || strings.Contains(message[:m[0]], "error calling tpl") {
			break
		}
		fault.At = Place{name, number(message[m[4]:m[5]]), -1}
		if m[6] >= 0 {
			fault.At.Offset = number(message[m[6]:m[7]])
		}
		fault.Expression = ""
		if m[8] >= 0 {
			fault.Expression = message[m[8]:m[9]]
		}
	}
	cause := message
	if all := templateChain.FindAllStringIndex(message, -1); all != nil {
		cause = message[all[len(all)-1][1]:]
	}
	fault.Cause, fault.Hint, fault.Lacks = plainCause(cause)
	return fault
}

func offset(digits string) int {
	if digits == "" {
		return -1
	}
	return number(digits)
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// noDefinition is how text/template and Helm's include say that there is no such definition.
var noDefinition = lazyregexp.New(`(?:no template "([^"]+)" associated with template "[^"]*"|template "([^"]+)" not defined)$`)

// plainCauses puts the errors of text/template and Helm into words of somebody
// who writes charts. $1 is what the pattern caught.
var plainCauses = []struct {
	pattern     *lazyregexp.Regexp
	cause, hint string
}{
	{
		lazyregexp.New(`nil pointer evaluating .*\.(\w+)$`),
		"${1} is asked of a value that is not set",
		"set the value in values.yaml, or guard the place with {{ if }} or {{ with }}: an extension has to install with its own values",
	},
	{
		lazyregexp.New(`can't evaluate field (\w+) in type .*$`),
		"${1} is asked of a value that is no mapping",
		"compare the template with the shape of the value in values.yaml",
	},
	{
		noDefinition,
		`there is no template named "${1}${2}"`,
		`add {{ define "${1}${2}" }}, or correct the name`,
	},
	{
		lazyregexp.New(`function "([^"]+)" not defined$`),
		`Helm has no function "${1}"`,
		"see the list of functions in Helm's chart template guide",
	},
	{
		// As an argument, or through a pipe.
		lazyregexp.New(`(?:wrong type for value; expected (.+); got interface \{\}|invalid value; expected (.+))$`),
		"a value that is not set stands where a ${1}${2} is needed",
		"set the value in values.yaml, or give another in its place with default: an extension has to install with its own values",
	},
	{
		lazyregexp.New(`wrong type for value; expected (.+); got (.+)$`),
		"a value is a ${2} where a ${1} is needed",
		"compare the template with the shape of the value in values.yaml",
	},
	{
		lazyregexp.New(`rendering template has a nested reference name: (\S+?)(?::\s(?s:.*))?$`),
		`the template "${1}" includes itself without end`,
		"end the recursion with a condition",
	},
}

func plainCause(cause string) (plain, hint, lacks string) {
	cause = strings.Join(strings.Fields(cause), " ")
	for _, known := range plainCauses {
		if m := known.pattern.FindStringSubmatchIndex(cause); m != nil {
			before := cause[:m[0]]
			plain = string(known.pattern.ExpandString(nil, known.cause, cause, m))
			hint = string(known.pattern.ExpandString(nil, known.hint, cause, m))
			if strings.HasPrefix(before, "error calling ") {
				before = ""
			}
			if known.pattern == noDefinition {
				lacks = noDefinition.ReplaceAllString(cause[m[0]:m[1]], "$1$2")
			}
			return PlainTypes(before + plain), hint, lacks
		}
	}
	return PlainTypes(cause), "an extension has to render with its own values.yaml", ""
}

// goTypes are the names of Go types that show up in template errors.
var goTypes = strings.NewReplacer(
	"map[string]interface {}", "mapping",
	"map[string]interface{}", "mapping",
	"map[string]any", "mapping",
	"[]interface {}", "list",
	"[]interface{}", "list",
	"[]any", "list",
	"interface {}", "value",
	"chartutil.Values", "mapping",
	"*chart.Metadata", "Chart.yaml",
	"float64", "number",
	"int64", "number",
	"<nil>", "nothing",
)

// PlainTypes puts names of Go types into words of YAML.
func PlainTypes(message string) string { return goTypes.Replace(message) }
