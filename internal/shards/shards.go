// Package shards divides extensions among jobs that run at the same time, so that each job has
// about the same work and what needs each other stays together.
package shards

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Most is the largest number of shards: more jobs than any CI service starts for one matrix
// (GitHub Actions, "Workflow syntax": 256 for one workflow run,
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax).
const Most = 256

// Shard is one part of several: 2/5 is {Index: 2, Count: 5}. The zero value is the whole.
type Shard struct {
	Index int // from 1
	Count int
}

// IsWhole says that nothing is divided.
func (s Shard) IsWhole() bool { return s.Count <= 1 }

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// UnmarshalText reads INDEX/COUNT, as in a flag.
func (s *Shard) UnmarshalText(text []byte) error {
	first, second, ok := strings.Cut(string(text), "/")
	index, wrongIndex := strconv.Atoi(first)
	count, wrongCount := strconv.Atoi(second)
	switch {
	case !ok || wrongIndex != nil || wrongCount != nil:
		return fmt.Errorf("it must be INDEX/COUNT, such as 2/5, not %q", text)
	case count < 1 || count > Most:
		return fmt.Errorf("there may be 1 to %d shards, not %d", Most, count)
	case index < 1 || index > count:
		return fmt.Errorf("the shards are 1/%d to %d/%d, not %q", count, count, count, text)
	}
	*s = Shard{index, count}
	return nil
}

// Member is something to be divided.
type Member struct {
	// Name decides where nothing else does, so that each job divides in the same way.
	Name string
	// Weight is how much work it is, in any unit, at least 0.
	Weight int64
	// With are the indexes of members that have to be in the same shard.
	With []int
}

// Divide gives the members, by index, of each of count shards. It goes by names and weights
// alone: jobs that see the same members divide them in the same way. The heaviest group goes
// first, each to the shard that has least to do, which is at most a third more than the best
// division (Graham, "Bounds on Multiprocessing Timing Anomalies", 1969). A shard may be empty.
func Divide(members []Member, count int) [][]int {
	divided := make([][]int, max(1, count))
	load := make([]int64, len(divided))
	for _, g := range groups(members) {
		lightest := 0
		for i := range load {
			if load[i] < load[lightest] {
				lightest = i
			}
		}
		divided[lightest] = append(divided[lightest], g.members...)
		load[lightest] += g.weight
	}
	for _, shard := range divided {
		slices.SortFunc(shard, func(a, b int) int {
			return cmp.Or(strings.Compare(members[a].Name, members[b].Name), cmp.Compare(a, b))
		})
	}
	return divided
}

// group are members that have to stay together.
type group struct {
	members []int
	weight  int64
	name    string // the first of the names
}

// groups are all of them, the heaviest first.
func groups(members []Member) []group {
	neighbours := make([][]int, len(members))
	for i, m := range members {
		for _, other := range m.With {
			neighbours[i] = append(neighbours[i], other)
			neighbours[other] = append(neighbours[other], i)
		}
	}
	var found []group
	seen := make([]bool, len(members))
	for start := range members {
		if seen[start] {
			continue
		}
		seen[start] = true
		g := group{name: members[start].Name}
		for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			g.members = append(g.members, at)
			g.weight += members[at].Weight
			g.name = min(g.name, members[at].Name)
			for _, other := range neighbours[at] {
				if !seen[other] {
					seen[other] = true
					queue = append(queue, other)
				}
			}
		}
		found = append(found, g)
	}
	slices.SortStableFunc(found, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.name, b.name))
	})
	return found
}
