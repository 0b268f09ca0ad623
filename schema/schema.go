// Package schema holds the JSON Schema of .ksrelease.yaml, for editors, for
// `ksrelease schema`, and for the config itself, which is checked by it. It is
// generated from the types of internal/configfile and the rules of internal/lint; by hand nothing belongs in here.
package schema

import _ "embed"

//go:generate go run ./generate

// ID is the address of the schema, and the $id in it.
const ID = "https://raw.githubusercontent.com/ksrelease/ksrelease/main/schema/ksrelease.schema.json"

// JSON is the schema, ready to be written to a file. It must not be changed.
//
//go:embed ksrelease.schema.json
var JSON []byte
