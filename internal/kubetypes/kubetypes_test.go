package kubetypes

import (
	"reflect"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// TestTheFileHasTheTypes: what is read from the file has the fields of the types of Go.
func TestTheFileHasTheTypes(t *testing.T) {
	compared := map[[2]*Type]bool{}
	var same func(path string, file, code *Type)
	same = func(path string, file, code *Type) {
		if compared[[2]*Type{file, code}] {
			return
		}
		compared[[2]*Type{file, code}] = true
		if file.Name != code.Name || file.Form != code.Form || file.Bits != code.Bits || (file.Elem == nil) != (code.Elem == nil) {
			t.Errorf("%s is %s (%d) in the file, and %s (%d) in Go", path, file.Name, file.Form, code.Name, code.Form)
			return
		}
		if file.Elem != nil {
			same(path+"[]", file.Elem, code.Elem)
		}
		if !slices.Equal(file.Names(), code.Names()) {
			t.Errorf("%s has the fields %q in the file, and %q in Go", path, file.Names(), code.Names())
			return
		}
		for _, name := range file.Names() {
			a, _ := file.Field(name)
			b, _ := code.Field(name)
			if a.Required || b.Required {
				t.Errorf("%s.%s is required", path, name)
			}
			same(path+"."+name, a.Type, b.Type)
		}
	}
	kinds := 0
	for kind, code := range scheme.Scheme.AllKnownTypes() {
		if kind.Version == runtime.APIVersionInternal {
			continue
		}
		kinds++
		k, ok := Known(kind.GroupVersion().String(), kind.Kind)
		if !ok {
			t.Errorf("%s is not in the file", kind)
			continue
		}
		same(kind.Kind, k.Type(), Of(code))
	}
	if kinds < 700 || len(compared) < 1500 {
		t.Errorf("only %d kinds and %d types were compared", kinds, len(compared))
	}
}

func TestKinds(t *testing.T) {
	k, ok := Known("batch/v1beta1", "CronJob")
	if !ok || k.Introduced != 8 || k.Deprecated != 21 || k.Removed != 25 || k.Instead != "batch/v1 CronJob" {
		t.Errorf("CronJob of batch/v1beta1 is %+v", k)
	}
	if _, ok := Known("batch/v1", "Deployment"); ok {
		t.Error("there is a Deployment in batch/v1")
	}
	if k, ok := Known("apiextensions.k8s.io/v1", "CustomResourceDefinition"); !ok || k.Type().Form != Object {
		t.Error("definitions of resources are not known")
	}
	if !slices.IsSortedFunc(All(), func(a, b *Kind) int {
		return slices.Compare([]string{a.APIVersion, a.Kind}, []string{b.APIVersion, b.Kind})
	}) {
		t.Error("the kinds are not sorted")
	}
	spec, _ := mustKnow(t, "v1", "Pod").Type().Field("spec")
	containers, ok := spec.Type.Field("containers")
	if !ok || containers.Type.Form != List || containers.Type.Elem.Name != "core/v1.Container" {
		t.Errorf("the containers of a Pod are %+v", containers.Type)
	}
}

func mustKnow(t *testing.T, apiVersion, kind string) *Kind {
	t.Helper()
	k, ok := Known(apiVersion, kind)
	if !ok {
		t.Fatalf("%s %s is not known", apiVersion, kind)
	}
	return k
}

type node struct {
	Below    []node         `json:"below"`
	Named    map[string]any `json:"named"`
	Kept     string         `json:"-"`
	Port     *uint16        `json:"port" ks:"required"`
	Whole    int            `json:",omitempty"`
	embedded `json:",inline"`
}

type embedded struct {
	Text []byte `json:"text"`
}

func TestOfGo(t *testing.T) {
	of := Of(reflect.TypeFor[*node]())
	if want := []string{"Whole", "below", "named", "port", "text"}; !slices.Equal(of.Names(), want) {
		t.Fatalf("the fields are %q, want %q", of.Names(), want)
	}
	below, _ := of.Field("below")
	if below.Type.Elem != of {
		t.Error("a type does not lead back to itself")
	}
	for name, want := range map[string]string{"port": "natural", "text": "bytes", "Whole": "int64"} {
		if f, _ := of.Field(name); f.Type.Name != want || f.Required != (name == "port") {
			t.Errorf("%s is %s, required: %t", name, f.Type.Name, f.Required)
		}
	}
	if named, _ := of.Field("named"); named.Type.Form != Mapping || named.Type.Elem.Form != Anything {
		t.Errorf("named is %+v", named.Type)
	}
}
