// Package order finds what each extension of a run waits for: the version before it of the same
// extension, and what its externalDependencies name.
package order

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graph"
	"github.com/ksrelease/ksrelease/internal/shards"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Order is what an extension waits for. N is how a run knows its extensions.
type Order[N comparable] struct {
	// Needs are the extensions that it waits for; Firmly are those of them without
	// which it cannot be released.
	Needs        []N
	Firmly       map[N]bool
	Dependencies []Dependency[N]
	// Cycle is the error of the cycle that it is part of by its externalDependencies, and
	// Next the extension that it needs next on the way round.
	Cycle error
	Next  string
	// Together are the other versions of the same extension in this run.
	Together []string
}

// Dependency is an entry of externalDependencies, and what of this run may meet it.
type Dependency[N comparable] struct {
	Name, Constraint string
	Required         bool
	// Within are the extensions of this run, lowest version first, in a version that
	// the constraint takes.
	Within []N
}

func (d Dependency[N]) String() string {
	if d.Constraint == "" || d.Constraint == "*" {
		return d.Name
	}
	return d.Name + " " + d.Constraint
}

// kindExtension is the type of an external dependency on another extension; it
// may be left out. KubeSphere's console passes over all others (packages/core,
// utils), and so do we.
const kindExtension = "extension"

// Extensions are those of a run.
type Extensions[N comparable] struct {
	All []N
	// Named is the name of one, also where it can only be guessed.
	Named func(N) string
	// Metadata is what its extension.yaml says; nil where that cannot be read.
	Metadata func(N) *extension.Metadata
	// Compare is the order in which they are listed, and begun where nothing else matters:
	// by name, then by version.
	Compare func(a, b N) int
}

// Link says what each extension has to wait for: the former version of the same extension, and
// what its externalDependencies name. What they name that is not in this run is looked for by
// who knows the targets. An extension that stands in a cycle of required dependencies has the
// error of that.
func (x Extensions[N]) Link() map[N]*Order[N] {
	orders := make(map[N]*Order[N], len(x.All))
	for _, n := range x.All {
		orders[n] = &Order[N]{}
	}
	named := x.byNames()
	for _, n := range x.All {
		if x.Metadata(n) != nil {
			x.dependsOn(n, orders[n], named)
		}
	}
	for _, all := range named {
		for i, n := range all {
			if i > 0 {
				orders[n].waitFor(all[i-1], false)
			}
			for _, other := range all {
				if m := x.Metadata(other); other != n && m != nil {
					orders[n].Together = append(orders[n].Together, m.Version)
				}
			}
		}
	}
	// What is only nice to have in order gives way where it closes a circle.
	for _, group := range graphOf(x.All, orders).Cycles() {
		for _, n := range group {
			o := orders[n]
			o.Needs = slices.DeleteFunc(o.Needs, func(dep N) bool { return !o.Firmly[dep] && slices.Contains(group, dep) })
		}
	}
	circles := graphOf(x.All, orders)
	for _, group := range circles.Cycles() {
		for _, n := range group {
			orders[n].Next, orders[n].Cycle = x.cycleOf(circles.ShortestCycle(n))
		}
		// Who stands in a cycle waits for nobody: it fails on its own.
		for _, n := range group {
			orders[n].Needs, orders[n].Dependencies = nil, nil
		}
	}
	return orders
}

// Sorted are the extensions so that none comes before one it needs; within that, as they are
// listed.
func (x Extensions[N]) Sorted(orders map[N]*Order[N]) []N {
	return graphOf(slices.SortedFunc(slices.Values(x.All), x.Compare), orders).Sorted()
}

