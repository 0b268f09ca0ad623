package extension

import (
	_ "embed"
	"fmt"
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

var schema = sync.OnceValues(func() (*yamldoc.Schema, error) {
	return yamldoc.CompileSchema(SchemaID, SchemaJSON)
})

// Schema is SchemaJSON, compiled on first use. It panics if the embedded schema
// is not valid, which a test rules out.
func Schema() *yamldoc.Schema {
	s, err := schema()
	if err != nil {
		panic(fmt.Sprintf("the embedded schema of extension.yaml: %v", err))
	}
	return s
}
