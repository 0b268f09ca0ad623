// Command generate writes kinds.txt of package kubetypes, in the folder that it is started in.
package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/ksrelease/ksrelease/internal/kubetypes"
)

func main() {
	text, err := file()
	if err == nil {
		err = os.WriteFile("kinds.txt", []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The types of k8s.io/api say by these methods, which are generated from their
// comments, in which version of Kubernetes they came, are deprecated and gone.
type (
	introduced interface {
		APILifecycleIntroduced() (major, minor int)
	}
	deprecated interface {
		APILifecycleDeprecated() (major, minor int)
	}
	removed interface {
		APILifecycleRemoved() (major, minor int)
	}
	replaced interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}
)

// file is the content of kinds.txt.
func file() (string, error) {
	known, err := types()
	if err != nil {
		return "", err
	}
	var kinds strings.Builder
	objects := map[string]string{}
	for _, kind := range slices.SortedFunc(maps.Keys(known), func(a, b schema.GroupVersionKind) int {
		return cmp.Or(strings.Compare(a.GroupVersion().String(), b.GroupVersion().String()), strings.Compare(a.Kind, b.Kind))
	}) {
		one := reflect.New(known[kind]).Interface()
		var came, old, gone int
		instead := ""
		if l, ok := one.(introduced); ok {
			_, came = l.APILifecycleIntroduced()
		}
		if l, ok := one.(deprecated); ok {
			_, old = l.APILifecycleDeprecated()
		}
		if l, ok := one.(removed); ok {
			_, gone = l.APILifecycleRemoved()
		}
		if l, ok := one.(replaced); ok {
			by := l.APILifecycleReplacement()
			instead = fmt.Sprintf(" %s %s", by.GroupVersion(), by.Kind)
		}
		fmt.Fprintf(&kinds, "kind %s %s %s %d %d %d%s\n", kind.GroupVersion(), kind.Kind, word(kubetypes.Of(known[kind]), objects), came, old, gone, instead)
	}
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		fmt.Fprintf(&kinds, "type %s%s\n", name, objects[name])
	}
	return "# Made by go generate of the types of k8s.io/api; file.go says how it is read.\n" + kinds.String(), nil
}

// types are the types of all kinds, without those of versions that no API has.
func types() (map[schema.GroupVersionKind]reflect.Type, error) {
	for _, add := range []func(*runtime.Scheme) error{apiextensionsv1.AddToScheme, apiextensionsv1beta1.AddToScheme} {
		if err := add(scheme.Scheme); err != nil {
			return nil, err
		}
	}
	known := maps.Clone(scheme.Scheme.AllKnownTypes())
	maps.DeleteFunc(known, func(kind schema.GroupVersionKind, _ reflect.Type) bool {
		return kind.Version == runtime.APIVersionInternal
	})
	return known, nil
}

// word is what the file has for a type. The lines of objects are added to those that are there.
func word(t *kubetypes.Type, objects map[string]string) string {
	switch t.Form {
	case kubetypes.List:
		return "[]" + word(t.Elem, objects)
	case kubetypes.Mapping:
		return "{}" + word(t.Elem, objects)
	case kubetypes.Object:
		if _, known := objects[t.Name]; known {
			break
		}
		objects[t.Name] = "" // it may lead back to itself
		line := ""
		for _, name := range t.Names() {
			f, _ := t.Field(name)
			line += " " + name + "=" + word(f.Type, objects)
		}
		objects[t.Name] = line
	}
	return t.Name
}
