package shellscript

import (
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// around is what stands around a command.
type around struct {
	loops      []Loop
	conditions []string
	input      string // what is piped into it, as written
	ignored    bool
	tested     bool
	calls      int               // how many functions and inner scripts it is in
	words      map[string]string // of the call of the function around it: $1, $2, $@
}

func (a around) inLoop(l Loop) around {
	a.loops = append(slices.Clip(a.loops), l)
	return a
}

func (a around) onlyIf(condition string) around {
	a.conditions = append(slices.Clip(a.conditions), condition)
	return a
}

// asTest is for commands whose failure decides what is done next: it does not end the script.
func (a around) asTest() around {
	a.tested = true
	return a
}

// walker goes through a script.
type walker struct {
	src         string
	lineOffset  int // of an inner script in the outer one
	expressions *expressions
	vars        map[string][]string // all that is assigned to a variable, as written
	functions   map[string]*syntax.FuncDecl
	order       []string // of functions
	called      map[string]bool
	stops       bool
	alone       map[*syntax.CallExpr]bool
	left        *int // how many statements may still be walked
	commands    []Command
}

// findAlone finds the calls of a statement of the script that are alone.
func (w *walker) findAlone(s *syntax.Stmt) {
	if len(s.Redirs) > 0 || s.Negated || s.Background || s.Coprocess {
		return
	}
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		w.alone[c] = len(c.Assigns) == 0
	case *syntax.BinaryCmd:
		if c.Op == syntax.AndStmt {
			w.findAlone(c.X)
			w.findAlone(c.Y)
		}
	}
}

// collect takes the assignments and functions of a script: what a variable is made of may stand
// behind a function that uses it.
func (w *walker) collect(file *syntax.File) {
	syntax.Walk(file, func(node syntax.Node) bool {
		switch node := node.(type) {
		case *syntax.FuncDecl:
			if _, twice := w.functions[node.Name.Value]; !twice {
				w.order = append(w.order, node.Name.Value)
			}
			w.functions[node.Name.Value] = node
		case *syntax.Assign:
			if node.Name == nil {
				break
			}
			switch {
			case node.Value != nil:
				w.assign(node.Name.Value, w.text(node.Value))
			case node.Array != nil:
				w.assign(node.Name.Value, w.text(node.Array))
			}
		case *syntax.CallExpr:
			w.readsInto(node)
		}
		return true
	})
}

// readsInto takes variables that mapfile and readarray fill.
func (w *walker) readsInto(call *syntax.CallExpr) {
	if len(call.Args) < 2 {
		return
	}
	if name := call.Args[0].Lit(); name == "mapfile" || name == "readarray" {
		w.assign(call.Args[len(call.Args)-1].Lit(), w.afterCall(call))
	}
}

// afterCall is the rest of the line behind a call: its redirections.
func (w *walker) afterCall(call *syntax.CallExpr) string {
	rest := w.src[min(int(call.End().Offset()), len(w.src)):]
	return firstLine(rest)
}

func (w *walker) assign(name, value string) {
	const most = 8 // what is assigned more often says nothing
	if name != "" && len(w.vars[name]) < most {
		w.vars[name] = append(w.vars[name], value)
	}
}

func (w *walker) text(node syntax.Node) string {
	from, to := int(node.Pos().Offset()), int(node.End().Offset())
	if from < 0 || to > len(w.src) || from > to {
		return ""
	}
	return w.src[from:to]
}

func (w *walker) line(pos syntax.Pos) int { return int(pos.Line()) + w.lineOffset }

func (w *walker) stmts(list []*syntax.Stmt, a around) {
	for _, s := range list {
		w.stmt(s, a)
	}
}

func (w *walker) stmt(s *syntax.Stmt, a around) {
	if s == nil || len(w.commands) >= maxCommands || *w.left == 0 {
		return
	}
	*w.left--
	for _, r := range s.Redirs {
		if r.Word != nil {
			w.substitutions(r.Word, a)
		}
	}
	w.command(s, a)
}

