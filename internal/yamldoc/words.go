package yamldoc

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// words says what is wrong with a value, and how to fix it.
func (t *reporter) words(fault *jsonschema.ValidationError) (message, hint string) {
	ptr := fault.InstanceLocation
	name := subject(ptr)
	if mistyped, ok := fault.ErrorKind.(*kind.Type); ok {
		return t.typeWords(ptr, mistyped, fault.SchemaURL)
	}
	if text := t.ownWords(fault); text != "" {
		return fmt.Sprintf("%s is %s, but %s", name, t.shown(ptr), text), t.valueHint(fault)
	}
	switch k := fault.ErrorKind.(type) {
	case *kind.Enum:
		return fmt.Sprintf("%s must be %s, not %s", name, oneOf(k.Want), t.shown(ptr)), t.valueHint(fault)
	case *kind.Const:
		return fmt.Sprintf("%s must be %v, not %s", name, k.Want, t.shown(ptr)), t.valueHint(fault)
	case *kind.Minimum:
		return fmt.Sprintf("%s must be at least %s, not %s", name, number(k.Want), t.shown(ptr)), ""
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s must be more than %s, not %s", name, number(k.Want), t.shown(ptr)), ""
	case *kind.Maximum:
		return fmt.Sprintf("%s must be at most %s, not %s", name, number(k.Want), t.shown(ptr)), ""
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("%s must be less than %s, not %s", name, number(k.Want), t.shown(ptr)), ""
	case *kind.MultipleOf:
		return fmt.Sprintf("%s must be a multiple of %s, not %s", name, number(k.Want), t.shown(ptr)), ""
	case *kind.MinLength:
		if k.Got == 0 {
			return name + " is empty", "give it a value"
		}
		return fmt.Sprintf("%s must have at least %s, not %d", name, count(k.Want, "character"), k.Got), ""
	case *kind.MaxLength:
		return fmt.Sprintf("%s must have at most %s, not %d", name, count(k.Want, "character"), k.Got), ""
	case *kind.MinItems:
		if k.Got == 0 {
			return name + " is an empty list", "add at least one item"
		}
		return fmt.Sprintf("%s must have at least %s, not %d", name, count(k.Want, "item"), k.Got), ""
	case *kind.MaxItems:
		return fmt.Sprintf("%s must have at most %s, not %d", name, count(k.Want, "item"), k.Got), ""
	case *kind.MinProperties:
		return fmt.Sprintf("%s must have at least %s, not %d", name, count(k.Want, "key"), k.Got), ""
	case *kind.MaxProperties:
		return fmt.Sprintf("%s must have at most %s, not %d", name, count(k.Want, "key"), k.Got), ""
	case *kind.UniqueItems:
		return fmt.Sprintf("items %d and %d of %s are the same", k.Duplicates[0]+1, k.Duplicates[1]+1, name), "keep one of them"
	case *kind.Format:
		return fmt.Sprintf("%s is %s, which is no valid %s", name, t.shown(ptr), formatName(k.Want)), ""
	case *kind.DependentRequired:
		return fmt.Sprintf("%q also needs %s", k.Prop, quotedList(k.Missing)), ""
	case *kind.Pattern:
		return fmt.Sprintf("%s is %s, which has not the form that is expected there", name, t.shown(ptr)), t.exampleHint(fault.SchemaURL)
	}
	return fmt.Sprintf("%s has a value that is not allowed there", name), t.exampleHint(fault.SchemaURL)
}

// ownWords are the schema's own words for a value that fails it.
func (t *reporter) ownWords(fault *jsonschema.ValidationError) string {
	if _, ok := fault.ErrorKind.(*kind.Pattern); ok {
		return t.schema.text(fault.SchemaURL, "patternErrorMessage", "errorMessage")
	}
	return t.schema.text(fault.SchemaURL, "errorMessage")
}

