package helmrepo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/helmrepo/quickentry"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// wireIndex and wireEntry are the fields that a release needs, read from YAML with
// versions as they are written: sigs.k8s.io/yaml makes 1.1 of 1.10.
type wireIndex struct {
	APIVersion string                 `yaml:"apiVersion"`
	Entries    map[string][]wireEntry `yaml:"entries"`
}

type wireEntry struct {
	Name        string            `yaml:"name"`
	Version     string            `yaml:"version"`
	Digest      string            `yaml:"digest"`
	URLs        []string          `yaml:"urls"`
	Annotations map[string]string `yaml:"annotations"`
	Created     string            `yaml:"created"`
}

func (w wireEntry) entry() Entry {
	created, _ := time.Parse(time.RFC3339Nano, w.Created)
	return Entry{OwnName: w.Name, Version: w.Version, Digest: w.Digest, URLs: w.URLs, Annotations: w.Annotations, Created: created}
}

// readWhole reads an index in a layout that cannot be read entry by entry.
func (r *reader) readWhole(body []byte) error {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if err := refuseTooMuch(body); err != nil {
		return &LayoutError{Cause: err.Error()}
	}
	file, err := decode(body)
	if err == nil {
		r.apiVersion, r.nothing = file.APIVersion, false
		for chart, versions := range file.Entries {
			for _, version := range versions {
				r.take(chart, version, 0)
			}
		}
		return nil
	}
	wire, failed := decodeLean(body)
	if failed != nil {
		return failed
	}
	r.apiVersion, r.nothing = wire.APIVersion, false
	for chart, versions := range wire.Entries {
		for _, version := range versions {
			entry := version.entry()
			r.index.entries.add(chart, entry.record())
		}
	}
	r.index.refuse(locate(body, err))
	return nil
}

