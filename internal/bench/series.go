package main

import (
	"slices"
	"time"
)

// series are the rounds of one tool, in order.
type series struct {
	name    string
	without string // why the tool is not to be had; "" where it is
	rounds  []round
}

func (s series) walls() []time.Duration {
	out := make([]time.Duration, len(s.rounds))
	for i, r := range s.rounds {
		out[i] = r.wall
	}
	return out
}

func (s series) cpus() []time.Duration {
	out := make([]time.Duration, len(s.rounds))
	for i, r := range s.rounds {
		out[i] = r.cpu
	}
	return out
}

// peak is the most memory that a process of any round had.
func (s series) peak() int64 {
	var most int64
	for _, r := range s.rounds {
		most = max(most, r.peak)
	}
	return most
}

// ratios compare the rounds of two tools pair by pair: those that ran one after
// the other, on a machine in much the same mood.
func ratios(a, b series) []float64 {
	out := make([]float64, min(len(a.rounds), len(b.rounds)))
	for i := range out {
		out[i] = float64(a.rounds[i].wall) / float64(b.rounds[i].wall)
	}
	return out
}

// sum are the rounds of several tools one after the other, as one tool.
func sum(of ...series) series {
	out := series{rounds: make([]round, len(of[0].rounds))}
	for _, s := range of {
		for i := range out.rounds {
			out.rounds[i].wall += s.rounds[i].wall
			out.rounds[i].cpu += s.rounds[i].cpu
			out.rounds[i].peak = max(out.rounds[i].peak, s.rounds[i].peak)
		}
	}
	return out
}

// median is the middle one, or the mean of the two in the middle; 0 of none.
func median[T ~int64 | ~float64](of []T) T {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
