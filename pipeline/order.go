package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// link gives each release the releases it has to wait for: the
// externalDependencies that are declared in the same run. Others are taken to
// be in the marketplace already. An extension that stands in a cycle fails.
func link(releases []*release) {
	named := map[string]*release{}
	for _, r := range releases {
		// One that cannot be read is here by the name that it seems to have: what
		// depends on it has to wait until it can.
		if _, taken := named[r.result.Name]; !taken || r.metadata != nil {
			named[r.result.Name] = r
		}
	}
	for _, r := range releases {
		if r.metadata == nil {
			continue
		}
		for _, d := range r.metadata.ExternalDependencies {
			if dep, ok := named[d.Name]; ok && !slices.Contains(r.needs, dep) {
				r.needs = append(r.needs, dep)
			}
		}
	}
	for _, group := range cycles(releases) {
		for _, r := range group {
			_, r.cycle = cycleOf(r)
		}
		// Who stands in a cycle waits for nobody: it fails on its own.
		for _, r := range group {
			r.needs = nil
		}
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
		"remove one of these dependencies from its extension.yaml")
}

// CheckCycles tells for each extension that stands in a cycle of dependencies, by its
// name, which extension it needs next on the way back to itself, and the error with
// which a run would end it. needs are the externalDependencies of each.
func CheckCycles(needs map[string][]string) map[string]Cycle {
	named := map[string]*release{}
	for name := range needs {
		named[name] = &release{result: ExtensionResult{Name: name}}
	}
	var releases []*release
	for _, name := range slices.Sorted(maps.Keys(needs)) {
		for _, need := range needs[name] {
			if dep, ok := named[need]; ok {
				named[name].needs = append(named[name].needs, dep)
			}
		}
		releases = append(releases, named[name])
	}
	found := map[string]Cycle{}
	for _, group := range cycles(releases) {
		for _, r := range group {
			next, err := cycleOf(r)
			found[r.result.Name] = Cycle{Next: next, Err: err}
		}
	}
	return found
}

// Cycle is one that an extension stands in.
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

func byName(a, b *release) int { return strings.Compare(a.result.Name, b.result.Name) }

// inOrder sorts releases so that none stands before one it needs; within that,
// by name.
func inOrder(releases []*release) []*release {
	sorted := slices.Clone(releases)
	slices.SortFunc(sorted, byName)
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
