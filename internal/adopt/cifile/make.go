package cifile

import (
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

var (
	makeVariable = lazyregexp.New(`^(?:export\s+|override\s+)*([A-Za-z_][A-Za-z0-9_.-]*)\s*(\?=|:{0,3}=|\+=|!=)\s*(.*)$`)
	makeRule     = lazyregexp.New(`^([^\t#=][^=#]*?)\s*::?(?:\s*([^=;#]*))?(?:;(.*))?(?:#.*)?$`)
	makeInclude  = lazyregexp.New(`^(?:-|s)?include\s+(.+)$`)
)

// Limits of what variables of make are replaced by.
const (
	maxMakeDepth = 8
	maxMakeText  = 16 << 10
	maxMakeReads = 50_000 // of variables in a file
)

// makefile is what is known of a Makefile while it is read.
type makefile struct {
	variables map[string]string
	// of the rule that is being read
	target, prerequisites string
	reads                 int
}

// readMake reads the rules of a Makefile (GNU Make Manual, 4.4): each with a recipe is a step.
// Variables are replaced where their values are in the file, and functions where a shell has the
// same: $(shell …), $(wildcard …), and $(foreach …) at the beginning of a line. What else make
// replaces becomes a variable of the shell of a similar name.
func (f *File) readMake(text string) {
	m := &makefile{variables: map[string]string{"MAKE": "make", "SHELL": "/bin/sh"}}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ { // variables first: make reads the whole file, too
		if strings.HasPrefix(lines[i], "\t") {
			continue
		}
		logical, last := joined(lines, i)
		i = last
		if v := makeVariable.FindStringSubmatch(strings.TrimSpace(withoutComment(logical))); v != nil {
			if v[2] == "+=" {
				v[3] = strings.TrimSpace(m.variables[v[1]] + " " + v[3])
			}
			if v[2] == "!=" {
				v[3] = "$(shell " + v[3] + ")"
			}
			m.variables[v[1]] = v[3]
		}
	}
	var rule *Step
	defined := false
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "define" || word == "endef":
			defined = word == "define"
		case defined:
		case strings.HasPrefix(line, "\t") && rule != nil:
			logical, last := recipeLine(lines, i)
			f.recipe(rule, m, logical, i+1)
			i = last
		default:
			logical, last := joined(lines, i)
			logical = strings.TrimSpace(withoutComment(logical))
			if logical == "" {
				break
			}
			at := i + 1
			i = last
			if includes := makeInclude.FindStringSubmatch(logical); includes != nil {
				for _, file := range strings.Fields(m.expand(includes[1], 0)) {
					if strings.ContainsAny(file, "$*?") {
						f.odd(at, "it includes "+excerpt.OneLine(file)+", which was not read", "look yourself at what it does")
						continue
					}
					f.Calls = append(f.Calls, file)
				}
				break
			}
			if makeVariable.MatchString(logical) || isMakeCondition(word) {
				break
			}
			head := makeRule.FindStringSubmatch(logical)
			f.endRule(rule)
			rule = nil
			if head == nil || strings.HasPrefix(head[1], ".") && !strings.Contains(head[1], "/") { // .PHONY and the like
				break
			}
			m.target, m.prerequisites = m.expand(head[1], 0), m.expand(head[2], 0)
			rule = &Step{Line: at, Job: m.target, Needs: strings.Fields(m.prerequisites)}
			if strings.TrimSpace(head[3]) != "" {
				f.recipe(rule, m, strings.TrimSpace(head[3]), at)
			}
		}
	}
	f.endRule(rule)
}

func isMakeCondition(word string) bool {
	switch word {
	case "ifeq", "ifneq", "ifdef", "ifndef", "else", "endif", "export", "unexport", "vpath", "undefine":
		return true
	}
	return false
}

func (f *File) endRule(rule *Step) {
	if rule != nil && (rule.Script != "" || len(rule.Needs) > 0) {
		f.Steps = append(f.Steps, *rule)
	}
}