// valueHint says which of the allowed values was probably meant.
func (t *reporter) valueHint(fault *jsonschema.ValidationError) string {
	if constant, ok := fault.ErrorKind.(*kind.Const); ok {
		if got, isString := constant.Got.(string); isString && got == fmt.Sprint(constant.Want) {
			return "remove the quotes: " + got
		}
		return fmt.Sprintf("write %v", constant.Want)
	}
	enum, ok := fault.ErrorKind.(*kind.Enum)
	if !ok {
		return ""
	}
	got, isString := enum.Got.(string)
	if !isString {
		return ""
	}
	var candidates []string
	for _, want := range enum.Want {
		if candidate, ok := want.(string); ok {
			candidates = append(candidates, candidate)
		}
	}
	if near, ok := Nearest(got, candidates); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

func (t *reporter) exampleHint(schemaURL string) string {
	examples, _ := t.schema.at(schemaURL)["examples"].([]any)
	var shown []string
	for _, example := range examples {
		if text, ok := example.(string); ok {
			shown = append(shown, text)
		}
	}
	if len(shown) == 0 {
		return ""
	}
	return "for example " + strings.Join(shown, ", ")
}

// kindNames are the words for the types of JSON.
var kindNames = map[string]string{
	"string": "a string", "number": "a number", "integer": "a whole number", "boolean": "true or false",
	"array": "a list", "object": "a mapping", "null": "empty",
}

func kindName(jsonType string) string {
	if name, ok := kindNames[jsonType]; ok {
		return name
	}
	return jsonType
}

func (t *reporter) typeWords(ptr []string, k *kind.Type, schemaURL string) (message, hint string) {
	name := subject(ptr)
	var wanted []string
	for _, want := range k.Want {
		if word := kindName(want); !slices.Contains(wanted, word) {
			wanted = append(wanted, word)
		}
	}
	want := strings.Join(wanted, " or ")
	if k.Got == "null" {
		return t.emptyWords(ptr, want, schemaURL)
	}
	if words := t.schema.enum(schemaURL); len(words) > 0 {
		return fmt.Sprintf("%s must be %s, not %s", name, oneOf(words), t.shown(ptr)), ""
	}
	if text := t.schema.text(schemaURL, "patternErrorMessage", "errorMessage"); text != "" {
		return fmt.Sprintf("%s is %s, but %s", name, t.shown(ptr), text), ""
	}
	return fmt.Sprintf("%s must be %s, not %s", name, want, t.gotName(ptr, k)), t.typeHint(ptr, k, schemaURL)
}

func (t *reporter) emptyWords(ptr []string, want, schemaURL string) (message, hint string) {
	if len(ptr) > 0 {
		return fmt.Sprintf("%s has no value; it must be %s", subject(ptr), want), "give it one"
	}
	required, _ := t.schema.at(schemaURL)["required"].([]any)
	var hints []string
	for _, key := range required {
		if hint := t.schema.hintForMissing(schemaURL, fmt.Sprint(key)); hint != "" {
			hints = append(hints, hint)
		}
	}
	return "the file is empty", strings.Join(hints, "\n")
}

// gotName distinguishes a number with a fraction from a whole one where that is the
// difference.
func (t *reporter) gotName(ptr []string, k *kind.Type) string {
	if k.Got == "number" && slices.Contains(k.Want, "integer") {
		return t.shown(ptr)
	}
	return kindName(k.Got)
}

func (t *reporter) typeHint(ptr []string, k *kind.Type, schemaURL string) string {
	raw, quoted, ok := t.doc.Raw(ptr...)
	if !ok {
		if k.Got == "object" && slices.Equal(k.Want, []string{"array"}) {
			return `start each item with "- "`
		}
		return ""
	}
	switch {
	case slices.Equal(k.Want, []string{"object"}):
		return t.keysHint(raw, k, schemaURL)
	case slices.Contains(k.Want, "string") && !quoted && (k.Got == "number" || k.Got == "boolean"):
		return fmt.Sprintf("write it in quotes: %q", raw)
	case quoted && t.reads(raw, k.Want):
		return "remove the quotes: " + raw
	case slices.Contains(k.Want, "array") && k.Got == "string":
		return fmt.Sprintf("write it as a list: [%q]", raw)
	}
	return ""
}

// keysHint says which keys a mapping has, to someone who wrote a scalar; where one
// of them must be there, the scalar was probably meant for it.
func (t *reporter) keysHint(raw string, k *kind.Type, schemaURL string) string {
	required, _ := t.schema.at(schemaURL)["required"].([]any)
	if len(required) == 1 && k.Got == "string" {
		return fmt.Sprintf("write \"%v: %s\"", required[0], shorten(raw))
	}
	if known := t.schema.properties(schemaURL); len(known) > 0 && len(known) <= mostNamed {
		return "its keys are " + strings.Join(known, ", ")
	}
	return ""
}

// reads reports whether a quoted text would have one of the types without quotes.
func (t *reporter) reads(raw string, want []string) bool {
	for _, jsonType := range want {
		switch jsonType {
		case "integer":
			if _, err := strconv.ParseInt(raw, 10, 64); err == nil {
				return true
			}
		case "number":
			if _, err := strconv.ParseFloat(raw, 64); err == nil {
				return true
			}
		case "boolean":
			if raw == "true" || raw == "false" {
				return true
			}
		}
	}
	return false
}

// shown is a value as a message shows it, in a few words.
func (t *reporter) shown(ptr []string) string {
	value := t.value
	for _, step := range ptr {
		switch at := value.(type) {
		case map[string]any:
			value = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return "something else"
			}
			value = at[i]
		}
	}
	switch value := value.(type) {
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case nil:
		return "empty"
	case string:
		// A value that a caller put in for what is written may be a secret.
		if raw, _, ok := t.doc.Raw(ptr...); ok && raw != value {
			return "what " + strconv.Quote(shorten(raw)) + " stands for"
		}
		return strconv.Quote(shorten(withoutUser(value)))
	}
	if raw, _, ok := t.doc.Raw(ptr...); ok {
		return shorten(raw)
	}
	return fmt.Sprint(value)
}

