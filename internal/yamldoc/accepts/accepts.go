// Package accepts says that a value satisfies a JSON Schema (2020-12), without compiling the
// schema. It says yes or nothing: whatever it does not know for certain, and why a value does not
// fit, is for a library that knows all of the standard.
//
// Such a library compiles and checks a schema as a whole. For that of .ksrelease.yaml this took 5 ms
// and 8 MB in each command that read one, although nearly all are as they should be. Here
// only the parts are looked at that a value reaches.
package accepts

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Surely reports that a value satisfies a schema. Both are decoded JSON; numbers of the schema are
// of type json.Number, those of the value int, int64, uint64 or float64. false says nothing.
func Surely(schema, value any) bool {
	return check{root: schema}.value(schema, value, maxDepth) == yes
}

// maxDepth is how deep schemas may lead to others: one may lead back to itself.
const maxDepth = 200

// verdict is what is known of a value.
type verdict int

const (
	unsure verdict = iota
	yes
	no
)

func of(fits bool) verdict {
	if fits {
		return yes
	}
	return no
}

func (v verdict) not() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	}
	return unsure
}

// check holds values to the parts of one schema.
type check struct{ root any }

func (c check) value(schema, value any, depth int) verdict {
	if depth == 0 || typeOf(value) == "" {
		return unsure
	}
	switch s := schema.(type) {
	case bool:
		return of(s)
	case map[string]any:
		result := yes
		for keyword, is := range s {
			switch c.keyword(s, keyword, is, value, depth-1) {
			case no:
				return no
			case unsure:
				result = unsure
			}
		}
		return result
	}
	return unsure
}

// keyword holds a value to one keyword of a schema. Those that it does not know are unsure.
func (c check) keyword(schema map[string]any, keyword string, is, value any, depth int) verdict {
	switch keyword {
	case "$schema", "$id":
		if depth < maxDepth-1 { // further down they change what the rest means
			return unsure
		}
		return yes
	case "$defs", "title", "description", "default", "examples",
		"patternErrorMessage", "errorMessage", "unknownKeyHint", "unknownKeyHints", "enumDescriptions":
		return yes // they ask for nothing
	case "$ref":
		return c.reference(is, value, depth)
	case "type":
		if _, several := is.([]any); several {
			return anyOf(is, func(name any) verdict { return isOf(name, value) })
		}
		return isOf(is, value)
	case "const":
		return equal(is, value)
	case "enum":
		return anyOf(is, func(one any) verdict { return equal(one, value) })
	case "anyOf":
		return anyOf(is, func(one any) verdict { return c.value(one, value, depth) })
	case "allOf":
		return allOf(is, func(one any) verdict { return c.value(one, value, depth) })
	case "not":
		return c.value(is, value, depth).not()
	case "if":
		branch := map[verdict]string{yes: "then", no: "else"}[c.value(is, value, depth)]
		if branch == "" {
			return unsure
		}
		if then, there := schema[branch]; there {
			return c.value(then, value, depth)
		}
		return yes
	case "then", "else":
		if _, there := schema["if"]; !there {
			return unsure
		}
		return yes // with if
	}
	switch v := value.(type) {
	case string:
		return ofText(keyword, is, v)
	case []any:
		return c.ofList(keyword, is, v, depth)
	case map[string]any:
		return c.ofMapping(schema, keyword, is, v, depth)
	}
	return ofScalar(keyword, is, value)
}

// others are the keywords of each type. For values of other types they ask for nothing.
var others = map[string]string{
	"pattern": "string", "minLength": "string", "items": "array", "minItems": "array",
	"properties": "object", "additionalProperties": "object", "required": "object", "minProperties": "object", "dependentSchemas": "object",
	"minimum": "number", "maximum": "number",
}

// ofOther is for keywords that a type does not have.
func ofOther(keyword, own string) verdict {
	if of, known := others[keyword]; known && of != own {
		return yes
	}
	return unsure
}

func ofText(keyword string, is any, text string) verdict {
	switch keyword {
	case "pattern":
		if form := compiled(is); form != nil {
			return of(form.MatchString(text))
		}
		return unsure
	case "minLength":
		return atLeast(is, utf8.RuneCountInString(text))
	}
	return ofOther(keyword, "string")
}

func (c check) ofList(keyword string, is any, list []any, depth int) verdict {
	switch keyword {
	case "items":
		return allOf(list, func(one any) verdict { return c.value(is, one, depth) })
	case "minItems":
		return atLeast(is, len(list))
	}
	return ofOther(keyword, "array")
}

