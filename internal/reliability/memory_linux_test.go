package reliability

import (
	"os"
	"syscall"
)

// peakMemory is the most that a process had in memory, in bytes.
func peakMemory(state *os.ProcessState) int64 {
	return state.SysUsage().(*syscall.Rusage).Maxrss << 10
}
