package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Bounds of what variables may make of a config.
const (
	maxExpanded = 16 << 20 // bytes of all values that are put in
	maxNested   = 20       // references in defaults of references
	maxReported = 100      // problems; who fixes these sees the others
)

// Expansion is a text that came out of the environment. It is not printed: what is
// written in the config stands for it.
type Expansion struct {
	Written string // as the config has it: ${NAME}, or the value around it
	Value   string
}

// expand is the document's value with the references in its string values replaced:
//
//	${NAME}           the variable; one that is not set is an error
//	${NAME:-default}  the default where the variable is not set or empty
//	${NAME-default}   the default where it is not set
//	$$                a dollar
//
// Any other dollar stays. A default ends at the } that closes the reference; it may
// hold references, and braces in pairs or as \}. What cannot be replaced stays as it
// is and is a problem. So it is in a shell (POSIX.1-2017, Shell Command Language,
// 2.6.2), but for the braces in pairs, which patterns need. Commands stay as they are: a shell
// reads them. So do kinds and names of targets.
func expand(doc *yamldoc.Document, env func(string) (string, bool)) (any, *expander) {
	e := &expander{doc: doc, env: env, secrets: slices.Concat(secretVariables, targetSecrets(doc))}
	return e.value(doc.Value(), nil), e
}

type expander struct {
	doc      *yamldoc.Document
	env      func(string) (string, bool)
	secrets  []string // variables whose values no other may repeat
	problems diagnostic.List
	size     int
	made     []madeValue
}

// madeValue is a string value with variables in it, and what they held.
type madeValue struct {
	ptr   []string
	value string
	used  []Expansion
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
		if isCommand(ptr) || isVerbatim(ptr) {
			return value
		}
		return e.text(value, ptr)
	}
	return value
}

func (e *expander) text(text string, ptr []string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	r := reading{expander: e, ptr: ptr, text: text, met: map[string]int{}}
	expanded := r.until(false, true, 0)
	if len(r.used) > 0 {
		e.made = append(e.made, madeValue{slices.Clone(ptr), expanded, r.used})
	}
	return expanded
}

// reading is one string value as its references are replaced.
type reading struct {
	*expander
	ptr  []string
	text string
	at   int
	used []Expansion
	met  map[string]int // how often a problem was at such a text
}

// until reads to the end of the text or, in a default, to the brace that closes it.
// live says that what is read is used: a default that is not needs no variables.
func (r *reading) until(inDefault, live bool, nested int) string {
	var out strings.Builder
	open := 0
	for r.at < len(r.text) {
		rest := r.text[r.at:]
		switch {
		case strings.HasPrefix(rest, "$$"):
			out.WriteByte('$')
			r.at += len("$$")
		case strings.HasPrefix(rest, "${"):
			out.WriteString(r.reference(live, nested))
		case inDefault && strings.HasPrefix(rest, `\}`):
			out.WriteByte('}')
			r.at += len(`\}`)
		case inDefault && strings.HasPrefix(rest, `\{`):
			out.WriteString(`\{`)
			r.at += len(`\{`)
		case inDefault && rest[0] == '}' && open == 0:
			return out.String()
		default:
			switch rest[0] {
			case '{':
				open++
			case '}':
				open--
			}
			out.WriteByte(rest[0])
			r.at++
		}
	}
	return out.String()
}

