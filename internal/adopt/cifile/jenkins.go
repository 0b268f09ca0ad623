package cifile

import (
	"strings"
	"unicode"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// token is a part of a Jenkinsfile: a name, a string or a sign.
type token struct {
	kind  byte // 'n' a name, 's' a string, else the sign itself
	text  string
	line  int
	lines []int // of a string: the line of the file for each of its lines
}

// readJenkins finds the sh steps of a Jenkinsfile with the stages they are in, what triggers it,
// and the credentials that it uses. It reads no Groovy but names, strings and brackets: a script
// that Groovy puts together is read as far as its strings go (jenkins.io, "Pipeline Syntax").
func (f *File) readJenkins(text string) {
	tokens := f.groovy(text)
	at := func(i int) token {
		if i >= 0 && i < len(tokens) {
			return tokens[i]
		}
		return token{}
	}
	type stage struct {
		name  string
		depth int
	}
	var stages []stage
	pending, depth := "", 0
	agent, condition := "", ""
	whenDepth := 0
	var loops []int // the depth of each loop of Groovy
	looping := false
	for i, t := range tokens {
		switch {
		case t.kind == '{':
			depth++
			if looping {
				loops, looping = append(loops, depth), false
			}
			if pending != "" {
				stages = append(stages, stage{pending, depth})
				pending, condition = "", ""
			}
		case t.kind == '}':
			depth--
			for len(loops) > 0 && loops[len(loops)-1] > depth {
				loops = loops[:len(loops)-1]
			}
			for len(stages) > 0 && stages[len(stages)-1].depth > depth {
				stages = stages[:len(stages)-1]
				condition = ""
			}
			if depth < whenDepth {
				whenDepth = 0
			}
		case t.kind != 'n':
		case t.text == "each" || t.text == "eachWithIndex" || t.text == "for" || t.text == "while":
			looping = true
		case t.text == "stage":
			if name, ok := argument(tokens, i, ""); ok {
				pending = name.text
			}
		case t.text == "label" && agent == "":
			if name, ok := argument(tokens, i, ""); ok {
				agent = name.text
			}
		case t.text == "when" && at(i+1).kind == '{':
			whenDepth = depth + 1
		case t.text == "cron":
			if cron, ok := argument(tokens, i, ""); ok {
				f.trigger(Trigger{OnSchedule, []string{cron.text}, t.line})
			}
		case whenDepth > 0 && (t.text == "changeRequest" || t.text == "buildingTag" || t.text == "tag" || t.text == "branch"):
			kind := map[string]TriggerKind{"changeRequest": OnChange, "buildingTag": OnTag, "tag": OnTag, "branch": OnBranch}[t.text]
			trigger := Trigger{Kind: kind, Line: t.line}
			if pattern, ok := argument(tokens, i, ""); ok && kind != OnChange {
				trigger.Patterns = []string{pattern.text}
			}
			f.trigger(trigger)
			condition = strings.TrimSpace(condition + " " + t.text)
		case t.text == "credentials" && at(i+1).kind == '(':
			if id, ok := argument(tokens, i, ""); ok {
				variable := ""
				if at(i-1).kind == '=' {
					variable = at(i - 2).text
				}
				f.secret(Secret{id.text, t.line, variable})
			}
		case t.text == "credentialsId":
			if id := at(i + 2); at(i+1).kind == ':' && id.kind == 's' {
				f.secret(Secret{id.text, t.line, variableOfBinding(tokens, i)})
			}
		case t.text == "sh" && at(i-1).kind != '.':
			script, ok := argument(tokens, i, "script")
			if !ok {
				break
			}
			step := Step{Line: t.line, Script: script.text, Lines: script.lines, StopsOnError: true, Condition: condition, RunsOn: agent}
			if len(loops) > 0 {
				step.Repeated = "each of a list"
			}
			if len(stages) > 0 {
				step.Job = stages[len(stages)-1].name
			}
			f.Steps = append(f.Steps, step)
		}
	}
}

// variableOfBinding is the variable that a binding of withCredentials fills: it stands in the
// same brackets as credentialsId.
func variableOfBinding(tokens []token, i int) string {
	for from := i; from >= 0 && tokens[from].kind != '('; from-- {
		i = from
	}
	for ; i < len(tokens) && tokens[i].kind != ')'; i++ {
		if name := tokens[i].text; tokens[i].kind == 'n' && (name == "variable" || name == "passwordVariable" || name == "tokenVariable") && i+2 < len(tokens) {
			return tokens[i+2].text
		}
	}
	return ""
}

// argument is the string that a step is called with: sh 'a', sh('a'), sh(label: 'b', script: 'a').
func argument(tokens []token, i int, name string) (token, bool) {
	i++
	if i < len(tokens) && tokens[i].kind == 's' {
		return tokens[i], true
	}
	inBrackets := i < len(tokens) && tokens[i].kind == '('
	if inBrackets {
		i++
		if i < len(tokens) && tokens[i].kind == 's' {
			return tokens[i], true
		}
	}
	const most = 24
	for end := i + most; name != "" && i+2 < len(tokens) && i < end && tokens[i].kind != ')' && tokens[i].kind != '}'; i++ {
		if tokens[i].kind == 'n' && tokens[i].text == name && tokens[i+1].kind == ':' && tokens[i+2].kind == 's' {
			return tokens[i+2], true
		}
	}
	return token{}, false
}

// groovy divides a Jenkinsfile into tokens. Comments are left out.
func (f *File) groovy(text string) []token {
	var tokens []token
	line := 1
	for i := 0; i < len(text); {
		rest := text[i:]
		switch c := rest[0]; {
		case c == '\n':
			line++
			i++
		case strings.HasPrefix(rest, "//"):
			if end := strings.IndexByte(rest, '\n'); end >= 0 {
				i += end
			} else {
				i = len(text)
			}
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				f.odd(line, "this comment has no end", "")
				return tokens
			}
			line += strings.Count(rest[:end+4], "\n")
			i += end + 4
		case c == '\'' || c == '"':
			t, length := groovyString(rest, line)
			if length < 0 {
				f.odd(line, "this string has no end; what follows it was not read", "")
				return tokens
			}
			tokens = append(tokens, t)
			line += strings.Count(rest[:length], "\n")
			i += length
		case c == '_' || c < 0x80 && unicode.IsLetter(rune(c)):
			end := 1
			for end < len(rest) && (rest[end] == '_' || rest[end] >= '0' && rest[end] <= '9' || rest[end] < 0x80 && unicode.IsLetter(rune(rest[end]))) {
				end++
			}
			tokens = append(tokens, token{kind: 'n', text: rest[:end], line: line})
			i += end
		case c > ' ' && c < 0x7f:
			tokens = append(tokens, token{kind: c, text: rest[:1], line: line})
			i++
		default:
			i++
		}
	}
	return tokens
}

