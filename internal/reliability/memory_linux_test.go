package reliability

import (
	"os"
	"runtime/debug"
	"syscall"
)

// peakMemory is the most that a process had in memory, in bytes.
func peakMemory(state *os.ProcessState) int64 {
	return state.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// forgetPeak gives back memory, and forgets what this process had: a process that it starts counts
// that as its own, up to its exec (getrusage(2), ru_maxrss; proc(5), clear_refs).
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // then the limit says so
}
