package main

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/ksrelease/ksrelease/config"
)

// page is docs/configuration.md: each key with its type, default, meaning and an
// example.
func page(schema *jsonschema.Schema) []byte {
	p := printer{top: schema}
	p.page(introduction, closing, codesIntroduction)
	return p.Bytes()
}

// chinesePage is docs/configuration.zh.md.
func chinesePage(schema *jsonschema.Schema) ([]byte, error) {
	p := printer{top: schema, chinese: true, used: map[string]bool{}}
	p.page(introductionInChinese, closingInChinese, codesInChinese)
	return p.Bytes(), p.complete()
}

func (p *printer) page(introduction, closing, codes string) {
	p.text(introduction)
	p.table("", p.top)
	p.text("")
	p.text(p.say("## Keys"))
	p.text("")
	p.keys("", p.top)
	p.text(closing)
	p.text(p.say("## Codes\n"))
	p.text(codes)
	p.codes()
}

// codes is the list of what may be wrong with the config and the baseline.
func (p *printer) codes() {
	p.text(p.say("| code | what is wrong |"))
	p.text("| --- | --- |")
	for _, c := range config.Codes() {
		p.text(fmt.Sprintf("| %s | %s |", anchored(config.Rule+"/"+c.Name), p.say(c.Meaning)))
	}
}

const introduction = `<!-- Made by "go generate ./schema" from internal/configfile and the rules of internal/lint; change it there. -->
# Configuration

[中文](configuration.zh.md)

` + "`.ksrelease.yaml`" + ` stands at the top of a repository. ksrelease looks for it in the
working directory and the folders above it; ` + "`--config FILE`" + ` names another one. In a git
work tree it looks no higher than its top, and elsewhere a config above the working
directory must belong to you or to root. A config is a regular file of at most 8 MiB; as a
link it stays within the work tree (or, without one, its own folder).
Relative paths in it start at its own folder; absolute paths and ` + "`..`" + ` are allowed.

The least that is needed:

` + "```yaml" + `
version: 1
extensions:
  - path: extensions/*
` + "```" + `

- ` + "`${NAME}`" + ` in a string value is replaced by the environment variable NAME; one that
  is not set is an error. ` + "`${NAME:-default}`" + ` takes the default where NAME is not set or
  empty, ` + "`${NAME-default}`" + ` where it is not set; a default may hold references, and braces
  in pairs or as ` + "`\\}`" + `. ` + "`$$`" + ` is a dollar sign; any other ` + "`$`" + ` stays. Keys, numbers and
  comments are left alone.
- What a variable holds is not printed: messages show the reference as it is written.
- Tokens and passwords never stand in the file: ` + "`KSRELEASE_TOKEN`" + `,
  ` + "`KSRELEASE_REPOSITORY_USERNAME`" + ` and ` + "`KSRELEASE_REPOSITORY_PASSWORD`" + ` hold them, and
  for a target NAME ` + "`KSRELEASE_NAME_USERNAME`, `_PASSWORD` and `_TOKEN`" + `. They, the
  addresses of proxies, and a variable that holds the same as one of them, cannot be
  referred to.
- Unknown and duplicate keys, a second document, and values of the wrong kind are
  errors, all reported in one run with their line and column.
- An extension that several entries match takes the settings of the last of them.
  Two extensions of one name and version are an error; several versions of one name,
  as a folder of packages has them, are released one after the other, lowest first.
- Wildcards do not lead into ` + "`.git`, `node_modules`, `.ksrelease`" + `, the output
  folder and the ` + "`charts`" + ` of an extension; a path that names one of them means it.
  A pattern with ` + "`**`" + ` does not follow links to folders. A folder that may not be read is
  an error, unless it is excluded; a link to an extension and a git submodule that is
  not checked out, which a pattern passes over, are warnings.
- Editors check and complete the file by its
  [JSON Schema](../schema/ksrelease.schema.json), which ` + "`ksrelease schema`" + ` prints:
  ` + "`# yaml-language-server: $schema=FILE-OR-URL`" + ` as its first line.

` + "[.ksrelease.example.yaml](../.ksrelease.example.yaml)" + ` shows every key but the rules, of which it shows some.

## Overview
`

const closing = `## Settings of one entry

The keys ` + "`lint`, `package`, `size`, `push`, `verify` and `images`" + ` may stand in an item of
` + "`extensions`" + ` too, with the same keys below them. What the entry sets holds for its
extensions; what it leaves out is taken from the top of the file, key by key and,
for ` + "`lint.rules`" + `, rule by rule:

` + "```yaml" + `
extensions:
  - path: extensions/*
  - path: extensions/vector
    lint:
      rules:
        images: "off"
    size:
      limit: 512KiB
` + "```" + `
`

