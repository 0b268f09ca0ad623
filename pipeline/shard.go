package pipeline

import (
	"slices"

	"github.com/ksrelease/ksrelease/internal/results"
)

// eachCosts is what any release costs besides what it holds, in bytes of content that take as
// long: its requests, and starting to look at it.
const eachCosts = 256 << 10

// weight is what a release costs, in bytes of content that take as long.
func (r *release) weight() int64 { return eachCosts + r.read.size }

// divide gives the releases of each of count shards.
func divide(releases []*release, count int) [][]*release {
	key := func(r *release) string { return r.result.Name + " " + r.result.Version + " " + r.result.Path }
	return inRun(releases).Divide(ordersOf(releases), key, (*release).weight, count)
}

// share keeps the releases of the shard that this run is for. The others are in no order with
// them any more: another job releases them at some time.
func (r *Run) share(releases []*release) []*release {
	if r.Shard.IsWhole() {
		return releases
	}
	kept := divide(releases, r.Shard.Count)[r.Shard.Index-1]
	link(kept)
	return kept
}

// Part is what one of several jobs has to release.
type Part struct {
	Extensions []results.Extension // in the order of reports
	Weight     int64               // its share of the work, in bytes of content
}

// Parts are what several jobs would release, each about as much, after a dry run with Divide.
// What requires each other is in one part.
func (r *Run) Parts() []Part { return r.parts }

// partsOf divides what is planned into at most count parts, without empty ones.
func partsOf(planned []*release, count int) (parts []Part) {
	for _, shard := range divide(planned, count) {
		var part Part
		for _, r := range shard {
			part.Extensions = append(part.Extensions, r.snapshot())
			part.Weight += r.weight()
		}
		if len(shard) > 0 {
			slices.SortFunc(part.Extensions, results.InReports)
			parts = append(parts, part)
		}
	}
	return parts
}
