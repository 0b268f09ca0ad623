package rule

import (
	"strconv"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Field is the value of a top-level field of extension.yaml as it is written, of
// whatever type; nil where there is none.
func (p *Pass) Field(name string) any {
	fields, _ := p.Ext.Document.Value().(map[string]any)
	return fields[name]
}

// HasField reports whether extension.yaml has a top-level field.
func (p *Pass) HasField(name string) bool {
	fields, _ := p.Ext.Document.Value().(map[string]any)
	_, ok := fields[name]
	return ok
}

// IsText reports whether extension.yaml has a top-level field, and text in it.
func (p *Pass) IsText(name string) bool {
	_, ok := p.Field(name).(string)
	return ok
}

// Entry is a mapping within a field of extension.yaml.
type Entry struct {
	Fields  map[string]any
	Pointer []string
	// Language is the key under which it stands, in provider; else empty.
	Language string
}

// Entries are the mappings in a list of extension.yaml. Items of another type
// are left out: the rule schema reports them.
func (p *Pass) Entries(field string) []Entry {
	items, _ := p.Field(field).([]any)
	var list []Entry
	for i, item := range items {
		if fields, ok := item.(map[string]any); ok {
			list = append(list, Entry{Fields: fields, Pointer: []string{field, strconv.Itoa(i)}})
		}
	}
	return list
}

// Providers are the entries of provider, by language.
func (p *Pass) Providers() []Entry {
	byLanguage, _ := p.Field("provider").(map[string]any)
	var list []Entry
	for _, language := range SortedKeys(byLanguage) {
		if fields, ok := byLanguage[language].(map[string]any); ok {
			list = append(list, Entry{Fields: fields, Pointer: []string{"provider", language}, Language: language})
		}
	}
	return list
}

// IsNamed reports whether an entry has a name, or one of another type or under a
// misspelt key, which the rule schema reports.
func (p *Pass) IsNamed(e Entry) bool {
	if value := e.Fields["name"]; value != nil {
		name, isText := value.(string)
		return !isText || strings.TrimSpace(name) != ""
	}
	if !p.IsOn("schema") {
		return false
	}
	for key := range e.Fields {
		if _, slip := yamldoc.Nearest(key, []string{"name"}); slip && key != "name" {
			return true
		}
	}
	return false
}

// Text is a field of the entry; empty where it is no text.
func (e Entry) Text(field string) string { return Text(e.Fields[field]) }

// Texts is a list of texts of the entry.
func (e Entry) Texts(field string) []string {
	items, _ := e.Fields[field].([]any)
	var list []string
	for _, item := range items {
		if text, ok := item.(string); ok {
			list = append(list, text)
		}
	}
	return list
}

// At is the pointer to a field of the entry.
func (e Entry) At(field ...string) []string {
	return append(append([]string(nil), e.Pointer...), field...)
}

// AssetReference is a value of icon or screenshots.
type AssetReference struct {
	Text    string
	Pointer []string
}

// Field is icon or screenshots; empty for the zero value.
func (r AssetReference) Field() string {
	if len(r.Pointer) == 0 {
		return ""
	}
	return r.Pointer[0]
}

// AssetReferences are the values of icon or screenshots.
func (p *Pass) AssetReferences(field string) []AssetReference {
	switch v := p.Field(field).(type) {
	case string:
		return []AssetReference{{v, []string{field}}}
	case []any:
		var list []AssetReference
		for i, element := range v {
			if ref, ok := element.(string); ok {
				list = append(list, AssetReference{ref, []string{field, strconv.Itoa(i)}})
			}
		}
		return list
	}
	return nil
}

// AssetAt is the reference to an asset that stands where a problem is; the zero value
// where that is in another field.
func (p *Pass) AssetAt(problem diagnostic.Diagnostic) AssetReference {
	for _, field := range [...]string{"icon", "screenshots"} {
		for _, ref := range p.AssetReferences(field) {
			if line, column := p.Ext.Document.Place(ref.Pointer...); problem.Range.Start == (diagnostic.Position{Line: line, Column: column}) {
				return ref
			}
		}
	}
	return AssetReference{}
}

// IsTemplate reports whether Helm takes a file for a template of a chart.
func IsTemplate(name string) bool {
	return strings.HasPrefix(name, "templates/") || strings.Contains(name, "/templates/")
}

// FetchPointers is the hint for a file that is a pointer of Git LFS.
const FetchPointers = "run `git lfs pull`, and let CI check out with LFS, too"
