package values

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// schemaFile is what Helm holds the values of a chart to.
const schemaFile = "values.schema.json"

// Schema is the rule values-schema.
func Schema() rule.Rule {
	return rule.Rule{
		Name:    "values-schema",
		Summary: "each values.schema.json is a JSON Schema, and the values of its chart conform to it",
		Why: "Helm holds the values of the extension and of each subchart that is switched on to the values.schema.json " +
			"next to them, before it renders anything, and installs nothing where they do not conform. A schema that is " +
			"none refuses all values.",
		Fix: "Correct the value at the place that the finding names, or the schema. The values of a subchart are its own, " +
			"overlaid by those under its name in values.yaml at the top, and `global`.",
		Source: "Helm 3 (chartutil.ValidateAgainstSchema). Helm fetches what a schema refers to at web addresses; " +
			"here that is taken for met, and nothing is fetched. A relative reference starts at the root of the file system, so that Helm never finds the file.",
		Codes: []rule.Code{
			{Name: "not-a-schema", Meaning: "Helm cannot use the schema"},
			{Name: "value-refused", Meaning: "a value does not conform to the schema"},
		},
		Default: rule.Error,
		Needs:   rule.Chart,
		Run:     checkValuesSchema,
	}
}

// checkValuesSchema holds the values of every chart that has a values.schema.json
// to it, as Helm does before it renders. Unlike Helm's own check
// (chartutil.ValidateAgainstSchema), this one reads no files and asks no
// network: a schema that refers to others by address is taken without them.
func checkValuesSchema(pass *rule.Pass) {
	loaded := pass.Chart()
	seen := map[*chart.File]bool{}
	if loaded.EnabledErr == nil {
		valueSchema(pass, loaded, loaded.Enabled, nil, loaded.Renderer.Values(), seen)
	}
	// What is switched off has values only once it is on; its schema can be none
	// all the same.
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		if c.Schema == nil || len(c.Raw) == 0 || seen[c.Raw[0]] {
			return
		}
		if _, mistake := compileSchema(c.Schema); mistake != "" {
			schemaFault(pass, loaded, c, mistake)
		}
	})
}

// valueSchema checks one chart and those below it. at leads to its values from
// the top.
func valueSchema(pass *rule.Pass, loaded *helmchart.Chart, c *chart.Chart, at []string, values map[string]any, seen map[*chart.File]bool) {
	if c.Schema != nil && len(c.Raw) > 0 {
		seen[c.Raw[0]] = true
		schema, mistake := compileSchema(c.Schema)
		if mistake != "" {
			schemaFault(pass, loaded, c, mistake)
		} else {
			for _, m := range against(schema, values) {
				valueFault(pass, loaded, c, at, m)
			}
		}
	}
	for _, child := range c.Dependencies() {
		if below, ok := values[child.Name()].(map[string]any); ok {
			valueSchema(pass, loaded, child, append(at[:len(at):len(at)], child.Name()), below, seen)
		}
	}
}

// schemaFault reports a schema that is none.
func schemaFault(pass *rule.Pass, loaded *helmchart.Chart, c *chart.Chart, mistake string) {
	at, ok := loaded.Places.Of(c)
	if !ok {
		return
	}
	file, inside := at.File(schemaFile)
	pass.InSource(rule.Found("not-a-schema"), helmchart.Source{File: file, Inside: inside}, 0, mistake, "Helm refuses to install the chart with any values: correct the schema; definitions have to be in the schema itself")
}

// valueFault reports a value that breaks a schema, where the value is written: in
// values.yaml at the top of the extension, else in that of the chart; where
// neither has it, at the schema that asks for it.
func valueFault(pass *rule.Pass, loaded *helmchart.Chart, c *chart.Chart, above []string, m valueMistake) {
	at, ok := loaded.Places.Of(c)
	if !ok {
		return
	}
	const hint = "Helm refuses to install the chart: fix the value, or the schema"
	file, inside := at.File(schemaFile)
	asked := file
	if inside != "" {
		asked = inside + " in " + file
	}
	values, _ := at.File("values.yaml")
	candidates := []struct {
		file    string
		pointer []string
	}{{"values.yaml", append(above[:len(above):len(above)], m.Pointer...)}, {values, m.Pointer}}
	for _, candidate := range candidates {
		data := pass.File(candidate.file)
		if data == nil || len(candidate.pointer) == 0 || path.Ext(candidate.file) != ".yaml" {
			continue
		}
		document, err := yamldoc.Parse(candidate.file, data)
		if err != nil || !document.Has(candidate.pointer...) {
			continue
		}
		pass.Problem(rule.Found("value-refused", strings.Join(candidate.pointer, "."), asked), document.Problem(fmt.Sprintf("%s breaks %s: %s", excerpt.OneLine(strings.Join(candidate.pointer, ".")), asked, m.Message), hint, candidate.pointer...))
		return
	}
	pass.InSource(rule.Found("value-refused", strings.Join(m.Pointer, ".")), helmchart.Source{File: file, Inside: inside}, 0, fmt.Sprintf("the values break this schema at %s: %s", m.name(), m.Message), hint)
}

