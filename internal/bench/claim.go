package main

import (
	"fmt"
	"time"
)

// tolerance is by how much of its target a figure may miss it: runs of one program differ by that.
const tolerance = 0.1

// claim is a figure and the target that it is held to.
type claim struct {
	what    string
	is      float64
	target  float64
	atLeast bool // the target is the least; else it is the most
	unit    func(float64) string
	// exact figures are the same in every run and may not miss their target at all.
	exact bool
	// shown figures are not judged: absolute times.
	shown bool
	// missing says why there is nothing to compare with; "" where there is.
	missing string
}

// met says whether a figure is where it is wanted.
func (c claim) met() bool {
	if c.atLeast {
		return c.is >= c.target
	}
	return c.is <= c.target
}

// missed says whether a figure is further from its target than it may be.
func (c claim) missed() bool {
	if c.shown || c.missing != "" || c.met() {
		return false
	}
	if c.exact {
		return true
	}
	if c.atLeast {
		return c.is < c.target*(1-tolerance)
	}
	return c.is > c.target*(1+tolerance)
}

// verdict is what becomes of the figure, for people.
func (c claim) verdict() string {
	switch {
	case c.missing != "":
		return "not compared: " + c.missing
	case c.shown && c.met():
		return "met, not judged"
	case c.shown:
		return "not met, not judged"
	case c.met():
		return "met"
	case c.missed():
		return "MISSED"
	}
	return "within a tenth"
}

// goal is the target, for people.
func (c claim) goal() string {
	if c.atLeast {
		return "≥ " + c.unit(c.target)
	}
	return "≤ " + c.unit(c.target)
}

// reading is the figure, for people.
func (c claim) reading() string {
	if c.missing != "" {
		return "–"
	}
	return c.unit(c.is)
}

// faster claims that ours needs so many times less time than theirs, round by round.
func faster(ours, theirs series, target float64) claim {
	return claim{
		what: ours.name + ": times as fast as " + theirs.name, target: target, atLeast: true, unit: times,
		is: median(ratios(theirs, ours)), missing: theirs.without,
	}
}

// within claims that the largest process of ours never has more memory.
func within(ours series, most float64) claim {
	c := claim{what: "peak memory of " + ours.name, target: most, is: float64(ours.peak()), unit: mebibytes}
	if ours.peak() == 0 {
		c.missing = "this system does not tell memory"
	}
	return c
}

// lasts shows how long ours takes.
func lasts(ours series, most time.Duration) claim {
	return claim{what: ours.name, target: float64(most), is: float64(median(ours.walls())), shown: true, unit: duration}
}

func times(f float64) string      { return fmt.Sprintf("%.1f ×", f) }
func ratio(f float64) string      { return fmt.Sprintf("%.2f", f) }
func number(f float64) string     { return fmt.Sprintf("%.0f", f) }
func duration(f float64) string   { return milliseconds(time.Duration(f)) }
func mebibytes(f float64) string  { return memory(int64(f)) }
func megabytes(f float64) string  { return fmt.Sprintf("%.1f MB", f/1e6) }
func exactBytes(f float64) string { return grouped(int64(f)) + " bytes" }

// memory writes bytes in MiB; a system that does not know them has "unknown".
func memory(bytes int64) string {
	if bytes == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20))
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