// head begins a reference: the name, and what divides it from a default.
var head = lazyregexp.New(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(:-|-|\})`)

// reference reads one reference, and returns what stands for it.
func (r *reading) reference(live bool, nested int) string {
	start := r.at
	parts := head.FindStringSubmatch(r.text[start:])
	if parts == nil || nested == maxNested {
		return r.malformed(start, nested)
	}
	name, divider := parts[1], parts[2]
	value, set := r.env(name)
	instead := divider == "-" && !set || divider == ":-" && value == ""
	r.at += len(parts[0])
	otherwise := ""
	if divider != "}" {
		otherwise = r.until(true, live && instead, nested+1)
		if r.at == len(r.text) {
			return r.malformed(start, nested)
		}
		r.at += len("}")
	}
	written := r.text[start:r.at]
	switch holds := r.secretIn(name, value); {
	case holds != "":
		r.report(CodeSecretVariable, written, holds+" and cannot stand in the config", "ksrelease reads it by itself: take the reference out")
		return written
	case !live:
		return ""
	case instead:
		return otherwise
	case !set:
		r.report(CodeUnsetVariable, written, fmt.Sprintf("environment variable %s is not set", name),
			fmt.Sprintf("set %s, write ${%s:-…} with a default, or $${%s} if the text is meant as it is", name, name, name))
		return written
	}
	if r.size += len(value); r.size > maxExpanded {
		r.report(CodeTooLarge, written, fmt.Sprintf("the variables in this file have more than %d MiB", maxExpanded>>20), "")
		return ""
	}
	if value != "" {
		r.used = append(r.used, Expansion{Written: "${" + name + "}", Value: value})
	}
	return value
}

// malformed says what is wrong with what begins as a reference, and takes it as text.
// A nested one is a problem of the whole.
func (r *reading) malformed(start, nested int) string {
	found := r.text[start:]
	message := "%s is not closed"
	if end := strings.IndexByte(found, '}'); end >= 0 && r.at < len(r.text) {
		found = found[:end+1]
		message = "%s names no environment variable"
		if nested == maxNested {
			message = "%s: references are nested too deep"
		}
	}
	r.at = start + len(found)
	r.report(CodeInvalidReference, found, fmt.Sprintf(message, cut(found)), "write ${NAME} or ${NAME:-default} for a variable of the environment, $$ for a dollar")
	return found
}

// cut keeps a long text from filling a message.
func cut(text string) string {
	const longest = 60
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

// report places a problem at the reference itself where the text is written as it
// reads, and at the value otherwise.
func (r *reading) report(code, found, message, hint string) {
	if len(r.problems) >= maxReported {
		return
	}
	start, end, ok := r.doc.Span(r.ptr...)
	if ok {
		source := string(r.doc.Source()[start:end])
		at := strings.Index(source, found)
		for range r.met[found] {
			if next := strings.Index(source[at+1:], found); next >= 0 {
				at += 1 + next
			}
		}
		if r.met[found]++; at >= 0 {
			r.problems = append(r.problems, about(r.doc.ProblemAtOffset(message, hint, start+at, len([]rune(found))), code, r.ptr))
			return
		}
	}
	r.problems = append(r.problems, mistake(r.doc, code, message, hint, r.ptr...))
}

// secretVariables hold what proves who somebody is. A config may come from a
// stranger's pull request and names the servers, so these never get into it.
var secretVariables = []string{"KSRELEASE_TOKEN", "KSRELEASE_REPOSITORY_PASSWORD", "KSRELEASE_MARKETPLACE_TOKEN", "KSRELEASE_MARKETPLACE_REVIEW_TOKEN", "KSRELEASE_PGP_PASSPHRASE"}

// secretName is the name of such a variable, of one that a later version may read, or
// of a proxy's address, which may have a password. Windows reads names without case.
var secretName = lazyregexp.New(`(?i)^(KSRELEASE_.*(TOKEN|PASSWORD|PASSPHRASE|USERNAME|SECRET|KEY).*|HTTPS?_PROXY|ALL_PROXY)$`)

// leastSecret is how many bytes a secret needs to be looked for in other variables.
const leastSecret = 8

// secretIn says what a variable holds that must not get into a config; empty where
// it may.
func (e *expander) secretIn(name, value string) string {
	if secretName.MatchString(name) {
		return fmt.Sprintf("environment variable %s holds a credential", name)
	}
	for _, secret := range e.secrets {
		held, set := e.env(secret)
		if held = strings.TrimSpace(held); set && len(held) >= leastSecret && strings.Contains(value, held) {
			return fmt.Sprintf("environment variable %s holds that of %s", name, secret)
		}
	}
	return ""
}

// printable are the keys whose values must be shown as they are: they name the
// extensions, or are one of a few words.
var printable = map[string]bool{"path": true, "exclude": true}

// expansions are what the environment gave to the other values: the values as a
// whole, and the variables in them.
func (e *expander) expansions() []Expansion {
	var all []Expansion
	for _, made := range e.made {
		if slices.ContainsFunc(made.ptr, func(key string) bool { return printable[key] }) {
			continue
		}
		if written, _, ok := e.doc.Raw(made.ptr...); ok {
			all = append(all, Expansion{Written: written, Value: made.value})
		}
		all = append(all, made.used...)
	}
	return all
}
