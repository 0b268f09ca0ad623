package extension

import (
	_ "embed"
	"sync"

	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// SchemaID is the address under which the schema of extension.yaml is published,
// for editors.
const SchemaID = "https://raw.githubusercontent.com/ksrelease/ksrelease/main/internal/extension/extension.schema.json"

// SchemaJSON is the JSON Schema of extension.yaml. Its top-level properties are
// the known fields; others are allowed by it, since KubeSphere passes over them,
// and reported by the lint rule `schema`.
//
//go:embed extension.schema.json
var SchemaJSON []byte

var schema = sync.OnceValue(func() *yamldoc.Schema { return yamldoc.Embedded(SchemaID, SchemaJSON) })

// Schema is SchemaJSON, read on first use.
func Schema() *yamldoc.Schema { return schema() }