// Divide gives the extensions of each of count shards, which take about as long. What requires
// each other, and the versions of one extension, stay together: the order among them holds in one
// job alone. key is unique to an extension and the same in each job.
func (x Extensions[N]) Divide(orders map[N]*Order[N], key func(N) string, weight func(N) int64, count int) [][]N {
	at := map[N]int{}
	for i, n := range x.All {
		at[n] = i
	}
	members := make([]shards.Member, len(x.All))
	first := map[string]int{} // of each name
	for i, n := range x.All {
		members[i] = shards.Member{Name: key(n), Weight: weight(n)}
		for needed := range orders[n].Firmly { // those in a cycle too, which have to be seen as one
			if other, ok := at[needed]; ok {
				members[i].With = append(members[i].With, other)
			}
		}
		if other, ok := first[x.Named(n)]; ok {
			members[i].With = append(members[i].With, other)
		} else {
			first[x.Named(n)] = i
		}
	}
	divided := make([][]N, count)
	for i, shard := range shards.Divide(members, count) {
		for _, m := range shard {
			divided[i] = append(divided[i], x.All[m])
		}
	}
	return divided
}

// Twice are the extensions of a name and version that another one has, and the first of those.
func (x Extensions[N]) Twice() map[N]N {
	type version struct{ name, version string }
	twice, first := map[N]N{}, map[version]N{}
	for _, n := range x.All {
		m := x.Metadata(n)
		if m == nil {
			continue // it could not be read
		}
		this := version{x.Named(n), m.Version}
		if other, ok := first[this]; ok {
			twice[n] = other
		} else {
			first[this] = n
		}
	}
	return twice
}

// byNames are the extensions of each name, lowest version first. One that cannot be
// read is there by the name that it seems to have, if no other has it: what
// depends on it has to wait until it can be read.
func (x Extensions[N]) byNames() map[string][]N {
	named := map[string][]N{}
	for _, n := range x.All {
		if x.Metadata(n) != nil {
			named[x.Named(n)] = append(named[x.Named(n)], n)
		}
	}
	for _, n := range x.All {
		if x.Metadata(n) == nil && len(named[x.Named(n)]) == 0 {
			named[x.Named(n)] = []N{n}
		}
	}
	for _, all := range named {
		slices.SortFunc(all, x.Compare)
	}
	return named
}

// dependsOn reads the externalDependencies of an extension.
func (x Extensions[N]) dependsOn(n N, o *Order[N], named map[string][]N) {
	for _, d := range x.Metadata(n).ExternalDependencies {
		if d.Type != "" && d.Type != kindExtension {
			continue
		}
		dep := Dependency[N]{Name: d.Name, Constraint: strings.TrimSpace(d.Version), Required: d.Required}
		for _, other := range named[d.Name] {
			if m := x.Metadata(other); m == nil || versions.Admit(dep.Constraint, m.Version) {
				dep.Within = append(dep.Within, other)
			}
		}
		o.Dependencies = append(o.Dependencies, dep)
		before := dep.Within
		if len(before) == 0 {
			before = named[d.Name]
		}
		for _, other := range before {
			o.waitFor(other, d.Required)
		}
	}
}

// waitFor puts an extension after another one; firmly where it cannot be otherwise.
func (o *Order[N]) waitFor(other N, firmly bool) {
	if !slices.Contains(o.Needs, other) {
		o.Needs = append(o.Needs, other)
	}
	if firmly {
		if o.Firmly == nil {
			o.Firmly = map[N]bool{}
		}
		o.Firmly[other] = true
	}
}

// cycleOf is the extension that one in a cycle needs next on the way back to itself,
// and the error of that.
func (x Extensions[N]) cycleOf(cycle []N) (next string, err error) {
	var names []string
	for _, n := range cycle {
		names = append(names, x.Named(n))
	}
	names = append(names, names[0])
	return names[1], failure.WithHint(fmt.Errorf("externalDependencies form a cycle: %s", strings.Join(names, " → ")),
		"remove one of these dependencies from its extension.yaml, or make it optional")
}

// graphOf is the graph of what extensions need.
func graphOf[N comparable](all []N, orders map[N]*Order[N]) graph.Graph[N] {
	return graph.Graph[N]{Nodes: all, Needs: func(n N) []N { return orders[n].Needs }}
}
