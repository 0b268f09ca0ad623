package weight

import (
	"bytes"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// describeLess advises to do without the descriptions in CustomResourceDefinitions,
// which controller-gen takes over from comments of the source: often more than half
// of them, and nothing but `kubectl explain` reads them.
func (p *parcel) describeLess() change {
	c := change{data: map[string][]byte{}}
	var names []string
	for _, f := range p.files {
		if !isCRD.Match(f.Data) {
			continue
		}
		if short := withoutDescriptions(f.Data); len(short) < len(f.Data) {
			c.data[f.Name] = short
			names = append(names, f.Name)
		}
	}
	c.what = fmt.Sprintf("generate the CRDs without descriptions (controller-gen crd:maxDescLen=0): %s", some(names))
	return c
}

var (
	isCRD       = lazyregexp.New(`(?m)^kind:\s*["']?CustomResourceDefinition\b`)
	description = lazyregexp.New(`^( *)description:[ \t]+[^\s#]`)
)

// withoutDescriptions takes the lines of descriptions out of YAML. It goes by
// lines, because the file may be a template. A property named "description" stays:
// its value is a mapping, which begins in the line below.
func withoutDescriptions(source []byte) []byte {
	var out []byte
	inside := -1 // the indentation of the description whose lines are left out
	for line := range bytes.Lines(source) {
		text := bytes.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if inside >= 0 && (indent > inside || len(bytes.TrimSpace(text)) == 0) {
			continue
		}
		inside = -1
		if description.Match(line) {
			inside = indent
			continue
		}
		out = append(out, line...)
	}
	return out
}
