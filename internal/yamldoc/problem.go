package yamldoc

import "github.com/ksrelease/ksrelease/internal/diagnostic"

// Rule is the rule of the codes in this package. Whoever reads a file puts a rule of
// its own in its place (diagnostic.List.WithRule): what is wrong with the YAML of a
// config is a mistake in the configuration.
const Rule = "yaml"

// The codes of what is reported here. Subject has the keys and indexes that lead to the
// value, with a slash between them; of a repeated key it is the key alone.
const (
	Syntax         = Rule + "/syntax"          // it is no YAML
	NotText        = Rule + "/not-text"        // it is not UTF-8, or has characters that YAML does not take
	TooLarge       = Rule + "/too-large"       // it is larger, or nested deeper, than is read
	SecondDocument = Rule + "/second-document" // only one is read
	RepeatedKey    = Rule + "/repeated-key"    // a mapping has it twice
	RepeatedMerge  = Rule + "/repeated-merge"  // a mapping has the merge key (<<) twice
	InvalidKey     = Rule + "/invalid-key"     // a key that is no string
	InvalidAlias   = Rule + "/invalid-alias"   // an alias within what it names, or a merge key without a mapping
	MissingKey     = Rule + "/missing-key"     // a schema asks for it
	UnknownKey     = Rule + "/unknown-key"     // a schema has no such key
	InvalidValue   = Rule + "/invalid-value"   // a schema, or YAML, allows other values
)

// Codes are the codes of this package, and what each means.
func Codes() []diagnostic.Code {
	return []diagnostic.Code{
		{Name: "syntax", Meaning: "the file is no YAML"},
		{Name: "not-text", Meaning: "the file is not UTF-8, or has characters that YAML does not take"},
		{Name: "too-large", Meaning: "the file is larger, or nested deeper, than is read"},
		{Name: "second-document", Meaning: "the file has a second document, and only one is read"},
		{Name: "repeated-key", Meaning: "a mapping has a key twice"},
		{Name: "repeated-merge", Meaning: "a mapping has the merge key << twice"},
		{Name: "invalid-key", Meaning: "a key is no string"},
		{Name: "invalid-alias", Meaning: "an alias stands inside what it names, or << merges what is no mapping"},
		{Name: "missing-key", Meaning: "a key that is needed is not there"},
		{Name: "unknown-key", Meaning: "a key that nothing reads"},
		{Name: "invalid-value", Meaning: "a value that is not taken there"},
	}
}

// coded gives a diagnostic its code.
func coded(code string, d diagnostic.Diagnostic) diagnostic.Diagnostic {
	d.Code = code
	return d
}
