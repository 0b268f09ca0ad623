package pipeline

import (
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/order"
	"github.com/ksrelease/ksrelease/internal/results"
)

// link gives each release what it has to wait for in this run. What its externalDependencies
// name that is not in it is looked for when the plan decides.
func link(releases []*release) {
	for r, o := range inRun(releases).Link() {
		r.order = *o
	}
}

// inReports is the order in which releases are listed, and begun where nothing
// else matters: by name, then by version, then by place.
func inReports(a, b *release) int { return results.InReports(a.result, b.result) }

// inOrder sorts releases so that none comes before one it needs; within that, as in reports.
func inOrder(releases []*release) []*release {
	return inRun(releases).Sorted(ordersOf(releases))
}

func inRun(releases []*release) order.Extensions[*release] {
	return order.Extensions[*release]{
		All:      releases,
		Named:    func(r *release) string { return r.result.Name },
		Metadata: func(r *release) *extension.Metadata { return r.read.metadata },
		Compare:  inReports,
	}
}

func ordersOf(releases []*release) map[*release]*order.Order[*release] {
	orders := map[*release]*order.Order[*release]{}
	for _, r := range releases {
		orders[r] = &r.order
	}
	return orders
}