const codesIntroduction = "Each mistake in the config, and in the baseline, has a code. It stays when the message is\n" +
	"worded in another way. Reports have it as `code`, and messages in brackets. In a file that is\n" +
	"neither of both, the same mistakes are `yaml/syntax`, and so on.\n"

type printer struct {
	bytes.Buffer
	top     *jsonschema.Schema
	chinese bool
	missing []string // texts without a translation
	used    map[string]bool
}

func (p *printer) text(line string) { fmt.Fprintln(p, line) }

// perEntry are the keys that an entry shares with the top; they are described
// there.
var perEntry = map[string]bool{"lint": true, "package": true, "size": true, "push": true, "verify": true, "images": true}

// key is one key of the config.
type key struct {
	name     string // with all above it: extensions[].path, or targets[oci].url for one kind of items
	property *jsonschema.Schema
	below    *jsonschema.Schema // the mapping that it holds, or each item of its list is; nil for a value
	needed   bool               // it must be given
}

// each visits the keys of a mapping in their order.
func (p *printer) each(path string, schema *jsonschema.Schema, visit func(key)) {
	for pair := schema.Properties.Oldest(); pair != nil; pair = pair.Next() {
		if strings.HasPrefix(path, "extensions[].") && perEntry[pair.Key] || ofKind.MatchString(path) && isOfAll[pair.Key] {
			continue
		}
		k := key{path + pair.Key, pair.Value, p.definition(pair.Value), slices.Contains(schema.Required, pair.Key)}
		if items := k.property.Items; items != nil && p.definition(items) != nil && (!isHooks(k.property) || k.name == "before") {
			k.name, k.below = k.name+"[]", p.definition(items)
		}
		visit(k)
	}
	if len(schema.AllOf) == 0 {
		return
	}
	kind, _ := schema.Properties.Get("kind")
	for i, word := range kind.Enum {
		name := fmt.Sprintf("%s[%v]", strings.TrimSuffix(path, "[]."), word)
		described := &jsonschema.Schema{Description: kind.Extras["enumDescriptions"].([]any)[i].(string)}
		visit(key{name: name, property: described, below: p.definition(schema.AllOf[i].Then)})
	}
}

// ofKind is the path of the keys of one kind; isOfAll are those that every kind has, which are
// described before.
var (
	ofKind  = regexp.MustCompile(`^\w+\[\w+\]\.$`)
	isOfAll = map[string]bool{"kind": true, "name": true}
)

// isHooks says that a property is a list of hooks. Their keys are described once, at before.
func isHooks(property *jsonschema.Schema) bool {
	return property.Items != nil && property.Items.Ref == "#/$defs/hook"
}

func (p *printer) definition(schema *jsonschema.Schema) *jsonschema.Schema {
	name, ok := strings.CutPrefix(schema.Ref, "#/$defs/")
	if !ok {
		return nil
	}
	return p.top.Definitions[name]
}

// table lists the keys that hold a value, with what holds by default.
func (p *printer) table(path string, schema *jsonschema.Schema) {
	if path == "" {
		p.text(p.say("| key | value | default |"))
		p.text("| --- | --- | --- |")
	}
	p.each(path, schema, func(k key) {
		if k.name == rulesKey {
			fmt.Fprintf(p, "| [`%s`](#%s) | %s | %s |\n", k.name, anchor(k.name), p.say("each rule: %s", p.words(severity())), p.say("[each its own](#%s)", anchor(k.name)))
			return
		}
		if k.below != nil {
			p.table(k.name+".", k.below)
			return
		}
		fmt.Fprintf(p, "| [`%s`](#%s) | %s | %s |\n", k.name, anchor(k.name), p.valueOf(k.property), p.unset(k))
	})
}

// keys describes each key.
func (p *printer) keys(path string, schema *jsonschema.Schema) {
	p.each(path, schema, func(k key) {
		fmt.Fprintf(p, "### %s\n\n%s\n\n", k.name, markdown(p.say(k.property.Description)))
		if k.name == rulesKey {
			p.rules(k.below)
			return
		}
		if k.below != nil {
			p.keys(k.name+".", k.below)
			return
		}
		p.text(p.say("- value: %s\n- default: %s", p.valueOf(k.property), p.unset(k)))
		p.text("\n```yaml")
		p.example(p.top, strings.Split(k.name, "."), "", "")
		p.text("```\n")
	})
}

// rulesKey is the one mapping whose keys are listed in a table: the pages of the
// rules say more than could stand here.
const rulesKey = "lint.rules"

