// Package schema holds the JSON Schema of .ksrelease.yaml, for editors, for
// `ksrelease schema`, and for the config itself, which is checked by it; and those of what
// commands print as JSON, for who reads it. They are generated from the types of
// internal/configfile and internal/results and the rules of internal/lint; by hand nothing belongs in here.
package schema

import _ "embed"

//go:generate go run ./generate

// ID is the address of the schema, and the $id in it.
const ID = "https://raw.githubusercontent.com/ksrelease/ksrelease/main/schema/ksrelease.schema.json"

// JSON is the schema, ready to be written to a file. It must not be changed.
//
//go:embed ksrelease.schema.json
var JSON []byte

// The schemas of what commands print as JSON: the result document, a line of the events, and what
// status prints. They must not be changed.
var (
	//go:embed result.schema.json
	Result []byte
	//go:embed event.schema.json
	Event []byte
	//go:embed status.schema.json
	Status []byte
)
