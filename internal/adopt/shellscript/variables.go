package shellscript

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// static is a word without quotes. Variables that have one value in the whole script, and that
// without others, are replaced by it.
func (w *walker) static(word *syntax.Word) string { return w.parts(word.Parts, 0) }

func (w *walker) parts(parts []syntax.WordPart, depth int) string {
	var b strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			b.WriteString(unescaped(part.Value))
		case *syntax.SglQuoted:
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			b.WriteString(w.parts(part.Parts, depth))
		case *syntax.ParamExp:
			b.WriteString(w.parameter(part, depth))
		default:
			b.WriteString(w.text(part))
		}
	}
	return b.String()
}

func unescaped(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i++; s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

var plain = lazyregexp.New(`^[A-Za-z0-9_./:@%+,=-]+$`)

// parameter is the value of a variable where it is known, else the reference as it is written.
func (w *walker) parameter(p *syntax.ParamExp, depth int) string {
	written := w.text(p)
	if p.Param == nil || p.Length || p.Excl || p.Slice != nil || p.Repl != nil || p.Index != nil {
		return written
	}
	values := w.vars[p.Param.Value]
	if len(values) == 0 && p.Exp != nil && (p.Exp.Op == syntax.DefaultUnsetOrNull || p.Exp.Op == syntax.DefaultUnset) && p.Exp.Word != nil {
		return w.parts(p.Exp.Word.Parts, depth)
	}
	if p.Exp != nil || len(values) != 1 {
		return written
	}
	if value := strings.Trim(values[0], `"'`); plain.MatchString(value) {
		return value
	}
	if depth < maxCalls {
		if m := oneReference.FindStringSubmatch(strings.Trim(values[0], `"`)); m != nil {
			if inner := w.vars[m[1]]; len(inner) == 1 && plain.MatchString(strings.Trim(inner[0], `"'`)) {
				return strings.Trim(inner[0], `"'`)
			}
			if m[2] != "" { // ${NAME:-default}
				return m[2]
			}
		}
	}
	return written
}

// oneReference is a value that is nothing but a reference to another variable.
var oneReference = lazyregexp.New(`^\$\{?([A-Za-z_][A-Za-z0-9_]*)(?::?-([A-Za-z0-9_./:@-]+))?\}?$`)

var reference = lazyregexp.New(`\$[{]?[#!]?([A-Za-z_][A-Za-z0-9_]*|[0-9@*])`)

// origin is a text and what the variables in it were made of, a line each.
func (w *walker) origin(text string, a around) string {
	seen := map[string]bool{}
	all := []string{text}
	size := len(text)
	for i := 0; i < len(all) && size < maxOrigin; i++ {
		for _, m := range reference.FindAllStringSubmatch(all[i], -1) {
			if seen[m[1]] {
				continue
			}
			seen[m[1]] = true
			values := w.vars[m[1]]
			if given, ok := a.words[m[1]]; ok {
				values = []string{given}
			}
			for _, value := range values {
				if size += len(value); size < maxOrigin {
					all = append(all, value)
				}
			}
		}
	}
	return w.expressions.restore(strings.Join(all, "\n"))
}

// replaced puts what a function was called with in the place of $1 and $@, so that the words of
// a call within it are those of the outer call.
func (w *walker) replaced(text string, a around) string {
	if len(a.words) == 0 {
		return text
	}
	return positional.ReplaceAllStringFunc(text, func(written string) string {
		if given, ok := a.words[strings.Trim(written, "${}")]; ok {
			return given
		}
		return written
	})
}

var positional = lazyregexp.New(`\$\{?[1-9@*]\}?`)

// shown is a text of the script on one line, as it is written.
func (w *walker) shown(text string) string {
	text = strings.ReplaceAll(text, "\\\n", " ")
	return strings.Join(strings.Fields(w.expressions.restore(text)), " ")
}

func (w *walker) allShown(words []string) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = w.expressions.restore(word)
	}
	return all
}