// decodeLean reads what a release needs of an index, and nothing else.
func decodeLean(body []byte) (wire wireIndex, err error) {
	if err := refuseTooMuch(body); err != nil {
		return wire, err
	}
	err = yaml.Unmarshal(body, &wire)
	var shape *yaml.TypeError
	switch {
	case errors.As(err, &shape) && len(shape.Errors) > 0:
		err = fmt.Errorf("it is no Helm index: %s", plainShape(shape.Errors[0]))
	case err != nil:
		err = fmt.Errorf("it is no YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return wire, err
}

// noAPIVersion is why Helm refuses an index (repo.ErrNoAPIVersion).
const noAPIVersion = "it has no apiVersion"

// indexField is a field at the top of an index, in YAML or JSON, which is
// nothing that a page or another document has.
var indexField = lazyregexp.New(`(?m)^\x{FEFF}?["']?(?i:entries)["']?[ \t]*:|\A\x{FEFF}?\s*\{(?s:.*?)"(?i:entries)"\s*:`)

// looksLikeIndex says whether what cannot be read is meant as an index: then the
// address is right, and the index is what has to be corrected.
func looksLikeIndex(body []byte) bool { return indexField.Match(body) }

// broken is why an index cannot be read at all, with the entry and the line where
// the reader of YAML stopped. A LayoutError says that by itself.
func broken(body []byte, err error) error {
	var layout *LayoutError
	if errors.As(err, &layout) {
		return err
	}
	refused := &Refused{Cause: err.Error()}
	if kind, rest, found := strings.Cut(refused.Cause, ": line "); found {
		if number, cause, found := strings.Cut(rest, ": "); found {
			refused.Line, _ = strconv.Atoi(number)
			refused.Cause = kind + ": " + cause
		}
	}
	refused.Chart = chartAround(body, refused.Line)
	return refused
}

// chartAround is the chart in whose entries a line stands, from 1; empty where that
// is not seen in the indentation. The text is no YAML, so no library can say it.
func chartAround(body []byte, number int) string {
	chart, indentation := "", 0
	inside := false
	for i, line := range strings.Split(string(body), "\n") {
		if i >= number {
			break
		}
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		text = strings.TrimRight(text, " \r")
		switch {
		case text == "" || text[0] == '#':
			continue
		case indent == 0 && !quickentry.IsItem([]byte(text)):
			key, found := strings.CutSuffix(text, ":")
			inside, chart, indentation = found && strings.EqualFold(string(unquoted([]byte(key))), "entries"), "", 0
			continue
		case !inside:
			continue
		case indentation == 0 && indent > 0:
			indentation = indent
		}
		if key, found := strings.CutSuffix(text, ":"); indent == indentation && found && !quickentry.IsItem([]byte(text)) {
			chart = string(unquoted([]byte(key)))
		}
	}
	return chart
}

var shapeError = lazyregexp.New(`^(line \d+): cannot unmarshal !!(\w+)`)

// plainShape says an error of the YAML library in words of YAML: it speaks of
// types of Go.
func plainShape(text string) string {
	if found := shapeError.FindStringSubmatch(text); found != nil {
		kind := map[string]string{"map": "a mapping", "seq": "a list", "str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "null": "nothing"}[found[2]]
		if kind == "" {
			kind = "a value"
		}
		return found[1] + ": " + kind + " stands where something else belongs"
	}
	if line, rest, found := strings.Cut(text, ": "); found && strings.Contains(rest, "already defined") {
		return line + ": " + rest
	}
	return "another shape"
}

// tooComplex is text that would take a library more memory than an index is worth.
type tooComplex struct{ text string }

func (e *tooComplex) Error() string { return e.text }

// refuseTooMuch refuses text of which a YAML library would make too much: every value
// takes it some hundred bytes, and aliases multiply what they name.
func refuseTooMuch(text []byte) error {
	parts, aliases := 0, false
	for i, c := range text {
		switch c {
		case '\n', ',', '[', ']', '{', '}', ':', '?', '&':
			parts++
		case '-':
			if i+1 < len(text) && (text[i+1] == ' ' || text[i+1] == '\n') {
				parts++
			}
		case '*':
			aliases = aliases || i+1 < len(text) && strings.IndexByte(" \n,]}*", text[i+1]) < 0
		}
	}
	if parts > partsLimit {
		return &tooComplex{fmt.Sprintf("it has more than %d values", partsLimit)}
	}
	if !aliases {
		return nil
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return nil // whoever decodes it says why
	}
	if size, ok := expanded(&node, map[*yaml.Node]int{}); !ok || size > expandedLimit {
		return &tooComplex{fmt.Sprintf("its aliases make more than %d MiB of it", expandedLimit>>20)}
	}
	return nil
}

// expanded is how many bytes a value has about, with its aliases replaced; not ok
// where one is within itself.
func expanded(node *yaml.Node, known map[*yaml.Node]int) (int, bool) {
	const within = -1
	if node.Kind == yaml.AliasNode {
		size, seen := known[node.Alias]
		if seen {
			return size, size != within
		}
		return expanded(node.Alias, known)
	}
	known[node] = within
	size := len(node.Value) + 8
	for _, child := range node.Content {
		more, ok := expanded(child, known)
		if size += more; !ok || size > expandedLimit {
			return size, ok
		}
	}
	known[node] = size
	return size, true
}

// firstKey is the first key of a text, where it is a mapping.
func firstKey(text []byte) (string, bool) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	key, _, found := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
	key = unquoted(bytes.TrimRight(key, " \t"))
	return string(key), found && len(key) > 0 && !bytes.ContainsAny(key, "\"'{[&*!?|>%@`#\\")
}

var (
	lineInText   = lazyregexp.New(`line (\d+): (.*)`)
	twice        = lazyregexp.New(`key "?(.*?)"? already set in map`)
	unknownField = lazyregexp.New(`json: unknown field "(.*)"`)
	fieldInText  = lazyregexp.New(`struct field (?:[A-Za-z]+\.)?([^ ]+) of type`)
)

// describe says why Helm does not load a text, which begins before the given line
// of the index by so many lines as skip; nil where the text is no YAML by itself,
// or goes on in another.
func describe(err error, text []byte, line, skip int) *Refused {
	at := &Refused{Line: line + skip}
	var complex *tooComplex
	if errors.As(err, &complex) {
		at.Cause = complex.text
		return at
	}
	message := err.Error()
	switch {
	case strings.Contains(message, "already set in map"):
		at.HelmAlone = true
		if found := lineInText.FindStringSubmatch(message); found != nil {
			number, _ := strconv.Atoi(found[1])
			at.Line = line + number - 1
		}
		at.Cause = "a field is there twice"
		if found := twice.FindStringSubmatch(message); found != nil {
			at.Cause = found[1] + " is there twice"
		}
		return at
	case strings.Contains(message, "converting YAML to JSON"):
		return nil
	}
	if found := unknownField.FindStringSubmatch(message); found != nil {
		at.Cause, at.HelmAlone = fmt.Sprintf("Helm does not know the field %s", found[1]), true
		at.Line = line + lineOf(text, skip, found[1])
		return at
	}
	if found := fieldInText.FindStringSubmatch(message); found != nil {
		path := strings.Split(fieldOnly(found[1]), ".")
		at.Line = line + lineOf(text, skip, path...)
	} else if strings.Contains(message, "parsing time") {
		at.Line = line + lineOf(text, skip, "created")
	}
	at.Cause = plainCause(err)
	return at
}

// fieldOnly takes from the name of a field what is Helm's: it keeps most of an
// entry in a structure of its own.
func fieldOnly(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, "entries."), "Metadata.")
}