// userInfo is the user and password of an address.
var userInfo = lazyregexp.New(`(://)([^/\s"'@]*)(@)`)

// withoutUser hides user and password of an address, character by character so
// that what stands behind them keeps its column. A password should not be in the
// file, but where it is, it should not be in the log of a CI job besides.
func withoutUser(text string) string {
	return userInfo.ReplaceAllStringFunc(text, func(found string) string {
		parts := userInfo.FindStringSubmatch(found)
		return parts[1] + strings.Repeat("*", utf8.RuneCountInString(parts[2])) + parts[3]
	})
}

// shorten keeps a long text, such as a data: URL, from filling a message.
func shorten(text string) string {
	const longest = 60
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	return string([]rune(text)[:longest]) + "…"
}

// subject names a value by its key: "limit", or item 2 of "exclude".
func subject(ptr []string) string {
	if len(ptr) == 0 {
		return "the file"
	}
	last := ptr[len(ptr)-1]
	if i, err := strconv.Atoi(last); err == nil && len(ptr) > 1 {
		return fmt.Sprintf("item %d of %s", i+1, subject(ptr[:len(ptr)-1]))
	}
	return strconv.Quote(last)
}

func oneOf(values []any) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprint(value)
	}
	if len(words) == 1 {
		return words[0]
	}
	return "one of " + strings.Join(words, ", ")
}

func quotedList(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(word)
	}
	return strings.Join(quoted, ", ")
}

func number(n *big.Rat) string {
	if n.IsInt() {
		return n.Num().String()
	}
	float, _ := n.Float64()
	return strconv.FormatFloat(float, 'g', -1, 64)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func formatName(format string) string {
	switch format {
	case "uri", "uri-reference", "iri":
		return "URL"
	case "email", "idn-email":
		return "e-mail address"
	case "date", "date-time":
		return "date"
	}
	return format
}
