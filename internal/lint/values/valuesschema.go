package values

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
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
		Summary: "each values.schema.json is a JSON Schema, and the values of its chart conform to it, with what KubeSphere sets among them",
		Why: "Helm holds the values of the extension and of each subchart that is switched on to the values.schema.json " +
			"next to them, before it renders anything, and installs nothing where they do not conform. A schema that is " +
			"none refuses all values.\n\n" +
			"When KubeSphere installs an extension it sets `tags.extension` and `tags.agent`, conditions of subcharts, `global.portal.url` on the host " +
			"cluster, `global.clusterInfo` on chosen ones and, where an administrator has configured them, `global.imageRegistry`, " +
			"`global.nodeSelector` and `global.extension.ingress`. Helm puts `global` into the values of each subchart, too. " +
			"A schema of the extension or of a subchart that refuses one of these keeps it from being installed.",
		Fix: "Correct the value at the place that the finding names, or the schema. The values of a subchart are its own, " +
			"overlaid by those under its name in values.yaml at the top, and `global`. A schema with `additionalProperties: false` needs, at the top of the extension:\n\n" +
			"\"properties\": {\n  \"tags\": {\"type\": \"object\"},\n  \"global\": {\"type\": \"object\"},\n  …\n}\n\n" +
			"and the name of each subchart; in a subchart `global` alone.",
		Source: "Helm 3 (chartutil.ValidateAgainstSchema). Helm fetches what a schema refers to at web addresses; " +
			"here that is taken for met, and nothing is fetched. A relative reference starts at the root of the file system, so that Helm never finds the file. " +
			"`getOverrides` of KubeSphere 4.1.3, https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/installplan_controller.go.",
		Codes: []rule.Code{
			{Name: "not-a-schema", Meaning: "Helm cannot use the schema"},
			{Name: "value-refused", Meaning: "a value does not conform to the schema"},
			{Name: "override-refused", Meaning: "the schema refuses what KubeSphere sets at each installation"},
			{Name: "configured-refused", Meaning: "the schema refuses what KubeSphere sets where an administrator has configured it"},
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
	h := holder{pass: pass, loaded: loaded, schemas: map[*chart.File]*jsonschema.Schema{}, mistakes: map[string]bool{}}
	// The schema of what is switched off can be none, too.
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		if c.Schema == nil || len(c.Raw) == 0 {
			return
		}
		schema, mistake := compileSchema(c.Schema)
		if mistake != "" {
			schemaFault(pass, loaded, c, mistake)
			return
		}
		h.schemas[c.Raw[0]] = schema
	})
	if loaded.EnabledErr != nil || len(h.schemas) == 0 {
		return
	}
	own := map[string]bool{} // what the values of the extension break by themselves
	h.each(loaded.Enabled, loaded.Renderer.Values(), func(at []string, c *chart.Chart, m valueMistake) {
		for _, key := range m.keys(at) {
			own[key] = true
		}
	})
	for i, r := range loaded.Installed {
		cluster := "the host cluster"
		if i > 0 {
			cluster = "a chosen cluster"
		}
		set := map[string]bool{}
		always, configured := refusals{}, refusals{}
		h.each(r.Tree, r.InstalledValues(nil), func(at []string, c *chart.Chart, m valueMistake) {
			for _, key := range m.keys(at) {
				set[key] = true
			}
			switch names := m.without(at, own); {
			case len(names) == 0:
				h.refused(c, at, m)
			default:
				always.add(c, names, m)
			}
		})
		h.each(r.Tree, r.InstalledValues(helmchart.Configured), func(at []string, c *chart.Chart, m valueMistake) {
			if names := m.without(at, set); len(names) > 0 && !always.has(c, m) {
				configured.add(c, names, m)
			}
		})
		for _, refusal := range always {
			h.overrideRefused(rule.Found("override-refused"), pass.Severity(), refusal,
				fmt.Sprintf("the schema refuses what KubeSphere sets when it installs the extension on %s, so that Helm installs nothing", cluster))
		}
		for _, refusal := range configured {
			h.overrideRefused(rule.Found("configured-refused"), pass.AtMost(rule.Warning), refusal,
				"the schema refuses what KubeSphere sets where an administrator has configured it; there Helm installs nothing")
		}
	}
}

// holder holds values to schemas.
type holder struct {
	pass    *rule.Pass
	loaded  *helmchart.Chart
	schemas map[*chart.File]*jsonschema.Schema
	// mistakes are those that were reported, by their keys.
	mistakes map[string]bool
}

// each visits what is wrong with the values of a chart and of those below it, as Helm
// goes through them. at leads to the values of the chart from the top.
func (h holder) each(root *chart.Chart, values map[string]any, visit func(at []string, c *chart.Chart, m valueMistake)) {
	var walk func(c *chart.Chart, at []string, values map[string]any)
	walk = func(c *chart.Chart, at []string, values map[string]any) {
		if c.Schema != nil && len(c.Raw) > 0 && h.schemas[c.Raw[0]] != nil {
			for _, m := range against(h.schemas[c.Raw[0]], values) {
				visit(at, c, m)
			}
		}
		for _, child := range c.Dependencies() {
			if below, ok := values[child.Name()].(map[string]any); ok {
				walk(child, append(at[:len(at):len(at)], child.Name()), below)
			}
		}
	}
	walk(root, nil, values)
}

