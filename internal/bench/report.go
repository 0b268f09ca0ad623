package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// What ksrelease wants to keep to; the ratios are in run, one for each tool
// that it is compared with.
const (
	mostMemory  = 200 << 20
	mostVersion = 40 * time.Millisecond
	mostBinary  = 70_000_000
)

// series are the rounds of one tool, in order.
type series struct {
	name   string
	rounds []round
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

// report is what the bench has found.
type report struct {
	dry     series
	others  []series  // the tools that it is compared with
	targets []float64 // for each of them, the most that dry's share of its time should be
	version series
	binary  int64 // bytes
}

// write prints the rounds, then a line for each target.
func (r report) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TOOL\tMEDIAN\tFASTEST\tSLOWEST\tCPU, MEDIAN\tPEAK MEMORY")
	for _, s := range append([]series{r.dry}, r.others...) {
		walls := s.walls()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.name, milliseconds(median(walls)), milliseconds(slices.Min(walls)), milliseconds(slices.Max(walls)), milliseconds(median(s.cpus())), memory(s.peak()))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, s := range r.others {
		fmt.Fprintf(w, "%s : %s, pair by pair: %s\n", r.dry.name, s.name, join(ratios(r.dry, s)))
	}
	fmt.Fprintln(w)
	fmt.Fprintln(t, "TARGET\tAT MOST\tIS\t")
	for i, s := range r.others {
		ratio := median(ratios(r.dry, s))
		row(t, "dry run : "+s.name, fmt.Sprintf("%.3f", r.targets[i]), fmt.Sprintf("%.3f", ratio), ratio <= r.targets[i])
	}
	if peak := r.dry.peak(); peak > 0 {
		row(t, "peak memory of the dry run", memory(mostMemory), memory(peak), peak <= mostMemory)
	} else {
		fmt.Fprintf(t, "peak memory of the dry run\t%s\t%s\t%s\n", memory(mostMemory), memory(0), "not measured")
	}
	version := median(r.version.walls())
	row(t, r.version.name, milliseconds(mostVersion), milliseconds(version), version <= mostVersion)
	row(t, "binary, stripped", megabytes(mostBinary), megabytes(r.binary), r.binary <= mostBinary)
	return t.Flush()
}

func row(w io.Writer, what, most, is string, met bool) {
	verdict := "met"
	if !met {
		verdict = "NOT MET"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", what, most, is, verdict)
}

func join(ratios []float64) string {
	out := make([]string, len(ratios))
	for i, r := range ratios {
		out[i] = fmt.Sprintf("%.3f", r)
	}
	return strings.Join(out, " ")
}

// memory writes bytes in MiB; a system that does not know them has "unknown".
func memory(bytes int64) string {
	if bytes == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20))
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
