package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/configfile"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/schema"
)

// anyReference lets ${NAME}, with a default or without, stand in for a value of a
// closed set: what the variable holds is checked once it is put in.
const anyReference = `\$\{[A-Za-z_][A-Za-z0-9_]*(:?-[^}]*)?\}`

// newSchema makes the schema of configfile.File; sources are the files that declare it,
// for their comments.
func newSchema(sources ...string) (*jsonschema.Schema, error) {
	comments, err := fieldComments(sources)
	if err != nil {
		return nil, err
	}
	reflector := jsonschema.Reflector{
		ExpandedStruct:             true,
		RequiredFromJSONSchemaTags: true,
		Namer:                      definitionOf,
		LookupComment:              func(t reflect.Type, field string) string { return comments[t.String()+"."+field] },
	}
	root := reflector.Reflect(&configfile.File{})
	root.ID = jsonschema.ID(schema.ID)
	root.Title = "ksrelease config"
	root.Description = config.Name + ": what ksrelease releases from this repository, and how."
	if err := refine(root, root.Definitions, reflect.TypeFor[configfile.File](), map[reflect.Type]bool{}); err != nil {
		return nil, err
	}
	delete(root.Definitions, definitionOf(reflect.TypeFor[configfile.File]()))
	root.Definitions["rules"], root.Definitions["severity"] = rules(), severity()
	return root, nil
}

// rules is the schema of lint.rules: the names that lint has, so that a misspelt
// one is reported while config need not know lint.
func rules() *jsonschema.Schema {
	named := jsonschema.NewProperties()
	var names []string
	for _, rule := range lint.Rules() {
		names = append(names, rule.Name)
		named.Set(rule.Name, &jsonschema.Schema{
			Ref: "#/$defs/severity", Description: rule.Summary, Default: string(rule.Default),
		})
	}
	return &jsonschema.Schema{
		Type: "object", Properties: named, AdditionalProperties: jsonschema.FalseSchema,
		Extras: map[string]any{"unknownKeyHint": "the rules are " + strings.Join(names, ", ")},
	}
}

func severity() *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	addEnum(s, string(lint.Off), string(lint.Info), string(lint.Warning), string(lint.Error))
	return s
}

// addEnum lets a property have one of some values, or a reference to one.
func addEnum(property *jsonschema.Schema, words ...string) {
	enum := &jsonschema.Schema{}
	for _, word := range words {
		enum.Enum = append(enum.Enum, word)
	}
	property.AnyOf = []*jsonschema.Schema{enum, {Pattern: anyReference}}
}

// fieldComments reads what stands above the fields of structs, or else behind them, by
// package.Type.Field, each in one line.
func fieldComments(sources []string) (map[string]string, error) {
	comments := map[string]string{}
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("reading the comments of types: %w", err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			declared, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			structure, ok := declared.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, field := range structure.Fields.List {
				text := cmp.Or(field.Doc.Text(), field.Comment.Text())
				for _, name := range field.Names {
					comments[file.Name.Name+"."+declared.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
				}
			}
			return false
		})
	}
	return comments, nil
}