func (w *walker) command(s *syntax.Stmt, a around) {
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		w.call(s, c, a)
	case *syntax.IfClause:
		w.ifClause(c, a)
	case *syntax.WhileClause:
		over := a.input
		for _, r := range s.Redirs {
			if r.Word != nil {
				over = strings.TrimSpace(over + " " + w.text(r.Word))
			}
		}
		condition := w.stmtsText(c.Cond)
		w.stmts(c.Cond, a.asTest())
		if over == "" {
			over = condition
		} else {
			w.reads(condition, over)
		}
		w.stmts(c.Do, a.inLoop(w.loop(c.WhilePos, over, a)))
	case *syntax.ForClause:
		w.forClause(c, a)
	case *syntax.CaseClause:
		w.substitutions(c.Word, a)
		for _, item := range c.Items {
			var patterns []string
			for _, p := range item.Patterns {
				patterns = append(patterns, w.text(p))
			}
			w.stmts(item.Stmts, a.onlyIf("case "+w.text(c.Word)+" in "+strings.Join(patterns, "|")))
		}
	case *syntax.Block:
		w.stmts(c.Stmts, a)
	case *syntax.Subshell:
		w.stmts(c.Stmts, a)
	case *syntax.BinaryCmd:
		w.binary(c, a)
	case *syntax.FuncDecl: // walked where it is called
	case *syntax.TimeClause:
		w.stmt(c.Stmt, a)
	case *syntax.CoprocClause:
		w.stmt(c.Stmt, a)
	case nil:
	default:
		w.substitutions(c, a)
	}
}

func (w *walker) ifClause(c *syntax.IfClause, a around) {
	before := a
	for at := c; at != nil; at = at.Else {
		if len(at.Cond) == 0 { // else
			w.stmts(at.Then, before)
			continue
		}
		w.stmts(at.Cond, before.asTest())
		condition := w.stmtsText(at.Cond)
		w.stmts(at.Then, before.onlyIf(condition))
		before = before.onlyIf("! " + condition)
	}
}

func (w *walker) forClause(c *syntax.ForClause, a around) {
	over := ""
	if iter, ok := c.Loop.(*syntax.WordIter); ok {
		var items []string
		for _, item := range iter.Items {
			w.substitutions(item, a)
			items = append(items, w.text(item))
		}
		over = strings.Join(items, " ")
		if !iter.InPos.IsValid() {
			over = `"$@"`
		}
		w.assign(iter.Name.Value, over)
	}
	w.stmts(c.Do, a.inLoop(w.loop(c.ForPos, over, a)))
}

func (w *walker) binary(c *syntax.BinaryCmd, a around) {
	switch c.Op {
	case syntax.Pipe, syntax.PipeAll:
		w.stmt(c.X, a)
		a.input = strings.TrimSpace(a.input + " " + w.text(c.X))
		w.stmt(c.Y, a)
	case syntax.OrStmt:
		x := a.asTest()
		if text := strings.TrimSpace(w.text(c.Y)); text == "true" || text == ":" {
			x.ignored = true
		}
		w.stmt(c.X, x)
		w.stmt(c.Y, a.onlyIf("! "+w.text(c.X)))
	default:
		w.stmt(c.X, a.asTest())
		w.stmt(c.Y, a.onlyIf(w.text(c.X)))
	}
}

func (w *walker) loop(pos syntax.Pos, over string, a around) Loop {
	return Loop{Line: w.line(pos), Over: w.shown(over), Origin: w.origin(over, a)}
}

// reads takes what "while read NAME" reads from.
func (w *walker) reads(condition, over string) {
	words := strings.Fields(condition)
	at := slices.Index(words, "read")
	if at < 0 {
		return
	}
	for _, word := range words[at+1:] {
		if !strings.HasPrefix(word, "-") {
			w.assign(strings.TrimSuffix(word, ";"), over)
		}
	}
}

func (w *walker) stmtsText(list []*syntax.Stmt) string {
	if len(list) == 0 {
		return ""
	}
	from, to := int(list[0].Pos().Offset()), int(list[len(list)-1].End().Offset())
	if from > to || to > len(w.src) {
		return ""
	}
	return w.shown(strings.TrimRight(w.src[from:to], "; \n"))
}

// substitutions walks the commands in $(…) and <(…) of a word or another node.
func (w *walker) substitutions(node syntax.Node, a around) {
	syntax.Walk(node, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			w.stmts(n.Stmts, a)
			return false
		case *syntax.ProcSubst:
			w.stmts(n.Stmts, a)
			return false
		}
		return true
	})
}

