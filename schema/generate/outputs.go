package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/status"
	"github.com/ksrelease/ksrelease/schema"
)

// wordTypes are the types of which a value is one of a few words.
var wordTypes = map[reflect.Type][]any{
	reflect.TypeFor[results.Outcome]():     wordsOf(results.Outcomes()),
	reflect.TypeFor[results.StageStatus](): wordsOf([]results.StageStatus{results.StageStarted, results.StageOK, results.StagePlanned, results.StageSkipped, results.StageFailed}),
	reflect.TypeFor[results.AnnouncementStatus](): wordsOf([]results.AnnouncementStatus{
		results.AnnouncementPlanned, results.AnnouncementSent, results.AnnouncementFailed,
	}),
	reflect.TypeFor[results.EventKind](): wordsOf([]results.EventKind{
		results.EventRunStarted, results.EventStageStarted, results.EventStageFinished, results.EventDecided, results.EventPlanned, results.EventNote, results.EventWarning,
		results.EventTargetEnded, results.EventEnded, results.EventHookStarted, results.EventHookFinished, results.EventRunFinished,
	}),
}

func wordsOf[T ~string](all []T) (some []any) {
	for _, word := range all {
		some = append(some, string(word))
	}
	return some
}

// outputSchemas are the schemas of what commands print as JSON, by their files.
func outputSchemas(root string) (map[string][]byte, error) {
	comments, err := outputComments(root)
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for _, output := range []struct {
		name, title, description string
		value                    any
	}{
		{"result", "ksrelease result document", "What came of a run, as --report FILE.json writes it. Fields may be added; none is renamed, and none gets another meaning.", &results.Document{}},
		{"event", "ksrelease event", "A line of --output json of run, lint and package. The last one, run-finished, has the whole result document.", &report.EventLine{}},
		{"status", "ksrelease status", "What ksrelease status --output json prints. Fields may be added; none is renamed, and none gets another meaning.", &status.Document{}},
	} {
		made := outputSchema(output.value, comments)
		made.ID, made.Title, made.Description = jsonschema.ID(strings.Replace(schema.ID, "ksrelease.schema", output.name+".schema", 1)), output.title, output.description
		data, err := render(made)
		if err != nil {
			return nil, fmt.Errorf("the schema of %s: %w", output.name, err)
		}
		all["schema/"+output.name+".schema.json"] = data
	}
	return all, nil
}

// outputSchema is the schema of a value of which readers may know less than there is: further
// fields are allowed, since later versions add some.
func outputSchema(value any, comments map[string]string) *jsonschema.Schema {
	reflector := jsonschema.Reflector{
		AllowAdditionalProperties: true, Namer: definitionOf, ExpandedStruct: true,
		LookupComment: func(t reflect.Type, field string) string { return comments[t.String()+"."+field] },
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if all := wordTypes[t]; all != nil {
				return &jsonschema.Schema{Type: "string", Enum: all}
			}
			return nil
		},
	}
	made := reflector.Reflect(value)
	of := reflect.TypeOf(value).Elem()
	delete(made.Definitions, definitionOf(of))
	allowNull(made, made.Definitions, of, map[reflect.Type]bool{})
	return made
}

// allowNull lets those fields be null that are: pointers that are written though there is nothing. A
// list is never null, so that readers can go through it.
func allowNull(at *jsonschema.Schema, definitions jsonschema.Definitions, structure reflect.Type, done map[reflect.Type]bool) {
	if done[structure] {
		return
	}
	done[structure] = true
	for _, field := range reflect.VisibleFields(structure) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property, ok := at.Properties.Get(name)
		if !ok {
			continue
		}
		if field.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omitempty") {
			described := property.Description
			property.Description = ""
			at.Properties.Set(name, &jsonschema.Schema{Description: described, AnyOf: []*jsonschema.Schema{property, {Type: "null"}}})
		}
		below := field.Type
		for below.Kind() == reflect.Pointer || below.Kind() == reflect.Slice || below.Kind() == reflect.Map {
			below = below.Elem()
		}
		if definition := definitions[definitionOf(below)]; definition != nil && below.Kind() == reflect.Struct {
			allowNull(definition, definitions, below, done)
		}
	}
}

// outputComments are the comments of the fields of what commands print.
func outputComments(root string) (map[string]string, error) {
	var sources []string
	for _, folder := range []string{"results", "report", "status"} {
		files, err := filepath.Glob(filepath.Join(root, "internal", folder, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				sources = append(sources, file)
			}
		}
	}
	return fieldComments(sources)
}
