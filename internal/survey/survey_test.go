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
	remarks, lacking, err := Look(t.Context(), index, subject)
	var codes []string
	for _, r := range remarks {
		codes = append(codes, r.Rule+"/"+r.What+" "+r.Subject+" "+r.SameAs)
	}
	if got, want := fmt.Sprint(codes), "[versions/goes-back  version-bump/backwards dependencies-there/optional-missing cat ]"; got != want || lacking == "" || err != nil {
		t.Errorf("%s, want %s; %q, %v", got, want, lacking, err)
	}
	subject.AllowMissing = true
	if remarks, lacking, err = Look(t.Context(), index, subject); len(remarks) != 3 || lacking != "" || err != nil {
		t.Errorf("with what is missing allowed: %v, %q, %v", remarks, lacking, err)
	}
}
