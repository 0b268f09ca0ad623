package pipeline

import (
	"slices"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/shards"
)

// eachCosts is what any release costs besides what it holds, in bytes of content that take as
// long: its requests, and starting to look at it.
const eachCosts = 256 << 10

// divide gives the releases of each of count shards. What requires each other, and the
// versions of one extension, stay together: the order among them holds in one job alone.
func divide(releases []*release, count int) [][]*release {
	at := map[*release]int{}
	for i, r := range releases {
		at[r] = i
	}
	members := make([]shards.Member, len(releases))
	first := map[string]int{} // of each name
	for i, r := range releases {
		members[i] = shards.Member{Name: r.result.Name + " " + r.result.Version + " " + r.result.Path, Weight: eachCosts + r.read.size}
		for needed := range r.order.firmly { // those in a cycle too, which have to be seen as one
			if other, ok := at[needed]; ok {
				members[i].With = append(members[i].With, other)
			}
		}
		if other, ok := first[r.result.Name]; ok {
			members[i].With = append(members[i].With, other)
		} else {
			first[r.result.Name] = i
		}
	}
	divided := make([][]*release, count)
	for i, shard := range shards.Divide(members, count) {
		for _, m := range shard {
			divided[i] = append(divided[i], releases[m])
		}
	}
	return divided
}

// share keeps the releases of the shard that this run is for. The others are in no order with
// them any more: another job releases them at some time.
func (r *Run) share(releases []*release) []*release {
	if r.Shard.IsWhole() {
		return releases
	}
	kept := divide(releases, r.Shard.Count)[r.Shard.Index-1]
	linkAgain(kept)
	return kept
}

// Part is what one of several jobs has to release.
type Part struct {
	Extensions []results.Extension // in the order of reports
	Weight     int64               // its share of the work, in bytes of content
}

// partsOf divides what is planned into at most count parts, without empty ones.
func partsOf(planned []*release, count int) (parts []Part) {
	for _, shard := range divide(planned, count) {
		var part Part
		for _, r := range shard {
			part.Extensions = append(part.Extensions, r.snapshot())
			part.Weight += eachCosts + r.read.size
		}
		if len(shard) > 0 {
			slices.SortFunc(part.Extensions, results.InReports)
			parts = append(parts, part)
		}
	}
	return parts
}