// refused reports a value of the extension's own, once.
func (h holder) refused(c *chart.Chart, at []string, m valueMistake) {
	for _, key := range m.keys(at) {
		if h.mistakes[key] {
			return
		}
		h.mistakes[key] = true
	}
	valueFault(h.pass, h.loaded, c, at, m)
}

// refusals are what schemas refuse of KubeSphere's values, those of one chart in one: one
// change of the schema is all it takes.
type refusals []refusal

type refusal struct {
	chart    *chart.Chart
	names    []string
	mistakes []valueMistake
}

func (r *refusals) add(c *chart.Chart, names []string, m valueMistake) {
	for i := range *r {
		if (*r)[i].chart == c {
			(*r)[i].names, (*r)[i].mistakes = append((*r)[i].names, names...), append((*r)[i].mistakes, m)
			return
		}
	}
	*r = append(*r, refusal{c, names, []valueMistake{m}})
}

// has reports whether what a schema asks for refuses something already.
func (r refusals) has(c *chart.Chart, m valueMistake) bool {
	return slices.ContainsFunc(r, func(known refusal) bool {
		return known.chart == c && slices.ContainsFunc(known.mistakes, func(k valueMistake) bool { return slices.Equal(k.Keyword, m.Keyword) })
	})
}

func (h holder) overrideRefused(id rule.Identity, severity rule.Severity, r refusal, message string) {
	at, ok := h.loaded.Places.Of(r.chart)
	if !ok {
		return
	}
	first, why := r.mistakes[0], r.mistakes[0].Message
	if len(first.Properties) > 0 {
		why = "no other properties are allowed"
	}
	slices.Sort(r.names)
	names := excerpt.OneLine(strings.Join(slices.Compact(r.names), ", "))
	file, inside := at.File(schemaFile)
	key := fmt.Sprint(id, " ", file, " ", inside)
	if h.mistakes[key] {
		return // on the other cluster, too
	}
	h.mistakes[key] = true
	source, line, column := helmchart.Source{File: file, Inside: inside, Text: string(r.chart.Schema)}, 0, 0
	if document, err := yamldoc.Parse(file, r.chart.Schema); err == nil && inside == "" {
		line, column = document.KeyPlace(first.Keyword...)
	}
	if r.chart.IsRoot() {
		message += ": " + names
	} else {
		message += fmt.Sprintf(", of the values of the subchart %s: %s", excerpt.OneLine(r.chart.Name()), names)
	}
	h.pass.InSourceAt(id, severity, source, line, column, message+" ("+why+")",
		"admit them in the schema: tags is a mapping of truth values, global may hold anything, and at the path of a condition stands false")
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
	// Properties are those that must not be there, where that is the mistake.
	Properties []string
	// Keyword leads to what asks for it, in the schema.
	Keyword []string
}

// paths are the paths of what is wrong, from the values of the chart.
func (m valueMistake) paths() []string {
	if len(m.Properties) == 0 {
		return []string{strings.Join(m.Pointer, ".")}
	}
	var paths []string
	for _, property := range m.Properties {
		paths = append(paths, strings.Join(append(slices.Clone(m.Pointer), property), "."))
	}
	return paths
}

// keys distinguish mistakes in the values of all charts. at leads to those of the chart.
func (m valueMistake) keys(at []string) []string {
	keys := m.paths()
	for i := range keys {
		keys[i] = fmt.Sprintf("%q %q %q", at, keys[i], m.Keyword)
	}
	return keys
}

// without are the paths of what is wrong that is not among the known mistakes.
func (m valueMistake) without(at []string, known map[string]bool) []string {
	var paths []string
	for i, key := range m.keys(at) {
		if path := m.paths()[i]; !known[key] {
			paths = append(paths, cmp.Or(path, "the values as a whole"))
		}
	}
	return paths
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
		additional, ok := leaf.ErrorKind.(*kind.AdditionalProperties)
		if ok {
			slices.Sort(additional.Properties) // which come from a map
		}
		m := valueMistake{Pointer: leaf.InstanceLocation, Message: excerpt.OneLine(leaf.ErrorKind.LocalizedString(printer))}
		if ok {
			m.Properties = additional.Properties
		}
		if _, pointer, ok := strings.Cut(leaf.SchemaURL, "#/"); ok {
			for step := range strings.SplitSeq(pointer, "/") {
				m.Keyword = append(m.Keyword, jsonPointer.Replace(step))
			}
		}
		m.Keyword = append(m.Keyword, leaf.ErrorKind.KeywordPath()...)
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(a, b valueMistake) int {
		return cmp.Or(slices.Compare(a.Pointer, b.Pointer), slices.Compare(a.Keyword, b.Keyword))
	})
	return list
}

// jsonPointer reads a step of a JSON pointer (RFC 6901).
var jsonPointer = strings.NewReplacer("~1", "/", "~0", "~")

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
