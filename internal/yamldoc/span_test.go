package yamldoc

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestSpan cuts scalars out of documents by their span and looks at what was
// cut: what Rewrite will replace.
func TestSpan(t *testing.T) {
	tests := []struct {
		name, src, ptr, want string
	}{
		{"plain", "icon: static/a.png # why\n", "icon", "static/a.png"},
		{"plain at the end of the file", "icon: a.png", "icon", "a.png"},
		{"double quoted", `icon: "a \" # b" # c` + "\n", "icon", `"a \" # b"`},
		{"single quoted", "icon: 'it''s' # c\n", "icon", "'it''s'"},
		{"anchor and tag", "icon: &i !!str a.png\nb: *i\n", "icon", "a.png"},
		{"anchor on a line of its own", "icon: &i\n  # so\n  a.png\n", "icon", "a.png"},
		{"alias", "a: &i x.png\nicon: *i # c\n", "icon", "*i"},
		{"flow", "{a: [x y, 'z'], icon: b.png}\n", "icon", "b.png"},
		{"flow list", "{a: [x y, 'z'], icon: b.png}\n", "a/0", "x y"},
		{"plain over lines", "icon: a\n  b\n\n  c\nd: e\n", "icon", "a\n  b\n\n  c"},
		{"plain over lines in CRLF", "icon: a\r\n  b\r\nd: e\r\n", "icon", "a\r\n  b"},
		{"quoted over lines", "icon: \"a\n  b\"\nd: e\n", "icon", "\"a\n  b\""},
		{"CRLF", "# x\r\na: 1\r\nicon: b.png\r\nc: d\r\n", "icon", "b.png"},
		{"CR alone", "a: 1\ricon: b.png\rc: d\r", "icon", "b.png"},
		{"byte order mark", "\xef\xbb\xbficon: b.png\n", "icon", "b.png"},
		{"multi-byte before it", "{名字: 扩展组件, icon: 图标.png}\n", "icon", "图标.png"},
		{"emoji before it", "{a: '👩‍👩‍👧', icon: b.png}\n", "icon", "b.png"},
		{"NEL inside a comment", "a: 1 # x\u0085icon: b.png\n", "icon", "b.png"},
		{"literal", "icon: |\n  a\n  b\nc: d\n", "icon", "|\n  a\n  b"},
		{"literal, stripped, with blank lines after it", "icon: |-\n  a\n\n\nc: d\n", "icon", "|-\n  a"},
		{"literal with an inner blank line and a comment after it", "icon: >+\n  a\n\n  b\n# c\nd: e\n", "icon", ">+\n  a\n\n  b"},
		{"literal with an indentation indicator", "a:\n  icon: |2-\n      x\n    y\n  c: d\n", "a/icon", "|2-\n      x\n    y"},
		{"literal in a list", "- |\n a\n b\n- c\n", "0", "|\n a\n b"},
		{"literal in a list of mappings", "- icon: |\n    a\n  b: c\n", "0/icon", "|\n    a"},
		{"literal in an indentless list", "a:\n- |\n  x\n- y\n", "a/0", "|\n  x"},
		{"literal under an explicit key", "? icon\n: |\n  x\n? b\n: c\n", "icon", "|\n  x"},
		{"literal in CRLF", "icon: |\r\n  a\r\n  b\r\nc: d\r\n", "icon", "|\r\n  a\r\n  b"},
		{"literal at the end", "icon: |\n  a", "icon", "|\n  a"},
		{"literal without a line", "icon: |\nb: c\n", "icon", "|"},
		{"merged", "x: &x {icon: a.png}\ny:\n  <<: *x\n", "y/icon", "a.png"},
		{"number", "version: 1.10\n", "version", "1.10"},
		{"tab before a comment", "icon: a.png\t# b\n", "icon", "a.png"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc, err := Parse("a.yaml", []byte(test.src))
			if err != nil {
				t.Fatal(err)
			}
			start, end, ok := doc.Span(strings.Split(test.ptr, "/")...)
			if !ok {
				t.Fatal("no span")
			}
			if got := test.src[start:end]; got != test.want {
				t.Errorf("cut %q, want %q", got, test.want)
			}
		})
	}
}

func TestSpanOfNothing(t *testing.T) {
	doc, err := Parse("a.yaml", []byte("icon:\nlist: [a]\nmap: {a: b}\nanchored: &a\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ptr := range [][]string{{"icon"}, {"list"}, {"map"}, {"anchored"}, {"absent"}, {"list", "1"}, {"list", "x"}, {"icon", "a"}, {}} {
		if start, end, ok := doc.Span(ptr...); ok {
			t.Errorf("%v has the span %q", ptr, doc.Source()[start:end])
		}
	}
}

// spansHold checks, for scalars of a document, that putting a new text in place
// of its span changes that value and nothing else.
func spansHold(t *testing.T, src []byte) {
	t.Helper()
	doc, err := Parse("a.yaml", src)
	if err != nil || doc.root == nil || bytes.ContainsAny(src, "*\u0085\u2028\u2029") {
		return // an alias changes with what it names; the scanner is inconsistent about NEL, LS and PS
	}
	const replacement = "zz"
	tried := 0
	walk(doc, doc.root, nil, 0, func(ptr []string, node *yaml.Node) {
		start, end, ok := doc.Span(ptr...)
		if tried++; !ok || tried > 5 || node.Style&yaml.TaggedStyle != 0 {
			return
		}
		text := strconv.Quote(replacement)
		if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && len(bytes.TrimLeft(src[bytes.LastIndexAny(src[:start], "\r\n")+1:start], " ")) == 0 {
			text = " " + text // such a text may stand in the column of its key, a quoted one may not
		}
		changed := slices.Concat(src[:start], []byte(text), src[end:])
		again, err := Parse("a.yaml", changed)
		if err != nil && bytes.ContainsRune(src, '\t') {
			return // a tab on a blank line is allowed after a plain scalar and not after a quoted one
		}
		if err != nil {
			t.Fatalf("%v: replacing %q in %q gives %q: %v", ptr, src[start:end], src, changed, err)
		}
		if want := replaced(doc.Value(), ptr, replacement); !reflect.DeepEqual(again.Value(), want) {
			t.Fatalf("%v: replacing %q in %q gives %q, which reads as %v, want %v", ptr, src[start:end], src, changed, again.Value(), want)
		}
	})
}

// replaced is a copy of a value in which one scalar is another.
func replaced(value any, ptr []string, with string) any {
	if len(ptr) == 0 {
		return with
	}
	switch value := value.(type) {
	case map[string]any:
		copied := maps.Clone(value)
		copied[ptr[0]] = replaced(value[ptr[0]], ptr[1:], with)
		return copied
	case []any:
		copied := slices.Clone(value)
		i, _ := strconv.Atoi(ptr[0])
		copied[i] = replaced(value[i], ptr[1:], with)
		return copied
	}
	return value
}

func walk(doc *Document, node *yaml.Node, ptr []string, depth int, visit func([]string, *yaml.Node)) {
	if depth > 20 || len(ptr) > 20 {
		return
	}
	switch node.Kind {
	case yaml.ScalarNode:
		visit(ptr, node)
	case yaml.SequenceNode:
		for i, item := range node.Content {
			walk(doc, item, append(ptr[:len(ptr):len(ptr)], strconv.Itoa(i)), depth+1, visit)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if found := doc.find(append(ptr[:len(ptr):len(ptr)], node.Content[i].Value)); found.node == node.Content[i+1] {
				walk(doc, found.node, append(ptr[:len(ptr):len(ptr)], node.Content[i].Value), depth+1, visit)
			}
		}
	}
}