// plainCause is what is wrong with a type, in words of YAML.
func plainCause(err error) string {
	cause := fieldOnly(kubesphere.Plain(err))
	if what, found := strings.CutPrefix(cause, "entries is "); found {
		return "it is " + what
	}
	return cause
}

// lineOf is the number of the line, from 0, in which the last of the fields
// stands, each of them after the one before; that of the first line after those
// that are skipped where they are not found.
func lineOf(text []byte, skip int, path ...string) int {
	lines := strings.Split(string(text), "\n")
	at := skip
	for _, field := range path {
		found := false
		for number := at; number < len(lines) && !found; number++ {
			bare := strings.TrimLeft(lines[number], " -\t{,\"'")
			if len(bare) >= len(field) && strings.EqualFold(bare[:len(field)], field) && strings.HasPrefix(strings.TrimLeft(bare[len(field):], "\"' "), ":") {
				at, found = number, true
			}
		}
		if !found {
			break
		}
	}
	return at
}

// locate finds the entry for which Helm does not load an index.
func locate(body []byte, err error) *Refused {
	whole := explain(err, body, 1, 0)
	if whole == nil {
		whole = &Refused{Cause: kubesphere.Plain(err)}
	}
	var document yaml.Node
	if yaml.Unmarshal(body, &document) != nil || len(document.Content) == 0 {
		return whole
	}
	charts := child(document.Content[0], "entries")
	if charts == nil || charts.Kind != yaml.MappingNode {
		return whole
	}
	for i := 0; i+1 < len(charts.Content); i += 2 {
		chart, versions := charts.Content[i], charts.Content[i+1]
		for _, node := range versions.Content {
			entry, failed := yaml.Marshal(map[string]any{"entries": map[string]any{"x": []*yaml.Node{node}}})
			if failed != nil {
				continue
			}
			_, failed = decode(entry)
			if failed == nil {
				continue
			}
			at := explain(failed, entry, 1, 2)
			if at == nil {
				continue
			}
			at.Chart, at.Line = chart.Value, node.Line
			if version := child(node, "version"); version != nil {
				at.Version = version.Value
			}
			return at
		}
	}
	return whole
}

// child is the value of a key of a mapping; nil where there is none.
func child(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// isNull says whether an entry in JSON is nothing.
func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }
