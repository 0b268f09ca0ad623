package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graph"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// dependency is an entry of externalDependencies, and what of this run may meet it.
type dependency struct {
	name, constraint string
	required         bool
	// within are the releases of this run, lowest version first, in a version that
	// the constraint takes.
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
		if r.read.metadata != nil {
			r.dependsOn(named)
		}
	}
	for _, all := range named {
		for i, r := range all {
			if i > 0 {
				r.waitFor(all[i-1], false)
			}
			for _, other := range all {
				if other != r && other.read.metadata != nil {
					r.order.together = append(r.order.together, other.result.Version)
				}
			}
		}
	}
	// What is only nice to have in order gives way where it closes a circle.
	for _, group := range graphOf(releases).Cycles() {
		for _, r := range group {
			r.order.needs = slices.DeleteFunc(r.order.needs, func(dep *release) bool { return !r.order.firmly[dep] && slices.Contains(group, dep) })
		}
	}
	for _, group := range graphOf(releases).Cycles() {
		for _, r := range group {
			r.order.next, r.order.cycle = cycleOf(r)
		}
		// Who stands in a cycle waits for nobody: it fails on its own.
		for _, r := range group {
			r.order.needs, r.order.dependencies = nil, nil
		}
	}
}

// linkAgain is link for releases that were linked before, with others or as they were then.
func linkAgain(releases []*release) {
	for _, r := range releases {
		r.order = order{}
	}
	link(releases)
}

// byNames are the releases of each name, lowest version first. One that cannot be
// read is there by the name that it seems to have, if no other has it: what
// depends on it has to wait until it can be read.
func byNames(releases []*release) map[string][]*release {
	named := map[string][]*release{}
	for _, r := range releases {
		if r.read.metadata != nil {
			named[r.result.Name] = append(named[r.result.Name], r)
		}
	}
	for _, r := range releases {
		if r.read.metadata == nil && len(named[r.result.Name]) == 0 {
			named[r.result.Name] = []*release{r}
		}
	}
	for _, all := range named {
		slices.SortFunc(all, inReports)
	}
	return named
}

// dependsOn reads the externalDependencies of an extension.
func (r *release) dependsOn(named map[string][]*release) {
	for _, d := range r.read.metadata.ExternalDependencies {
		if d.Type != "" && d.Type != kindExtension {
			continue
		}
		dep := dependency{name: d.Name, constraint: strings.TrimSpace(d.Version), required: d.Required}
		for _, other := range named[d.Name] {
			if other.read.metadata == nil || versions.Admit(dep.constraint, other.read.metadata.Version) {
				dep.within = append(dep.within, other)
			}
		}
		r.order.dependencies = append(r.order.dependencies, dep)
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
	if !slices.Contains(r.order.needs, other) {
		r.order.needs = append(r.order.needs, other)
	}
	if firmly {
		if r.order.firmly == nil {
			r.order.firmly = map[*release]bool{}
		}
		r.order.firmly[other] = true
	}
}

// cycleOf is the extension that one in a cycle needs next on the way back to itself,
// and the error of that.
func cycleOf(r *release) (next string, err error) {
	var names []string
	for _, in := range graphOf(nil).ShortestCycle(r) {
		names = append(names, in.result.Name)
	}
	names = append(names, names[0])
	return names[1], failure.WithHint(fmt.Errorf("externalDependencies form a cycle: %s", strings.Join(names, " → ")),
		"remove one of these dependencies from its extension.yaml, or make it optional")
}

// inReports is the order in which releases are listed, and begun where nothing
// else matters: by name, then by version, then by place.
func inReports(a, b *release) int { return results.InReports(a.result, b.result) }

// inOrder sorts releases so that none comes before one it needs; within that, as in
// reports.
func inOrder(releases []*release) []*release {
	sorted := slices.Clone(releases)
	slices.SortFunc(sorted, inReports)
	return graphOf(sorted).Sorted()
}

// graphOf is the graph of what releases need.
func graphOf(releases []*release) graph.Graph[*release] {
	return graph.Graph[*release]{Nodes: releases, Needs: func(r *release) []*release { return r.order.needs }}
}
