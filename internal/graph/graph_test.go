package graph

import (
	"slices"
	"strings"
	"testing"
)

// of makes a graph of "a:bc b:c c:".
func of(text string) Graph[string] {
	needs := map[string][]string{}
	var nodes []string
	for _, field := range strings.Fields(text) {
		node, needed, _ := strings.Cut(field, ":")
		nodes = append(nodes, node)
		needs[node] = strings.Split(needed, "")
	}
	return Graph[string]{nodes, func(n string) []string { return needs[n] }}
}

func TestCycles(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"a:b b:c c:":                "",
		"a:a b:a":                   "a",
		"a:b b:a c:a":               "ab",
		"a:b b:c c:a d:e e:d f:ad":  "abc de",
		"a:b b:cd c:a d:b":          "abcd",
		"a:bc b:d c:d d:":           "",
		"d:c c:b b:a a: e:dcba":     "",
		"a:b b:c c:b d:a e:e":       "bc e",
		"a:bcde b:c c:d d:e e:b f:": "bcde",
	} {
		var groups []string
		for _, group := range of(text).Cycles() {
			slices.Sort(group)
			groups = append(groups, strings.Join(group, ""))
		}
		slices.Sort(groups)
		if got := strings.Join(groups, " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestShortestCycle(t *testing.T) {
	for _, test := range []struct{ text, start, want string }{
		{"a:a", "a", "a"},
		{"a:b b:c c:a", "a", "abc"}, {"a:b b:c c:a", "b", "bca"},
		{"a:bd b:c c:a d:a", "a", "ad"},
		{"a:b b:cd c:e d:a e:a", "a", "abd"}, {"a:b b:cd c:e d:a e:a", "e", "eabc"},
		{"a:b b:bc c:a", "a", "abc"}, // not by way of b and b again
	} {
		if got := strings.Join(of(test.text).ShortestCycle(test.start), ""); got != test.want {
			t.Errorf("%s from %s: %q, want %q", test.text, test.start, got, test.want)
		}
	}
}

func TestSorted(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"a: b: c:":           "abc",
		"a:b b:c c:":         "cba",
		"a:c b: c:":          "cab",
		"a: b:d c: d:a":      "adbc",
		"e:ab a: b:a c:e d:": "abecd",
	} {
		if got := strings.Join(of(text).Sorted(), ""); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
