package kubetypes

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// The file has a line for each kind and for each type of an object:
//
//	kind batch/v1beta1 CronJob batch/v1beta1.CronJob 8 21 25 batch/v1 CronJob
//	type batch/v1beta1.CronJob apiVersion=text kind=text metadata=meta/v1.ObjectMeta …
//
// A kind has the name of its type and the minor versions of Kubernetes 1 in which it came, was
// deprecated and went, 0 where nothing is said, then what takes its place. Before a type []
// stands for a list of it, and {} for a mapping of any keys to it.
//
//go:embed kinds.txt
var kindsFile string

// Kind is an API version of a kind.
type Kind struct {
	APIVersion, Kind string // such as batch/v1 and CronJob
	// Introduced, Deprecated and Removed are the minor versions of Kubernetes 1 in which the kind
	// came, was deprecated and went; 0 where k8s.io/api does not say.
	Introduced, Deprecated, Removed int
	// Instead is what takes its place, such as "batch/v1 CronJob", and empty for nothing.
	Instead string

	typeName string
}

// Type is what an object of the kind looks like.
func (k *Kind) Type() *Type { return content().named(k.typeName) }

// Known is what is known of an API version of a kind.
func Known(apiVersion, kind string) (*Kind, bool) {
	k, ok := content().kinds[[2]string{apiVersion, kind}]
	return k, ok
}

// All are all kinds, sorted by API version and name.
func All() []*Kind { return content().sorted }

// table is the content of the file.
type table struct {
	kinds  map[[2]string]*Kind
	sorted []*Kind

	lines   map[string]string // the fields of each type, as they are written, by the name of the type
	mu      sync.Mutex
	objects map[string]*Type // those that somebody has asked for
}

var content = sync.OnceValue(func() *table { return parse(kindsFile) })

// parse panics over what generate does not write.
func parse(text string) *table {
	t := &table{kinds: map[[2]string]*Kind{}, lines: map[string]string{}, objects: map[string]*Type{}}
	for line := range strings.Lines(text) {
		what, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch what {
		case "#":
		case "type":
			name, fields, _ := strings.Cut(rest, " ")
			t.lines[name] = fields
		case "kind":
			words := strings.SplitN(rest, " ", 7)
			k := &Kind{APIVersion: words[0], Kind: words[1], typeName: words[2],
				Introduced: minor(words[3]), Deprecated: minor(words[4]), Removed: minor(words[5])}
			if len(words) > 6 {
				k.Instead = words[6]
			}
			t.kinds[[2]string{k.APIVersion, k.Kind}] = k
			t.sorted = append(t.sorted, k)
		default:
			panic(fmt.Sprintf("kinds.txt has the line %q", line))
		}
	}
	return t
}

func minor(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		panic(fmt.Sprintf("kinds.txt has the version %q", word))
	}
	return n
}

// named is the type that the file calls so.
func (t *table) named(name string) *Type {
	if of, ok := strings.CutPrefix(name, "[]"); ok {
		return &Type{Form: List, Elem: t.named(of)}
	}
	if of, ok := strings.CutPrefix(name, "{}"); ok {
		return &Type{Form: Mapping, Elem: t.named(of)}
	}
	if known, ok := plain[name]; ok {
		return known
	}
	fields, ok := t.lines[name]
	if !ok {
		panic(fmt.Sprintf("kinds.txt has no type %q", name))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	object, ok := t.objects[name]
	if !ok {
		object = &Type{Name: name, Form: Object, fill: func(add func(string, Field)) {
			for field := range strings.FieldsSeq(fields) {
				key, of, _ := strings.Cut(field, "=")
				add(key, Field{Type: t.named(of)})
			}
		}}
		t.objects[name] = object
	}
	return object
}
