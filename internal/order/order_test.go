package order

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// of are extensions by "name" or "name version", each with what it needs; "?" after a name says
// that it is optional.
func of(all ...[]string) Extensions[*extension.Metadata] {
	x := Extensions[*extension.Metadata]{
		Named:    func(m *extension.Metadata) string { return m.Name },
		Metadata: func(m *extension.Metadata) *extension.Metadata { return m },
		Compare: func(a, b *extension.Metadata) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
		},
	}
	for _, words := range all {
		m := &extension.Metadata{}
		name, version, _ := strings.Cut(words[0], " ")
		m.Name, m.Version = name, cmp.Or(version, "1.0.0")
		for _, n := range words[1:] {
			name, optional := strings.CutSuffix(n, "?")
			m.ExternalDependencies = append(m.ExternalDependencies, extension.ExternalDependency{Name: name, Required: !optional})
		}
		x.All = append(x.All, m)
	}
	return x
}

// Each member of a cycle is named the one that it needs next.
func TestCycles(t *testing.T) {
	x := of([]string{"a", "b"}, []string{"b", "c"}, []string{"c", "a"}, []string{"d", "a"}, []string{"e", "e"}, []string{"f", "g?"}, []string{"g", "f"})
	want := []string{"b", "c", "a", "", "e", "", ""}
	orders := x.Link()
	for i, m := range x.All {
		if o := orders[m]; o.Next != want[i] || (o.Cycle != nil) != (want[i] != "") {
			t.Errorf("%s: next %q, want %q; %v", m.Name, o.Next, want[i], o.Cycle)
		}
	}
}

// What is needed comes first, and each version after the one before it.
func TestSorted(t *testing.T) {
	x := of([]string{"a 2.0.0", "c"}, []string{"c", "d?"}, []string{"b"}, []string{"d"}, []string{"a 1.0.0"})
	orders := x.Link()
	var names []string
	for _, m := range x.Sorted(orders) {
		names = append(names, m.Name+" "+m.Version)
	}
	if want := []string{"a 1.0.0", "d 1.0.0", "c 1.0.0", "a 2.0.0", "b 1.0.0"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if o := orders[x.All[0]]; !slices.Equal(o.Together, []string{"1.0.0"}) || len(o.Dependencies) != 1 || !o.Firmly[x.All[1]] {
		t.Errorf("%+v", o)
	}
}
