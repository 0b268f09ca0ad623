package objects

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/kubetypes"
)

// typed compares an object with the types that Kubernetes decodes it into: with the
// rules of sigs.k8s.io/json, by which the API server reads, on the values that YAML has
// for Helm, or for the kustomize in between.
//
// It goes through the types and does not decode. Decoding ends at the first value of a
// wrong type, and says neither the line nor the item of a list.
type typed struct {
	// hook is set for what does not go through kustomize.
	hook   bool
	budget int
	// wrong and unknown are called for what does not fit. what says what the value is,
	// and wanted what it has to be.
	wrong   func(path []string, node *yaml.Node, what, wanted string)
	unknown func(path []string, key *yaml.Node, known []string)
	// missing is called for fields that have to be there and are not; nil where nobody
	// asks.
	missing func(path []string)
}

// maxValues bounds how many values of an object are looked at: an alias within an alias
// is a short text and a large tree.
const maxValues = 1 << 17

func (t *typed) value(node *yaml.Node, want *kubetypes.Type, path []string) {
	if t.budget--; t.budget < 0 {
		return
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if t.isNull(node) {
		return
	}
	switch want.Form {
	case kubetypes.Quantity:
		t.scalar(node, path, "a quantity such as 500m or 1Gi", func(is scalar) bool {
			_, err := resource.ParseQuantity(is.text)
			return is.kind != truth && err == nil
		})
	case kubetypes.IntOrString:
		t.scalar(node, path, "a whole number or a text", func(is scalar) bool { return is.kind == text || is.isInt(32) })
	case kubetypes.Time:
		t.scalar(node, path, "a time such as 2026-01-31T12:00:00Z", func(is scalar) bool {
			_, err := time.Parse(time.RFC3339, is.text)
			return is.kind == text && (err == nil || node.ShortTag() == "!!timestamp")
		})
	case kubetypes.Duration:
		t.scalar(node, path, "a duration such as 30s", func(is scalar) bool {
			_, err := time.ParseDuration(is.text)
			return is.kind == text && err == nil
		})
	case kubetypes.Object:
		t.mapping(node, want, path)
	case kubetypes.Mapping:
		if node.Kind != yaml.MappingNode {
			t.wrong(path, node, t.nameOf(node), "a mapping")
			return
		}
		eachField(node, func(key, value *yaml.Node) { t.value(value, want.Elem, append(path, key.Value)) })
	case kubetypes.Bytes:
		t.scalar(node, path, "text in base64", func(is scalar) bool {
			_, err := base64.StdEncoding.DecodeString(is.text)
			return is.kind == text && err == nil
		})
	case kubetypes.List:
		if node.Kind != yaml.SequenceNode {
			t.wrong(path, node, t.nameOf(node), "a list")
			return
		}
		for i, element := range node.Content {
			t.value(element, want.Elem, append(path, strconv.Itoa(i)))
		}
	case kubetypes.Text:
		t.scalar(node, path, "a text", func(is scalar) bool { return is.kind == text })
	case kubetypes.Truth:
		t.scalar(node, path, "true or false", func(is scalar) bool { return is.kind == truth })
	case kubetypes.Integer:
		t.scalar(node, path, "a whole number", func(is scalar) bool { return is.isInt(want.Bits) })
	case kubetypes.Natural:
		t.scalar(node, path, "a whole number", func(is scalar) bool { return is.isInt(64) && !strings.HasPrefix(is.text, "-") })
	case kubetypes.Number:
		t.scalar(node, path, "a number", func(is scalar) bool { return is.kind == number })
	}
}

// mapping compares the fields of a mapping with those of a struct.
func (t *typed) mapping(node *yaml.Node, want *kubetypes.Type, path []string) {
	if node.Kind != yaml.MappingNode {
		t.wrong(path, node, t.nameOf(node), "a mapping")
		return
	}
	var there map[string]bool
	if t.missing != nil {
		there = map[string]bool{}
	}
	eachField(node, func(key, value *yaml.Node) {
		below := append(path, key.Value)
		f, ok := want.Field(key.Value)
		if !ok {
			t.unknown(below, key, want.Names())
			return
		}
		t.value(value, f.Type, below)
		if there != nil {
			there[key.Value] = !t.isNull(value)
		}
	})
	if t.missing == nil {
		return
	}
	for _, name := range want.Names() {
		if f, _ := want.Field(name); f.Required && !there[name] {
			t.missing(append(path, name))
		}
	}
}

// scalar compares a value with what fits.
func (t *typed) scalar(node *yaml.Node, path []string, wanted string, fits func(scalar) bool) {
	if node.Kind != yaml.ScalarNode || !fits(t.read(node)) {
		t.wrong(path, node, t.nameOf(node), wanted)
	}
}

// kind is what a scalar is in JSON.
type kind int

const (
	text kind = iota
	number
	truth
)

// scalar is a plain value: its text as JSON has it.
type scalar struct {
	kind kind
	text string
}

// read is a scalar as the API server gets it. Without kustomize it is read as YAML 1.1,
// where yes and off are truth values; kustomize makes texts of them.
func (t *typed) read(node *yaml.Node) scalar {
	switch node.ShortTag() {
	case "!!bool":
		return scalar{truth, strings.ToLower(node.Value)}
	case "!!int", "!!float":
		return scalar{number, node.Value}
	case "!!str":
		if t.hook && node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0 && isOldTruth(node.Value) {
			return scalar{truth, node.Value}
		}
	}
	return scalar{text, node.Value}
}

// isOldTruth reports whether YAML 1.1 reads a plain text as a truth value.
func isOldTruth(value string) bool {
	switch value {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return true
	}
	return false
}

// isInt reports whether a number is a whole one of so many bits. 3.0 is one: JSON that is
// made of YAML has no fraction then.
func (s scalar) isInt(bits int) bool {
	if s.kind != number {
		return false
	}
	plain := strings.ReplaceAll(s.text, "_", "")
	if _, err := strconv.ParseInt(plain, 0, bits); err == nil {
		return true
	}
	f, err := strconv.ParseFloat(plain, 64)
	return err == nil && f == math.Trunc(f) && math.Abs(f) < math.Pow(2, float64(min(bits, 53)-1))
}

func (t *typed) isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// nameOf says what a value is: the text "yes".
func (t *typed) nameOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	value := excerpt.Printable(40, node.Value)
	switch is := t.read(node); {
	case is.kind == text && !t.hook && isOldTruth(node.Value) && node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0:
		return fmt.Sprintf("%s, of which kustomize makes the text %q", value, value)
	case is.kind == text:
		return fmt.Sprintf("the text %q", value)
	case is.kind == truth:
		return "the truth value " + value
	}
	return "the number " + value
}
