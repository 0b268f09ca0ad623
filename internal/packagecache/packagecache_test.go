package packagecache

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/extension"
)

func TestRecallsWhatWasMade(t *testing.T) {
	c, err := cache.Open(cache.Options{Dir: t.TempDir(), Tool: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	p, pkg := New(c), extension.Packed("alc", "1.2.0", []byte("data"), "v2:sha256:1")
	// Each of these is another package, or another verdict.
	all := []Made{
		{Tree: "a"}, {Tree: "b"}, {Tree: "a", Loads: true}, {Tree: "a", Limit: 1}, {Tree: "a", Limit: 2},
		{Tree: "a", Origin: &extension.Origin{}}, {Tree: "a", Origin: &extension.Origin{Revision: "1"}}, {Tree: "a", Origin: &extension.Origin{Committed: true}},
		{Tree: "a", URLs: extension.URLs{}}, {Tree: "a", URLs: extension.URLs{"x": "y"}}, {Tree: "a", URLs: extension.URLs{"x": "z"}}, {Tree: "a", URLs: extension.URLs{"y": "x"}},
	}
	for i, made := range all {
		if got := p.Recall(t.Context(), made); got != nil {
			t.Errorf("%+v is known by another one", made)
		}
		p.Keep(t.Context(), made, extension.Packed("alc", "1.2.0", []byte{byte(i)}, "v2:sha256:1"))
	}
	made := all[0]
	p.Keep(t.Context(), made, pkg)
	want := *pkg
	want.Data = nil
	if got := p.Recall(t.Context(), made); !reflect.DeepEqual(got, &want) {
		t.Errorf("recalled %+v", got)
	}
	for _, none := range []*Packages{nil, New(nil)} {
		none.Keep(t.Context(), made, pkg)
		if none.Recall(t.Context(), made) != nil {
			t.Error("recalled without a cache")
		}
	}
	p.Keep(t.Context(), Made{}, pkg)
	if p.Recall(t.Context(), Made{}) != nil {
		t.Error("recalled for an extension that is not known")
	}
}

// A field that comes to Package has to be kept, or to be named here as one that a plan has no use for.
func TestKeepsAllOfAPackage(t *testing.T) {
	without := []string{"Data", "Provenance", "Signature"} // bytes, and what is made when it is signed
	kept, of := reflect.TypeFor[known](), reflect.TypeFor[extension.Package]()
	for i := range of.NumField() {
		name := of.Field(i).Name
		if _, ok := kept.FieldByName(name); !ok && !slices.Contains(without, name) {
			t.Errorf("Package.%s is not kept", name)
		}
	}
}