// rules lists the lint rules.
func (p *printer) rules(schema *jsonschema.Schema) {
	p.text(p.say("- value of each: %s", p.words(severity())) + "\n")
	p.text(p.say("| rule | default | what it asks for |"))
	p.text("| --- | --- | --- |")
	first := ""
	for pair := schema.Properties.Oldest(); pair != nil; pair = pair.Next() {
		first = cmp.Or(first, pair.Key)
		fmt.Fprintf(p, "| [`%[1]s`](%[2]s#%[1]s) | `%[3]s` | %[4]s |\n", pair.Key, p.rulesPage(), pair.Value.Default, markdown(p.say(pair.Value.Description)))
	}
	fmt.Fprintf(p, "\n```yaml\nlint:\n  rules:\n    %s: info\n```\n\n", first)
}

// anchor is the address that Git hosts give to a heading.
func anchor(heading string) string {
	return strings.NewReplacer(".", "", "[", "", "]", "").Replace(strings.ToLower(heading))
}

func (p *printer) valueOf(property *jsonschema.Schema) string {
	if property.Const != nil {
		return fmt.Sprintf("`%v`", property.Const)
	}
	if len(property.AnyOf) > 0 {
		return p.words(property)
	}
	if len(property.Enum) > 0 {
		return p.quoted(property.Enum)
	}
	if types, ok := property.Extras["type"].([]string); ok {
		return p.say(strings.Join(types, " or "))
	}
	switch {
	case isHooks(property):
		return p.say("list of commands, as in [`before`](#before)")
	case property.Type == "array":
		return p.say("list of strings")
	case property.Type == "integer" && property.Maximum != "":
		return p.say("whole number from %s to %s", property.Minimum, property.Maximum)
	}
	return p.say(property.Type)
}

func (p *printer) words(property *jsonschema.Schema) string { return p.quoted(property.AnyOf[0].Enum) }

func (p *printer) quoted(words []any) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = fmt.Sprintf("`%v`", word)
	}
	return strings.Join(quoted, p.say(", "))
}

// unset is what holds where a key is left out.
func (p *printer) unset(k key) string {
	switch {
	case k.property.Default != nil:
		return fmt.Sprintf("`%v`", valueFor(&jsonschema.Schema{Default: k.property.Default}))
	case k.needed:
		return p.say("none: it must be given")
	}
	return p.say("none")
}

// example shows a key where it stands in the file, with what else an item of a list has to have.
// steps lead to it from a mapping; its first line begins with lead, and all others with margin.
func (p *printer) example(in *jsonschema.Schema, steps []string, lead, margin string) {
	name, kind, isList := strings.Cut(strings.TrimSuffix(steps[0], "]"), "[")
	property, _ := in.Properties.Get(name)
	if len(steps) == 1 {
		fmt.Fprintf(p, "%s%s: %v\n", lead, name, valueFor(property))
		return
	}
	fmt.Fprintf(p, "%s%s:\n", lead, name)
	margin += "  "
	lead = margin
	below := p.definition(property)
	if isList {
		below = p.definition(property.Items)
		lead = margin + "- "
		margin += "  "
	}
	if kind != "" {
		below = p.top.Definitions[kind+"target"]
	} else if len(below.AllOf) > 0 {
		below = p.top.Definitions["directorytarget"]
	}
	next, _, _ := strings.Cut(steps[1], "[")
	required := below.Required
	if len(below.AnyOf) > 0 && !slices.ContainsFunc(below.AnyOf, func(s *jsonschema.Schema) bool { return slices.Contains(s.Required, next) }) {
		required = slices.Concat(required, below.AnyOf[0].Required)
	}
	for pair := below.Properties.Oldest(); pair != nil; pair = pair.Next() {
		switch {
		case pair.Key == next:
			p.example(below, steps[1:], lead, margin)
		case slices.Contains(required, pair.Key):
			fmt.Fprintf(p, "%s%s: %v\n", lead, pair.Key, valueFor(pair.Value))
		default:
			continue
		}
		lead = margin
	}
}

// valueFor is a value that a key may have.
func valueFor(property *jsonschema.Schema) any {
	if property.Const != nil {
		return property.Const
	}
	example := property.Default
	if len(property.Examples) > 0 {
		example = property.Examples[0]
	}
	if text, ok := example.(string); ok && strings.HasPrefix(text, "{") { // a mapping, to YAML
		return fmt.Sprintf("%q", text)
	}
	list, ok := example.([]any)
	if !ok {
		return example
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = fmt.Sprint(valueFor(&jsonschema.Schema{Default: item}))
	}
	return fmt.Sprintf("[%s]", strings.Join(items, ", "))
}
