package survey

import (
	"context"
	"fmt"
	"testing"

	"github.com/ksrelease/ksrelease/internal/target"
)

// published is an index with versions by name.
type published struct {
	target.Index
	versions map[string][]string
}

func (p published) Versions(_ context.Context, name string) ([]string, error) {
	return p.versions[name], nil
}

// What is there meets a dependency; what is not is a remark, or keeps the version back.
func TestLook(t *testing.T) {
	index := published{versions: map[string][]string{"alc": {"1.0.0", "3.0.0"}, "bee": {"1.2.0"}}}
	subject := Subject{
		Name: "alc", Version: "2.0.0", Holds: "the repository",
		Dependencies: []Dependency{
			{Name: "bee", Constraint: "^1.0.0", Shown: "bee ^1.0.0", Required: true},
			{Name: "cat", Shown: "cat"},
			{Name: "bee", Constraint: ">=2", Shown: "bee >=2", Required: true},
		},
	}
	around, err := Look(t.Context(), index, subject)
	var codes []string
	for _, r := range around.Remarks {
		codes = append(codes, r.Rule+"/"+r.What+" "+r.Subject+" "+r.SameAs)
	}
	if got, want := fmt.Sprint(codes), "[versions/goes-back  version-bump/backwards dependencies-there/optional-missing cat ]"; got != want || around.Lacking == "" || around.Before != "1.0.0" || err != nil {
		t.Errorf("%s, want %s; %+v, %v", got, want, around, err)
	}
	subject.AllowMissing = true
	if around, err = Look(t.Context(), index, subject); len(around.Remarks) != 3 || around.Lacking != "" || err != nil {
		t.Errorf("with what is missing allowed: %+v, %v", around, err)
	}
}

func TestBefore(t *testing.T) {
	for _, c := range []struct {
		version string
		there   []string
		want    string
	}{
		{"1.0.0", nil, ""},
		{"1.1.0", []string{"1.0.0"}, "1.0.0"},
		{"1.5.1", []string{"1.5.0", "2.0.0", "1.4.9"}, "1.5.0"},
		{"1.0.0", []string{"1.5.0", "2.0.0"}, "2.0.0"}, // it goes back
		{"1.0.0", []string{"1.0.0"}, ""},
		{"1.10.0", []string{"1.9.0", "1.2.0", "1.10.0-rc.1"}, "1.10.0-rc.1"},
	} {
		if got := before(c.version, c.there); got != c.want {
			t.Errorf("before %s of %v: %q, want %q", c.version, c.there, got, c.want)
		}
	}
}