// groovyString reads a string at the beginning of text; its length in bytes is -1 where it has
// no end. What Groovy replaces in it becomes a variable of the shell.
func groovyString(text string, line int) (token, int) {
	quote := text[:1]
	if strings.HasPrefix(text, strings.Repeat(quote, 3)) {
		quote = text[:3]
	}
	t := token{kind: 's', line: line, lines: []int{line}}
	var b strings.Builder
	for i := len(quote); i < len(text); i++ {
		if strings.HasPrefix(text[i:], quote) {
			t.text = b.String()
			return t, i + len(quote)
		}
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			switch text[i] {
			case 'n':
				b.WriteByte('\n')
				t.lines = append(t.lines, line)
			case 't':
				b.WriteByte('\t')
			case '\n': // continues on the next line
				line++
			default:
				b.WriteByte(text[i])
			}
		case c == '\n' && len(quote) == 1:
			return t, -1
		case c == '\n':
			line++
			b.WriteByte(c)
			t.lines = append(t.lines, line)
		case c == '$' && quote[0] == '"' && strings.HasPrefix(text[i:], "${"):
			end := closing(text[i:], 1)
			if end < 0 {
				return t, -1
			}
			b.WriteString(asVariable(text[i+2 : i+end]))
			i += end
		default:
			b.WriteByte(c)
		}
	}
	return t, -1
}

var groovyName = lazyregexp.New(`^(?:env|params)?\.?([A-Za-z_][A-Za-z0-9_]*)$`)

// asVariable writes an expression of Groovy as a variable of the shell.
func asVariable(expression string) string {
	if m := groovyName.FindStringSubmatch(strings.TrimSpace(expression)); m != nil {
		return "${" + m[1] + "}"
	}
	return "${groovy}"
}
