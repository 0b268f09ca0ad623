package engine

import (
	"reflect"
	"text/template"
	"text/template/parse"
)

// isSteadyFunction reports whether a function gives the same for the same, at any time, and changes nothing. All others
// make what calls them no steady template: those that draw lots, ask the clock, go over a map in its order, or
// change a mapping.
func isSteadyFunction(name string) bool {
	switch name {
	case "abbrev", "abbrevboth", "add", "add1", "adler32sum", "and", "atoi", "b64dec", "b64enc", "base", "camelcase",
		"cat", "ceil", "clean", "coalesce", "compact", "concat", "contains", "deepEqual", "default", "dict", "dig", "dir",
		"div", "empty", "eq", "ext", "first", "float64", "floor", "fromJson", "fromYaml", "fromYamlArray", "ge", "get",
		"gt", "has", "hasKey", "hasPrefix", "hasSuffix", "html", "indent", "index", "initial", "initials", "int", "int64",
		"isAbs", "join", "js", "kebabcase", "kindIs", "kindOf", "last", "le", "len", "list", "lower", "lt", "max", "min",
		"mod", "mul", "ne", "nindent", "nospace", "not", "omit", "or", "pick", "pluck", "plural", "print", "printf",
		"println", "quote", "regexFind", "regexMatch", "regexQuoteMeta", "regexReplaceAll", "regexReplaceAllLiteral",
		"regexSplit", "repeat", "replace", "required", "rest", "reverse", "round", "semver", "semverCompare", "sha1sum",
		"sha256sum", "sha512sum", "slice", "snakecase", "split", "splitList", "splitn", "squote", "sub", "substr",
		"swapcase", "ternary", "title", "toJson", "toPrettyJson", "toString", "toStrings", "toYaml", "trim", "trimAll",
		"trimPrefix", "trimSuffix", "trimall", "trunc", "tuple", "typeIs", "typeIsLike", "typeOf", "uniq", "until",
		"untilStep", "untitle", "upper", "urlquery", "without", "wrap", "wrapWith":
		return true
	}
	return false
}

// included keeps what templates have rendered that charts include again and again: names and labels. In one
// rendering a steady template renders the same each time that it is included with the same scope (what the
// templates of a chart see), until somebody changes a mapping.
//
// A template is steady that calls steady functions and includes steady templates alone, and that sees of its
// scope neither the file that is rendered (.Template) nor other scopes (.Subcharts): it names fields of it, and
// hands all of it to no function but include.
type included struct {
	set    *template.Template
	scopes map[uintptr]bool // that there are in this rendering
	texts  map[inclusion]string
	steady map[string]bool // known of templates; false also while it is found out
}

// inclusion is a template with what it sees.
type inclusion struct {
	name  string
	scope uintptr
}

// begin begins a rendering.
func (k *included) begin(scopes []map[string]any) {
	k.scopes = map[uintptr]bool{}
	for _, scope := range scopes {
		k.scopes[reflect.ValueOf(scope).Pointer()] = true
	}
}

// end lets go of what a rendering has seen: the same addresses may be those of others.
func (k *included) end() {
	k.scopes = nil
	k.changed()
}

// changed says that a mapping was changed, which may be in a scope.
func (k *included) changed() { clear(k.texts) }

// of says whether what a template renders with this data can be kept, and under what.
func (k *included) of(set *template.Template, name string, data any) (inclusion, bool) {
	scope, ok := data.(map[string]any)
	if !ok || set != k.set {
		return inclusion{}, false
	}
	as := inclusion{name, reflect.ValueOf(scope).Pointer()}
	return as, k.scopes[as.scope] && k.isSteady(name)
}

func (k *included) keep(as inclusion, text string) {
	if k.texts == nil {
		k.texts = map[inclusion]string{}
	}
	k.texts[as] = text
}

// isSteady reports whether a template is steady. One that includes itself is not.
func (k *included) isSteady(name string) bool {
	is, known := k.steady[name]
	if known {
		return is
	}
	if k.steady == nil {
		k.steady = map[string]bool{}
	}
	k.steady[name] = false
	t := k.set.Lookup(name)
	is = t != nil && t.Tree != nil && k.list(t.Root, false)
	k.steady[name] = is
	return is
}

