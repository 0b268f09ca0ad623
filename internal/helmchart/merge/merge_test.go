package merge

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// The names in random charts are few, so that values, subcharts, tags and conditions meet.
var names = []string{"a", "b", "c"}

type maker struct{ *rand.Rand }

func (m maker) one(of ...string) string { return of[m.IntN(len(of))] }

// value is a random value, mostly a mapping where there is depth left.
func (m maker) value(depth int) any {
	switch n := m.IntN(12); {
	case depth > 0 && n < 7:
		return m.table(depth - 1)
	case n < 8:
		return nil
	case n < 10:
		return m.IntN(2) == 0
	case n < 11:
		return []any{m.IntN(3), map[string]any{m.one(names...): m.IntN(3)}}
	}
	return m.one("x", "y")
}

func (m maker) table(depth int) map[string]any {
	table := map[string]any{}
	for range m.IntN(4) {
		table[m.one("a", "b", "c", "k", "exports", "enabled")] = m.value(depth)
	}
	if m.IntN(3) == 0 {
		global := map[string]any{}
		for range m.IntN(4) {
			global[m.one("a", "k", "l")] = m.value(depth)
		}
		table["global"] = global
		if m.IntN(12) == 0 {
			table["global"] = m.one("not a table")
		}
	}
	if m.IntN(3) == 0 {
		table["tags"] = map[string]any{m.one("t", "u"): m.IntN(2) == 0, m.one("t", "u"): m.IntN(2) == 0}
	}
	return table
}

// chart is a random chart with charts below it, of which some have the same name.
func (m maker) chart(name string, depth int) *chart.Chart {
	c := &chart.Chart{Metadata: &chart.Metadata{Name: name, Version: m.one("1.0.0", "2.0.0")}, Values: m.table(2)}
	if m.IntN(20) == 0 {
		c.Values = nil
	}
	if depth == 0 {
		return c
	}
	for range m.IntN(3) {
		c.AddDependency(m.chart(m.one(names...), depth-1))
	}
	for range m.IntN(4) {
		d := &chart.Dependency{Name: m.one(names...), Version: m.one("1.0.0", ">=1.0.0", "", "x.y")}
		if m.IntN(4) == 0 {
			d.Alias = m.one("a", "z")
		}
		if m.IntN(3) == 0 {
			d.Tags = []string{m.one("t", "u"), m.one("t", "u", "v")}
		}
		if m.IntN(3) == 0 {
			d.Condition = m.one("a.enabled", "b.enabled", "a.b.enabled,a.enabled", " k", "k, a.enabled", ",a.enabled", "a..b", ".")
		}
		for range m.IntN(3) {
			d.ImportValues = append(d.ImportValues, slices.Clone([]any{
				"data", "a", map[string]any{"child": "a", "parent": "b"}, map[string]any{"child": "exports.a", "parent": "b.a"},
				map[string]any{"child": "k", "parent": "."}, map[string]any{"child": "a"}, 5,
			})[m.IntN(7)])
		}
		c.Metadata.Dependencies = append(c.Metadata.Dependencies, d)
	}
	return c
}

// seen is all that can be seen of a tree.
type seen struct {
	Name         string
	Path         string
	Values       map[string]any
	Dependencies []chart.Dependency
	Below        []seen
}

func look(c *chart.Chart) seen {
	s := seen{Name: c.Name(), Path: c.ChartFullPath(), Values: c.Values}
	for _, d := range c.Metadata.Dependencies {
		s.Dependencies = append(s.Dependencies, *d)
	}
	for _, child := range c.Dependencies() {
		s.Below = append(s.Below, look(child))
	}
	return s
}

