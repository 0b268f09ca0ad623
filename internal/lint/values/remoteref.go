package values

import (
	"net/url"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// withoutRemote takes the references to web addresses out of a JSON Schema: what they
// lead to is taken for met, whatever part of the other document it is. Helm fetches
// them when it installs the chart. The document is changed in place.
func withoutRemote(document any, address string) any {
	base, err := url.Parse(address)
	if err != nil {
		return document
	}
	r := remoteRefs{own: map[string]bool{address: true}}
	if root, ok := document.(map[string]any); ok {
		r.alone = oldDraft.MatchString(rule.Text(root["$schema"]))
	}
	r.walk(document, base, func(schema map[string]any, base *url.URL) { r.own[base.String()] = true })
	r.walk(document, base, r.cut)
	return document
}

// oldDraft is a $schema of the drafts in which a reference stands for itself, and what
// is next to it counts for nothing.
var oldDraft = lazyregexp.New(`/draft-0[3-7]/`)

// referring are the keywords by which a schema refers to another one.
var referring = [...]string{"$ref", "$dynamicRef", "$recursiveRef"}

type remoteRefs struct {
	own   map[string]bool // the addresses of the document and of its parts ($id)
	alone bool
}

// cut takes the references of one schema out that lead to the web.
func (r remoteRefs) cut(schema map[string]any, base *url.URL) {
	for _, key := range referring {
		reference, ok := schema[key].(string)
		if !ok || !r.isRemote(reference, base) {
			continue
		}
		delete(schema, key)
		if !r.alone {
			continue
		}
		for key := range schema {
			if key != "definitions" && key != "$defs" && key != "$schema" && key != "$id" && key != "id" {
				delete(schema, key)
			}
		}
	}
}

// writtenAs is the reference that leads to an address, as the schema has it. Of several
// it is the first by text; where there is none, the address.
func writtenAs(document any, from, to string) string {
	base, err := url.Parse(from)
	if err != nil {
		return to
	}
	var written []string
	remoteRefs{}.walk(document, base, func(schema map[string]any, base *url.URL) {
		for _, key := range referring {
			reference, ok := schema[key].(string)
			relative, err := url.Parse(reference)
			if !ok || err != nil {
				continue
			}
			target := base.ResolveReference(relative)
			target.Fragment, target.RawFragment = "", ""
			if target.String() == to {
				written = append(written, reference)
			}
		}
	})
	if len(written) == 0 {
		return to
	}
	return slices.Min(written)
}

func (r remoteRefs) isRemote(reference string, base *url.URL) bool {
	relative, err := url.Parse(reference)
	if err != nil {
		return false
	}
	target := base.ResolveReference(relative)
	target.Fragment, target.RawFragment = "", ""
	if target.Scheme != "http" && target.Scheme != "https" || r.own[target.String()] {
		return false
	}
	return target.Host != "json-schema.org" || !strings.HasPrefix(target.Path, "/draft") // those the library has
}

// walk visits all schemas of a document with the address at which their references
// begin. What is under a keyword that nobody knows may be one, since references may
// lead there.
func (r remoteRefs) walk(value any, base *url.URL, visit func(schema map[string]any, base *url.URL)) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			r.walk(element, base, visit)
		}
	case map[string]any:
		for _, key := range [...]string{"$id", "id"} {
			id, ok := v[key].(string)
			if own, err := url.Parse(id); ok && err == nil && id != "" && id[0] != '#' {
				base = base.ResolveReference(own)
				base.Fragment, base.RawFragment = "", ""
			}
		}
		visit(v, base)
		for key, below := range v {
			switch key {
			case "enum", "const", "default", "examples":
			case "properties", "patternProperties", "definitions", "$defs", "dependentSchemas", "dependencies":
				schemas, _ := below.(map[string]any)
				for _, schema := range schemas {
					r.walk(schema, base, visit)
				}
			default:
				r.walk(below, base, visit)
			}
		}
	}
}