// refine adds to the schema of a struct what its tags say and the reflector does
// not know, and goes on with the structs below it. done are those that have been gone through.
func refine(at *jsonschema.Schema, definitions jsonschema.Definitions, structure reflect.Type, done map[reflect.Type]bool) error {
	if done[structure] {
		return nil
	}
	done[structure] = true
	for _, field := range reflect.VisibleFields(structure) {
		if field.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		property, ok := at.Properties.Get(name)
		if !ok {
			return fmt.Errorf("the schema has no key %q for %s.%s", name, structure.Name(), field.Name)
		}
		if property.Description == "" && structure != reflect.TypeFor[configfile.Settings]() {
			return fmt.Errorf("%s.%s has no comment to describe it", structure.Name(), field.Name)
		}
		switch need := field.Tag.Get("need"); need {
		case "":
		case "true":
			at.Required = append(at.Required, name)
		default:
			at.AnyOf = []*jsonschema.Schema{{Required: []string{name}}, {Required: []string{need}}}
			without := jsonschema.NewProperties()
			without.Set(name, &jsonschema.Schema{Not: &jsonschema.Schema{}, Extras: map[string]any{
				"errorMessage": fmt.Sprintf("%q stands in place of it", need),
			}})
			at.DependentSchemas = map[string]*jsonschema.Schema{need: {Properties: without}}
		}
		if err := applyTags(property, field.Tag); err != nil {
			return fmt.Errorf("tags of %s.%s: %w", structure.Name(), field.Name, err)
		}
		if field.Tag.Get("alone") != "" { // a keyword of one type says nothing of the other
			at.Type, at.Pattern = "", property.Pattern
			at.Extras = map[string]any{"type": []string{"string", "object"}, "patternErrorMessage": field.Tag.Get("say")}
		}
		below := field.Type
		for below.Kind() == reflect.Pointer || below.Kind() == reflect.Slice {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct {
			definition := definitions[definitionOf(below)]
			if err := refine(definition, definitions, below, done); err != nil {
				return err
			}
		}
	}
	if structure == reflect.TypeFor[configfile.Target]() {
		return unite(at, definitions, structure)
	}
	return nil
}

// unite makes of the schema of a struct with a field for each kind that of a mapping whose keys go
// by its key "kind".
func unite(union *jsonschema.Schema, definitions jsonschema.Definitions, structure reflect.Type) error {
	var kinds, shown []any
	holders := map[string][]string{} // the kinds that have a key
	for field := range structure.Fields() {
		name := field.Tag.Get("kind")
		described, _ := union.Properties.Get(name)
		kinds, shown = append(kinds, name), append(shown, described.Description)
		below := definitions[definitionOf(field.Type.Elem())]
		for pair := below.Properties.Oldest(); pair != nil; pair = pair.Next() {
			holders[pair.Key] = append(holders[pair.Key], name)
		}
	}
	head := jsonschema.NewProperties()
	for _, name := range kinds {
		below := definitions[name.(string)+"target"]
		if below == nil {
			return fmt.Errorf("the type of kind %s is not called after it, with Target behind it", name)
		}
		hints := map[string]any{}
		for key, having := range holders {
			if _, own := below.Properties.Get(key); !own {
				hints[key] = fmt.Sprintf("%q is a key of kind %s", key, strings.Join(having, ", "))
			}
		}
		below.Extras = map[string]any{"unknownKeyHints": hints}
		kind, _ := below.Properties.Get("kind")
		title, _ := below.Properties.Get("name")
		head.Set("kind", &jsonschema.Schema{
			Type: "string", Enum: kinds, Description: kind.Description, Examples: []any{"directory"},
			Extras: map[string]any{"enumDescriptions": shown},
		})
		head.Set("name", title)
		kind.Type, kind.Const = "", name
		is := jsonschema.NewProperties()
		is.Set("kind", &jsonschema.Schema{Const: name})
		union.AllOf = append(union.AllOf, &jsonschema.Schema{
			If:   &jsonschema.Schema{Properties: is, Required: []string{"kind"}},
			Then: &jsonschema.Schema{Ref: "#/$defs/" + name.(string) + "target"},
		})
	}
	union.Properties, union.Required, union.AdditionalProperties = head, []string{"kind"}, nil
	return nil
}

// definitionOf is the name of the schema of a type.
func definitionOf(t reflect.Type) string {
	return strings.ToLower(t.Name())
}

// applyTags gives a property what its tags say; internal/configfile explains them.
func applyTags(property *jsonschema.Schema, tag reflect.StructTag) error {
	extras := map[string]any{}
	if text, ok := tag.Lookup("const"); ok {
		property.Type = ""
		property.Const = json.Number(text)
	}
	if text, ok := tag.Lookup("enum"); ok {
		addEnum(property, strings.Fields(text)...)
	}
	if keys, ok := tag.Lookup("keys"); ok {
		property.Type, property.AdditionalProperties = "", nil
		property.Ref = "#/$defs/" + keys
	}
	text, ok := tag.Lookup("pattern")
	if like, named := tag.Lookup("like"); named {
		text, ok = map[string]string{
			"duration": config.DurationPattern, "tag": config.TagPattern, "variable": config.VariablePattern,
			"platform": config.PlatformPattern, "image": config.ImagePattern, "rename": config.RenamePattern,
		}[like]
		if !ok {
			return fmt.Errorf("nothing is like %q", like)
		}
	}
	if ok && property.Type == "array" { // it is that of the items, and so are the words
		property.Items.Pattern = text + "|" + anyReference
		property.Items.Extras = map[string]any{"patternErrorMessage": tag.Get("say")}
	} else if ok && tag.Get("verbatim") != "" {
		property.Pattern = text
	} else if ok {
		property.Pattern = text + "|" + anyReference
	}
	if text, ok := tag.Lookup("say"); ok && (property.Items == nil || property.Items.Pattern == "") {
		if property.Pattern != "" {
			extras["patternErrorMessage"] = text
		} else {
			extras["errorMessage"] = text
		}
	}
	if text, ok := tag.Lookup("types"); ok {
		property.Type = ""
		extras["type"] = strings.Fields(text)
	}
	if err := applyBounds(property, tag); err != nil {
		return err
	}
	if text, ok := tag.Lookup("default"); ok {
		property.Default = literal(property, text)
	}
	if text, ok := tag.Lookup("example"); ok {
		property.Examples = examples(property, text)
	}
	if len(extras) > 0 {
		property.Extras = extras
	}
	return nil
}

func applyBounds(property *jsonschema.Schema, tag reflect.StructTag) error {
	if text, ok := tag.Lookup("min"); ok {
		least, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("min: %w", err)
		}
		switch property.Type {
		case "string":
			property.MinLength = &least
		case "array":
			property.MinItems = &least
		default:
			property.Minimum = json.Number(text)
		}
	}
	if text, ok := tag.Lookup("max"); ok {
		property.Maximum = json.Number(text)
	}
	if text, ok := tag.Lookup("itemmin"); ok {
		least, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("itemmin: %w", err)
		}
		property.Items.MinLength = &least
	}
	return nil
}

// literal is a default or example in the type of its property.
func literal(property *jsonschema.Schema, text string) any {
	if property.Type == "string" {
		return text
	}
	switch property.Type {
	case "boolean":
		return text == "true"
	case "array":
		var items []any
		for _, item := range strings.Fields(text) {
			items = append(items, item)
		}
		return items
	}
	if _, err := strconv.Atoi(text); err == nil {
		return json.Number(text)
	}
	return text
}

func examples(property *jsonschema.Schema, text string) []any {
	var all []any
	for example := range strings.SplitSeq(text, " | ") {
		if property.Type == "array" {
			all = append(all, []any{example})
			continue
		}
		all = append(all, literal(property, example))
	}
	return all
}

// render is the schema as the file that is committed: keys in the order of the
// types, and no HTML escapes in patterns.
func render(schema *jsonschema.Schema) ([]byte, error) {
	data, err := json.Marshal(schema)
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "", "  "); err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	indented.WriteByte('\n')
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(indented.String())
	return []byte(plain), nil
}
