package lint

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// field is the value of a top-level field of extension.yaml as it is written, of
// whatever type; nil where there is none.
func (pass *subject) field(name string) any {
	fields, _ := pass.ext.Document.Value().(map[string]any)
	return fields[name]
}

// entry is a mapping within a field of extension.yaml.
type entry struct {
	Fields  map[string]any
	Pointer []string
	// Language is the key under which it stands, in provider; else empty.
	Language string
}

// entries are the mappings in a list of extension.yaml. Items of another type
// are left out: the rule schema tells them.
func (pass *subject) entries(field string) []entry {
	items, _ := pass.field(field).([]any)
	var list []entry
	for i, item := range items {
		if fields, ok := item.(map[string]any); ok {
			list = append(list, entry{Fields: fields, Pointer: []string{field, strconv.Itoa(i)}})
		}
	}
	return list
}

// providers are the entries of provider, by language.
func (pass *subject) providers() []entry {
	byLanguage, _ := pass.field("provider").(map[string]any)
	var list []entry
	for _, language := range sortedKeys(byLanguage) {
		if fields, ok := byLanguage[language].(map[string]any); ok {
			list = append(list, entry{Fields: fields, Pointer: []string{"provider", language}, Language: language})
		}
	}
	return list
}

// text is a field of the entry; empty where it is no text.
func (e entry) text(field string) string {
	text, _ := e.Fields[field].(string)
	return text
}

// texts is a list of texts of the entry.
func (e entry) texts(field string) []string {
	items, _ := e.Fields[field].([]any)
	var list []string
	for _, item := range items {
		if text, ok := item.(string); ok {
			list = append(list, text)
		}
	}
	return list
}

// at is the pointer to a field of the entry.
func (e entry) at(field ...string) []string {
	return append(append([]string(nil), e.Pointer...), field...)
}

// named reports whether the entry has a name, or one of another type or under a
// misspelt key, which the rule schema tells.
func (pass *subject) named(e entry) bool {
	if value := e.Fields["name"]; value != nil {
		name, isText := value.(string)
		return !isText || strings.TrimSpace(name) != ""
	}
	if !pass.isOn("schema") {
		return false
	}
	for key := range e.Fields {
		if _, slip := yamldoc.Nearest(key, []string{"name"}); slip && key != "name" {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// text is a decoded value that is a text; empty for any other.
func text(value any) string {
	s, _ := value.(string)
	return s
}
