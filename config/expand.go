package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// reference finds, in this order, an escaped dollar, a reference, and something
// that was meant as one.
var reference = regexp.MustCompile(`\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{[^}]*\}?`)

// expand is the document's value with ${NAME} in string values replaced by the
// environment and $$ by a dollar. Any other dollar stays. What cannot be
// replaced stays as it is and is told.
func expand(doc *yamldoc.Document, env func(string) (string, bool)) (any, yamldoc.Problems) {
	e := expander{doc: doc, env: env}
	return e.value(doc.Value(), nil), e.problems
}

type expander struct {
	doc      *yamldoc.Document
	env      func(string) (string, bool)
	problems yamldoc.Problems
}

func (e *expander) value(value any, ptr []string) any {
	switch value := value.(type) {
	case map[string]any:
		expanded := make(map[string]any, len(value))
		for key, child := range value {
			expanded[key] = e.value(child, append(slices.Clone(ptr), key))
		}
		return expanded
	case []any:
		expanded := make([]any, len(value))
		for i, child := range value {
			expanded[i] = e.value(child, append(slices.Clone(ptr), strconv.Itoa(i)))
		}
		return expanded
	case string:
		return e.text(value, ptr)
	}
	return value
}

func (e *expander) text(text string, ptr []string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		name := reference.FindStringSubmatch(found)[1]
		if name == "" {
			e.tell(ptr, found, malformed(found), "write ${NAME} for a variable of the environment, $$ for a dollar")
			return found
		}
		value, ok := e.env(name)
		if !ok {
			e.tell(ptr, found, fmt.Sprintf("environment variable %s is not set", name),
				fmt.Sprintf("set %s, or write $${%s} if the text is meant as it is", name, name))
			return found
		}
		return value
	})
}

func malformed(found string) string {
	if !strings.HasSuffix(found, "}") {
		return fmt.Sprintf("%s is not closed", found)
	}
	return fmt.Sprintf("%s names no environment variable", found)
}

// tell places a problem at the reference itself where the text is written as it
// reads, and at the value otherwise.
func (e *expander) tell(ptr []string, found, message, hint string) {
	start, end, ok := e.doc.Span(ptr...)
	if ok {
		if at := strings.Index(string(e.doc.Source()[start:end]), found); at >= 0 {
			e.problems = append(e.problems, e.doc.ProblemAtOffset(message, hint, start+at, len([]rune(found))))
			return
		}
	}
	e.problems = append(e.problems, e.doc.Problem(message, hint, ptr...))
}