// TestAsHelm: random trees come out as those of Helm do, and their values, too.
func TestAsHelm(t *testing.T) {
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard)
	failed, taken, imported := 0, 0, 0
	for n := range soak.Cases(t, 5_000, 1_000_000) {
		make := func() (*chart.Chart, map[string]any) {
			m := maker{rand.New(rand.NewPCG(uint64(n), 14))}
			return m.chart("root", 3), m.table(2)
		}
		stock, given := make()
		ours, alsoGiven := make()
		var want, got seen
		wantErr := chartutil.ProcessDependenciesWithMerge(stock, given)
		gotErr := Dependencies(ours, alsoGiven)
		if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
			t.Fatalf("tree %d: error %v, and that of Helm %v", n, gotErr, wantErr)
		}
		if wantErr != nil {
			failed++
			continue
		}
		if want, got = look(stock), look(ours); !reflect.DeepEqual(want, got) {
			t.Fatalf("tree %d (-Helm +here):\n%s", n, cmp.Diff(want, got))
		}
		taken += len(got.Below)
		for _, d := range got.Dependencies {
			imported += len(d.ImportValues)
		}
		wantValues, wantErr := chartutil.CoalesceValues(stock, given)
		gotValues, gotErr := Values(ours, alsoGiven)
		if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) || wantErr == nil && !reflect.DeepEqual(map[string]any(wantValues), gotValues) {
			t.Fatalf("values of tree %d (-Helm +here), errors %v and %v:\n%s", n, wantErr, gotErr, cmp.Diff(map[string]any(wantValues), gotValues))
		}
		if !reflect.DeepEqual(look(ours), got) {
			t.Fatalf("tree %d was changed when its values were merged", n)
		}
		if before := look(stock); !reflect.DeepEqual(given, alsoGiven) || !reflect.DeepEqual(before, got) {
			t.Fatalf("tree %d: what was given was changed", n)
		}
	}
	if failed == 0 || taken == 0 || imported == 0 {
		t.Errorf("of the trees %d failed, %d subcharts were taken, %d values imported", failed, taken, imported)
	}
}

// TestTables: one mapping over another, as Helm does it.
func TestTables(t *testing.T) {
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard)
	for n := range soak.Cases(t, 5_000, 500_000) {
		make := func() (over, under map[string]any) {
			m := maker{rand.New(rand.NewPCG(uint64(n), 15))}
			over, under = m.table(3), m.table(3)
			if m.IntN(30) == 0 {
				over = nil
			}
			if m.IntN(30) == 0 {
				under = nil
			}
			return over, under
		}
		want := chartutil.CoalesceTables(make())
		over, under := make()
		_, before := make()
		if got := Tables(over, under); !(len(want) == 0 && len(got) == 0) && !reflect.DeepEqual(want, got) {
			t.Fatalf("case %d (-Helm +here):\n%s", n, cmp.Diff(want, got))
		}
		if !reflect.DeepEqual(before, under) {
			t.Fatalf("case %d: the lower one was changed", n)
		}
	}
}

// BenchmarkDependencies is what Helm takes to process a tree of three levels and to merge
// its values, and what that takes here.
func BenchmarkDependencies(b *testing.B) {
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard)
	tree := func() *chart.Chart {
		values := func() map[string]any {
			v := map[string]any{"global": map[string]any{"imageRegistry": "", "nodeSelector": map[string]any{}}}
			for i := range 100 {
				v[fmt.Sprint("key", i)] = map[string]any{"resources": map[string]any{"limits": map[string]any{"cpu": "100m"}}, "tolerations": []any{}}
			}
			return v
		}
		root := &chart.Chart{Metadata: &chart.Metadata{Name: "root", Version: "1.0.0"}, Values: values()}
		for _, name := range names {
			child := &chart.Chart{Metadata: &chart.Metadata{Name: name, Version: "1.0.0", Dependencies: []*chart.Dependency{{Name: "deep"}}}, Values: values()}
			child.AddDependency(&chart.Chart{Metadata: &chart.Metadata{Name: "deep", Version: "1.0.0"}, Values: values()})
			root.AddDependency(child)
			root.Metadata.Dependencies = append(root.Metadata.Dependencies, &chart.Dependency{Name: name, Condition: name + ".enabled"})
		}
		return root
	}
	b.Run("here", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := tree()
			if err := Dependencies(c, nil); err != nil {
				b.Fatal(err)
			}
			if _, err := Values(c, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Helm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := tree()
			if err := chartutil.ProcessDependenciesWithMerge(c, nil); err != nil {
				b.Fatal(err)
			}
			if _, err := chartutil.CoalesceValues(c, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
