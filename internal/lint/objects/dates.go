package objects

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// dates reports plain dates, of which kustomize makes other texts: 2024-01-01 becomes
// "2024-01-01T00:00:00Z". Helm hands them on as they are (findings/kustomize-changes-values.sh).
func dates(pass *rule.Pass, found *causes, o rendered) {
	if !mayHaveDates(o.Text()) {
		return
	}
	eachDate(o.Document(), nil, func(path []string, node *yaml.Node, becomes string) {
		at := o.placeOfLine(node.Line)
		found.add("date "+lastOf(path)+" "+node.Value, at, func() cause {
			c := cause{id: rule.Found("date", append(o.subject(), pathOf(path))...), severity: pass.AtMost(rule.Warning),
				message: fmt.Sprintf("%s of %s is a date without quotes: kustomize, through which KubeSphere installs, makes %q of it", pathOf(path), o, becomes),
				hint:    fmt.Sprintf("put it in quotes: %q; of a value: {{ … | quote }}", excerpt.OneLine(node.Value))}
			if isLabel(path) {
				c.severity = pass.Severity()
				c.message += ", which Kubernetes refuses as a label"
			}
			return c
		})
	})
}

// mayHaveDates is the cheap look that saves the parse: whether a text has something like 2024-1
// that no quote and no letter stands before.
func mayHaveDates(text string) bool {
	for at := 4; at+1 < len(text); {
		i := strings.IndexByte(text[at:], '-')
		if i < 0 {
			return false
		}
		at += i + 1
		if at < len(text) && isDigit(text[at]) && isDigit(text[at-2]) && isDigit(text[at-3]) && isDigit(text[at-4]) && isDigit(text[at-5]) &&
			(at == 5 || strings.IndexByte(" \n[,{", text[at-6]) >= 0) {
			return true
		}
	}
	return false
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// eachDate visits the dates among the values of a document that become another text.
func eachDate(node *yaml.Node, path []string, visit func(path []string, node *yaml.Node, becomes string)) {
	switch node.Kind {
	case yaml.DocumentNode:
		for _, child := range node.Content {
			eachDate(child, path, visit)
		}
	case yaml.SequenceNode:
		for i, child := range node.Content {
			eachDate(child, append(slices.Clone(path), strconv.Itoa(i)), visit)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			below := append(slices.Clone(path), node.Content[i].Value)
			if len(below) == 2 && below[0] == "metadata" && below[1] == "annotations" {
				continue // kustomize makes texts of those, as they are
			}
			eachDate(node.Content[i+1], below, visit)
		}
	case yaml.ScalarNode:
		var read time.Time
		if node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 ||
			node.ShortTag() != "!!timestamp" || node.Decode(&read) != nil {
			return
		}
		if becomes := read.Format(time.RFC3339Nano); becomes != node.Value {
			visit(path, node, becomes)
		}
	}
	// What an alias leads to is visited where it stands.
}

// isLabel says that a value is that of a label, or of what selects by one.
func isLabel(path []string) bool {
	if len(path) < 2 {
		return false
	}
	switch path[len(path)-2] {
	case "labels", "matchLabels", "nodeSelector":
		return true
	}
	return false
}