func (w *walker) call(s *syntax.Stmt, c *syntax.CallExpr, a around) {
	for _, assigned := range c.Assigns {
		w.substitutions(assigned, a)
	}
	for _, word := range c.Args {
		w.substitutions(word, a)
	}
	if len(c.Args) == 0 {
		return
	}
	words := make([]string, len(c.Args))
	for i, word := range c.Args {
		words[i] = w.static(word)
	}
	if words[0] == "set" && len(words) > 1 && (strings.HasPrefix(words[1], "-") && strings.Contains(words[1], "e") || slices.Contains(words, "errexit")) {
		w.stops = true
	}
	if f := w.functions[words[0]]; f != nil && a.calls < maxCalls {
		w.called[words[0]] = true
		inner := a
		inner.calls++
		inner.words = map[string]string{"@": strings.Join(words[1:], " "), "*": strings.Join(words[1:], " ")}
		for i := range min(len(words)-1, 9) {
			inner.words[string(rune('1'+i))] = w.replaced(w.text(c.Args[i+1]), a)
		}
		w.stmt(f.Body, inner)
		return
	}
	words, loop := unwrapped(words, a.input)
	if loop != "" {
		a = a.inLoop(w.loop(c.Pos(), loop, a))
	}
	if inner := innerScript(words); inner >= 0 && a.calls < maxCalls && len(c.Args) >= len(words) {
		w.inner(words[inner], c.Args[len(c.Args)-len(words)+inner], a)
		return
	}
	if len(words) == 0 {
		return
	}
	w.commands = append(w.commands, Command{
		Line: w.line(c.Pos()), Words: w.allShown(words), Text: w.shown(w.text(c)), Loops: a.loops, Conditions: a.conditions,
		Alone:  w.alone[c] && len(words) == len(c.Args),
		Origin: w.origin(w.text(c)+" "+a.input, a), StopsOnError: w.stops && !a.tested && !s.Negated, Tested: a.tested || s.Negated, Ignored: a.ignored,
	})
}

// inner walks the script of sh -c. Where it cannot be read, the command is left as it is.
func (w *walker) inner(script string, word *syntax.Word, a around) {
	file, err := parse(script)
	if err != nil || nesting(script) > maxNesting {
		return
	}
	in := &walker{
		src: script, lineOffset: w.line(word.Pos()) - 1, expressions: w.expressions, vars: maps.Clone(w.vars),
		functions: map[string]*syntax.FuncDecl{}, called: map[string]bool{}, left: w.left, commands: w.commands,
	}
	in.collect(file)
	a.calls++
	in.stmts(file.Stmts, a)
	w.commands = in.commands
}

// innerScript is the index of the script in the words of sh -c SCRIPT; -1 for other commands.
func innerScript(words []string) int {
	if len(words) < 3 {
		return -1
	}
	switch words[0] {
	case "sh", "bash", "dash", "/bin/sh", "/bin/bash":
		for i, word := range words[1 : len(words)-1] {
			if strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") && strings.HasSuffix(word, "c") {
				return i + 2
			}
		}
	}
	return -1
}

// starters are commands that start the command in their arguments, with those of their flags
// that have a value in a word of its own.
var starters = map[string]string{
	"sudo": "-u -g -h -p", "env": "-u -C", "exec": "-a", "command": "", "nohup": "", "nice": "-n", "time": "-f -o", "builtin": "",
	"stdbuf": "-i -o -e", "timeout": "-k -s", "retry": "-t -d -m", "xargs": "-I -i -n -P -L -d -E -s -a", "parallel": "-j -P -a -d -n",
}

// unwrapped takes off what only starts another command. Where that calls it more than once,
// loop is what it goes over.
func unwrapped(words []string, input string) (rest []string, loop string) {
	for len(words) > 0 {
		name := words[0]
		if name == "find" {
			at := slices.IndexFunc(words, func(word string) bool { return word == "-exec" || word == "-execdir" })
			if at < 0 || at+1 >= len(words) {
				return words, loop
			}
			loop = strings.Join(words[:at], " ")
			words = words[at+1:]
			for len(words) > 0 && (words[len(words)-1] == ";" || words[len(words)-1] == "+" || words[len(words)-1] == `\;`) {
				words = words[:len(words)-1]
			}
			continue
		}
		valued, ok := starters[name]
		if !ok {
			return words, loop
		}
		if name == "xargs" || name == "parallel" {
			if loop = input; loop == "" {
				loop = strings.Join(words, " ")
			}
		}
		words = words[1:]
		for len(words) > 0 && (strings.HasPrefix(words[0], "-") || strings.Contains(words[0], "=") && name == "env") {
			flag := words[0]
			words = words[1:]
			if slices.Contains(strings.Fields(valued), flag) && len(words) > 0 {
				words = words[1:]
			}
		}
		if name == "timeout" && len(words) > 0 { // the duration
			words = words[1:]
		}
	}
	return nil, loop
}