// valueMistake is one thing by which values break a schema.
type valueMistake struct {
	Pointer []string
	Message string
}

func (m valueMistake) name() string {
	if len(m.Pointer) == 0 {
		return "the top"
	}
	return excerpt.OneLine(strings.Join(m.Pointer, "."))
}

// compileSchema reads a JSON Schema; the mistake says why it is none.
func compileSchema(schema []byte) (compiled *jsonschema.Schema, mistake string) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, "the schema of the values is not JSON: " + excerpt.OneLine(err.Error())
	}
	const address = "file:///" + schemaFile // as with Helm
	document = withoutRemote(document, address)
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(anything{})
	if err := compiler.AddResource(address, document); err != nil {
		return nil, "the schema of the values cannot be used: " + excerpt.OneLine(strings.ReplaceAll(err.Error(), address, schemaFile))
	}
	compiled, err = compiler.Compile(address)
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		return nil, schemaMistake(invalid)
	}
	var unread *jsonschema.LoadURLError
	if errors.As(err, &unread) {
		return nil, fmt.Sprintf("the schema of the values refers to %s, which Helm looks for on the machine that installs the extension, and not in the chart", excerpt.OneLine(writtenAs(document, address, unread.URL)))
	}
	var absent *jsonschema.JSONPointerNotFoundError
	var unnamed *jsonschema.AnchorNotFoundError
	switch {
	case errors.As(err, &absent):
		return nil, fmt.Sprintf("the schema of the values refers to %s, and has nothing there", excerpt.OneLine(strings.TrimPrefix(absent.URL, address)))
	case errors.As(err, &unnamed):
		return nil, fmt.Sprintf("the schema of the values refers to %s, and has no such anchor", excerpt.OneLine(strings.TrimPrefix(unnamed.Reference, address)))
	case err != nil:
		return nil, "the schema of the values cannot be used: " + excerpt.OneLine(strings.ReplaceAll(err.Error(), address, schemaFile))
	}
	return compiled, ""
}

// schemaMistake says where a schema breaks the rules for schemas.
func schemaMistake(invalid *jsonschema.SchemaValidationError) string {
	var failed *jsonschema.ValidationError
	if !errors.As(invalid.Err, &failed) {
		return "the schema of the values is no JSON Schema: " + excerpt.OneLine(invalid.Err.Error())
	}
	// Of the alternatives that failed, the one that got deepest was meant.
	all := mistakes(failed)
	deepest := all[0]
	for _, m := range all {
		if len(m.Pointer) > len(deepest.Pointer) {
			deepest = m
		}
	}
	return fmt.Sprintf("the schema of the values is no JSON Schema at %s: %s", deepest.name(), deepest.Message)
}

// against says what is wrong with values by a JSON Schema, in plain words.
func against(schema *jsonschema.Schema, values map[string]any) []valueMistake {
	var failed *jsonschema.ValidationError
	if err := schema.Validate(values); !errors.As(err, &failed) {
		return nil
	}
	return mistakes(failed)
}

// mistakes are the mistakes that have no deeper cause.
func mistakes(failed *jsonschema.ValidationError) []valueMistake {
	printer := message.NewPrinter(language.English)
	var list []valueMistake
	for _, leaf := range leaves(failed) {
		list = append(list, valueMistake{Pointer: leaf.InstanceLocation, Message: excerpt.OneLine(leaf.ErrorKind.LocalizedString(printer))})
	}
	return list
}

// anything stands for every schema that lies elsewhere: it allows all. Files are not
// read, and Helm finds none.
type anything struct{}

func (anything) Load(address string) (any, error) {
	if rule.HasScheme(address, "file") {
		return nil, errors.New("no file is read")
	}
	return true, nil
}

// leaves are the mistakes that have no deeper cause.
func leaves(fault *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(fault.Causes) == 0 {
		return []*jsonschema.ValidationError{fault}
	}
	var list []*jsonschema.ValidationError
	for _, cause := range fault.Causes {
		list = append(list, leaves(cause)...)
	}
	return list
}
