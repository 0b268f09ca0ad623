package values

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// File is the rule values-file.
func File() rule.Rule {
	return rule.Rule{
		Name:    "values-file",
		Summary: "each values.yaml means to Helm what it seems to mean",
		Why: "Helm reads values.yaml by the rules of YAML 1.1. There `y`, `n`, `yes`, `no`, `on` and `off` without quotes are true " +
			"and false in any case of letters, also as keys: `no: Norge` sets a value of the name `false`, and `[de, no, se]` has a false between two texts. " +
			"A second document, behind a line `---`, is not read: KubeSphere installs with Helm 3, which takes the first alone " +
			"(Helm 4 merges them).",
		Fix:    "Put such words in quotes, and all values into one document:\n\ncountries: [de, \"no\", se]\nlanguages:\n  \"no\": Norge",
		Source: "Helm 3.12 to 3.22 and 4.3, run; sigs.k8s.io/yaml, with which they read values (https://github.com/kubernetes-sigs/yaml); YAML 1.1, https://yaml.org/type/bool.html.",
		Codes: []rule.Code{
			{Name: "second-document", Meaning: "values.yaml has a second document, which Helm does not read"},
			{Name: "truth-key", Meaning: "a key without quotes is true or false to Helm"},
			{Name: "truth-text", Meaning: "a text without quotes is true or false to Helm"},
		},
		Default: rule.Warning,
		Needs:   rule.Chart,
		Run:     checkValuesFile,
	}
}

func checkValuesFile(pass *rule.Pass) {
	loaded := pass.Chart()
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		at, ok := loaded.Places.Of(c)
		if !ok {
			return
		}
		for _, raw := range c.Raw {
			if raw.Name != chartutil.ValuesfileName {
				continue
			}
			several, words := hasSeparator(raw.Data), mayHoldTruthWords(raw.Data)
			if !several && !words {
				continue
			}
			file, inside := at.File(raw.Name)
			look := valuesLook{pass: pass, at: helmchart.Source{File: file, Inside: inside, Text: string(raw.Data)}}
			look.read(raw.Data, words)
		}
	})
}

// hasSeparator is the cheap look for a line that begins a document after others.
func hasSeparator(text []byte) bool { return bytes.Contains(text, []byte("\n---")) }

// mayHoldTruthWords is the cheap look that saves a parse: some word of YAML 1.1 for true or
// false stands where it may be a key, an item of a list, or a language.
func mayHoldTruthWords(text []byte) bool {
	for line := range bytes.Lines(text) {
		rest := bytes.TrimLeft(line, " \t-")
		if len(rest) == 0 || rest[0] == '#' {
			continue
		}
		item := len(line) > len(rest) && bytes.IndexByte(line[:len(line)-len(rest)], '-') >= 0
		for i := 0; i < len(rest); {
			if !isWordByte(rest[i]) {
				i++
				continue
			}
			end := i
			for end < len(rest) && isWordByte(rest[end]) {
				end++
			}
			if end-i <= len("off") && isTruthWord(string(rest[i:end])) {
				before, after := byte(0), byte('\n')
				if head := bytes.TrimRight(rest[:i], " \t"); len(head) > 0 {
					before = head[len(head)-1]
				}
				if tail := bytes.TrimLeft(rest[end:], " \t\r"); len(tail) > 0 {
					after = tail[0]
				}
				switch {
				case after == ':', before == '[', before == ',', before == 0 && (item || after == '\n' || after == ',' || after == ']'):
					return true
				case before == ':':
					if key, _, _ := bytes.Cut(rest, []byte(":")); isCountryKey(string(key)) || isLanguageKey(string(key)) {
						return true
					}
				}
			}
			i = end
		}
	}
	return false
}

func isWordByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '"' || b == '\'' || b >= 0x80
}

// isTruthWord reports whether YAML 1.1 takes a word for true or false that YAML 1.2 does not.
func isTruthWord(word string) bool {
	switch word {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return true
	}
	return false
}

// truthOf is what a word is to Helm.
func truthOf(word string) bool {
	return slices.Contains([]string{"y", "yes", "on"}, strings.ToLower(word))
}

func isCountryKey(key string) bool {
	return strings.Contains(strings.ToLower(key), "country")
}

func isLanguageKey(key string) bool {
	key = strings.ToLower(strings.Trim(key, `"' `))
	return key == "lang" || key == "locale" || strings.HasSuffix(key, "language")
}

// valuesLook looks at one values.yaml.
type valuesLook struct {
	pass *rule.Pass
	at   helmchart.Source
}

func (l valuesLook) read(data []byte, words bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if decoder.Decode(&first) != nil {
		return // keys that are there twice pass; anything else keeps Helm from loading it
	}
	if words {
		l.walk(&first, 0)
	}
	for decoder.Decode(&second) == nil {
		if len(second.Content) == 0 || second.Content[0].Kind == yaml.ScalarNode && second.Content[0].ShortTag() == "!!null" {
			continue
		}
		line := separatorBefore(data, second.Content[0].Line)
		message := "a second document begins here, which Helm 3 does not read: what it sets has no effect"
		if len(first.Content) == 0 || first.Content[0].Kind == yaml.ScalarNode && first.Content[0].ShortTag() == "!!null" {
			message = "the first document is empty, and Helm 3 reads no other: nothing in this file has an effect"
		}
		l.report(rule.Found("second-document"), line, 1, message, "put all values into one document: remove this line, or what is behind it")
		return
	}
}

// separatorBefore is the line, from 1, of the last separator of documents up to a line.
func separatorBefore(data []byte, upTo int) int {
	found, number := upTo, 0
	for line := range bytes.Lines(data) {
		if number++; number > upTo {
			break
		}
		if bytes.HasPrefix(line, []byte("---")) {
			found = number
		}
	}
	return found
}

// maxValuesDepth ends what no values.yaml has; Helm has read the file by now.
const maxValuesDepth = 100

func (l valuesLook) walk(node *yaml.Node, depth int) {
	if depth > maxValuesDepth {
		return
	}
	switch node.Kind {
	case yaml.DocumentNode:
		for _, child := range node.Content {
			l.walk(child, depth+1)
		}
	case yaml.SequenceNode:
		l.list(node)
		for _, child := range node.Content {
			l.walk(child, depth+1)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if isPlainTruth(key) {
				l.report(rule.Found("truth-key", key.Value), key.Line, key.Column,
					fmt.Sprintf("to Helm the key %s is %v, without quotes: the value gets the name %q, and none is called %q", key.Value, truthOf(key.Value), fmt.Sprint(truthOf(key.Value)), key.Value),
					fmt.Sprintf("put it in quotes: %q:", key.Value))
			}
			if isPlainTruth(value) && (isCountryKey(key.Value) || isLanguageKey(key.Value)) && len(value.Value) == 2 {
				l.text(value)
			}
			l.walk(value, depth+1)
		}
	}
}

// list reports the words in a list that has other texts besides.
func (l valuesLook) list(node *yaml.Node) {
	texts := slices.ContainsFunc(node.Content, func(element *yaml.Node) bool {
		return element.Kind == yaml.ScalarNode && element.ShortTag() == "!!str" && !isPlainTruth(element)
	})
	letters := len(node.Content) > 1 && !slices.ContainsFunc(node.Content, func(element *yaml.Node) bool { return len(element.Value) != 1 })
	if !texts && !letters {
		return
	}
	for _, element := range node.Content {
		if isPlainTruth(element) {
			l.text(element)
		}
	}
}

func (l valuesLook) text(node *yaml.Node) {
	l.report(rule.Found("truth-text", node.Value), node.Line, node.Column,
		fmt.Sprintf("to Helm %s is no text but %v, without quotes", node.Value, truthOf(node.Value)), fmt.Sprintf("put it in quotes: %q", node.Value))
}

func isPlainTruth(node *yaml.Node) bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	return node.Kind == yaml.ScalarNode && node.Style&quoted == 0 && isTruthWord(node.Value)
}

func (l valuesLook) report(id rule.Identity, line, column int, message, hint string) {
	if l.at.Inside != "" {
		l.pass.InSource(id, l.at, 0, fmt.Sprintf("%s: line %d: %s", path.Base(l.at.Inside), line, message), hint)
		return
	}
	l.pass.Report(id, l.pass.Severity(), rule.Finding{File: l.at.File, Range: diagnostic.At(line, column), Message: message, Hint: hint, Excerpt: excerpt.Line(l.at.Text, line, line)})
}
