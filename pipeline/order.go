package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// dependency is an entry of externalDependencies, and what of this run may meet it.
type dependency struct {
	name, constraint string
	required         bool
	// within are the releases of this run, lowest version first, in a version that
	// the constraint admits.
	within []*release
}

func (d dependency) String() string {
	if d.constraint == "" || d.constraint == "*" {
		return d.name
	}
	return d.name + " " + d.constraint
}

// kindExtension is the type of an external dependency on another extension; it
// may be left out. KubeSphere's console passes over all others (packages/core,
// utils), and so do we.
const kindExtension = "extension"

// link gives each release the releases it has to wait for: the former version of
// the same extension, and what its externalDependencies name. What they name that
// is not in this run is looked for when the plan decides. An extension that
// stands in a cycle of required dependencies fails.
func link(releases []*release) {
	named := byNames(releases)
	for _, r := range releases {
		if r.metadata != nil {
			r.dependsOn(named)
		}
	}
	for _, versions := range named {
		for i, r := range versions[1:] {
			r.waitFor(versions[i], false)
		}
	}
	// What is only nice to have in order gives way where it closes a circle.
	for _, group := range cycles(releases) {
		for _, r := range group {
			r.needs = slices.DeleteFunc(r.needs, func(dep *release) bool { return !r.firmly[dep] && slices.Contains(group, dep) })
		}
	}
	for _, group := range cycles(releases) {
		for _, r := range group {
			r.cycleNext, r.cycle = cycleOf(r)
		}
		// Who stands in a cycle waits for nobody: it fails on its own.
		for _, r := range group {
			r.needs, r.dependencies = nil, nil
		}
	}
}

// byNames are the releases of each name, lowest version first. One that cannot be
// read is there by the name that it seems to have, if no other has it: what
// depends on it has to wait until it can be read.
func byNames(releases []*release) map[string][]*release {
	named := map[string][]*release{}
	for _, r := range releases {
		if r.metadata != nil {
			named[r.result.Name] = append(named[r.result.Name], r)
		}
	}
	for _, r := range releases {
		if r.metadata == nil && len(named[r.result.Name]) == 0 {
			named[r.result.Name] = []*release{r}
		}
	}
	for _, versions := range named {
		slices.SortFunc(versions, inReports)
	}
	return named
}

// dependsOn reads the externalDependencies of an extension.
func (r *release) dependsOn(named map[string][]*release) {
	for _, d := range r.metadata.ExternalDependencies {
		if d.Type != "" && d.Type != kindExtension {
			continue
		}
		dep := dependency{name: d.Name, constraint: strings.TrimSpace(d.Version), required: d.Required}
		for _, other := range named[d.Name] {
			if other.metadata == nil || admits(dep.constraint, other.metadata.Version) {
				dep.within = append(dep.within, other)
			}
		}
		r.dependencies = append(r.dependencies, dep)
		before := dep.within
		if len(before) == 0 {
			before = named[d.Name]
		}
		for _, other := range before {
			r.waitFor(other, d.Required)
		}
	}
}

// waitFor puts a release after another one; firmly where it cannot be otherwise.
func (r *release) waitFor(other *release, firmly bool) {
	if !slices.Contains(r.needs, other) {
		r.needs = append(r.needs, other)
	}
	if firmly {
		if r.firmly == nil {
			r.firmly = map[*release]bool{}
		}
		r.firmly[other] = true
	}
}

// cycleOf is the extension that one in a cycle needs next on the way back to itself,
// and the error of that.
func cycleOf(r *release) (next string, err error) {
	var names []string
	for _, in := range shortestCycle(r) {
		names = append(names, in.result.Name)
	}
	names = append(names, names[0])
	return names[1], withRemedy(fmt.Errorf("externalDependencies form a cycle: %s", strings.Join(names, " → ")),
		"remove one of these dependencies from its extension.yaml, or make it optional")
}

// CheckCycles says of each extension, in the order given, whether it stands in a
// cycle of required dependencies, as a run does when it orders them.
func CheckCycles(all []extension.Metadata) []Cycle {
	releases := make([]*release, len(all))
	for i := range all {
		releases[i] = &release{metadata: &all[i], result: ExtensionResult{Name: all[i].Name, Version: all[i].Version}}
	}
	link(releases)
	found := make([]Cycle, len(all))
	for i, r := range releases {
		found[i] = Cycle{Next: r.cycleNext, Err: r.cycle}
	}
	return found
}

// Cycle is one that an extension stands in: the extension that it needs next on the
// way back to itself, and the error with which a run would end it; empty where there
// is none.
type Cycle struct {
	Next string
	Err  error
}

// cycles finds the strongly connected groups of more than one release, and
// those that depend on themselves (Tarjan's algorithm).
func cycles(releases []*release) [][]*release {
	type mark struct {
		index, low int
		onStack    bool
	}
	var (
		marks = map[*release]*mark{}
		stack []*release
		found [][]*release
		visit func(*release)
	)
	visit = func(r *release) {
		m := &mark{index: len(marks), low: len(marks), onStack: true}
		marks[r] = m
		stack = append(stack, r)
		for _, dep := range r.needs {
			switch d := marks[dep]; {
			case d == nil:
				visit(dep)
				m.low = min(m.low, marks[dep].low)
			case d.onStack:
				m.low = min(m.low, d.index)
			}
		}
		if m.low != m.index {
			return
		}
		at := slices.Index(stack, r)
		group := slices.Clone(stack[at:])
		stack = stack[:at]
		for _, g := range group {
			marks[g].onStack = false
		}
		if len(group) > 1 || slices.Contains(r.needs, r) {
			found = append(found, group)
		}
	}
	for _, r := range releases {
		if marks[r] == nil {
			visit(r)
		}
	}
	return found
}

// shortestCycle is the shortest way from a release that stands in a cycle back
// to itself: the chain that its error shows.
func shortestCycle(start *release) []*release {
	from := map[*release]*release{}
	for queue := []*release{start}; ; queue = queue[1:] {
		at := queue[0]
		if slices.Contains(at.needs, start) {
			chain := []*release{at}
			for at != start {
				at = from[at]
				chain = append(chain, at)
			}
			slices.Reverse(chain)
			return chain
		}
		for _, dep := range at.needs {
			if _, seen := from[dep]; !seen {
				from[dep] = at
				queue = append(queue, dep)
			}
		}
	}
}

// inReports is the order in which releases are listed, and begun where nothing
// else matters: by name, then by version, then by place.
func inReports(a, b *release) int { return byNameAndVersion(a.result, b.result) }

func byNameAndVersion(a, b ExtensionResult) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), compareVersions(a.Version, b.Version), strings.Compare(a.Path, b.Path))
}

// inOrder sorts releases so that none stands before one it needs; within that,
// as in reports.
func inOrder(releases []*release) []*release {
	sorted := slices.Clone(releases)
	slices.SortFunc(sorted, inReports)
	var (
		ordered []*release
		seen    = map[*release]bool{}
		visit   func(*release)
	)
	visit = func(r *release) {
		if seen[r] {
			return
		}
		seen[r] = true
		for _, dep := range r.needs {
			visit(dep)
		}
		ordered = append(ordered, r)
	}
	for _, r := range sorted {
		visit(r)
	}
	return ordered
}
