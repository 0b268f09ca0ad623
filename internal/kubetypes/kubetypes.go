// Package kubetypes knows the kinds of Kubernetes: their fields, with the types of their values,
// and the versions of Kubernetes in which each API version of a kind came and went.
//
// The facts are those of k8s.io/api, k8s.io/apimachinery and k8s.io/apiextensions-apiserver, the
// types that the API server decodes into. They are in kinds.txt, which `go generate` makes of the
// types: linked into ksrelease, the types with all that is made for them took 17 MB, and each
// start of the program registered them in two milliseconds. A test holds the file to the types.
package kubetypes

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

//go:generate go run ./generate

// Form is what a value of a type looks like.
type Form int

// The forms. The names of JSON and of Go differ: a Mapping has any keys, an Object has fields.
const (
	Anything    Form = iota // nobody looks at it, or it decodes itself
	Object                  // a mapping with the fields of Type.Field
	Mapping                 // a mapping of any keys to Type.Elem
	List                    // a list of Type.Elem
	Text                    // a text
	Bytes                   // text in base64
	Truth                   // true or false
	Integer                 // a whole number of Type.Bits bits
	Natural                 // a whole number that is not negative
	Number                  // any number
	Quantity                // a quantity such as 500m or 1Gi
	IntOrString             // a whole number or a text
	Time                    // a time of RFC 3339
	Duration                // a duration such as 30s
)

// Type is the type of a value. It may lead back to itself.
type Type struct {
	// Name is the word for a type of a plain value, such as "text", and the name of the Go type of an
	// Object, such as core/v1.Pod; others have none.
	Name string
	Form Form
	Bits int   // of an Integer
	Elem *Type // of what is in a Mapping or a List

	once   sync.Once
	fill   func(add func(name string, f Field)) // makes the fields of an Object
	fields map[string]Field
	names  []string
}

// Field is a field of an Object.
type Field struct {
	Type *Type
	// Required is set where the field has to be there. Types of k8s.io/api do not say that; those
	// of others do with the tag ks:"required".
	Required bool
}

// Field is a field by its name in JSON.
func (t *Type) Field(name string) (Field, bool) {
	t.load()
	f, ok := t.fields[name]
	return f, ok
}

// Names are the names of the fields, sorted. They are to be read only.
func (t *Type) Names() []string {
	t.load()
	return t.names
}

func (t *Type) load() {
	t.once.Do(func() {
		if t.fill == nil {
			return
		}
		t.fields = map[string]Field{}
		t.fill(func(name string, f Field) { t.fields[name] = f })
		for name := range t.fields {
			t.names = append(t.names, name)
		}
		slices.Sort(t.names)
	})
}

// plain are the types that are neither objects nor made of others, by their names.
var plain = map[string]*Type{}

func init() {
	for _, t := range []*Type{
		{Name: "any", Form: Anything}, {Name: "text", Form: Text}, {Name: "bytes", Form: Bytes}, {Name: "truth", Form: Truth},
		{Name: "int8", Form: Integer, Bits: 8}, {Name: "int16", Form: Integer, Bits: 16},
		{Name: "int32", Form: Integer, Bits: 32}, {Name: "int64", Form: Integer, Bits: 64},
		{Name: "natural", Form: Natural}, {Name: "number", Form: Number}, {Name: "quantity", Form: Quantity},
		{Name: "int-or-text", Form: IntOrString}, {Name: "time", Form: Time}, {Name: "duration", Form: Duration},
	} {
		plain[t.Name] = t
	}
}

// special are the names of types of Go that are read in a way of their own.
var special = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():  "quantity",
	reflect.TypeFor[intstr.IntOrString](): "int-or-text",
	reflect.TypeFor[metav1.Time]():        "time",
	reflect.TypeFor[metav1.MicroTime]():   "time",
	reflect.TypeFor[metav1.Duration]():    "duration",
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

var ofGo sync.Map // of reflect.Type, *Type: the objects

// Of is the type that a type of Go is in JSON. One that decodes itself, and that is not known
// here, is Anything.
func Of(t reflect.Type) *Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name, ok := special[t]; ok {
		return plain[name]
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return plain["any"]
	}
	switch t.Kind() {
	case reflect.Struct:
		known, ok := ofGo.Load(t)
		if !ok {
			known, _ = ofGo.LoadOrStore(t, &Type{
				Name: nameOf(t), Form: Object,
				fill: func(add func(string, Field)) { goFields(t, add) },
			})
		}
		return known.(*Type)
	case reflect.Map:
		return &Type{Form: Mapping, Elem: Of(t.Elem())}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return plain["bytes"]
		}
		return &Type{Form: List, Elem: Of(t.Elem())}
	case reflect.String:
		return plain["text"]
	case reflect.Bool:
		return plain["truth"]
	case reflect.Int8:
		return plain["int8"]
	case reflect.Int16:
		return plain["int16"]
	case reflect.Int32:
		return plain["int32"]
	case reflect.Int, reflect.Int64:
		return plain["int64"]
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return plain["natural"]
	case reflect.Float32, reflect.Float64:
		return plain["number"]
	}
	return plain["any"]
}

// nameOf is the name of a type of Go, with the part of its package that tells those of Kubernetes
// apart.
func nameOf(t reflect.Type) string {
	folder := t.PkgPath()
	for _, prefix := range [...]string{"k8s.io/api/", "k8s.io/apimachinery/pkg/apis/", "k8s.io/apimachinery/pkg/", "k8s.io/apiextensions-apiserver/pkg/apis/"} {
		if rest, ok := strings.CutPrefix(folder, prefix); ok {
			folder = rest
			break
		}
	}
	return folder + "." + t.Name()
}

// goFields adds the fields of a struct as package json names them, and those of what is embedded
// in it.
func goFields(t reflect.Type, add func(name string, f Field)) {
	for i := range t.NumField() {
		one := t.Field(i)
		name, options, _ := strings.Cut(one.Tag.Get("json"), ",")
		if one.Anonymous && name == "" || strings.Contains(options, "inline") {
			inner := one.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			goFields(inner, add)
			continue
		}
		if name == "-" || !one.IsExported() {
			continue
		}
		if name == "" {
			name = one.Name
		}
		add(name, Field{Of(one.Type), one.Tag.Get("ks") == "required"})
	}
}
