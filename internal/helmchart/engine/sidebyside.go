package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// SideBySide does something for each number below n, on all processors. It does not begin a goroutine for
// each: parsers need much stack, which Go makes larger step by step, and anew for each goroutine.
func SideBySide(n int, do func(i int)) {
	var next atomic.Int64
	share := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	var others sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) - 1 {
		others.Go(share)
	}
	share()
	others.Wait()
}
