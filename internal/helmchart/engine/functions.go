package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
	yamlv3 "sigs.k8s.io/yaml/goyaml.v3"
)

// functions are those that templates can call: sprig's without those that ask the
// machine, and Helm's own. include and tpl are bound to a set of templates (see bind).
//
// There is no cluster, so lookup finds nothing, as with `helm template`.
func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	own := template.FuncMap{
		"getHostByName": func(string) string { return "" },
		"lookup":        func(_, _, _, _ string) (map[string]any, error) { return map[string]any{}, nil },

		"fail":     func(message string) (string, error) { return "", &refusal{message} },
		"required": required,
		"include":  func(string, any) (string, error) { return "", nil },
		"tpl":      func(string, any) (string, error) { return "", nil },

		"toYaml":        toYAML,
		"toYamlPretty":  toYAMLPretty,
		"fromYaml":      mapping(yamlInto),
		"fromYamlArray": list(yamlInto),
		"toJson":        toJSON,
		"fromJson":      mapping(json.Unmarshal),
		"fromJsonArray": list(json.Unmarshal),
		"toToml":        toTOML,
		"fromToml":      mapping(toml.Unmarshal),
	}
	maps.Copy(all, own)
	return all
}

// refusal is what a chart itself says against its values.
type refusal struct{ message string }

func (r *refusal) Error() string { return r.message }

// required hands a value on, unless it is nothing or an empty text.
func required(message string, value any) (any, error) {
	if value == nil || value == "" {
		return value, &refusal{message}
	}
	return value, nil
}

// atWork is what one rendering has at work. One goroutine uses it.
type atWork struct {
	// depth counts how deep each template is at work at the moment, by name.
	depth map[string]int
	// nested is how many are at work, all together.
	nested int
	// texts are those that nobody writes to at the moment, with the memory that they have had.
	texts []*bytes.Buffer
	// included is what was rendered before.
	included included
}

// write gives what somebody writes, as a text of its own.
func (w *atWork) write(by func(to io.Writer) error) (string, error) {
	text := &bytes.Buffer{}
	if last := len(w.texts) - 1; last >= 0 {
		text, w.texts = w.texts[last], w.texts[:last]
	}
	text.Reset()
	err := by(text)
	w.texts = append(w.texts, text)
	return text.String(), err
}

// maxIncludes is how often a template can include itself, by whatever way.
const maxIncludes = 1000

// bind gives a set of templates the two functions that render others of it.
func bind(set *template.Template, at *atWork) {
	set.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) { return include(set, at, name, data) },
		"tpl":     func(text string, data any) (string, error) { return tpl(set, at, text, data) },
	})
}

func include(set *template.Template, at *atWork, name string, data any) (string, error) {
	if at.depth[name] > maxIncludes {
		return "", fmt.Errorf("rendering template has a nested reference name: %s: unable to execute template", name)
	}
	as, keep := at.included.of(set, name, data)
	if keep = keep && at.nested < maxIncludes; keep { // deeper it might end with the error
		if text, ok := at.included.texts[as]; ok {
			return text, nil
		}
	}
	at.depth[name]++
	at.nested++
	text, err := at.write(func(to io.Writer) error { return set.ExecuteTemplate(to, name, data) })
	at.nested--
	at.depth[name]--
	if keep && err == nil {
		at.included.keep(as, text)
	}
	return text, err
}

// tpl renders a text that may include all templates of the set. What it defines is there
// for itself alone, and for what it renders by tpl in turn.
func tpl(set *template.Template, at *atWork, text string, data any) (string, error) {
	if !strings.Contains(text, "{{") {
		return withoutNoValue(text), nil // most values are no templates, and a clone is dear
	}
	clone, err := set.Clone()
	if err != nil {
		return "", fmt.Errorf("cannot clone template: %w", err)
	}
	bind(clone, at)
	// A new template, of the same name: parsing a text of definitions alone would leave
	// what the old one renders.
	parsed, err := clone.New(set.Name()).Parse(text)
	if err != nil {
		return "", fmt.Errorf("cannot parse template %q: %w", text, err)
	}
	rendered, err := at.write(func(to io.Writer) error { return parsed.Execute(to, data) })
	if err != nil {
		return "", fmt.Errorf("error during tpl function execution for %q: %w", text, err)
	}
	return withoutNoValue(rendered), nil
}

// What cannot be written is an empty text, but for TOML.

func toYAML(value any) string {
	if text, ok := plainYAML(value); ok {
		return text
	}
	data, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

func toYAMLPretty(value any) string {
	var data bytes.Buffer
	encoder := yamlv3.NewEncoder(&data)
	encoder.SetIndent(2)
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSuffix(data.String(), "\n")
}

func toJSON(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(data)
}

func toTOML(value any) string {
	var data bytes.Buffer
	if err := toml.NewEncoder(&data).Encode(value); err != nil {
		return err.Error()
	}
	return data.String()
}

// unmarshal reads a text into what a pointer leads to.
type unmarshal func(data []byte, into any) error

func yamlInto(data []byte, into any) error { return yaml.Unmarshal(data, into) }

// mapping reads a text as a mapping. What is wrong with it is in there, under Error.
func mapping(read unmarshal) func(string) map[string]any {
	return func(text string) map[string]any {
		value := map[string]any{}
		if err := read([]byte(text), &value); err != nil {
			value["Error"] = err.Error()
		}
		return value
	}
}

// list reads a text as a list. What is wrong with it is its one element.
func list(read unmarshal) func(string) []any {
	return func(text string) []any {
		value := []any{}
		if err := read([]byte(text), &value); err != nil {
			value = []any{err.Error()}
		}
		return value
	}
}
