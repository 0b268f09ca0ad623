package cifile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// node is a value in a YAML document with the pointer that leads to it.
type node struct {
	doc   *yamldoc.Document
	at    []string
	value any
}

// parse reads the YAML of the file; nil where it cannot be read.
func (f *File) parse(text []byte) *node {
	doc, err := yamldoc.ParseLoose(f.Path, text)
	var problems diagnostic.List
	if errors.As(err, &problems) {
		for _, p := range problems {
			p.Severity = diagnostic.Warning
			f.Odd = append(f.Odd, p)
		}
	}
	if doc == nil {
		return nil
	}
	return &node{doc: doc, value: doc.Value()}
}

func (n node) key(name string) node {
	at := append(slices.Clip(n.at), name)
	if mapping, ok := n.value.(map[string]any); ok {
		return node{n.doc, at, mapping[name]}
	}
	return node{n.doc, at, nil}
}

func (n node) item(i int) node {
	at := append(slices.Clip(n.at), strconv.Itoa(i))
	if list, ok := n.value.([]any); ok && i < len(list) {
		return node{n.doc, at, list[i]}
	}
	return node{n.doc, at, nil}
}

// items are those of a list; a value that is none is its only item.
func (n node) items() []node {
	list, ok := n.value.([]any)
	if !ok {
		if n.value == nil {
			return nil
		}
		return []node{n}
	}
	all := make([]node, len(list))
	for i := range list {
		all[i] = n.item(i)
	}
	return all
}

// keys are those of a mapping, in the order of the file.
func (n node) keys() []string {
	mapping, ok := n.value.(map[string]any)
	if !ok {
		return nil
	}
	names := slices.Sorted(maps.Keys(mapping))
	line := map[string]int{}
	for _, name := range names {
		line[name], _ = n.doc.KeyPlace(append(slices.Clip(n.at), name)...)
	}
	sort.SliceStable(names, func(i, j int) bool { return line[names[i]] < line[names[j]] })
	return names
}

func (n node) line() int {
	line, _ := n.doc.Place(n.at...)
	return line
}

func (n node) keyLine() int {
	line, _ := n.doc.KeyPlace(n.at...)
	return line
}

// text is a scalar as a string, as it is written: 1.10 stays 1.10.
func (n node) text() string {
	switch n.value.(type) {
	case nil, map[string]any, []any:
		return ""
	}
	if raw, _, ok := n.doc.Raw(n.at...); ok {
		return raw
	}
	return fmt.Sprint(n.value)
}

// texts are the scalars of a list, or the only one.
func (n node) texts() []string {
	var all []string
	for _, item := range n.items() {
		if text := item.text(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// variables are the scalars of a mapping.
func (n node) variables() map[string]string {
	all := map[string]string{}
	for _, name := range n.keys() {
		if value := n.key(name); value.value != nil {
			all[name] = value.text()
		}
	}
	return all
}

func merged(all ...map[string]string) map[string]string {
	into := map[string]string{}
	for _, more := range all {
		maps.Copy(into, more)
	}
	return into
}

// scriptLines are the lines of the file on which the lines of a scalar stand. Those of a block
// that keeps its lines follow each other; all others are where the scalar begins.
func (n node) scriptLines() (text string, lines []int) {
	text = strings.TrimRight(n.text(), "\n")
	count := strings.Count(text, "\n") + 1
	start, _, ok := n.doc.Span(n.at...)
	if ok && n.doc.Source()[start] == '|' {
		return text, numbered(n.line()+1, count)
	}
	lines = make([]int, count)
	for i := range lines {
		lines[i] = n.line()
	}
	return text, lines
}