// list reports whether all of a list is steady. within says that the dot is something in the scope.
func (k *included) list(list *parse.ListNode, within bool) bool {
	if list == nil {
		return true
	}
	for _, n := range list.Nodes {
		if !k.node(n, within) {
			return false
		}
	}
	return true
}

func (k *included) branch(b *parse.BranchNode, within, inList bool) bool {
	return k.node(b.Pipe, within) && k.list(b.List, inList) && k.list(b.ElseList, within)
}

func (k *included) node(n parse.Node, within bool) bool {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode,
		*parse.BoolNode, *parse.NilNode, *parse.NumberNode, *parse.StringNode:
		return true
	case *parse.ActionNode:
		return k.node(n.Pipe, within)
	case *parse.IfNode:
		return k.branch(&n.BranchNode, within, within)
	case *parse.WithNode:
		return k.branch(&n.BranchNode, within, true)
	case *parse.RangeNode:
		return k.branch(&n.BranchNode, within, true)
	case *parse.TemplateNode:
		return k.isSteady(n.Name) && (n.Pipe == nil || isScope(n.Pipe) || k.node(n.Pipe, within))
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			if !k.command(c, within) {
				return false
			}
		}
		return true
	case *parse.DotNode:
		return within
	case *parse.VariableNode:
		return (n.Ident[0] != "$" || len(n.Ident) > 1) && isInside(n.Ident)
	case *parse.FieldNode:
		return isInside(n.Ident)
	case *parse.ChainNode:
		return isInside(n.Field) && k.node(n.Node, within)
	case *parse.IdentifierNode:
		return isSteadyFunction(n.Ident)
	}
	return false
}

func (k *included) command(c *parse.CommandNode, within bool) bool {
	args := c.Args
	if f, ok := args[0].(*parse.IdentifierNode); ok && f.Ident == "include" {
		if len(args) != 3 {
			return false
		}
		name, ok := args[1].(*parse.StringNode)
		return ok && k.isSteady(name.Text) && (isScope(args[2]) || k.node(args[2], within))
	}
	for _, arg := range args {
		if !k.node(arg, within) {
			return false
		}
	}
	return true
}

// isScope reports whether a node is the scope, or what else the dot is, and nothing but that.
func isScope(n parse.Node) bool {
	switch n := n.(type) {
	case *parse.DotNode:
		return true
	case *parse.VariableNode:
		return len(n.Ident) == 1 && n.Ident[0] == "$"
	case *parse.PipeNode:
		return len(n.Decl) == 0 && len(n.Cmds) == 1 && len(n.Cmds[0].Args) == 1 && isScope(n.Cmds[0].Args[0])
	}
	return false
}

// isInside reports whether a way along fields leads neither to the file that is rendered nor to other scopes.
func isInside(fields []string) bool {
	for _, field := range fields {
		if field == "Template" || field == "Subcharts" {
			return false
		}
	}
	return true
}

// changing are the functions of sprig that change what they are given. sortAlpha does so with a list of texts,
// such as the keywords of a chart.
func (k *included) changing(all template.FuncMap) template.FuncMap {
	own := template.FuncMap{}
	for _, name := range [...]string{"set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite", "sortAlpha"} {
		switch f := all[name].(type) {
		case func(map[string]any, string, any) map[string]any:
			own[name] = func(in map[string]any, key string, value any) map[string]any { k.changed(); return f(in, key, value) }
		case func(map[string]any, string) map[string]any:
			own[name] = func(in map[string]any, key string) map[string]any { k.changed(); return f(in, key) }
		case func(map[string]any, ...map[string]any) any:
			own[name] = func(in map[string]any, from ...map[string]any) any { k.changed(); return f(in, from...) }
		case func(map[string]any, ...map[string]any) (any, error):
			own[name] = func(in map[string]any, from ...map[string]any) (any, error) { k.changed(); return f(in, from...) }
		case func(any) []string:
			own[name] = func(list any) []string { k.changed(); return f(list) }
		}
	}
	return own
}
