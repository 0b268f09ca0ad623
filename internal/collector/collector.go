// Package collector sets how hard the garbage collector works, for all programs that import
// it, and from before most other packages are initialised.
//
// Go initialises packages in the order of their import paths, as far as what they import is
// ready (The Go Programming Language Specification, "Program initialization",
// https://go.dev/ref/spec#Program_initialization). This one imports little, so that its turn
// comes before the libraries that need megabytes then: with the collector as Go has it, a third
// of the processor time of `ksrelease version` went into collecting what they leave behind.
//
// [Reserve] is for processes that are going to need much memory. A worker begins with that.
package collector

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// most and spare bound how much garbage there may be before it is collected: most percent of what is
// in use, and spare bytes. They trade memory for time: a run is short, and rendering makes much garbage.
// On six real packages most saves a sixth of the processor time and takes 100 MiB instead of 70. Of a
// thousand extensions so much more is in use that it would take 250 MiB, and of ten thousand 1 GiB.
const (
	most  = 400
	spare = 48 << 20
)

// least is the percentage below which collecting would cost more than the memory is worth.
const least = 40

// limit is where memory is dearer than time, and the collector works as hard as it can.
const limit = 1 << 30

// Worker is what a process is called (the first argument of its command line, which has no other) that looks
// at extensions: it makes much garbage, and takes much memory soon.
const Worker = "ksrelease-worker"

// first is most for a worker until it is collected for the first time, at about 24 MiB. With none below 72 MiB
// a run takes 5 ms less after another one of itself, and 15 ms more after programs that have used the memory of the
// machine: new memory costs time to zero, the more so on virtual machines.
const first = 600

// Who sets GOGC or GOMEMLIMIT knows better.
func init() {
	begin := most
	if len(os.Args) == 1 && os.Args[0] == Worker {
		Reserve() // now it is cheap: there is hardly anything to collect
		begin = first
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(begin)
		afterEach(&cycle{percent: begin})
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

// cycle is garbage by the time that a collection ends: it is how a program learns of that. Go allocates
// what has up to 16 bytes together with others, and then may never run its finalizer.
type cycle struct {
	percent int
	_       [2]uint64
}

// changing is held while the percentage changes.
var changing sync.Mutex

// afterEach sets the percentage anew after this collection and each that follows.
func afterEach(c *cycle) {
	runtime.SetFinalizer(c, func(c *cycle) {
		changing.Lock()
		defer changing.Unlock()
		if p := percentFor(inUse()); p != c.percent {
			debug.SetGCPercent(p)
			c.percent = p
		}
		afterEach(c)
	})
}

// percentFor is how much the heap may grow where so many bytes are in use.
func percentFor(live uint64) int {
	return int(min(most, max(least, spare*100/max(live, 1))))
}

// inUse is what the last collection has found in use, in bytes.
func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0 // another version of Go may not have it
	}
	return sample[0].Value.Uint64()
}