func (c check) ofMapping(schema map[string]any, keyword string, is any, mapping map[string]any, depth int) verdict {
	result := yes
	and := func(v verdict) {
		if v != yes && result != no {
			result = v
		}
	}
	switch keyword {
	case "properties", "dependentSchemas":
		below, ok := is.(map[string]any)
		if !ok {
			return unsure
		}
		for name, value := range mapping {
			if part, there := below[name]; there {
				if keyword == "dependentSchemas" {
					value = mapping
				}
				and(c.value(part, value, depth))
			}
		}
		return result
	case "additionalProperties":
		known, _ := schema["properties"].(map[string]any)
		if _, more := schema["patternProperties"]; more {
			return unsure
		}
		for name, value := range mapping {
			if _, there := known[name]; !there {
				and(c.value(is, value, depth))
			}
		}
		return result
	case "required":
		return allOf(is, func(name any) verdict {
			key, ok := name.(string)
			if !ok {
				return unsure
			}
			_, there := mapping[key]
			return of(there)
		})
	case "minProperties":
		return atLeast(is, len(mapping))
	}
	return ofOther(keyword, "object")
}

func ofScalar(keyword string, is, value any) verdict {
	number := rational(value)
	if number == nil {
		return ofOther(keyword, typeOf(value))
	}
	limit, _ := is.(json.Number)
	bound := rational(limit)
	switch {
	case keyword == "minimum" && bound != nil:
		return of(number.Cmp(bound) >= 0)
	case keyword == "maximum" && bound != nil:
		return of(number.Cmp(bound) <= 0)
	}
	return ofOther(keyword, "number")
}

// reference follows a reference within the schema.
func (c check) reference(is, value any, depth int) verdict {
	address, _ := is.(string)
	path, within := strings.CutPrefix(address, "#/")
	if !within || strings.ContainsAny(path, "~%") {
		return unsure
	}
	part := c.root
	for step := range strings.SplitSeq(path, "/") {
		below, _ := part.(map[string]any)
		part = below[step]
	}
	return c.value(part, value, depth)
}

func anyOf(is any, fits func(one any) verdict) verdict {
	list, ok := is.([]any)
	if !ok {
		return unsure
	}
	result := no
	for _, one := range list {
		switch fits(one) {
		case yes:
			return yes
		case unsure:
			result = unsure
		}
	}
	return result
}

func allOf(is any, fits func(one any) verdict) verdict {
	list, ok := is.([]any)
	if !ok {
		return unsure
	}
	result := yes
	for _, one := range list {
		switch fits(one) {
		case no:
			return no
		case unsure:
			result = unsure
		}
	}
	return result
}

// typeOf is the type of a value by its name in a schema, "" for one that is none of JSON.
func typeOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case int, int64, uint64, float64:
		if rational(v) != nil {
			return "number"
		}
	}
	return ""
}

func isOf(name, value any) verdict {
	switch name {
	case "null", "boolean", "string", "array", "object", "number":
		return of(name == typeOf(value))
	case "integer":
		number := rational(value)
		return of(number != nil && number.IsInt())
	}
	return unsure
}

// rational is a number as it is written, and nil for all else.
func rational(value any) *big.Rat {
	text := ""
	switch v := value.(type) {
	case int:
		text = strconv.Itoa(v)
	case int64:
		text = strconv.FormatInt(v, 10)
	case uint64:
		text = strconv.FormatUint(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	case json.Number:
		text = v.String()
	default:
		return nil
	}
	if len(text) > 40 {
		return nil
	}
	if number, ok := new(big.Rat).SetString(text); ok {
		return number
	}
	return nil
}

// equal compares a value with one of a schema. Of lists and mappings nothing is said.
func equal(want, value any) verdict {
	switch w := want.(type) {
	case nil, bool, string:
		return of(typeOf(value) == typeOf(w) && w == value)
	case json.Number:
		a, b := rational(w), rational(value)
		return of(a != nil && b != nil && a.Cmp(b) == 0)
	}
	return unsure
}

func atLeast(is any, count int) verdict {
	number, _ := is.(json.Number)
	least, err := strconv.Atoi(number.String())
	if err != nil {
		return unsure
	}
	return of(count >= least)
}

var patterns sync.Map // of text, *regexp.Regexp: schemas are parts of the program, and few

// compiled is a pattern, or nil for what is none.
func compiled(is any) *regexp.Regexp {
	text, ok := is.(string)
	if !ok {
		return nil
	}
	if known, ok := patterns.Load(text); ok {
		return known.(*regexp.Regexp)
	}
	form, err := regexp.Compile(text)
	if err != nil {
		return nil
	}
	patterns.Store(text, form)
	return form
}
