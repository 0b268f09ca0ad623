// Package graph finds the order and the cycles of things that need each other.
package graph

import "slices"

// Graph is a set of nodes; Needs are those that a node needs before it, which have to be
// nodes of the set.
type Graph[N comparable] struct {
	Nodes []N
	Needs func(N) []N
}

// Cycles finds the groups of nodes that need each other, directly or not: the strongly
// connected groups of more than one node, and nodes that need themselves (Tarjan's algorithm).
func (g Graph[N]) Cycles() [][]N {
	type mark struct {
		index, low int
		onStack    bool
	}
	var (
		marks = map[N]*mark{}
		stack []N
		found [][]N
		visit func(N)
	)
	visit = func(n N) {
		m := &mark{index: len(marks), low: len(marks), onStack: true}
		marks[n] = m
		stack = append(stack, n)
		for _, needed := range g.Needs(n) {
			switch d := marks[needed]; {
			case d == nil:
				visit(needed)
				m.low = min(m.low, marks[needed].low)
			case d.onStack:
				m.low = min(m.low, d.index)
			}
		}
		if m.low != m.index {
			return
		}
		at := slices.Index(stack, n)
		group := slices.Clone(stack[at:])
		stack = stack[:at]
		for _, member := range group {
			marks[member].onStack = false
		}
		if len(group) > 1 || slices.Contains(g.Needs(n), n) {
			found = append(found, group)
		}
	}
	for _, n := range g.Nodes {
		if marks[n] == nil {
			visit(n)
		}
	}
	return found
}

// ShortestCycle is the shortest way from a node that is in a cycle back to itself, which
// begins with it and does not repeat it.
func (g Graph[N]) ShortestCycle(start N) []N {
	from := map[N]N{}
	for queue := []N{start}; ; queue = queue[1:] {
		at := queue[0]
		needs := g.Needs(at)
		if slices.Contains(needs, start) {
			chain := []N{at}
			for at != start {
				at = from[at]
				chain = append(chain, at)
			}
			slices.Reverse(chain)
			return chain
		}
		for _, needed := range needs {
			if _, seen := from[needed]; !seen {
				from[needed] = at
				queue = append(queue, needed)
			}
		}
	}
}

// Sorted are the nodes so that none comes before one that it needs; apart from that in the
// order of Nodes. There must be no cycle.
func (g Graph[N]) Sorted() []N {
	var (
		sorted []N
		seen   = map[N]bool{}
		visit  func(N)
	)
	visit = func(n N) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, needed := range g.Needs(n) {
			visit(needed)
		}
		sorted = append(sorted, n)
	}
	for _, n := range g.Nodes {
		visit(n)
	}
	return sorted
}