// recipe adds a line of a recipe, with the lines that continue it.
func (f *File) recipe(rule *Step, m *makefile, text string, line int) {
	text = strings.TrimLeft(text, "\t @+-")
	if text == "" {
		return
	}
	text = m.expand(asLoop(text), 0)
	if rule.Script != "" {
		rule.Script += "\n"
	}
	rule.Script += text
	rule.Lines = append(rule.Lines, numbered(line, strings.Count(text, "\n")+1)...)
}

// joined is a line with those that continue it, and the index of the last of them.
func joined(lines []string, i int) (string, int) {
	text := lines[i]
	for strings.HasSuffix(text, `\`) && i+1 < len(lines) {
		i++
		text = strings.TrimRight(strings.TrimSuffix(text, `\`), " \t") + " " + strings.TrimSpace(lines[i])
	}
	return text, i
}

// recipeLine is joined for a line of a recipe, which the shell puts together itself.
func recipeLine(lines []string, i int) (string, int) {
	text := lines[i]
	for strings.HasSuffix(text, `\`) && i+1 < len(lines) {
		i++
		text += "\n" + strings.TrimPrefix(lines[i], "\t")
	}
	return text, i
}

func withoutComment(line string) string {
	if at := strings.IndexByte(line, '#'); at == 0 || at > 0 && line[at-1] != '\\' && line[at-1] != '$' {
		return line[:at]
	}
	return line
}

// asLoop writes $(foreach NAME,LIST,TEXT) as the loop of a shell.
func asLoop(text string) string {
	const foreach = "$(foreach "
	if !strings.HasPrefix(text, foreach) {
		return text
	}
	end := closing(text, 1)
	if end < 0 {
		return text
	}
	parts := splitArguments(text[len(foreach):end], 3)
	if len(parts) < 3 {
		return text
	}
	name := strings.TrimSpace(parts[0])
	body := strings.ReplaceAll(parts[2], "$("+name+")", "$$"+name)
	body = strings.ReplaceAll(body, "${"+name+"}", "$$"+name)
	body = strings.TrimRight(strings.TrimSpace(body), ";& ")
	loop := "for " + name + " in " + strings.TrimSpace(parts[1]) + "; do " + body + "; done"
	if rest := strings.TrimLeft(text[end+1:], " ;&"); rest != "" {
		loop += "; " + rest
	}
	return loop
}

// closing is the index of the bracket that closes the one at open; -1 where there is none.
func closing(text string, open int) int {
	pairs := map[byte]byte{'(': ')', '{': '}'}
	begin, end := text[open], pairs[text[open]]
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case begin:
			depth++
		case end:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// splitArguments divides at commas that are in no brackets, into count parts at most.
func splitArguments(text string, count int) []string {
	var parts []string
	depth, from := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case ',':
			if depth == 0 && len(parts) < count-1 {
				parts = append(parts, text[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, text[from:])
}

// expand replaces what make replaces.
func (m *makefile) expand(text string, depth int) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) || b.Len() > maxMakeText {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case '$':
			b.WriteByte('$')
		case '@':
			b.WriteString(m.target)
		case '<':
			first, _, _ := strings.Cut(m.prerequisites, " ")
			b.WriteString(first)
		case '^', '+', '?':
			b.WriteString(m.prerequisites)
		case '(', '{':
			end := closing(text, i)
			if end < 0 {
				b.WriteString("$" + text[i:])
				return b.String()
			}
			b.WriteString(m.reference(text[i+1:end], depth))
			i = end
		default:
			b.WriteString("$" + string(text[i]))
		}
	}
	return b.String()
}

var plainName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (m *makefile) reference(inner string, depth int) string {
	if m.reads++; depth > maxMakeDepth || m.reads > maxMakeReads {
		return ""
	}
	name, rest, function := strings.Cut(inner, " ")
	value, known := m.variables[inner]
	switch {
	case known:
		return m.expand(value, depth+1)
	case function && name == "shell":
		return "$(" + m.expand(rest, depth+1) + ")"
	case function && name == "wildcard":
		return m.expand(rest, depth+1)
	case plainName.MatchString(inner):
		return "${" + inner + "}" // of the environment
	case function && plainName.MatchString(name):
		return "${make_" + name + "}"
	}
	return "${make}"
}
